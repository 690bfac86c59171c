"""order.break_even: move the stop loss to the entry once there is enough profit, watched beside the terminal."""

from typing import Self

from pydantic import model_validator

from tradeloom.nodes.base import Effect, Example, Node, NodeContext, setting
from tradeloom.nodes.order._guarding import (
    GUARD_ERRORS,
    HOW_IT_LIVES,
    MOST,
    ON_NETTING,
    GuardConfig,
    GuardOutput,
    check_lock_in,
    in_price,
    set_guards,
    trigger_setting,
)
from tradeloom.trading.guards import BreakEven as Rule


class BreakEvenConfig(GuardConfig):
    trigger: float = trigger_setting()
    offset: float = setting(
        0,
        title="Lock in",
        help="How far beyond the entry, into the profit, the stop loss goes: to cover commission and swap, say.",
        widget="number",
        examples=[1],
        ge=0,
        le=MOST,
    )

    @model_validator(mode="after")
    def _locks_in_less_than_there_is(self) -> Self:
        check_lock_in(self.offset, self.trigger)
        return self


class BreakEven(Node):
    type = "order.break_even"
    title = "Break-even"
    description = "Moves a position's stop loss to its entry once it is in profit, watched beside the terminal."
    help = (
        "Once the profit has been reached, at any quote, the stop loss goes to the entry price, or `offset` beyond it, "
        "rounded into the profit. A stop loss that is better already stays, and the guard is done. While the entry is "
        "still nearer to the market than the broker allows, it waits, also when the profit shrinks again.\n\n"
        f"{HOW_IT_LIVES} Setting another break-even on a position, from any node, takes the place of the old one. It "
        "goes together with a trailing stop: whichever is tighter counts.\n\n"
        "When the market gaps over the stop the position is closed at the first price after the gap, which may be a "
        "loss. The entry is the price of the position; commission and swap are not in it, that is what `offset` is "
        f"for.\n\n{ON_NETTING}"
    )
    icon = "shield-check"
    effects = frozenset({Effect.TRADES, Effect.READS_STATE})
    only_reduces = True
    errors = GUARD_ERRORS
    timeout_s = 60
    example = Example(
        title="At 20 pips of profit put the stop one pip beyond the entry",
        config={"symbol": "EURUSD", "trigger": 20, "offset": 1},
    )
    Config = BreakEvenConfig
    Output = GuardOutput

    def run(self, config: BreakEvenConfig, context: NodeContext) -> GuardOutput:
        return set_guards(
            config,
            context,
            lambda position, symbol: Rule(
                trigger=in_price(config.trigger, config.measure, position, symbol),
                offset=in_price(config.offset, config.measure, position, symbol),
            ),
        )
