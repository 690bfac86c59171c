"""order.trailing_stop: let the stop loss follow the market, watched beside the terminal."""

from decimal import Decimal
from typing import TYPE_CHECKING

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Effect, Example, Node, NodeContext, setting
from tradeloom.nodes.order._guarding import (
    GUARD_ERRORS,
    HOW_IT_LIVES,
    MOST,
    ON_NETTING,
    GuardConfig,
    GuardOutput,
    in_price,
    set_guards,
)
from tradeloom.trading.exact import exact
from tradeloom.trading.guards import Trailing
from tradeloom.trading.intents import Side

if TYPE_CHECKING:
    from tradeloom.trading.broker import Position, Symbol


class TrailingStopConfig(GuardConfig):
    distance: float = setting(
        title="Distance",
        help="How far behind the market the stop loss stays: below the bid of a bought position, above the ask of a "
        "sold one. Where the broker asks for more, its distance is kept.",
        widget="number",
        examples=[30, "= 2 * nodes.atr.value"],
        gt=0,
        le=MOST,
    )
    activation: float | None = setting(
        None,
        title="Start at a profit of",
        help="It begins to trail once the position has been this far in profit; at once when left empty.",
        widget="number",
        examples=[20],
        ge=0,
        le=MOST,
        advanced=True,
    )
    step: float = setting(
        0,
        title="Step",
        help="The smallest improvement that is worth a change at the broker; every tick when zero.",
        widget="number",
        examples=[1],
        ge=0,
        le=MOST,
    )


class TrailingStop(Node):
    type = "order.trailing_stop"
    title = "Trailing stop"
    description = "Lets a position's stop loss follow the market at a distance, watched beside the terminal."
    help = (
        "From the first quote on, or once the position has been far enough in profit, the stop loss is kept at the "
        "distance behind the market. It only ever tightens, never comes nearer than the broker allows, and stays on "
        "the symbol's price grid. A position without a stop loss gets one.\n\n"
        f"{HOW_IT_LIVES} Setting another trailing stop on a position, from any node, takes the place of the old one; "
        "its stop loss stays where it is until the new one would tighten it.\n\n"
        "The stop is an order at the broker: when the market gaps over it, over a weekend say, the position is closed "
        "at the first price after the gap. Between two quotes nothing is seen, so a spike the terminal did not show "
        f"moves nothing.\n\n{ON_NETTING}"
    )
    icon = "trending-up"
    effects = frozenset({Effect.TRADES, Effect.READS_STATE})
    only_reduces = True
    errors = GUARD_ERRORS
    timeout_s = 60
    example = Example(
        title="Trail this workflow's EURUSD positions at 30 pips, in steps of 2, once they are 20 in profit",
        config={"symbol": "EURUSD", "distance": 30, "activation": 20, "step": 2},
    )
    Config = TrailingStopConfig
    Output = GuardOutput

    def run(self, config: TrailingStopConfig, context: NodeContext) -> GuardOutput:
        return set_guards(config, context, lambda position, symbol: _rule(config, position, symbol))


def _rule(config: TrailingStopConfig, position: "Position", symbol: "Symbol") -> Trailing:
    def price(value: float) -> Decimal:
        return in_price(value, config.measure, position, symbol)

    distance = price(config.distance)
    if position.side is Side.BUY and distance >= exact(position.price_open):
        raise NodeConfigError(
            f"a stop {distance} below the market would be below zero: {position.symbol} was bought at "
            f"{position.price_open}",
            field="config.distance",
            hint="check what the distance is measured in",
        )
    activation = None if config.activation is None else price(config.activation)
    return Trailing(distance=distance, activation=activation, step=price(config.step))
