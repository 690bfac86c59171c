"""order.partial_close: take profit on a part of a position, once, watched beside the terminal."""

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from tradeloom.errors import NodeConfigError
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
from tradeloom.nodes.order._placing import deviation_setting
from tradeloom.trading.exact import exact
from tradeloom.trading.guard_rules import floored
from tradeloom.trading.guards import PartialClose as Rule

if TYPE_CHECKING:
    from tradeloom.trading.broker import Position, Symbol

_LEAST_PART = 0.001


class PartialCloseConfig(GuardConfig):
    trigger: float = trigger_setting()
    part: Literal["percent", "lots"] = setting(
        "percent", title="How much", help="A share of the position as it is then, or a number of lots.", widget="select"
    )
    percent: float | None = setting(
        50,
        title="Percent",
        help="Share of the position to close; cut off to the symbol's volume step, never rounded up.",
        unit="%",
        widget="slider",
        show_if={"part": ["percent"]},
        ge=_LEAST_PART,
        lt=100,
    )
    lots: float | None = setting(
        None,
        title="Lots",
        help="Lots to close; the whole position when it has no more by then.",
        unit="lots",
        widget="number",
        show_if={"part": ["lots"]},
        examples=[0.05],
        gt=0,
        le=MOST,
    )
    then_break_even: bool = setting(
        False,
        title="Then secure the entry",
        help="Afterwards move the stop loss of what is left to the entry.",
        widget="toggle",
    )
    offset: float = setting(
        0,
        title="Lock in",
        help="How far beyond the entry, into the profit, that stop loss goes.",
        widget="number",
        show_if={"then_break_even": [True]},
        examples=[1],
        ge=0,
        le=MOST,
    )
    deviation: int = deviation_setting()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.part == "percent" and self.percent is None:
            raise ValueError("percent: closing a share of the position needs the share")
        if self.part == "lots" and self.lots is None:
            raise ValueError("lots: closing a number of lots needs the number")
        if self.then_break_even:
            check_lock_in(self.offset, self.trigger)
        return self


class PartialClose(Node):
    type = "order.partial_close"
    title = "Partial close"
    description = "Closes a part of a position at a profit, once, watched beside the terminal."
    help = (
        "While the profit is at least what is asked for, the part is closed at the market price, once for each "
        "position and node, however often the workflow runs: to close in several stages use several nodes. A part "
        "below the symbol's smallest order is refused when it is set, and never rounded up. If the broker fills only "
        "some of the part, that was it: no second order is sent. With `then_break_even` the stop loss of what is left "
        "then goes to the entry, as with order.break_even.\n\n"
        f"{HOW_IT_LIVES}\n\n"
        "In a gap beyond the profit asked for the part is closed at the better price. When the price moves further "
        "than the deviation while the order is on its way, it is refused and tried again while the profit is there."
        f"\n\n{ON_NETTING}"
    )
    icon = "scissors"
    effects = frozenset({Effect.TRADES, Effect.READS_STATE})
    only_reduces = True
    errors = GUARD_ERRORS
    timeout_s = 60
    example = Example(
        title="Close half at 25 pips of profit, then secure the entry",
        config={"symbol": "EURUSD", "trigger": 25, "part": "percent", "percent": 50, "then_break_even": True},
    )
    Config = PartialCloseConfig
    Output = GuardOutput

    def run(self, config: PartialCloseConfig, context: NodeContext) -> GuardOutput:
        return set_guards(config, context, lambda position, symbol: _rule(config, position, symbol))


def _rule(config: PartialCloseConfig, position: "Position", symbol: "Symbol") -> Rule:
    share = exact(config.percent) / 100 if config.part == "percent" and config.percent is not None else None
    lots = exact(config.lots) if config.part == "lots" and config.lots is not None else None
    _check_part(position, symbol, share, lots)
    offset = in_price(config.offset, config.measure, position, symbol) if config.then_break_even else None
    return Rule(
        trigger=in_price(config.trigger, config.measure, position, symbol),
        fraction=share,
        lots=lots,
        deviation=config.deviation,
        break_even_offset=offset,
    )


def _check_part(position: "Position", symbol: "Symbol", share: Decimal | None, lots: Decimal | None) -> None:
    """Raises `NodeConfigError` for a part the position cannot be parted by: better now than at the profit."""
    wanted = lots if lots is not None else position.volume * (share or Decimal(0))
    if wanted < position.volume and floored(wanted, symbol) < symbol.volume_min:
        raise NodeConfigError(
            f"{wanted.normalize():f} of the {position.volume} lots of position {position.ticket} are below the "
            f"smallest order of {symbol.volume_min}",
            field="config.lots" if lots is not None else "config.percent",
            hint="close more of it, or open a larger position",
        )
