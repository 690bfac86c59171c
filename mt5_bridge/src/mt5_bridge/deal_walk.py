"""Following a position through its deals, from its opening on: what each closing deal took, and at what cost.

A netting position that grows has one mean price, as the broker reckons it (never first in, first out), so what opening
it cost is shared by lots too. A share is cut to a fixed grain and what is left stays with the lots that are open, so
that whatever the order of deals no cent is lost or counted twice: what all closings bear and what is still open add up
to what the deals say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from mt5_bridge import constants as mt5
from tradeloom.trading.exact import exact

TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)
CLOSING = (mt5.DEAL_ENTRY_OUT, mt5.DEAL_ENTRY_INOUT, mt5.DEAL_ENTRY_OUT_BY)
_GRAIN = Decimal("1e-8")
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Costs:
    """Commission and fee in the account's currency, negative when they were paid."""

    commission: Decimal = _NOTHING
    fee: Decimal = _NOTHING

    @classmethod
    def of(cls, deal: Any) -> "Costs":
        return cls(exact(deal.commission), exact(deal.fee))

    @property
    def total(self) -> Decimal:
        return self.commission + self.fee

    def share(self, part: Decimal, whole: Decimal) -> "Costs":
        """What falls to `part` of `whole` lots: cut to the grain, all of it for all lots."""
        if part >= whole:
            return self
        return Costs(_cut(self.commission * part / whole), _cut(self.fee * part / whole))

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(self.commission + other.commission, self.fee + other.fee)

    def __sub__(self, other: "Costs") -> "Costs":
        return Costs(self.commission - other.commission, self.fee - other.fee)


@dataclass(frozen=True, slots=True)
class Closing:
    """A deal that closed a position, or the part `volume` of it.

    `held` lots were open before it and `left` after, at the mean `price_open`; `entries` are the deals they came from,
    the earliest first. Both are empty where the history does not reach back to the opening.
    """

    deal: Any
    volume: Decimal
    held: Decimal
    left: Decimal
    price_open: Decimal | None
    entries: tuple[Any, ...]
    opening: Costs
    closing: Costs

    @property
    def opened(self) -> Any:
        """The deal that opened the position; None where the history does not show it."""
        return self.entries[0] if self.entries else None


@dataclass(slots=True)
class Holding:
    """What is open of a position while its deals are followed: lots, mean price, and what opening them has cost."""

    volume: Decimal = _NOTHING
    price: Decimal = _NOTHING
    costs: Costs = Costs()
    entries: list[Any] = field(default_factory=list)

    def add(self, deal: Any, volume: Decimal, costs: Costs) -> None:
        self.price = (self.price * self.volume + exact(deal.price) * volume) / (self.volume + volume)
        self.volume += volume
        self.costs += costs
        self.entries.append(deal)

    def close(self, deal: Any) -> tuple[Closing, Decimal]:
        """What the deal closes, taken out of what is held; and how many of its lots are left to open the other side.

        A reversal closes all there is; its own costs are shared between what it closed and what it opened.
        """
        lots, costs = exact(deal.volume), Costs.of(deal)
        reverses = deal.entry == mt5.DEAL_ENTRY_INOUT
        volume = self.volume if reverses and self.volume else lots
        opening = self.costs.share(volume, self.volume) if self.volume else Costs()
        taken = min(volume, self.volume)
        closing = Closing(
            deal=deal,
            volume=volume,
            held=self.volume,
            left=self.volume - taken,
            price_open=self.price if self.entries else None,
            entries=tuple(self.entries),
            opening=opening,
            closing=costs.share(volume, lots),
        )
        self.costs -= opening
        self.volume -= taken
        if not self.volume:
            self.entries = []
        return closing, max(lots - volume, _NOTHING) if reverses else _NOTHING


def followed(deals: Iterable[Any], holding: Holding | None = None) -> Iterator[Closing]:
    """The closings among all the deals of one position; `holding` is left with what is open after the last."""
    holding = Holding() if holding is None else holding
    for deal in sorted(deals, key=lambda deal: (deal.time_msc, deal.ticket)):
        if deal.type not in TRADES:
            continue
        if deal.entry == mt5.DEAL_ENTRY_IN:
            holding.add(deal, exact(deal.volume), Costs.of(deal))
            continue
        closing, rest = holding.close(deal)
        yield closing
        if rest:
            holding.add(deal, rest, Costs.of(deal) - closing.closing)


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(_GRAIN, ROUND_DOWN)
