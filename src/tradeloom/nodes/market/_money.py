"""Sums of money, prices on the grid, spreads: exactly."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from tradeloom.trading.exact import exact

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick


def total(amounts: Iterable[float]) -> float:
    return float(sum((exact(amount) for amount in amounts), Decimal(0)))


def to_tick_size(price: Decimal, symbol: "Symbol") -> Decimal:
    """The nearest price on the symbol's grid: a multiple of its tick size, with its number of digits."""
    steps = (price / symbol.tick_size).to_integral_value(ROUND_HALF_EVEN)
    return round(steps * symbol.tick_size, symbol.digits)


def spread_points(tick: "Tick", symbol: "Symbol") -> float:
    return float((exact(tick.ask) - exact(tick.bid)) / symbol.point)
