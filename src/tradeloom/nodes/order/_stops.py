"""Prices of an order and its stops: given as a price or as a distance, checked, and put on the symbol's price grid."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.market._money import to_tick_size
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Symbol, Tick

Measure = Literal["price", "pips", "points", "distance"]
OptionalMeasure = Literal["none", "price", "pips", "points", "distance"]
MEASURED = ["price", "pips", "points", "distance"]
MEASURE_HELP = (
    "A price, or how far from the entry: in pips, in points (the symbol's smallest unit), or as a distance in price "
    "(twice an ATR, say)."
)


@dataclass(frozen=True, slots=True)
class Level:
    """A price as configured: itself, or a distance from another. `field` is the config field its value stands in."""

    field: str
    name: str
    measure: Measure
    value: float

    def price(self, reference: Decimal, symbol: "Symbol", *, below: bool) -> Decimal:
        """The price it stands for, on the grid; a distance counts down or up from `reference`.

        Raises `NodeConfigError` at or below zero.
        """
        price = exact(self.value)
        if self.measure != "price":
            unit = {"pips": symbol.pip, "points": symbol.point, "distance": Decimal(1)}[self.measure]
            price = reference - price * unit if below else reference + price * unit
        on_grid = to_tick_size(price, symbol)
        if on_grid <= 0:
            raise NodeConfigError(
                f"the {self.name} would be {on_grid}: a price must be above zero", field=f"config.{self.field}"
            )
        return on_grid

    def check(
        self, price: Decimal, reference: Decimal, symbol: "Symbol", *, below: bool, whose: str, where: str
    ) -> None:
        """Raises `NodeConfigError` for the wrong side of `reference`, or nearer to it than the broker allows.

        `whose` price it is ("a buy's") and `where` it is held against ("the bid") are for the message.
        """
        room = reference - price if below else price - reference
        side = "below" if below else "above"
        field = f"config.{self.field}"
        if room <= 0:
            nearer = "" if self.measure == "price" else "; it is no further away than the spread"
            raise NodeConfigError(
                f"{whose} {self.name} must be {side} {where}: {price} is not {side} {reference}{nearer}", field=field
            )
        if room < symbol.stops_level * symbol.point:
            raise NodeConfigError(
                f"the {self.name} {price} is {room / symbol.point:f} points from {where} {reference}; "
                f"the broker wants at least {symbol.stops_level}",
                field=field,
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
        return self._level.price(entry, symbol, below=self.below(side))

    def below(self, side: Side) -> bool:
        """Whether it belongs below the market: a buy's stop loss and a sell's take profit do."""
        return self.loss == (side is Side.BUY)

    def check(self, price: Decimal, side: Side, tick: "Tick", symbol: "Symbol") -> None:
        """Raises `NodeConfigError` for the wrong side of the market, or nearer than the broker allows."""
        where, market = closing_quote(side, tick)
        self.check_from(price, side, market, symbol, where)

    def check_from(self, price: Decimal, side: Side, reference: Decimal, symbol: "Symbol", where: str) -> None:
        """The same, held against another price: the one a pending order waits at."""
        self._level.check(price, reference, symbol, below=self.below(side), whose=f"a {side}'s", where=where)

    @property
    def _level(self) -> Level:
        return Level(self.field, self.name, self.measure, self.value)


def closing_quote(side: Side, tick: "Tick") -> tuple[str, Decimal]:
    """Name and value of the quote that closes a position: a buy is closed at the bid, a sell at the ask."""
    return ("the bid", exact(tick.bid)) if side is Side.BUY else ("the ask", exact(tick.ask))


def opening_quote(side: Side, tick: "Tick") -> tuple[str, Decimal]:
    """Name and value of the quote that opens one: the other of the two."""
    return ("the ask", exact(tick.ask)) if side is Side.BUY else ("the bid", exact(tick.bid))
