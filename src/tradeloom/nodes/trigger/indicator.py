"""trigger.indicator: an indicator reaches a level, a line or a state of its own."""

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from tradeloom.errors import BrokerTimeout, BrokerUnavailable, NodeConfigError, NotANumber, NotEnoughBars, NotFound
from tradeloom.nodes.base import Effect, Example, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.trigger._edges import Edge, Memory
from tradeloom.nodes.trigger._indicators import IndicatorName, Reading, checked, default_output, history_of, labelled
from tradeloom.nodes.trigger._observing import (
    Happening,
    Look,
    MarketTrigger,
    Observation,
    closed_at,
    closing_of,
    cooldown_setting,
    delivered,
    hysteresis_setting,
    missed_setting,
    moment,
    overlap_setting,
    symbol_setting,
    timeframe_setting,
    told,
    unseen,
)
from tradeloom.trading.bars import MAX_BARS, BarsReference
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.schedules import Misfire, Overlap

IndicatorCondition = Literal["becomes", "above", "below", "crosses_above", "crosses_below", "crosses"]
_NUMERIC = ["above", "below", "crosses_above", "crosses_below", "crosses"]


class IndicatorTriggerConfig(NodeConfig):
    symbol: str = symbol_setting()
    timeframe: Timeframe = timeframe_setting("Length of the bars it is computed on.")
    indicator: IndicatorName = setting(
        "rsi", title="Indicator", help="Which indicator: the node of that name.", widget="select", static=True
    )
    parameters: dict[str, Any] = setting(
        {},
        title="Parameters",
        help="The indicator's own settings, as in its node; the others keep their defaults.",
        widget="key-value",
        static=True,
        examples=[{"period": 14, "oversold": 25}, {"fast": 12, "slow": 26, "signal": 9}],
    )
    condition: IndicatorCondition = setting(
        "becomes",
        title="Condition",
        help="becomes waits for a word of the indicator's own, such as oversold or bullish; the others hold a number "
        "against a level or another line.",
        widget="select",
        static=True,
    )
    label: str | None = setting(
        None,
        title="Word",
        help="Which word: oversold, overbought, out_of_oversold of rsi; bullish, bearish of macd; up, down of ma.",
        widget="text",
        static=True,
        show_if={"condition": ["becomes"]},
        examples=["oversold", "bullish"],
        max_length=40,
        advanced=True,
    )
    output: str | None = setting(
        None,
        title="Output",
        help="Which number is watched: one of the indicator's outputs, or open, high, low, close of the bar. Left "
        "empty, its main one.",
        widget="text",
        static=True,
        show_if={"condition": _NUMERIC},
        examples=["value", "histogram", "close"],
        max_length=60,
    )
    level: float = setting(
        0.0,
        title="Level",
        help="What it is held against; added to the line where there is one.",
        widget="number",
        static=True,
        show_if={"condition": _NUMERIC},
        ge=-1e12,
        le=1e12,
    )
    line: str | None = setting(
        None,
        title="Line",
        help="Another output, or open, high, low, close of the bar, to hold it against.",
        widget="text",
        static=True,
        show_if={"condition": _NUMERIC},
        examples=["signal", "upper"],
        max_length=60,
    )
    hysteresis: float = hysteresis_setting("units of the output")
    cooldown_s: float = cooldown_setting()
    missed: Misfire = missed_setting("once")
    overlap: Overlap = overlap_setting("skip")

    @model_validator(mode="after")
    def _the_indicator_takes_it(self) -> Self:
        checked(self.indicator, self.parameters, label=self.label if self.condition == "becomes" else None)
        if self.condition == "becomes" and self.label is None:
            raise ValueError("label: choose the word that is waited for")
        for name in (self.output, self.line):
            history_of(self.indicator).require_number(name)
        return self


class IndicatorTriggerOutput(NodeOutput):
    symbol: str = Field(description="The instrument.")
    timeframe: Timeframe = Field(description="Length of the bars.")
    indicator: IndicatorName = Field(description="The indicator.")
    output: str = Field(description="Which of its outputs `value` is.")
    value: float | None = Field(description="The number on the bar; null where the indicator has none there.")
    previous: float | None = Field(description="The number one bar earlier.")
    against: float | None = Field(description="What it was held against; null where a word was waited for.")
    signal: str | None = Field(description="The word on the bar; null where a number was held against something.")
    condition: IndicatorCondition = Field(description="What was waited for.")
    time: AwareDatetime = Field(description="When the bar opened, UTC.")
    closed_at: AwareDatetime = Field(description="When it was over, UTC.")


class IndicatorTrigger(MarketTrigger):
    type = "trigger.indicator"
    title = "Indicator"
    description = "Starts the workflow when an indicator reaches a level, a line or a state."
    help = (
        "Computes the indicator as its own node does, on closed bars only, each time a bar closes: what a forming bar "
        "shows for a moment starts nothing. *becomes* fires on the bar on which the indicator's word turns to the one "
        "you choose: `oversold` of rsi, `bullish` of macd. With a number, it fires on the edge: once when the level or "
        "line is reached, and again only after it went back to the other side, by the *hysteresis* if you set one. "
        "*above* and *below* also fire at the first bar when it is there already.\n\n"
        "`close` crosses above `value` of ma is a price crossing its average; `macd` crosses `signal` of macd is its "
        "crossover. The account's broker must have as many bars as the indicator needs; until then nothing fires. Of "
        "bars that closed while nobody watched, at most the last 500 are gone through once, and *missed events* says "
        "which of what is found there starts.\n\n"
        "Started by hand, without a payload, it gives the last closed bar's values."
    )
    icon = "chart-spline"
    effects = frozenset({Effect.READS_MARKET})
    errors = (NodeConfigError, NotEnoughBars, NotANumber, NotFound, BrokerUnavailable, BrokerTimeout)
    example = Example(
        title="RSI of EURUSD becomes oversold",
        config={"symbol": "EURUSD", "timeframe": "H1", "indicator": "rsi", "condition": "becomes", "label": "oversold"},
    )
    Config = IndicatorTriggerConfig
    Output = IndicatorTriggerOutput

    def run(self, config: IndicatorTriggerConfig, context: NodeContext) -> IndicatorTriggerOutput:
        if context.payload:
            return delivered(IndicatorTriggerOutput, context.payload)
        history = history_of(config.indicator)
        needed = history.bars_needed(config.parameters)
        reference = BarsReference(
            account=context.account,
            symbol=config.symbol,
            timeframe=config.timeframe,
            to=context.as_of,
            count=needed,
            warmup=min(history.memory(config.parameters), MAX_BARS - needed),
        )
        return delivered(IndicatorTriggerOutput, _payload(config, _reading(config, context.bars(reference)), -1))

    @classmethod
    def observe(
        cls, config: IndicatorTriggerConfig, state: Mapping[str, Any] | None, look: Look, workflow_id: str
    ) -> Observation:
        newest = look.newest(config.symbol, config.timeframe, look.now)
        if newest is None:
            return Observation(dict(state or {"seen": None, "edge": Memory().as_json()}))
        seen = moment(state["seen"]) if state and state["seen"] else None
        if seen is not None and newest <= seen:
            return Observation(dict(state or {}))
        history = history_of(config.indicator)
        needed = history.bars_needed(config.parameters) + history.memory(config.parameters)
        closed = closing_of(newest, config.timeframe)
        bars = unseen(look, config.symbol, config.timeframe, seen or newest, closed, min(needed, MAX_BARS - 500))
        reading = look.once(_computed(config, bars), lambda: _reading(config, bars))
        first = next((row for row, at in enumerate(bars.time) if seen is None or at > seen.timestamp()), len(bars))
        if seen is None:
            first = len(bars) - 1
        memory = Memory.of(state["edge"]) if state else Memory()
        following = look.forming(config.symbol, config.timeframe, look.now)
        found = []
        for row in range(first, len(bars)):
            memory, fired = _fires(config, reading, row, memory)
            if fired:
                opening = reading.opening(row)
                payload = _payload(config, reading, row)
                found.append(Happening(told(opening), closed_at(bars, row, config.timeframe, following), payload))
        return Observation({"seen": told(newest), "edge": memory.as_json()}, tuple(found))


def _reading(config: IndicatorTriggerConfig, bars: Any) -> Reading:
    return history_of(config.indicator).read(config.parameters, bars)


def _computed(config: IndicatorTriggerConfig, bars: Any) -> tuple[Any, ...]:
    """Names one indicator over some bars: workflows that watch the same share its arithmetic."""
    parameters = json.dumps(config.parameters, sort_keys=True, default=str)
    return "indicator", config.indicator, parameters, bars.reference


def _fires(config: IndicatorTriggerConfig, reading: Reading, row: int, memory: Memory) -> tuple[Memory, bool]:
    at = float(reading.bars.time[row])
    if config.condition == "becomes":
        field = labelled(config.indicator, str(config.label))
        turned = reading.word(field, row) == config.label and reading.word(field, row - 1) not in (config.label, None)
        # A word is an edge by itself; the memory only counts the cooldown.
        quiet = memory.fired_at is not None and at < memory.fired_at + config.cooldown_s
        fired = turned and not quiet
        return (Memory(at=at, fired_at=at) if fired else memory), fired
    value, against = reading.number(_output(config), row), _against(config, reading, row)
    if value is None or against is None:
        return memory, False
    edge = Edge(config.condition, 0.0, config.hysteresis, config.cooldown_s)
    memory, direction = edge.step(memory, at, value - against)
    return memory, direction is not None


def _output(config: IndicatorTriggerConfig) -> str:
    return config.output or default_output(config.indicator)


def _against(config: IndicatorTriggerConfig, reading: Reading, row: int) -> float | None:
    if config.line is None:
        return config.level
    line = reading.number(config.line, row)
    return None if line is None else line + config.level


def _payload(config: IndicatorTriggerConfig, reading: Reading, row: int) -> dict[str, Any]:
    words = config.condition == "becomes"
    output, opening = _output(config), reading.opening(row)
    return {
        "symbol": config.symbol,
        "timeframe": config.timeframe.value,
        "indicator": config.indicator,
        "output": output,
        "value": reading.number(output, row),
        "previous": reading.number(output, row - 1),
        "against": None if words else _against(config, reading, row),
        "signal": reading.word(labelled(config.indicator, str(config.label)), row) if words else None,
        "condition": config.condition,
        "time": told(opening),
        "closed_at": told(closing_of(opening, config.timeframe)),
    }
