"""What happened to an account's orders and positions between two looks at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from tradeloom.nodes.trigger._observing import Happening, Look, moment, told

if TYPE_CHECKING:
    from tradeloom.trading.broker import ClosedTrade, EndedOrder, PendingOrder, Position

Event = Literal[
    "placed",
    "partially_filled",
    "filled",
    "cancelled",
    "expired",
    "rejected",
    "stop_loss",
    "take_profit",
    "stop_out",
    "closed",
]

OVERLAP = timedelta(minutes=10)
"""Deals are asked for again so far back, as a broker's history may show one late; those told are remembered."""
LONGEST_BACK = timedelta(days=30)
MOST_ASKED = 500
"""Orders that left at once and are asked after by ticket."""
_CLOSINGS = frozenset({"stop_loss", "take_profit", "stop_out"})


@dataclass
class OrderEvents:
    """`state` is JSON: the moment of the look, the tickets open then with their lots, and the deals and ended orders
    told lately."""

    look: Look
    state: dict[str, Any]
    happenings: list[Happening] = field(default_factory=list)

    @classmethod
    def since(cls, before: Mapping[str, Any] | None, look: Look) -> Self:
        now, back = look.now, timedelta()
        if before is not None:
            back = min(now - moment(before["at"]) + OVERLAP, LONGEST_BACK)
        # Deals first: what is closed while we read is then seen open now, and closed at the next look.
        trades = look.trades(now - max(back, OVERLAP))
        positions, orders = look.positions(), look.orders()
        waiting = {each.ticket for each in orders}
        gone = [] if before is None else [int(each) for each in before["orders"] if int(each) not in waiting]
        ended = look.ended(now - max(back, OVERLAP), gone[:MOST_ASKED])
        state = {
            "at": told(now),
            "positions": {str(each.ticket): float(each.volume) for each in positions},
            "orders": {str(each.ticket): _kept(each) for each in orders},
            "deals": [each.deal for each in trades],
            "ended": _told_lately(before, gone, [each.ticket for each in ended]),
        }
        made = cls(look, state)
        if before is not None:
            made._compare(before, positions, orders, trades, ended)
            made.happenings.sort(key=lambda each: each.at)
        return made

    def _compare(
        self,
        before: Mapping[str, Any],
        positions: "list[Position]",
        orders: "list[PendingOrder]",
        trades: "list[ClosedTrade]",
        ended: "list[EndedOrder]",
    ) -> None:
        known_deals = set(before["deals"])
        fresh = [each for each in trades if each.deal not in known_deals]
        grown = self._positions(before, positions, fresh)
        for trade in fresh:
            self._closed(trade)
        self._orders(before, orders, grown, {each.ticket: each for each in ended})
        self._passing(before, ended)

    def _positions(
        self, before: Mapping[str, Any], positions: "list[Position]", fresh: "list[ClosedTrade]"
    ) -> dict[tuple[str, str], float]:
        """Tell what was filled; the lots by symbol and side, for the orders they came from."""
        grown: dict[tuple[str, str], float] = {}
        open_now = {each.ticket for each in positions}
        for position in positions:
            lots = float(position.volume) - before["positions"].get(str(position.ticket), 0.0)
            if lots > 1e-9:
                new = str(position.ticket) not in before["positions"]
                at = position.opened_at if new else self.look.now
                payload = position_of(position, told(at)) | {"volume": lots}
                self._tell("filled", f"{position.ticket}:{position.volume}", at, payload)
                key = position.symbol, position.side.value
                grown[key] = grown.get(key, 0.0) + lots
        told_of: set[int] = set()
        for trade in fresh:
            if trade.position in open_now or str(trade.position) in before["positions"] or trade.position in told_of:
                continue
            if trade.price_open is None or trade.opened_at is None or trade.opened_at <= moment(before["at"]):
                continue
            # It came and went between two looks.
            told_of.add(trade.position)
            payload = _of(trade) | {"price": trade.price_open, "at": told(trade.opened_at)}
            self._tell("filled", f"{trade.position}:{trade.volume}", trade.opened_at, payload)
            key = trade.symbol, trade.side.value
            grown[key] = grown.get(key, 0.0) + float(trade.volume)
        return grown

    def _closed(self, trade: "ClosedTrade") -> None:
        event = trade.reason if trade.reason in _CLOSINGS else "closed"
        self._tell(
            event, str(trade.deal), trade.closed_at, _of(trade) | {"deal": trade.deal, "profit": trade.net_profit}
        )

    def _orders(
        self,
        before: Mapping[str, Any],
        orders: "list[PendingOrder]",
        grown: dict[tuple[str, str], float],
        ended: "Mapping[int, EndedOrder]",
    ) -> None:
        now = self.look.now
        for order in orders:
            kept, ticket = _kept(order), str(order.ticket)
            was = before["orders"].get(ticket)
            if was is None and order.placed_at >= moment(before["at"]) - OVERLAP:
                self._tell("placed", ticket, order.placed_at, _waiting(ticket, kept))
            filled = (was or kept)["volume"] - kept["volume"]
            if filled > 1e-9:
                payload = _waiting(ticket, kept) | {"volume": filled}
                self._tell("partially_filled", f"{ticket}:{order.remaining}", now, payload)
        waiting = {str(each.ticket) for each in orders}
        for ticket, was in before["orders"].items():
            if ticket in waiting:
                continue
            end = ended.get(int(ticket))
            if end is not None:
                if end.how != "filled":
                    self._tell(end.how, ticket, end.ended_at, _waiting(ticket, was))
                continue
            # The history does not show it yet: told by what else is seen.
            key = was["symbol"], was["side"]
            if ticket in self.state["positions"] or grown.get(key, 0.0) >= was["volume"] - 1e-9:
                grown[key] = grown.get(key, 0.0) - was["volume"]
                continue
            expires = was["expires"]
            event: Event = "expired" if expires is not None and moment(expires) <= now else "cancelled"
            self._tell(event, ticket, now, _waiting(ticket, was))

    def _passing(self, before: Mapping[str, Any], ended: "list[EndedOrder]") -> None:
        """Orders that came and went between two looks, and those the broker would not take."""
        told_before = set(before.get("ended", ()))
        for order in ended:
            ticket = str(order.ticket)
            fresh = order.ended_at > moment(before["at"]) - OVERLAP and order.ticket not in told_before
            if not fresh or "ended" not in before or ticket in before["orders"] or order.how == "filled":
                continue
            payload = _waiting(ticket, _ended(order))
            if order.how == "rejected":
                self._tell("rejected", ticket, order.ended_at, payload)
            elif order.pending:
                self._tell("placed", ticket, order.placed_at, payload)
                self._tell(order.how, ticket, order.ended_at, payload)

    def _tell(self, event: str, key: str, at: datetime, payload: Mapping[str, Any]) -> None:
        whole = {**payload, "event": event, "at": told(at)}
        self.happenings.append(Happening(f"{event}:{key}", at, whole))


def _told_lately(before: Mapping[str, Any] | None, gone: list[int], ended: list[int]) -> list[int]:
    """Orders that are told of, or from before, so that none is told again when the history shows it late."""
    known = list(dict.fromkeys([*(before or {}).get("ended", ()), *gone, *ended]))
    return known[-max(MOST_ASKED, len(gone) + len(ended)) :]


def position_of(position: "Position", at: str) -> dict[str, Any]:
    """A position as if it was filled then."""
    return {
        "event": "filled",
        "ticket": position.ticket,
        "deal": None,
        "symbol": position.symbol,
        "side": position.side.value,
        "volume": float(position.volume),
        "price": position.price_open,
        "profit": None,
        "workflow_id": position.workflow_id,
        "at": at,
    }


def _of(trade: "ClosedTrade") -> dict[str, Any]:
    return {
        "ticket": trade.position,
        "deal": None,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "volume": float(trade.volume),
        "price": trade.price_close,
        "profit": None,
        "workflow_id": trade.workflow_id,
    }


def _kept(order: "PendingOrder") -> dict[str, Any]:
    """What a memory holds of a waiting order; once it is gone nobody else knows."""
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "volume": float(order.remaining),
        "price": order.price,
        "expires": None if order.expires_at is None else told(order.expires_at),
        "workflow": order.workflow_id,
    }


def _ended(order: "EndedOrder") -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "volume": float(order.volume - order.filled),
        "price": order.price,
        "workflow": order.workflow_id,
    }


def _waiting(ticket: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ticket": int(ticket),
        "deal": None,
        "symbol": kept["symbol"],
        "side": kept["side"],
        "volume": kept["volume"],
        "price": kept["price"],
        "profit": None,
        "workflow_id": kept["workflow"],
    }
