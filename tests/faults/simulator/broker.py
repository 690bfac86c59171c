"""The trade server: positions, orders, deals, and what it does with a request. It never fails; the way to it does.

Every record says by whose request it came about (`Effect`), which is what the invariants judge by: the truth, however
the comments are rewritten and whatever the terminal shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.paper.structs import TradeDeal, TradeOrder, TradePosition
from tests.faults.simulator.kernel import Kernel

SYMBOL, OTHER_SYMBOL = "EURUSD", "GBPUSD"
BID, ASK = 1.1, 1.1001
LATEST_DEAL_S = 1.0
"""Between the first and the last deal of an order."""
CLOSED, BAD_VOLUME, NOT_FOUND = 10036, 10038, 10013
_BUYS = frozenset({mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_BUY_STOP})


@dataclass(slots=True)
class Effect:
    """What one magic number did: deals as (entry, lots), and orders that were placed to rest."""

    deals: list[tuple[int, float]] = field(default_factory=list)
    filled_orders: set[int] = field(default_factory=set)
    placed: list[int] = field(default_factory=list)
    removed: int = 0

    @property
    def volume(self) -> float:
        return round(sum(lots for _, lots in self.deals), 8)


@dataclass(slots=True)
class Reply:
    """What the server answers."""

    retcode: int
    order: int = 0
    deal: int = 0
    volume: float = 0.0
    price: float = 0.0
    comment: str = "Request executed"


class Server:
    """An account's books. `rewrites` puts the broker's own words in place of every comment."""

    def __init__(self, kernel: Kernel, *, hedging: bool, rewrites: bool) -> None:
        self._kernel = kernel
        self.hedging = hedging
        self._rewrites = rewrites
        self._ticket = 1000
        self.positions: dict[int, TradePosition] = {}
        self.orders: dict[int, TradeOrder] = {}
        self.history: list[TradeOrder] = []
        self.leaving: list[TradeOrder] = []
        self.deals: list[TradeDeal] = []
        self.effects: dict[int, Effect] = {}
        self.on_deal: Callable[[], None] = lambda: None

    def effect(self, magic: int) -> Effect:
        return self.effects.setdefault(magic, Effect())

    # Requests

    def carry_out(self, request: dict[str, Any], share: float = 1.0) -> Reply:
        """Executes a request, a deal of `share` of its volume."""
        match request["action"]:
            case mt5.TRADE_ACTION_DEAL:
                return self._deal(request, share)
            case mt5.TRADE_ACTION_PENDING:
                order = self._make_order(request, mt5.ORDER_STATE_PLACED)
                self.orders[order.ticket] = order
                self.effect(request["magic"]).placed.append(order.ticket)
                self._kernel.say("broker", f"order {order.ticket} rests")
                return Reply(10009, order=order.ticket, volume=request["volume"])
            case mt5.TRADE_ACTION_REMOVE:
                if self._leave(request["order"], mt5.ORDER_STATE_CANCELED):
                    self.effect(request["magic"]).removed += 1
                    return Reply(10009, order=request["order"])
                return Reply(NOT_FOUND, comment="Invalid request")
        return Reply(NOT_FOUND, comment="Invalid request")

    def accept(self, request: dict[str, Any]) -> int:
        """A deal that waits for its execution (10008): the order is live until `fulfil`."""
        order = self._make_order(request, mt5.ORDER_STATE_PLACED)
        self.orders[order.ticket] = order
        return order.ticket

    def fulfil(self, ticket: int, request: dict[str, Any], shares: tuple[float, ...]) -> None:
        """Fills an accepted order in as many deals, or rejects it when there is nothing (any more) to fill.

        Between two deals the order is live, and a terminal lists it until it has heard of the last one.
        """
        order = self.orders.get(ticket)
        if order is None:
            return
        if not shares or self._fillable(request, sum(shares)) is not None:
            del self.orders[ticket]
            self.history.append(order._replace(state=mt5.ORDER_STATE_REJECTED, **self._done()))
            self._kernel.say("broker", f"order {ticket} is rejected")
            return
        first, *others = (round(request["volume"] * share, 2) for share in shares)
        if not others or not others[0]:
            del self.orders[ticket]
            self._fill(ticket, request, first)
            return
        second = round(request["volume"] - first, 2)
        self._fill(ticket, request, first, ends=False)
        self.orders[ticket] = order._replace(volume_current=second)
        self._kernel.at(LATEST_DEAL_S, lambda: self._finish(ticket, request, second))

    def _finish(self, ticket: int, request: dict[str, Any], lots: float) -> None:
        order = self.orders.pop(ticket)
        named = request.get("position")
        if named and (named not in self.positions or self.positions[named].volume < lots - 1e-9):
            lots = 0.0  # somebody else closed the rest
            state = mt5.ORDER_STATE_CANCELED
            self.history.append(order._replace(state=state, **self._done()))
            return
        self.leaving.append(order)
        self._fill(ticket, request, lots)

    def reject(self, request: dict[str, Any]) -> None:
        """Leaves a dead order behind."""
        self.history.append(self._make_order(request, mt5.ORDER_STATE_REJECTED)._replace(**self._done()))

    # People and the market

    def trade_by_hand(self, side: int, lots: float, magic: int) -> None:
        """Somebody else's order in the same symbol, with another magic number or none."""
        request = {"type": side, "volume": lots, "magic": magic, "symbol": SYMBOL, "price": ASK, "comment": "by hand"}
        self._deal({"action": mt5.TRADE_ACTION_DEAL, **request}, 1.0)

    def trigger(self, ticket: int) -> None:
        """The market reaches a pending order."""
        order = self.orders.pop(ticket, None)
        if order is None:
            return
        side = mt5.ORDER_TYPE_BUY if order.type in _BUYS else mt5.ORDER_TYPE_SELL
        request = {"type": side, "volume": order.volume_initial, "magic": order.magic, "symbol": order.symbol}
        self._fill(ticket, request | {"price": order.price_open, "comment": order.comment}, order.volume_initial)

    def resting(self) -> list[int]:
        """Tickets of the pending orders."""
        return [ticket for ticket, order in self.orders.items() if order.type > mt5.ORDER_TYPE_SELL]

    def take_away(self, ticket: int) -> None:
        """A person cancels a pending order."""
        self._leave(ticket, mt5.ORDER_STATE_CANCELED)

    # Books

    def _deal(self, request: dict[str, Any], share: float) -> Reply:
        refused = self._fillable(request, share)
        if refused is not None:
            return Reply(refused, comment="Position doesn't exist")
        lots = round(request["volume"] * share, 2)
        order = self._next()
        deal = self._fill(order, request, lots)
        partly = lots < request["volume"]
        return Reply(10010 if partly else 10009, order=order, deal=deal, volume=lots, price=request["price"])

    def _fillable(self, request: dict[str, Any], share: float) -> int | None:
        if not request.get("position"):
            return None
        held = self.positions.get(request["position"])
        if held is None:
            return CLOSED
        return BAD_VOLUME if request["volume"] * share > held.volume + 1e-9 else None

    def _fill(self, ticket: int, request: dict[str, Any], lots: float, *, ends: bool = True) -> int:
        """One deal; `ends` when it is the order's last."""
        side, magic = request["type"], request["magic"]
        position, entry = self._book(ticket, request, lots)
        deal = self._next()
        now, msc = self._now()
        profit = 5.0 if entry else 0.0
        comment = self._comment(request)
        price, symbol = request["price"], request["symbol"]
        self.deals.append(
            TradeDeal(deal, ticket, now, msc, side, entry, magic, position, 3, lots, price, 0.0, 0.0, profit, 0.0,
                      symbol, comment, "")
        )  # fmt: skip
        effect = self.effect(magic)
        effect.deals.append((entry, lots))
        if ends:
            left = round(request["volume"] - sum(deal.volume for deal in self.deals if deal.order == ticket), 2)
            state = mt5.ORDER_STATE_PARTIAL if left else mt5.ORDER_STATE_FILLED
            order = self._make_order(request, state, ticket)
            self.history.append(order._replace(volume_current=left, position_id=position, **self._done()))
        effect.filled_orders.add(ticket)
        if self._kernel.trace is not None:
            self._kernel.say("broker", f"deal {deal} of order {ticket}: {lots} lots, entry {entry}, magic {magic}")
        self.on_deal()
        return deal

    def _book(self, ticket: int, request: dict[str, Any], lots: float) -> tuple[int, int]:
        """Moves the positions; (position identifier, entry) of the deal."""
        side = request["type"]
        named = request.get("position") or 0
        # The second deal of an order adds to the position the first one opened.
        held = self.positions.get(named or ticket)
        if held is None and not self.hedging:
            held = next((p for p in self.positions.values() if p.symbol == request["symbol"]), None)
        if held is None:
            self._open(ticket, ticket, request, side, lots)
            return ticket, mt5.DEAL_ENTRY_IN
        if held.type == side and not named:  # more of the same
            self.positions[held.ticket] = held._replace(volume=round(held.volume + lots, 2))
            return held.identifier, mt5.DEAL_ENTRY_IN
        left = round(held.volume - lots, 2)
        if left > 0:
            self.positions[held.ticket] = held._replace(volume=left)
            return held.identifier, mt5.DEAL_ENTRY_OUT
        del self.positions[held.ticket]
        if left == 0:
            return held.identifier, mt5.DEAL_ENTRY_OUT
        self._open(ticket, held.identifier, request, side, -left)
        return held.identifier, mt5.DEAL_ENTRY_INOUT

    def _open(self, ticket: int, identifier: int, request: dict[str, Any], side: int, lots: float) -> None:
        now, msc = self._now()
        price, magic = request["price"], request["magic"]
        self.positions[ticket] = TradePosition(
            ticket, now, msc, now, msc, side, magic, identifier, 3, lots, price, 0.0, 0.0, price, 0.0, 0.0,
            request["symbol"], self._comment(request), "",
        )  # fmt: skip

    def _make_order(self, request: dict[str, Any], state: int, ticket: int = 0) -> TradeOrder:
        now, msc = self._now()
        lots = request["volume"]
        return TradeOrder(
            ticket or self._next(), now, msc, 0, 0, request.get("expiration", 0), request["type"],
            request.get("type_time", 0), request.get("type_filling", 0), state, request["magic"],
            request.get("position", 0), 0, 3, lots, lots, request["price"], request.get("sl", 0.0),
            request.get("tp", 0.0), BID, request.get("stoplimit", 0.0), request["symbol"], self._comment(request), "",
        )  # fmt: skip

    def _leave(self, ticket: int, state: int) -> bool:
        order = self.orders.pop(ticket, None)
        if order is None:
            return False
        self.history.append(order._replace(state=state, **self._done()))
        self._kernel.say("broker", f"order {ticket} leaves with state {state}")
        return True

    def _done(self) -> dict[str, Any]:
        now, msc = self._now()
        return {"time_done": now, "time_done_msc": msc}

    def _now(self) -> tuple[int, int]:
        """In seconds and in milliseconds."""
        at = self._kernel.time()
        return int(at), int(at * 1000)

    def _comment(self, request: dict[str, Any]) -> str:
        return "dealing desk" if self._rewrites else str(request.get("comment", ""))

    def _next(self) -> int:
        self._ticket += 1
        return self._ticket
