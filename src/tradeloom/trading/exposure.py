"""What an account is exposed to once its working orders, and one more, are filled: pure.

A market may fill any of the working orders and not the others, so what counts is the worst that any of these choices
leads to. On a hedging account positions stand side by side: on each side everything adds up. On a netting account they
net, so a side's worst is the net position and all the working orders of that side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from tradeloom.trading.intents import Side

_NONE = Decimal(0)


class SymbolLots(NamedTuple):
    """Lots in one symbol, each at least zero: open positions and working orders by side."""

    long: Decimal = _NONE
    short: Decimal = _NONE
    buying: Decimal = _NONE
    selling: Decimal = _NONE

    def with_order(self, side: Side, lots: Decimal) -> "SymbolLots":
        """A market order, too, counts as working: it may fill or not."""
        if side is Side.BUY:
            return SymbolLots(self.long, self.short, self.buying + lots, self.selling)
        return SymbolLots(self.long, self.short, self.buying, self.selling + lots)

    def held(self) -> "SymbolLots":
        """Without what is working."""
        return SymbolLots(self.long, self.short)

    def side(self, side: Side, *, netting: bool) -> Decimal:
        """The most lots that can come to be held on a side."""
        held, against, working = (
            (self.long, self.short, self.buying) if side is Side.BUY else (self.short, self.long, self.selling)
        )
        return max(held - against + working, _NONE) if netting else held + working

    def largest(self) -> Decimal:
        """The most on either side, netting."""
        return max(self.side(Side.BUY, netting=True), self.side(Side.SELL, netting=True))

    def gross(self, *, netting: bool) -> Decimal:
        """The most on both sides together; netting can only ever hold one."""
        if netting:
            return self.largest()
        return self.side(Side.BUY, netting=False) + self.side(Side.SELL, netting=False)


_NO_LOTS = SymbolLots()


@dataclass(frozen=True, slots=True)
class Projected:
    """Money at stake without an order and with it."""

    before: Decimal
    after: Decimal

    def breaks(self, limit: Decimal) -> bool:
        """Whether the order takes it above the limit, or further above. One that reduces it may always pass."""
        return self.after > limit and self.after > self.before


@dataclass(frozen=True, slots=True)
class Exposure:
    """An account's lots by symbol, and what a lot of each is worth in the account's currency."""

    lots: Mapping[str, SymbolLots]
    lot_value: Mapping[str, Decimal]
    netting: bool

    def of_symbol(self, symbol: str, side: Side, volume: Decimal) -> Projected:
        """In its symbol: on the order's side, which what is held on the other makes no room on; netting, where a side
        is the other's end, on the larger one."""
        before = self.lots.get(symbol, _NO_LOTS)
        after = before.with_order(side, volume)
        value = self.lot_value[symbol]
        if self.netting:
            return Projected(before.largest() * value, after.largest() * value)
        return Projected(before.side(side, netting=False) * value, after.side(side, netting=False) * value)

    def of_all(self, symbol: str, side: Side, volume: Decimal) -> Projected:
        """Gross, in all symbols."""
        before = self.lots.get(symbol, _NO_LOTS)
        total = sum((self._gross(name, lots) for name, lots in self.lots.items()), _NONE)
        rest = total - self._gross(symbol, before)
        return Projected(total, rest + self._gross(symbol, before.with_order(side, volume)))

    def growth(self, symbol: str, side: Side, volume: Decimal) -> Decimal:
        """By how many lots the side gets larger: what needs margin."""
        before = self.lots.get(symbol, _NO_LOTS)
        after = before.with_order(side, volume)
        return after.side(side, netting=self.netting) - before.side(side, netting=self.netting)

    def _gross(self, symbol: str, lots: SymbolLots) -> Decimal:
        gross = lots.gross(netting=self.netting)
        return gross * self.lot_value[symbol] if gross else _NONE


@dataclass(frozen=True, slots=True)
class Holding:
    """A position, or a working order with the lots it has still to fill. `workflow_id` is None for anyone else's;
    `price` is what a lot of it is valued at."""

    symbol: str
    side: Side
    lots: Decimal
    price: float
    magic: int
    is_open: bool
    workflow_id: str | None = None


def lots_by_symbol(holdings: Iterable[Holding]) -> dict[str, SymbolLots]:
    sums: dict[str, list[Decimal]] = {}
    for each in holdings:
        lots = sums.setdefault(each.symbol, [_NONE] * 4)
        lots[(0 if each.is_open else 2) + (each.side is Side.SELL)] += each.lots
    return {symbol: SymbolLots(*lots) for symbol, lots in sums.items()}
