from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from tests.fidelity.market import open_market
from tests.support.fake_look import look_at
from tests.support.node_context import AS_OF, FakeContext
from tests.support.series import eurusd_h1
from tradeloom.nodes.indicator._base import IndicatorNode
from tradeloom.nodes.indicator.macd import Macd
from tradeloom.nodes.indicator.rsi import Rsi
from tradeloom.nodes.registry import node_types
from tradeloom.nodes.trigger._indicators import IndicatorName, default_output, history_of
from tradeloom.nodes.trigger.indicator import IndicatorTrigger, IndicatorTriggerConfig
from tradeloom.trading.bars import MAX_BARS, Bars, BarsReference
from tradeloom.trading.timeframes import Timeframe

BROKER = open_market("paper", lambda sent: None)
HOURS = 400
END = AS_OF + timedelta(hours=HOURS)


def config(**changes: Any) -> IndicatorTriggerConfig:
    return IndicatorTriggerConfig.model_validate({"symbol": "EURUSD", "timeframe": "H1", **changes})


def watched(wanted: IndicatorTriggerConfig, every_h: int = 1) -> list[dict[str, Any]]:
    state, found = None, []
    for hour in range(0, HOURS + 1, every_h):
        seen = IndicatorTrigger.observe(wanted, state, look_at(BROKER, AS_OF + timedelta(hours=hour)), "wf-1")
        state = seen.state
        found += [each.payload for each in seen.happenings]
    return found


def whole() -> Bars:
    """All bars up to the end, as the broker has them: what an oracle reads at once."""
    reference = BarsReference(
        account="paper", symbol="EURUSD", timeframe=Timeframe.H1, to=END, count=1, warmup=MAX_BARS - 1
    )
    return BROKER.bars(reference)


def rows_after_the_start(bars: Bars) -> list[int]:
    return [row for row, at in enumerate(bars.time) if at >= AS_OF.timestamp()]


def opened(bars: Bars, row: int) -> str:
    return datetime.fromtimestamp(int(bars.time[row]), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize(
    ("indicator", "field", "label"),
    [
        (Rsi, "signal", "oversold"),
        (Rsi, "signal", "overbought"),
        (Rsi, "crossing", "out_of_oversold"),
        (Macd, "crossover", "bullish"),
        (Macd, "crossover", "bearish"),
    ],
)
@pytest.mark.parametrize("every_h", [1, 7])
def test_a_word_fires_on_the_bars_on_which_the_indicators_column_turns_to_it(
    indicator: type[IndicatorNode], field: str, label: str, every_h: int
) -> None:
    bars = whole()
    columns = indicator.columns(history_of(indicator.type.partition(".")[2]).config({}), bars)
    code = indicator.labels()[field].index(label)
    is_it = columns[field] == code
    expected = [opened(bars, row) for row in rows_after_the_start(bars) if is_it[row] and not is_it[row - 1]]
    found = watched(config(indicator=indicator.type.partition(".")[2], label=label), every_h)
    last = opened(bars, len(bars) - 1 - HOURS % every_h)
    assert [each["time"] for each in found] == [each for each in expected if each <= last]
    assert len(found) >= 2
    assert {each["signal"] for each in found} == {label}


def test_a_level_is_crossed_where_the_column_says_so() -> None:
    bars = whole()
    value = Rsi.columns(history_of("rsi").config({"period": 7}), bars)["value"]
    rows = [row for row in rows_after_the_start(bars) if value[row - 1] <= 55 < value[row]]
    found = watched(config(indicator="rsi", parameters={"period": 7}, condition="crosses_above", level=55))
    assert [each["time"] for each in found] == [opened(bars, row) for row in rows]
    assert [each["value"] for each in found] == pytest.approx([value[row] for row in rows], rel=1e-9)
    assert [each["previous"] for each in found] == pytest.approx([value[row - 1] for row in rows], rel=1e-9)


def test_the_close_crosses_its_average() -> None:
    bars = whole()
    average = np.convolve(bars.close, np.ones(50) / 50, "full")[: len(bars)]
    over = bars.close > average
    rows = [row for row in rows_after_the_start(bars) if over[row] and not over[row - 1]]
    found = watched(
        config(indicator="ma", parameters={"period": 50}, condition="crosses_above", output="close", line="value")
    )
    assert [each["time"] for each in found] == [opened(bars, row) for row in rows]
    assert len(rows) > 3


def test_every_indicator_of_one_series_is_there_and_can_be_watched() -> None:
    known = {name.partition(".")[2] for name in node_types() if name.startswith("indicator.")}
    assert set(get_args(IndicatorName)) == known - {"multi_timeframe"}


@pytest.mark.parametrize("name", get_args(IndicatorName))
def test_every_indicator_gives_a_number_by_hand(name: str) -> None:
    output = IndicatorTrigger().run(
        config(indicator=name, condition="above", level=-1e9), FakeContext(brokers={"paper": BROKER})
    )
    assert output.output == default_output(name)
    assert output.value is not None


def test_what_it_is_at_the_first_look_is_no_event_of_a_word() -> None:
    assert eurusd_h1()["time"][0] < AS_OF.timestamp()
    first = IndicatorTrigger.observe(config(label="oversold"), None, look_at(BROKER, AS_OF), "wf-1")
    assert first.happenings == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "choose the word"),
        ({"label": "sideways"}, "rsi never says 'sideways'; it says "),
        ({"label": "oversold", "indicator": "atr"}, "atr"),
        ({"label": "oversold", "parameters": {"period": 1}}, "parameters.period"),
        ({"label": "oversold", "parameters": {"periods": 14}}, "parameters.periods"),
        ({"label": "oversold", "parameters": {"bars": {}}}, "the bars are this trigger's own"),
        ({"condition": "above", "output": "signal"}, "'signal' is no number"),
        ({"condition": "above", "line": "upper"}, "'upper' is no number"),
    ],
)
def test_what_the_indicator_does_not_have_is_told_when_saved(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        config(**changes)
