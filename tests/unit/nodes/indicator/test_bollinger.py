import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.bollinger import Bollinger, BollingerConfig


@pytest.mark.parametrize(("period", "deviations"), [(20, 2.0), (50, 2.5), (2, 1.0)])
def test_equals_talib_and_the_definition_on_real_bars(period: int, deviations: float) -> None:
    bars = bars_from(eurusd_h1(), end=5000)
    columns = columns_of(Bollinger, {"period": period, "deviations": deviations}, bars)
    windows = np.lib.stride_tricks.sliding_window_view(bars.close, period)
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    moved = windows.max(axis=1) > windows.min(axis=1)
    by_talib = talib.BBANDS(bars.close, period, deviations, deviations)
    for name, expected, defined in zip(
        ("upper", "middle", "lower"),
        by_talib,
        (mean + deviations * deviation, mean, mean - deviations * deviation),
        strict=True,
    ):
        np.testing.assert_array_equal(columns[name][period - 1 :][moved], expected[period - 1 :][moved])
        np.testing.assert_allclose(columns[name][period - 1 :], defined, rtol=1e-10)
        np.testing.assert_array_equal(columns[f"previous_{name}"][1:], columns[name][:-1])


def test_percent_b_bandwidth_and_position() -> None:
    #  mean 3, deviation sqrt(2): bands of one deviation at 3 ± 1.414
    bars = bars_from(columns_from([9.0, 1, 2, 4, 3, 5]))
    output = run(Bollinger, {"period": 5, "deviations": 1}, bars)
    assert output.middle == pytest.approx(3)
    assert output.percent_b == pytest.approx((5 - (3 - 2**0.5)) / (2 * 2**0.5))
    assert output.bandwidth == pytest.approx(2 * 2**0.5 / 3)
    assert output.position == "above_upper"
    assert (output.price, output.previous_price) == (5, 3)


@pytest.mark.parametrize(
    ("last", "position"),
    [(9.0, "above_upper"), (3.2, "upper_half"), (2.5, "middle"), (1.8, "lower_half"), (-4.0, "below_lower")],
)
def test_positions(last: float, position: str) -> None:
    bars = bars_from(columns_from([1.0, 1, 4, 1, 4, last]))
    assert run(Bollinger, {"period": 5, "deviations": 1.5}, bars).position == position


def test_flat_bands_are_defined() -> None:
    moves = np.random.default_rng(5).normal(4000, 5, 500)
    output = run(Bollinger, {}, bars_from(columns_from(np.concatenate([moves, np.full(25, 4000.0)]))))
    assert output.upper == output.middle == output.lower == 4000.0
    assert (output.percent_b, output.bandwidth, output.position) == (0.5, 0.0, "middle")


def test_a_cheap_coin_has_bands() -> None:
    closes = 1.2e-5 + 1e-8 * np.sin(np.arange(60.0))
    output = run(Bollinger, {}, bars_from(columns_from(closes)))
    assert output.upper - output.middle == pytest.approx(2 * closes[-20:].std(), rel=1e-6)


def test_memory_is_the_period() -> None:
    assert Bollinger.memory({}) == 20
    assert Bollinger.memory({"period": "= item"}) == 1000
    assert Bollinger.memory({"deviations": "= item"}) == 20


@pytest.mark.parametrize("bad", [{"period": 1}, {"deviations": 0}, {"deviations": float("nan")}, {"deviations": True}])
def test_config_is_bounded(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        BollingerConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
