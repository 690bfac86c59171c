"""Exact arithmetic where money, prices and volumes decide."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick


def exact(number: float) -> Decimal:
    """The decimal a person would read: 0.1 is 0.1, not 0.1000000000000000055."""
    return Decimal(str(number))


def total(amounts: Iterable[float]) -> float:
    return float(sum((exact(amount) for amount in amounts), Decimal(0)))


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def to_tick_size(price: Decimal, symbol: "Symbol", rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """The price on the symbol's grid: a multiple of its tick size, with its number of digits."""
    on_grid = (price / symbol.tick_size).to_integral_value(rounding) * symbol.tick_size
    return round(on_grid, symbol.digits)


def towards(entry: Decimal, price: Decimal) -> str:
    """How to round `price` so that it comes no further from `entry`."""
    return ROUND_CEILING if price < entry else ROUND_FLOOR


def spread_points(tick: "Tick", symbol: "Symbol") -> float:
    return float((exact(tick.ask) - exact(tick.bid)) / symbol.point)
