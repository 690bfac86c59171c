"""What an account's deals say: the trades that were closed, and the money that was paid in or out.

The broker keeps deals, not trades: a position's deals are followed from its opening on, so that each closing deal gets
the price, time and share of commission it was opened with.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import Terminal, read_all
from tradeloom.errors import InvalidInput
from tradeloom.trading.broker import CashFlow, ClosedTrade
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

MAX_TRADES = 5_000
MAX_CASH_FLOWS = 1_000
MAX_DAYS = 3_660
_SLACK_S = 3_600
"""A server clock that goes through an hour twice cannot say which one is meant: ask for more, then look at UTC."""

_TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)
_CLOSING = (mt5.DEAL_ENTRY_OUT, mt5.DEAL_ENTRY_INOUT, mt5.DEAL_ENTRY_OUT_BY)
_REASONS = (
    "client", "mobile", "web", "expert", "stop_loss", "take_profit", "stop_out", "rollover", "variation_margin", "split"
)  # fmt: skip
"""By `DEAL_REASON_*`."""
_FLOWS = {
    2: "balance", 3: "credit", 4: "charge", 5: "correction", 6: "bonus", 7: "commission", 8: "commission",
    9: "commission", 10: "commission", 11: "commission", 12: "interest", 15: "dividend", 16: "dividend", 17: "tax",
}  # fmt: skip
"""By `DEAL_TYPE_*`: every deal that moves the balance and is no trade."""


class Ledger:
    """Reads the account's history. Both ends of a period belong to it, as in the terminal."""

    def __init__(self, terminal: Terminal, zone: ServerZone) -> None:
        self._terminal = terminal
        self._zone = zone

    def trades(self, since: datetime, until: datetime, symbol: str | None) -> list[ClosedTrade]:
        """Each deal that closed a position, or a part of it, in the period, the earliest first.

        Raises `InvalidInput` for a period that is too long or holds too many.
        """
        found = [deal for deal in self._deals(since, until) if deal.type in _TRADES]
        if symbol is not None:
            found = [deal for deal in found if deal.symbol == symbol]
        closing = {deal.ticket for deal in found if deal.entry in _CLOSING and self._within(deal, since, until)}
        _bound(len(closing), MAX_TRADES, "closed trades")
        held = defaultdict(list)
        for deal in found:
            held[deal.position_id].append(deal)
        trades: list[ClosedTrade] = []
        for position, deals in held.items():
            if not any(deal.ticket in closing for deal in deals):
                continue
            # A position bears the number of the order that opened it: with that one at hand its whole past is.
            whole = any(deal.order == position and deal.entry == mt5.DEAL_ENTRY_IN for deal in deals)
            past = deals if whole else read_all(self._terminal, "history_deals_get", position=position)
            trades += (trade for trade in self._followed(past or deals) if trade.deal in closing)
        return sorted(trades, key=lambda trade: (trade.closed_at, trade.deal))

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        """Every change of the balance in the period that is no trade, the earliest first. Raises `InvalidInput` as
        `trades` does."""
        found = [
            CashFlow(
                deal=deal.ticket,
                time=self._utc(deal),
                kind=_FLOWS[deal.type],
                amount=float(exact(deal.profit) + _costs(deal) + exact(deal.swap)),
                comment=deal.comment,
            )
            for deal in self._deals(since, until)
            if deal.type in _FLOWS and self._within(deal, since, until)
        ]
        _bound(len(found), MAX_CASH_FLOWS, "cash flows")
        return sorted(found, key=lambda flow: (flow.time, flow.deal))

    def _deals(self, since: datetime, until: datetime) -> tuple[Any, ...]:
        if until < since:
            raise InvalidInput("the period ends before it begins", field="until")
        if (until - since).days > MAX_DAYS:
            raise InvalidInput(f"the period is longer than {MAX_DAYS} days", field="since", hint="ask for less at once")
        first = int(self._zone.from_utc(since.timestamp())) - _SLACK_S
        last = int(self._zone.from_utc(until.timestamp())) + _SLACK_S
        return read_all(self._terminal, "history_deals_get", first, last)

    def _within(self, deal: Any, since: datetime, until: datetime) -> bool:
        return since <= self._utc(deal) <= until

    def _utc(self, deal: Any) -> datetime:
        return datetime.fromtimestamp(self._zone.to_utc(deal.time_msc / 1000), tz=UTC)

    def _followed(self, deals: Sequence[Any]) -> Iterator[ClosedTrade]:
        """The closings among all the deals of one position."""
        held = _Held()
        for deal in sorted(deals, key=lambda deal: (deal.time_msc, deal.ticket)):
            if deal.type not in _TRADES:
                continue
            if deal.entry in _CLOSING:
                yield self._closed(deal, held)
            if deal.entry in (mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_INOUT):
                held.add(deal)

    def _closed(self, deal: Any, held: "_Held") -> ClosedTrade:
        """Takes what the deal closes out of `held`. A reversal closes all there is; its rest opens the other side."""
        lots = exact(deal.volume)
        volume = held.volume if deal.entry == mt5.DEAL_ENTRY_INOUT and held.volume else lots
        opened = held.first
        trade = ClosedTrade(
            deal=deal.ticket,
            position=deal.position_id,
            symbol=deal.symbol,
            side=Side.SELL if deal.type == mt5.DEAL_TYPE_BUY else Side.BUY,
            volume=volume,
            price_open=float(held.price) if opened else None,
            price_close=deal.price,
            opened_at=self._utc(opened) if opened else None,
            closed_at=self._utc(deal),
            profit=deal.profit,
            swap=deal.swap,
            commission=float(held.share_of_costs(volume) + _costs(deal) * volume / lots),
            reason=_REASONS[deal.reason] if 0 <= deal.reason < len(_REASONS) else "other",
            magic=opened.magic if opened else 0,
            comment=deal.comment,
        )
        held.take(volume)
        return trade


@dataclass(slots=True)
class _Held:
    """What is open of a position while its deals are followed: lots, mean price, and what its opening has cost."""

    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    costs: Decimal = Decimal(0)
    first: Any = None
    taken: Decimal = Decimal(0)
    """Lots the last closing took: a reversal opens the rest of its deal."""

    def add(self, deal: Any) -> None:
        lots = exact(deal.volume)
        opened = lots - self.taken if deal.entry == mt5.DEAL_ENTRY_INOUT else lots
        if opened <= 0:
            return
        if not self.volume:
            self.first = deal
        self.price = (self.price * self.volume + exact(deal.price) * opened) / (self.volume + opened)
        self.volume += opened
        self.costs += _costs(deal) * opened / lots

    def share_of_costs(self, volume: Decimal) -> Decimal:
        return self.costs * min(volume / self.volume, Decimal(1)) if self.volume else Decimal(0)

    def take(self, volume: Decimal) -> None:
        self.costs -= self.share_of_costs(volume)
        self.taken = min(volume, self.volume)
        self.volume -= self.taken
        if not self.volume:
            self.first = None


def _costs(deal: Any) -> Decimal:
    """Commission and fee, negative when they were paid."""
    return exact(deal.commission) + exact(deal.fee)


def _bound(count: int, most: int, what: str) -> None:
    if count > most:
        raise InvalidInput(
            f"the period holds {count} {what}, more than {most}", field="since", hint="ask for a shorter one"
        )
