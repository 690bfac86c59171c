"""What an account's deals say: the trades that were closed, and the money that was paid in or out.

The broker keeps deals, not trades: a position's deals are followed from its opening on, so that each closing deal gets
the price, time and share of commission it was opened with.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from mt5_bridge import constants as mt5
from mt5_bridge.deal_walk import CLOSING, TRADES, Closing, followed
from mt5_bridge.pending import PENDING_TYPES
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import Terminal, read_all
from tradeloom.errors import InvalidInput
from tradeloom.trading.broker import Booked, CashFlow, ClosedTrade, CloseReason, EndedOrder, FlowKind
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

MAX_TRADES = 5_000
MAX_CASH_FLOWS = 1_000
MAX_DAYS = 3_660
_SLACK_S = 3_600
"""A server clock that goes through an hour twice cannot say which one is meant: ask for more, then look at UTC."""

_REASONS: tuple[CloseReason, ...] = (
    "client", "mobile", "web", "expert", "stop_loss", "take_profit", "stop_out", "rollover", "variation_margin", "split"
)  # fmt: skip
"""By `DEAL_REASON_*`."""
_FLOWS: dict[int, FlowKind] = {
    2: "balance", 3: "credit", 4: "charge", 5: "correction", 6: "bonus", 7: "commission", 8: "commission",
    9: "commission", 10: "commission", 11: "commission", 12: "interest", 15: "dividend", 16: "dividend", 17: "tax",
}  # fmt: skip
"""By `DEAL_TYPE_*`: every deal that moves the balance and is no trade."""


_ENDS: Mapping[int, Literal["filled", "cancelled", "expired", "rejected"]] = {
    mt5.ORDER_STATE_CANCELED: "cancelled",
    mt5.ORDER_STATE_PARTIAL: "cancelled",  # filled in part, and the rest taken back
    mt5.ORDER_STATE_FILLED: "filled",
    mt5.ORDER_STATE_REJECTED: "rejected",
    mt5.ORDER_STATE_EXPIRED: "expired",
}
_SIDES = {mt5.ORDER_TYPE_BUY: Side.BUY, mt5.ORDER_TYPE_SELL: Side.SELL} | {
    kind: side for kind, (_, side) in PENDING_TYPES.items()
}


class Ledger:
    """Reads the account's history. Both ends of a period belong to it, as in the terminal."""

    def __init__(self, terminal: Terminal, zone: ServerZone) -> None:
        self._terminal = terminal
        self._zone = zone

    def trades(self, since: datetime, until: datetime, symbol: str | None) -> list[ClosedTrade]:
        """Each deal that closed a position, or a part of it, in the period, the earliest first.

        Raises `InvalidInput` for a period that is too long or holds too many.
        """
        found = self.closings(since, until, symbol)
        _bound(len(found), MAX_TRADES, "closed trades")
        return [self._trade(closing) for closing in found]

    def closings(self, since: datetime, until: datetime, symbol: str | None) -> list[Closing]:
        """The same as deals with what they closed. Raises `InvalidInput` for a period that is too long."""
        wanted: dict[int, list[Any]] = defaultdict(list)
        for deal in self._deals(since, until):
            closes = deal.type in TRADES and deal.entry in CLOSING
            if closes and symbol in (None, deal.symbol) and self._within(deal, since, until):
                wanted[deal.position_id].append(deal)
        closings: list[Closing] = []
        for position, deals in wanted.items():
            # Its whole past, which the period need not hold even where it holds a deal of the order that opened it.
            past = read_all(self._terminal, "history_deals_get", position=position)
            tickets = {deal.ticket for deal in deals}
            closings += (closing for closing in followed(past or deals) if closing.deal.ticket in tickets)
        return sorted(closings, key=lambda closing: (closing.deal.time_msc, closing.deal.ticket))

    def ended_orders(self, since: datetime, until: datetime, tickets: Sequence[int]) -> list[EndedOrder]:
        """Those that left the book in the period, and those of the tickets whenever they did, the earliest first."""
        first, last = self._period(since, until)
        found = {order.ticket: order for order in read_all(self._terminal, "history_orders_get", first, last)}
        for ticket in tickets:
            found |= {order.ticket: order for order in read_all(self._terminal, "history_orders_get", ticket=ticket)}
        ended = [self._ended(order) for order in found.values() if order.state in _ENDS and order.type in _SIDES]
        wanted = [order for order in ended if order.ticket in tickets or since <= order.ended_at <= until]
        _bound(len(wanted), MAX_TRADES, "orders")
        return sorted(wanted, key=lambda order: (order.ended_at, order.ticket))

    def _ended(self, order: Any) -> EndedOrder:
        left = exact(order.volume_current)
        return EndedOrder(
            ticket=order.ticket,
            symbol=order.symbol,
            side=_SIDES[order.type],
            pending=order.type in PENDING_TYPES,
            volume=exact(order.volume_initial),
            filled=exact(order.volume_initial) - left,
            price=order.price_open,
            how=_ENDS[order.state],
            placed_at=self._moment(order.time_setup_msc),
            ended_at=self._moment(order.time_done_msc),
            magic=order.magic,
            comment=order.comment,
        )

    def booked(self, since: datetime, until: datetime) -> Booked:
        """What the deals of a period moved the balance by. Raises `InvalidInput` for one that is too long."""
        traded = charged = paid_in = Decimal(0)
        for deal in self._deals(since, until):
            if not self._within(deal, since, until):
                continue
            if deal.type in TRADES:
                traded += money_of(deal)
            elif deal.type not in _FLOWS or not self._flow(deal).is_capital:
                charged += money_of(deal)
            elif _FLOWS[deal.type] != "credit":
                paid_in += money_of(deal)
        return Booked(traded=traded, charged=charged, paid_in=paid_in)

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        """Every change of the balance in the period that is no trade, the earliest first. Raises `InvalidInput` as
        `trades` does."""
        deals = [deal for deal in self._deals(since, until) if self._within(deal, since, until)]
        found = [self._flow(deal) for deal in deals if deal.type in _FLOWS]
        _bound(len(found), MAX_CASH_FLOWS, "cash flows")
        return sorted(found, key=lambda flow: (flow.time, flow.deal))

    def _flow(self, deal: Any) -> CashFlow:
        return CashFlow(
            deal=deal.ticket,
            time=self.utc(deal),
            kind=_FLOWS[deal.type],
            amount=float(money_of(deal)),
            comment=deal.comment,
        )

    def _deals(self, since: datetime, until: datetime) -> tuple[Any, ...]:
        return read_all(self._terminal, "history_deals_get", *self._period(since, until))

    def _period(self, since: datetime, until: datetime) -> tuple[int, int]:
        if until < since:
            raise InvalidInput("the period ends before it begins", field="until")
        if (until - since).days > MAX_DAYS:
            raise InvalidInput(f"the period is longer than {MAX_DAYS} days", field="since", hint="ask for less at once")
        first = int(self._zone.from_utc(since.timestamp())) - _SLACK_S
        last = int(self._zone.from_utc(until.timestamp())) + _SLACK_S
        return first, last

    def _within(self, deal: Any, since: datetime, until: datetime) -> bool:
        return since <= self.utc(deal) <= until

    def utc(self, deal: Any) -> datetime:
        return self._moment(deal.time_msc)

    def _moment(self, server_msc: int) -> datetime:
        return datetime.fromtimestamp(self._zone.to_utc(server_msc / 1000), tz=UTC)

    def _trade(self, closing: Closing) -> ClosedTrade:
        deal, opened = closing.deal, closing.opened
        return ClosedTrade(
            deal=deal.ticket,
            position=deal.position_id,
            symbol=deal.symbol,
            side=side_closed_by(deal),
            volume=closing.volume,
            price_open=None if closing.price_open is None else float(closing.price_open),
            price_close=deal.price,
            opened_at=self.utc(opened) if opened else None,
            closed_at=self.utc(deal),
            profit=deal.profit,
            swap=deal.swap,
            commission=float(closing.opening.total + closing.closing.total),
            reason=reason_of(deal),
            magic=opened.magic if opened else 0,
            comment=deal.comment,
        )


def side_closed_by(deal: Any) -> Side:
    """The side of the position a closing deal was against."""
    return Side.SELL if deal.type == mt5.DEAL_TYPE_BUY else Side.BUY


def reason_of(deal: Any) -> CloseReason:
    return _REASONS[deal.reason] if 0 <= deal.reason < len(_REASONS) else "other"


def money_of(deal: Any) -> Decimal:
    """What a deal moved the balance by."""
    return exact(deal.profit) + exact(deal.swap) + exact(deal.commission) + exact(deal.fee)


def _bound(count: int, most: int, what: str) -> None:
    if count > most:
        raise InvalidInput(
            f"the period holds {count} {what}, more than {most}", field="since", hint="ask for a shorter one"
        )
