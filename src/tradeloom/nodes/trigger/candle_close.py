"""trigger.candle_close: a bar is complete."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime, Field

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NodeConfigError, NotEnoughBars, NotFound
from tradeloom.nodes.base import Effect, Example, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.trigger._observing import (
    Happening,
    Look,
    MarketTrigger,
    Observation,
    closed_at,
    closing_of,
    delivered,
    missed_setting,
    moment,
    overlap_setting,
    symbol_setting,
    timeframe_setting,
    told,
    unseen,
)
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.schedules import Misfire, Overlap

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars


class CandleCloseConfig(NodeConfig):
    symbol: str = symbol_setting()
    timeframe: Timeframe = timeframe_setting("Length of the bars whose close is waited for.")
    delay_s: float = setting(
        0.0,
        title="Delay",
        help="Start so long after the close, to let the spread of a session's start settle. In market time.",
        unit="s",
        widget="duration",
        static=True,
        ge=0,
        le=86_400,
        advanced=True,
    )
    missed: Misfire = missed_setting("once")
    overlap: Overlap = overlap_setting("skip")


class CandleCloseOutput(NodeOutput):
    symbol: str = Field(description="The instrument.")
    timeframe: Timeframe = Field(description="Length of the bar.")
    time: AwareDatetime = Field(description="When the bar opened, UTC.")
    closed_at: AwareDatetime = Field(description="When it was over, UTC.")
    open: float = Field(description="First bid.")
    high: float = Field(description="Highest bid.")
    low: float = Field(description="Lowest bid.")
    close: float = Field(description="Last bid.")
    volume: float = Field(description="Volume, in ticks where no real volume is known.")
    spread: int = Field(description="Spread, in points.")


class CandleClose(MarketTrigger):
    type = "trigger.candle_close"
    title = "Candle close"
    description = "Starts the workflow whenever a bar of a symbol is complete."
    help = (
        "Fires once for every bar of the timeframe, with the next bar's first tick (and the *delay* on top): before "
        "it, nobody can say that nothing more belongs to the bar. So Friday's last bar closes with the week's first "
        "quote. It gives the bar's open, high, low, close, volume and spread, and a Price history node behind it has "
        "that bar as its last one. Hours in which nothing was traded have no bar and start nothing.\n\n"
        "A schedule fires by the clock and may come a moment before the broker's bar is complete; this trigger goes by "
        "the broker's own bars, in its server's time, and so also knows when a day or week ends there. Of bars that "
        "closed while nobody watched, at most the last 500 are looked at; *missed events* says which of them start.\n\n"
        "Started by hand, without a payload, it gives the last bar that was closed."
    )
    icon = "chart-candlestick"
    effects = frozenset({Effect.READS_MARKET})
    errors = (NodeConfigError, NotEnoughBars, NotFound, BrokerUnavailable, BrokerTimeout)
    example = Example(title="Every closed hour of EURUSD", config={"symbol": "EURUSD", "timeframe": "H1"})
    Config = CandleCloseConfig
    Output = CandleCloseOutput

    def run(self, config: CandleCloseConfig, context: NodeContext) -> CandleCloseOutput:
        if context.payload:
            return delivered(CandleCloseOutput, context.payload)
        reference = BarsReference(
            account=context.account, symbol=config.symbol, timeframe=config.timeframe, to=context.as_of, count=1
        )
        return delivered(CandleCloseOutput, _payload(config, context.bars(reference), -1))

    @classmethod
    def observe(
        cls, config: CandleCloseConfig, state: Mapping[str, Any] | None, look: Look, workflow_id: str
    ) -> Observation:
        until = look.now - timedelta(seconds=config.delay_s)
        newest = look.newest(config.symbol, config.timeframe, until)
        if state is None or newest is None:
            # Without a bar yet, the very first one to close is an event.
            return Observation(dict(state or {"seen": told(newest or until)}))
        seen = moment(state["seen"])
        if newest <= seen:
            return Observation(dict(state))
        closed = closing_of(newest, config.timeframe)
        bars = unseen(look, config.symbol, config.timeframe, seen, closed, before=0)
        following = look.forming(config.symbol, config.timeframe, until)
        found = []
        for row in range(len(bars)):
            opening = datetime.fromtimestamp(int(bars.time[row]), UTC)
            if opening > seen:
                at = closed_at(bars, row, config.timeframe, following) + timedelta(seconds=config.delay_s)
                found.append(Happening(told(opening), at, _payload(config, bars, row)))
        return Observation({"seen": told(newest)}, tuple(found))


def _payload(config: CandleCloseConfig, bars: "Bars", row: int) -> dict[str, Any]:
    bar = bars.bar(row)
    return {
        "symbol": config.symbol,
        "timeframe": config.timeframe.value,
        "time": told(bar.time),
        "closed_at": told(closing_of(bar.time, config.timeframe)),
        **bar.model_dump(exclude={"time"}),
    }
