from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.ma import MaConfig, MovingAverage

FUNCTIONS = {"SMA": talib.SMA, "EMA": talib.EMA, "WMA": talib.WMA}


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("source", ["close", "open", "high", "low", "median", "typical", "weighted"])
def test_equals_talib_on_real_bars(kind: str, source: str) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    value = columns_of(MovingAverage, {"period": 20, "kind": kind, "source": source}, bars)["value"]
    np.testing.assert_array_equal(value, FUNCTIONS[kind](bars.column(source), 20))


def test_equals_the_definitions() -> None:
    bars = bars_from(columns_from([1.0, 2.0, 4.0, 8.0]))
    assert run(MovingAverage, {"period": 3}, bars).value == pytest.approx((2 + 4 + 8) / 3)
    assert run(MovingAverage, {"period": 3, "kind": "WMA"}, bars).value == pytest.approx((2 + 2 * 4 + 3 * 8) / 6)
    first = (1 + 2 + 4) / 3
    assert run(MovingAverage, {"period": 3, "kind": "EMA"}, bars).value == pytest.approx(first + (8 - first) / 2)
    assert run(MovingAverage, {"period": 1}, bars).value == 8.0


@pytest.mark.parametrize(
    ("closes", "trend"), [([1, 2, 3], "up"), ([3, 2, 1], "down"), ([2, 1, 2], "flat"), ([1.1, 1.1, 1.1], "flat")]
)
def test_trend_compares_with_the_value_before(closes: list[float], trend: str) -> None:
    output = run(MovingAverage, {"period": 2}, bars_from(columns_from(closes)))
    assert output.trend == trend
    assert output.previous == pytest.approx((closes[0] + closes[1]) / 2)


def test_what_is_left_of_an_old_move_is_no_trend() -> None:
    bars = bars_from(columns_from([1.0] * 30 + [1.1] * 260))
    output = run(MovingAverage, {"period": 20, "kind": "EMA"}, bars)
    assert output.value != output.previous
    assert output.trend == "flat"


def test_series_is_the_last_fifty_values() -> None:
    columns = eurusd_h1()
    expected = talib.SMA(columns["close"][:1000], 20)
    output = run(MovingAverage, {"period": 20}, bars_from(columns, end=1000, count=200))
    assert output.series == expected[-50:].tolist()
    assert output.series[-2:] == [output.previous, output.value]


def test_series_never_reaches_into_the_warm_up() -> None:
    output = run(MovingAverage, {"period": 5}, bars_from(eurusd_h1(), end=1000, count=7))
    assert len(output.series) == 7


def test_series_holds_what_there_is_when_history_is_short() -> None:
    output = run(MovingAverage, {"period": 20}, bars_from(eurusd_h1(), end=25))
    assert len(output.series) == 6


@pytest.mark.parametrize(
    ("config", "bars"),
    [
        ({"period": 20}, 20),
        ({"period": 20, "kind": "WMA"}, 20),
        ({"period": 200, "kind": "EMA"}, 3674),
        ({"period": 1, "kind": "EMA"}, 2),
        ({"period": 1000, "kind": "EMA"}, 18369),
        ({"period": "= inputs.p.value"}, 1000),
        ({"period": 20, "kind": "= inputs.p.kind"}, 368),
    ],
)
def test_memory(config: dict[str, Any], bars: int) -> None:
    assert MovingAverage.memory(config) == bars


def test_ema_200_forgets_its_start() -> None:
    columns, end = eurusd_h1(), 6000
    config = {"period": 200, "kind": "EMA"}
    whole = run(MovingAverage, config, bars_from(columns, first=end - 5000, end=end)).value
    remembered = run(MovingAverage, config, bars_from(columns, first=end - 1 - 3674, end=end)).value
    too_short = run(MovingAverage, config, bars_from(columns, first=end - 500, end=end)).value
    assert remembered == pytest.approx(whole, rel=1e-12)
    assert too_short != pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("config", [{"period": 0}, {"period": 1001}, {"kind": "HMA"}, {"source": "volume"}])
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MaConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **config})
