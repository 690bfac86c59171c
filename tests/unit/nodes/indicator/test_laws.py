"""Laws that hold for every indicator."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import CASES, IDS, columns_of, defined, random_bars, run, walks
from tradeloom.errors import NotANumber, NotEnoughBars
from tradeloom.nodes.indicator._base import IndicatorNode
from tradeloom.nodes.indicator.adx import Adx
from tradeloom.nodes.indicator.atr import Atr
from tradeloom.nodes.indicator.bollinger import Bollinger
from tradeloom.nodes.indicator.donchian import Donchian
from tradeloom.nodes.indicator.ichimoku import Ichimoku
from tradeloom.nodes.indicator.keltner import Keltner
from tradeloom.nodes.indicator.ma import MovingAverage
from tradeloom.nodes.indicator.macd import Macd
from tradeloom.nodes.indicator.pivots import Pivots
from tradeloom.nodes.indicator.rsi import Rsi
from tradeloom.nodes.indicator.stochastic import Stochastic
from tradeloom.nodes.indicator.supertrend import Supertrend
from tradeloom.nodes.indicator.talib import Talib
from tradeloom.nodes.indicator.vwap import Vwap
from tradeloom.trading.bars import MAX_BARS

each_case = pytest.mark.parametrize(("node", "config"), CASES, ids=IDS)
NOT_COLUMNS = {"time", "series", "function"}


def flat(output: dict[str, Any]) -> dict[str, Any]:
    """An output with `field.name` for each named number inside a field, as columns are named."""
    parts = ((name, inside) for name, inside in output.items() if type(inside) is dict)
    return output | {f"{name}.{part}": value for name, inside in parts for part, value in inside.items()}


@each_case
@given(columns=walks(), data=st.data())
@settings(max_examples=15, deadline=None)
def test_a_row_depends_on_earlier_rows_only(
    node: type[IndicatorNode], config: dict[str, Any], columns: Columns, data: st.DataObject
) -> None:
    whole = columns_of(node, config, bars_from(columns))
    end = data.draw(st.integers(1, len(columns["time"])))
    for name, column in columns_of(node, config, bars_from(columns, end=end)).items():
        np.testing.assert_array_equal(column, whole[name][:end], err_msg=name)


@each_case
@given(columns=walks(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_point_equals_its_column(
    node: type[IndicatorNode], config: dict[str, Any], columns: Columns, data: st.DataObject
) -> None:
    whole = bars_from(columns)
    expected = columns_of(node, config, whole)
    needed = node.bars_needed(node.Config.model_validate({"bars": whole.reference, **config}))
    end = data.draw(st.integers(needed, len(whole)))
    point = run(node, config, bars_from(columns, end=end)).model_dump()
    labels = node.labels()
    for name, column in expected.items():
        value = column[end - 1]
        if name in node.optional() and np.isnan(value):
            assert point[name] is None, name
        else:
            assert flat(point)[name] == (labels[name][value] if name in labels else value), name


@each_case
def test_columns_are_exactly_the_output(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    columns = columns_of(node, config, bars_from(random_bars(1, 300)))
    assert {name.partition(".")[0] for name in columns} == node.Output.model_fields.keys() - NOT_COLUMNS
    for name, column in columns.items():
        assert len(column) == 300
        assert column.dtype == (np.int8 if name in node.labels() else np.float64)
        if name not in node.optional():
            # Once there is a value there is one on every later row.
            assert np.all(defined(column)[np.argmax(defined(column)) :])


@each_case
def test_the_start_of_history_does_not_matter(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    columns = eurusd_h1()
    first, end = 1000, 6000
    start = end - 1 - node.memory(config)
    assert start > first + 500, "the case must leave history to cut"
    full = flat(run(node, config, bars_from(columns, first=first, end=end, count=1)).model_dump())
    cut = flat(run(node, config, bars_from(columns, first=start, end=end, count=1)).model_dump())
    for name, value in full.items():
        if isinstance(value, float | list | dict):
            assert cut[name] == pytest.approx(value, rel=1e-12, abs=rounding_of(node, name)), name
        else:
            assert cut[name] == value, name


def rounding_of(node: type[IndicatorNode], name: str) -> float:
    """What the same sums taken from another start may differ by."""
    if node in (Talib, Stochastic, Adx):  # up to 100, from quotients of small differences
        return 1e-9
    # A difference of averages is as exact as the averages; percent_b is one divided by the bands' width.
    return 1e-11 if name.endswith("percent_b") else 1e-15


@each_case
def test_one_bar_too_few_says_how_many_are_needed(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    columns = random_bars(2, 300)
    needed = node.bars_needed(node.Config.model_validate({"bars": bars_from(columns).reference, **config}))
    run(node, config, bars_from(columns, end=needed))
    with pytest.raises(NotEnoughBars, match=rf"needs {needed} bars of EURUSD H1; there are {needed - 1}") as raised:
        run(node, config, bars_from(columns, end=needed - 1))
    assert raised.value.field == "config.bars"


@each_case
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_price_is_a_typed_error(node: type[IndicatorNode], config: dict[str, Any], bad: float) -> None:
    columns = random_bars(3, 300)
    columns["low"][-7] = bad
    with pytest.raises(NotANumber, match="the bar of 2017-01-14T03:00:00Z holds a price that is no number"):
        run(node, config, bars_from(columns))


@pytest.mark.parametrize(("node", "column"), [(Bollinger, "bandwidth"), (Atr, "percent")])
def test_a_division_by_zero_is_a_typed_error(node: type[IndicatorNode], column: str) -> None:
    with pytest.raises(NotANumber, match=column):
        run(node, {}, bars_from(columns_from(np.zeros(300))))


@each_case
def test_a_market_that_stands_still_has_values(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    output = run(node, config, bars_from(columns_from(np.full(300, 1.23456)))).model_dump()
    for name, word in {
        "trend": "flat",
        "signal": "neutral",
        "crossing": "none",
        "crossover": "none",
        "position": "middle",
        "volatility": "normal",
    }.items():
        if isinstance(output.get(name), str):
            assert output[name] == word


@each_case
def test_the_time_is_the_last_bars_opening(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    bars = bars_from(random_bars(4, 300))
    assert run(node, config, bars).time.timestamp() == bars.time[-1]


@each_case
def test_columns_leave_the_bars_alone(node: type[IndicatorNode], config: dict[str, Any]) -> None:
    columns = random_bars(5, 300)
    kept = {name: column.copy() for name, column in columns.items()}
    columns_of(node, config, bars_from(columns))
    for name, column in columns.items():
        np.testing.assert_array_equal(column, kept[name])


@pytest.mark.parametrize(
    "node", [MovingAverage, Rsi, Macd, Bollinger, Atr, Stochastic, Adx, Donchian, Keltner, Ichimoku, Supertrend, Vwap]
)
def test_an_expression_counts_as_its_upper_bound_within_the_cap(node: type[IndicatorNode]) -> None:
    fields = node.Config.model_fields
    periods = {name for name, info in fields.items() if info.annotation is int}
    scales = fields.keys() & {"multiplier"}
    kinds = fields.keys() & {"kind", "smoothing", "anchor"}
    slowest = {"kind": "EMA", "smoothing": "exponential" if node is Stochastic else "wilder", "anchor": "week"}
    largest = dict.fromkeys(periods, 1000) | dict.fromkeys(scales, 100) | {name: slowest[name] for name in kinds}
    unknown = dict.fromkeys(periods | scales, "= inputs.a.value") | dict.fromkeys(kinds, "{{ inputs.a.kind }}")
    assert node.memory(unknown) == min(node.memory(largest), MAX_BARS)
    assert node.memory({}) <= node.memory(unknown)


def test_an_unknown_period_of_pivots_is_the_longest() -> None:
    assert Pivots.memory({}) == 3_001
    assert Pivots.memory({"period": "= item"}) == Pivots.memory({"period": "week"})
    assert Pivots.memory({"period": "month"}) < MAX_BARS


def test_a_drawn_number_as_text_is_that_number() -> None:
    assert Rsi.memory({"period": "14"}) == Rsi.memory({"period": 14.0}) == Rsi.memory({}) == 496
    assert Rsi.memory({"period": "many"}) == MAX_BARS
    assert Rsi.memory({"period": None}) == MAX_BARS


def test_talib_comes_without_pandas() -> None:
    code = (
        "import sys\n"
        "from tradeloom.nodes.indicator import rsi\n"
        "assert 'numpy' not in sys.modules and 'talib' not in sys.modules\n"
        "from tradeloom.nodes.indicator._talib import talib\n"
        "assert talib().RSI is not None\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("node", "column"),
    [(Rsi, "value"), (Macd, "histogram")],
    ids=["rsi", "macd"],
)
def test_series_ends_with_the_latest_two(node: type[IndicatorNode], column: str) -> None:
    bars = bars_from(eurusd_h1(), end=1000, count=200)
    output = run(node, {}, bars).model_dump()
    assert len(output["series"]) == 50
    assert output["series"][-2:] == [output[f"previous_{column}".removesuffix("_value")], output[column]]
