import json
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.documents import document, node
from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.support.talib_table import LEFT_OUT, TABLE, facts, text
from tests.unit.nodes.indicator.cases import columns_of, defined, random_bars, run
from tradeloom.compiler.validate import validate
from tradeloom.errors import NodeConfigError, NotANumber
from tradeloom.nodes.indicator._forgetting import bars_remembered
from tradeloom.nodes.indicator._functions import AVERAGES, Function, functions
from tradeloom.nodes.indicator._talib import lookback
from tradeloom.nodes.indicator.talib import ROW_NUMBERS, Talib, TalibConfig
from tradeloom.trading.bars import MAX_BARS

LIBRARY: Any = talib
EVERY = list(functions())
OUTSIDE = {"ACOS", "ASIN"}
"""Not defined for a price above 1."""
each_function = pytest.mark.parametrize("name", EVERY)


def source_of(name: str) -> str:
    return "high" if name in OUTSIDE else "close"


def small_prices() -> Any:
    """Real bars shifted below 1, where every function is defined."""
    columns = eurusd_h1()
    return columns | {name: columns[name] - 0.9 for name in ("open", "high", "low", "close")}


def test_the_table_is_what_the_installed_talib_says() -> None:
    assert json.loads(TABLE.read_text()) == facts()
    assert TABLE.read_text() == text()


def test_the_table_leaves_out_candlesticks_and_what_it_says() -> None:
    patterns = set(talib.get_function_groups()["Pattern Recognition"])
    assert set(talib.get_functions()) - set(EVERY) == patterns | set(LEFT_OUT)
    assert len(EVERY) == 139
    assert {"OBV", "BETA", "CORREL", "STOCH", "SAR", "HT_SINE", "LN", "AVGPRICE"} <= set(EVERY)


def test_averages_have_talibs_numbers() -> None:
    assert {name: getattr(LIBRARY.MA_Type, name) for name in AVERAGES} == AVERAGES


@each_function
def test_equals_talib_on_real_bars(name: str) -> None:
    bars = bars_from(small_prices() if name in OUTSIDE else eurusd_h1(), end=3000)
    columns = columns_of(Talib, {"function": name}, bars)
    function = functions()[name]
    arrays = [
        bars.column({"price": "close", "price0": "close", "price1": "open"}.get(each, each)) for each in function.inputs
    ]
    made = getattr(talib, name)(*arrays)
    for output, expected in zip(function.outputs, made if isinstance(made, tuple | list) else [made], strict=True):
        expected = expected.astype(np.float64)
        expected[: function.lookback] = np.nan
        if name in ROW_NUMBERS:
            expected = np.arange(3000) - expected
        np.testing.assert_array_equal(columns[f"values.{output}"], expected)
        np.testing.assert_array_equal(columns[f"previous_values.{output}"][1:], expected[:-1])
    np.testing.assert_array_equal(columns["value"], columns[f"values.{function.outputs[0]}"])


@each_function
def test_a_row_depends_on_earlier_rows_only(name: str) -> None:
    source = small_prices() if name in OUTSIDE else eurusd_h1()
    whole = columns_of(Talib, {"function": name}, bars_from(source, end=1500))
    for end in (200, 777, 1499):
        part = columns_of(Talib, {"function": name}, bars_from(source, end=end))
        for column, values in part.items():
            np.testing.assert_array_equal(values, whole[column][:end])


@each_function
def test_runs_on_as_few_bars_as_it_says(name: str) -> None:
    source = small_prices() if name in OUTSIDE else eurusd_h1()
    config = TalibConfig(bars=bars_from(source, end=5000).reference, function=name)
    needed = Talib.bars_needed(config)
    assert needed == functions()[name].lookback + 2
    output = run(Talib, {"function": name}, bars_from(source, end=needed))
    assert output.values.keys() == output.previous_values.keys() == set(functions()[name].outputs)
    assert output.series[-1] == output.value


SUMS = {"AD", "CUMSUM", "OBV", "PVT", "WAD"}
ADDED_UP = SUMS | {"NVI", "PVI", "VWAP"}
"""Their level counts from the first bar."""
ROUNDED = {"AO": 1e-11, "FOSC": 1e-9, "HT_PHASOR": 1e-6, "HT_SINE": 1e-6, "HT_DCPHASE": 1e-6}
"""Differences of near numbers, and angles in a loop that rounding enters."""


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ADDED_UP])
def test_the_start_of_history_does_not_matter(name: str) -> None:
    source, end = small_prices() if name in OUTSIDE else eurusd_h1(), 6000
    start = end - 1 - Talib.memory({"function": name})
    assert start > 1500
    full = run(Talib, {"function": name}, bars_from(source, first=1005, end=end, count=1))
    cut = run(Talib, {"function": name}, bars_from(source, first=start, end=end, count=1))
    scale = ROUNDED.get(name, 1e-11)
    for output, value in full.values.items():
        assert cut.values[output] == pytest.approx(value, rel=scale, abs=1e-12 if scale == 1e-11 else scale)


@pytest.mark.parametrize("name", sorted(SUMS))
def test_what_adds_up_moves_alike_wherever_it_starts(name: str) -> None:
    full = run(Talib, {"function": name}, bars_from(eurusd_h1(), end=3000))
    cut = run(Talib, {"function": name}, bars_from(eurusd_h1(), first=2000, end=3000))
    assert full.value - full.previous == pytest.approx(cut.value - cut.previous, rel=1e-6, abs=1e-9)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Function, dict[str, Any]]:
    """A function and parameters within its bounds, short enough for the bars there are."""
    function = functions()[draw(st.sampled_from(EVERY))]
    given: dict[str, Any] = {}
    for each in function.parameters:
        if each.kind == "average":
            given[each.name] = draw(st.sampled_from(sorted(AVERAGES)))
        elif each.kind == "integer":
            given[each.name] = draw(st.integers(int(each.least), 12))
        else:
            given[each.name] = draw(st.floats(max(each.least, 0.01), min(each.most, 3.0)))
    return function, given


@given(call=calls())
@settings(max_examples=150, deadline=None)
def test_the_memory_covers_the_lookback_whatever_the_parameters(call: tuple[Function, dict[str, Any]]) -> None:
    function, parameters = call
    arguments = {key: AVERAGES.get(value, value) for key, value in parameters.items()}
    assert bars_remembered(function, function.checked(parameters)) > lookback(function.name, arguments)
    unknown = dict.fromkeys(parameters, "= inputs.a.value")
    assert Talib.memory({"function": function.name, "parameters": unknown}) <= MAX_BARS


@given(call=calls(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_parameters_within_bounds_give_numbers_or_a_typed_error(
    call: tuple[Function, dict[str, Any]], seed: int
) -> None:
    function, parameters = call
    bars = bars_from(random_bars(seed, 400))
    try:
        output = run(Talib, {"function": function.name, "parameters": parameters}, bars)
    except (NotANumber, NodeConfigError) as error:
        assert error.field is not None  # noqa: PT017
    else:
        assert all(np.isfinite(list(output.values.values())))
        assert all(np.isfinite(output.series))


def test_chooses_columns_and_outputs() -> None:
    bars = bars_from(eurusd_h1(), end=1000)
    config = {"function": "CORREL", "parameters": {"timeperiod": 40}, "source": "high", "second_source": "volume"}
    assert run(Talib, config, bars).value == talib.CORREL(bars.high, bars.volume, 40)[-1]
    typical = run(Talib, {"function": "SMA", "source": "typical"}, bars).value
    assert typical == talib.SMA(bars.column("typical"), 30)[-1]
    bands = run(Talib, {"function": "BBANDS", "output": "lowerband", "parameters": {"matype": "ema"}}, bars)
    upper, middle, lower = LIBRARY.BBANDS(bars.close, 20, 2, 2, 1)
    assert (bands.value, bands.previous) == (lower[-1], lower[-2])
    assert bands.values == {"upperband": upper[-1], "middleband": middle[-1], "lowerband": lower[-1]}
    assert bands.series == lower[-50:].tolist()


def test_takes_numbers_written_as_text() -> None:
    bars = bars_from(eurusd_h1(), end=1000)
    written = run(Talib, {"function": "RSI", "parameters": {"timeperiod": "21"}}, bars)
    assert written.value == talib.RSI(bars.close, 21)[-1]


def test_row_numbers_are_bars_ago() -> None:
    bars = bars_from(columns_from([3.0, 9, 2, 5, 4]))
    output = run(Talib, {"function": "MINMAXINDEX", "parameters": {"timeperiod": 4}}, bars)
    assert output.values == {"minidx": 2, "maxidx": 3}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"function": "RSII"}, "no function 'RSII' over bars; did you mean RSI?"),
        ({"function": "rsi"}, "did you mean RSI?"),
        ({"function": "CDLDOJI"}, "candlestick pattern; the Pattern node"),
        ({"function": "MAVP"}, "no function 'MAVP'"),
        ({"function": "🜁" * 300}, "no function"),
        ({"function": "RSI", "parameters": {"time_period": 14}}, "'time_period'; did you mean timeperiod?"),
        ({"function": "RSI", "parameters": {"zz": 14}}, "'zz'; it takes timeperiod"),
        ({"function": "OBV", "parameters": {"timeperiod": 14}}, "OBV takes no parameters"),
        ({"function": "RSI", "parameters": {"timeperiod": 1}}, "timeperiod must be 2 to 2000, not 1"),
        ({"function": "RSI", "parameters": {"timeperiod": 10**400}}, "timeperiod must be a number"),
        ({"function": "RSI", "parameters": {"timeperiod": 14.5}}, "must be a whole number, not 14.5"),
        ({"function": "RSI", "parameters": {"timeperiod": True}}, "timeperiod must be a number, not True"),
        ({"function": "RSI", "parameters": {"timeperiod": None}}, "timeperiod must be a number, not None"),
        ({"function": "RSI", "parameters": {"timeperiod": float("nan")}}, "timeperiod must be a number, not nan"),
        ({"function": "RSI", "parameters": {"timeperiod": [1]}}, "timeperiod must be a number"),
        ({"function": "BBANDS", "parameters": {"matype": "EMAA"}}, "did you mean EMA?"),
        ({"function": "BBANDS", "parameters": {"matype": 1}}, "matype must be one of SMA, EMA"),
        ({"function": "BBANDS", "parameters": {"nbdevup": "wide"}}, "nbdevup must be a number"),
        ({"function": "MAMA", "parameters": {"fastlimit": 2}}, "fastlimit must be 0.01 to 0.99, not 2"),
        ({"function": "SAR", "parameters": {"maximum": -1}}, "maximum must be at least 0, not -1"),
        ({"function": "STOCH", "output": "k"}, "STOCH has no output 'k'; it has slowk, slowd"),
    ],
)
def test_a_wrong_name_or_value_is_refused_in_words(config: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TalibConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **config})
    assert told in str(raised.value)


def test_a_wrong_parameter_is_found_when_the_workflow_is_saved() -> None:
    def found(config: dict[str, Any]) -> set[str]:
        nodes = [
            node("start"),
            node("bars", "market.history", config={"symbol": "EURUSD"}),
            node("t", "indicator.talib", config=config),
        ]
        return {problem.code for problem in validate(document(nodes, "start > bars", "bars > t"))[1]}

    assert found({"function": "RSI", "parameters": {"timeperiod": 14}}) == set()
    assert found({"function": "RSI", "parameters": {"timeperiod": "= 7 * 2"}}) == set()
    assert found({"function": "RSI", "parameters": {"time": 14}}) == {"invalid_config"}
    assert found({"function": "= 'RSI'"}) == {"static_field"}


def test_no_number_is_a_typed_error() -> None:
    below = columns_from(np.full(100, -1.0))
    with pytest.raises(NotANumber, match="no number for value"):
        run(Talib, {"function": "LN"}, bars_from(below))
    silent = eurusd_h1() | {"volume": np.full(6225, np.nan)}
    with pytest.raises(NotANumber, match="a volume that is no number"):
        run(Talib, {"function": "OBV"}, bars_from(silent, end=99))
    assert run(Talib, {"function": "RSI"}, bars_from(silent, end=99)).value > 0


def test_series_stops_at_the_last_gap() -> None:
    closes = np.concatenate([np.full(60, -1.0), np.full(5, 2.0)])
    output = run(Talib, {"function": "LN"}, bars_from(columns_from(closes)))
    assert output.series == [pytest.approx(np.log(2.0))] * 5


def test_memory_of_drawn_and_unknown_parameters() -> None:
    assert Talib.memory({}) == 498
    assert Talib.memory({"function": "SMA", "parameters": {"timeperiod": 200}}) == 202
    assert Talib.memory({"function": "MA", "parameters": {"timeperiod": 20, "matype": "EMA"}}) == 370
    assert Talib.memory({"function": "RSI", "parameters": {"timeperiod": "= inputs.p.value"}}) == MAX_BARS
    assert Talib.memory({"function": "NOPE"}) == MAX_BARS
    assert Talib.memory({"parameters": "= trigger"}) == MAX_BARS
    assert Talib.memory({"function": "TRANGE"}) == 2
    assert defined(columns_of(Talib, {"function": "TRANGE"}, bars_from(eurusd_h1(), end=50))["value"]).sum() == 49
