"""Stop loss and take profit: given as a price or as a distance, checked, and put on the symbol's price grid."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.market._money import exact, to_tick_size
from tradeloom.trading.intents import Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick

Measure = Literal["price", "pips", "points", "distance"]
OptionalMeasure = Literal["none", "price", "pips", "points", "distance"]
MEASURE_HELP = (
    "A price, or how far from the entry: in pips, in points (the symbol's smallest unit), or as a distance in price "
    "(twice an ATR, say)."
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop loss (`loss`) or take profit as configured; `field` is the config field its value stands in."""

    field: str
    measure: Measure
    value: float
    loss: bool

    @property
    def name(self) -> str:
        return "stop loss" if self.loss else "take profit"

    def price(self, side: Side, entry: Decimal, symbol: "Symbol") -> Decimal:
        """The price it stands for when a position is opened at `entry`. Raises `NodeConfigError` at or below zero."""
        value = exact(self.value)
        if self.measure == "price":
            price = value
        else:
            unit = {"pips": symbol.pip, "points": symbol.point, "distance": Decimal(1)}[self.measure]
            price = entry - value * unit if self.below(side) else entry + value * unit
        on_grid = to_tick_size(price, symbol)
        if on_grid <= 0:
            raise NodeConfigError(
                f"the {self.name} would be {on_grid}: a price must be above zero", field=f"config.{self.field}"
            )
        return on_grid

    def below(self, side: Side) -> bool:
        """Whether it belongs below the market: a buy's stop loss and a sell's take profit do."""
        return self.loss == (side is Side.BUY)

    def check(self, price: Decimal, side: Side, tick: "Tick", symbol: "Symbol") -> None:
        """Raises `NodeConfigError` for the wrong side of the market, or nearer than the broker allows.

        A buy is closed at the bid and a sell at the ask, so those are what its stops are held against.
        """
        quote, market = ("bid", exact(tick.bid)) if side is Side.BUY else ("ask", exact(tick.ask))
        room = market - price if self.below(side) else price - market
        where = "below" if self.below(side) else "above"
        field = f"config.{self.field}"
        if room <= 0:
            nearer = "" if self.measure == "price" else "; it is no further away than the spread"
            raise NodeConfigError(
                f"a {side}'s {self.name} must be {where} the {quote}: {price} is not {where} {market}{nearer}",
                field=field,
            )
        least = symbol.stops_level * symbol.point
        if room < least:
            raise NodeConfigError(
                f"the {self.name} {price} is {room / symbol.point:f} points from the {quote} {market}; "
                f"the broker wants at least {symbol.stops_level}",
                field=field,
            )
