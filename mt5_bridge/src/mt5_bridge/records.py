"""What the broker's own records say of an order: live orders, then history orders, then deals, found by magic number.

Never positions: on a netting account they merge, so one says nothing about a single order. Deals made by a stop loss,
take profit or stop-out carry the magic number of the order that opened the position and are left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.changes import find_change
from mt5_bridge.pending import utc_of
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import Terminal, read_all
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    ModifyIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    PendingOrderIntent,
)

_SLACK = timedelta(days=1)
"""Server clocks and ours differ, and history is asked for by the server's: look a day further on both sides."""
_NOT_OURS = {
    "order": {mt5.ORDER_REASON_SL, mt5.ORDER_REASON_TP, mt5.ORDER_REASON_SO},
    "deal": {
        mt5.DEAL_REASON_SL,
        mt5.DEAL_REASON_TP,
        mt5.DEAL_REASON_SO,
        mt5.DEAL_REASON_ROLLOVER,
        mt5.DEAL_REASON_VMARGIN,
        mt5.DEAL_REASON_SPLIT,
    },
}
_DEAD_STATES = {
    mt5.ORDER_STATE_CANCELED: "cancelled",
    mt5.ORDER_STATE_REJECTED: "rejected",
    mt5.ORDER_STATE_EXPIRED: "expired",
}
_LEFT = {"cancelled": OutcomeStatus.CANCELLED, "expired": OutcomeStatus.EXPIRED}
_DEAL_WAITS_S = (0.0, 0.02, 0.05, 0.1, 0.2)
"""A live terminal's history lags a fill by some milliseconds."""


@dataclass(frozen=True, slots=True)
class Fills:
    """Deals of one order added up: `price` is their volume-weighted mean, `profit` the broker's figure."""

    volume: Decimal
    price: float
    profit: float
    deal: int
    order: int
    position: int


class BrokerRecords:
    """Reads the terminal's records. Methods raise `BrokerError` or `BrokerUnavailable` when they cannot be read."""

    def __init__(self, terminal: Terminal, zone: ServerZone, pause: Callable[[float], None]) -> None:
        self._terminal = terminal
        self.zone = zone
        self._pause = pause

    def fills_of(self, order: int, expected: Decimal) -> Fills | None:
        """The deals of an order the server said it executed, waited for briefly; None if none show up."""
        fills: Fills | None = None
        for wait in _DEAL_WAITS_S:
            self._pause(wait)
            fills = _add_up(self._read("history_deals_get", ticket=order))
            if fills is not None and fills.volume >= expected:
                break
        return None if fills is None else self._by_ticket(fills)

    def find(
        self,
        intent: OrderIntent,
        request: dict[str, Any],
        attempts: int,
        sent_at: datetime,
        now: datetime,
        accepted: int | None = None,
    ) -> OrderOutcome | None:
        """What became of an intent sent at a market time; None when the broker's records do not tell (yet).

        Only positive evidence counts. Dead orders mean a rejection only when every transmission left one, or the order
        the server said it `accepted` (its ticket) is among them: what was sent before that one had been refused. The
        same goes for a pending order that was cancelled or expired: it had been placed. A part that was filled is all
        only when the order is over and says no more: a terminal may show the first deal alone for a while. A change
        leaves no magic number: it is read from its target's state.
        """
        if isinstance(intent, ModifyIntent | CancelIntent):
            return find_change(self, intent, request)
        requested = exact(request["volume"])
        mine = [o for o in self._read("orders_get", symbol=intent.symbol) if _ours(o, intent, "order")]
        since = int(self.zone.from_utc((sent_at - _SLACK).timestamp()))
        until = int(self.zone.from_utc((max(now, sent_at) + _SLACK).timestamp()))
        done = [o for o in self._read("history_orders_get", since, until) if _ours(o, intent, "order")]
        deals = _own([d for d in self._read("history_deals_get", since, until) if _ours(d, intent, "deal")], intent)
        fills = _add_up(deals)
        if fills is not None:
            fills = self._by_ticket(fills)
        if mine and (fills is None or fills.volume < requested):
            return self._resting(intent, mine[-1], requested, fills)
        dead = [o for o in done if o.state in _DEAD_STATES]
        if fills:
            filled = filled_outcome(intent, request, fills)
            if filled.remainder and (not done or _executed(done) > fills.volume):
                return filled.model_copy(
                    update={"status": OutcomeStatus.PLACED, "message": f"{filled.message} so far; more may follow"}
                )
            if filled.remainder and dead and isinstance(intent, PendingOrderIntent):
                return filled.model_copy(update={"reason": _DEAD_STATES[dead[-1].state]})
            return filled
        had_rested = isinstance(intent, PendingOrderIntent) and any(_DEAD_STATES[o.state] in _LEFT for o in dead)
        every_try_died = len(dead) >= attempts or had_rested or any(order.ticket == accepted for order in dead)
        if dead and every_try_died and len(dead) == len(done):
            return self._dead(intent, request, dead[-1], requested)
        return None

    def _resting(self, intent: OrderIntent, order: Any, requested: Decimal, fills: Fills | None) -> OrderOutcome:
        filled = fills.volume if fills else Decimal(0)
        terms: dict[str, Any] = {"message": "accepted by the broker, not filled yet"}
        if isinstance(intent, PendingOrderIntent):
            terms = {
                "position": (fills.position or None) if fills else None,
                "stop_loss": order.sl or None,
                "take_profit": order.tp or None,
                "order_price": order.price_open,
                "limit_price": order.price_stoplimit or None,
                "expires_at": utc_of(order.time_expiration, self.zone),
                "message": "resting at the broker",
            }
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.PLACED,
            order=order.ticket,
            volume=filled,
            remainder=requested - filled,
            price=fills.price if fills else None,
            **terms,
        )

    def _dead(self, intent: OrderIntent, request: dict[str, Any], order: Any, requested: Decimal) -> OrderOutcome:
        """An order that left unfilled. A pending one that was cancelled or expired had been placed: no refusal."""
        how = _DEAD_STATES[order.state]
        left = _LEFT.get(how) if isinstance(intent, PendingOrderIntent) else None
        terms = order_terms(request, self.zone) if left else {}
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=left or OutcomeStatus.REJECTED,
            order=order.ticket,
            remainder=requested if left else Decimal(0),
            reason=None if left else "broker",
            message=f"the order was {how} at the broker",
            **terms,
        )

    def became(self, intent: OrderIntent, request: dict[str, Any], order: Any) -> OrderOutcome | None:
        """What one of the broker's orders became, taken as this intent's; None while that cannot be told."""
        requested = exact(request["volume"])
        fills = _add_up(self._read("history_deals_get", ticket=order.ticket))
        if fills is not None:
            fills = self._by_ticket(fills)
        if self.live_order(order.ticket) is not None:
            return self._resting(intent, order, requested, fills)
        if fills is not None:
            return filled_outcome(intent, request, fills)
        return self._dead(intent, request, order, requested) if order.state in _DEAD_STATES else None

    def deals(self, since: datetime, until: datetime) -> tuple[Any, ...]:
        """All deals between two moments (UTC)."""
        bounds = (int(self.zone.from_utc(moment.timestamp())) for moment in (since, until))
        return self._read("history_deals_get", *bounds)

    def deals_of_position(self, ticket: int) -> tuple[Any, ...]:
        return self._read("history_deals_get", position=ticket)

    def open_position(self, ticket: int) -> Any | None:
        """The position with this ticket, None when there is none."""
        found = self._read("positions_get", ticket=ticket)
        return found[0] if found else None

    def _by_ticket(self, fills: Fills) -> Fills:
        ticket = self.ticket_now(fills.position) if fills.position else 0
        return fills if ticket == fills.position else replace(fills, position=ticket)

    def ticket_now(self, position: int) -> int:
        """The ticket a position has now: a netting position that was turned round goes on under the old identifier, by
        which its deals and orders name it, and bears another ticket, by which it is closed."""
        if self.open_position(position) is not None:
            return position
        bearers = [int(held.ticket) for held in self._read("positions_get") if held.identifier == position]
        return bearers[0] if bearers else position

    def live_order(self, ticket: int) -> Any | None:
        """The order with this ticket that is still working, None when there is none."""
        found = self._read("orders_get", ticket=ticket)
        return found[0] if found else None

    def past_order(self, ticket: int) -> Any | None:
        """The order with this ticket that is done, None when history has none."""
        found = self._read("history_orders_get", ticket=ticket)
        return found[0] if found else None

    def knows_position(self, ticket: int) -> bool:
        """Whether the account ever had it, be it by a ticket it bore only since it was turned round."""
        return bool(self._read("history_deals_get", position=ticket)) or self.is_closed(ticket)

    def last_close(self, position: int) -> Fills | None:
        """The deals that took a position out of the market, whoever closed it; None when history shows none."""
        deals = self._read("history_deals_get", position=position)
        return _add_up([deal for deal in deals if deal.entry != mt5.DEAL_ENTRY_IN])

    def is_closed(self, ticket: int) -> bool:
        """Whether deals are known that took the whole position out of the market, or turned it round.

        A position bears the ticket of the order that opened it, or turned it round (netting): its deals go on under
        the identifier of the first, so the order's own deal says where to look.
        """
        opening = self._read("history_deals_get", ticket=ticket)
        if not opening:
            return False
        held, holder = Decimal(0), 0
        for deal in self._read("history_deals_get", position=opening[0].position_id):
            before, volume = held, exact(deal.volume)
            held += volume if deal.type == mt5.DEAL_TYPE_BUY else -volume
            if before and held * before <= 0 and holder == ticket:
                return True
            if held * before <= 0:
                holder = deal.order
        return False

    def is_only_unlisted(self, ticket: int) -> bool:
        """Whether a position that is not listed is open all the same, by its deals: a terminal that has just connected
        may list nothing yet. Waits briefly for the deal that closed it."""
        for wait in _DEAL_WAITS_S:
            self._pause(wait)
            if not self._read("history_deals_get", ticket=ticket) or self.is_closed(ticket):
                return False
        return True

    def connected(self) -> bool:
        info = self._terminal.terminal_info()
        return info is not None and bool(info.connected)

    def _read(self, function: str, *dates: int, **filters: Any) -> tuple[Any, ...]:
        return read_all(self._terminal, function, *dates, **filters)


def filled_outcome(
    intent: OrderIntent, request: dict[str, Any], fills: Fills, retcode: int | None = None
) -> OrderOutcome:
    """DONE, or PARTIAL with what is missing of the volume that was requested."""
    requested = exact(request["volume"])
    missing = max(requested - fills.volume, Decimal(0))
    closing = intent.position if isinstance(intent, CloseIntent) else None
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.PARTIAL if missing else OutcomeStatus.DONE,
        order=fills.order or None,
        deal=fills.deal or None,
        position=closing or fills.position or None,
        volume=fills.volume,
        remainder=missing,
        price=fills.price,
        profit=fills.profit if closing else None,
        stop_loss=request.get("sl"),
        take_profit=request.get("tp"),
        order_price=request["price"] if isinstance(intent, PendingOrderIntent) else None,
        limit_price=request.get("stoplimit"),
        retcode=retcode,
        message=f"filled {fills.volume} of {requested} lots" if missing else _whole(intent, fills),
    )


def _whole(intent: OrderIntent, fills: Fills) -> str:
    if isinstance(intent, CloseIntent) and intent.volume is not None and intent.volume > fills.volume:
        return f"filled: {fills.volume} lots were open of the {intent.volume} to close"
    return "filled"


def order_terms(request: dict[str, Any], zone: ServerZone) -> dict[str, Any]:
    """A pending order's terms as they were sent, by the names of an outcome."""
    return {
        "stop_loss": request.get("sl"),
        "take_profit": request.get("tp"),
        "order_price": request["price"],
        "limit_price": request.get("stoplimit"),
        "expires_at": utc_of(request["expiration"], zone),
    }


def _executed(orders: Iterable[Any]) -> Decimal:
    """What orders that are over say they were filled with."""
    return sum((exact(order.volume_initial) - exact(order.volume_current) for order in orders), Decimal(0))


def _ours(record: Any, intent: OrderIntent, kind: str) -> bool:
    return bool(record.magic == intent.magic and record.reason not in _NOT_OURS[kind])


def _own(deals: list[Any], intent: OrderIntent) -> list[Any]:
    """Without what somebody else closed: a position closed by hand may do so under the magic number it was opened with.
    An order that opens comes before whatever closes it."""
    if isinstance(intent, CloseIntent) or not deals:
        return deals
    first = min(deals, key=lambda deal: (deal.time_msc, deal.ticket)).order
    return [deal for deal in deals if deal.order == first or deal.entry == mt5.DEAL_ENTRY_IN]


def _add_up(deals: Iterable[Any]) -> Fills | None:
    trades = [deal for deal in deals if deal.type in (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)]
    if not trades:
        return None
    volumes = [exact(deal.volume) for deal in trades]
    volume = sum(volumes, Decimal(0))
    weighted = sum((exact(deal.price) * lots for deal, lots in zip(trades, volumes, strict=True)), Decimal(0))
    last = trades[-1]
    profit = sum((exact(deal.profit) for deal in trades), Decimal(0))
    return Fills(volume, float(weighted / volume), float(profit), last.ticket, last.order, last.position_id)
