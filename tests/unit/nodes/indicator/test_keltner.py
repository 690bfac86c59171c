from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.series import bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.nodes.indicator.keltner import Keltner, KeltnerConfig


@pytest.mark.parametrize(("period", "atr_period", "multiplier"), [(20, 10, 2.0), (50, 14, 1.5), (5, 30, 3.0)])
def test_is_an_average_and_true_ranges(period: int, atr_period: int, multiplier: float) -> None:
    bars = bars_from(eurusd_h1(), end=3000)
    config = {"period": period, "atr_period": atr_period, "multiplier": multiplier}
    columns = columns_of(Keltner, config, bars)
    first = max(period - 1, atr_period)
    middle = talib.EMA(bars.close, period)
    reach = multiplier * talib.ATR(bars.high, bars.low, bars.close, atr_period)
    for name, expected in (("upper", middle + reach), ("middle", middle), ("lower", middle - reach)):
        np.testing.assert_array_equal(columns[name][first:], expected[first:])
        assert np.isnan(columns[name][:first]).all()
        np.testing.assert_array_equal(columns[f"previous_{name}"][1:], columns[name][:-1])
    np.testing.assert_array_equal(columns["width"], columns["upper"] - columns["lower"])


@pytest.mark.parametrize(
    ("last", "position"), [(9.0, "above_upper"), (1.2, "upper_half"), (0.8, "lower_half"), (-9.0, "below_lower")]
)
def test_positions(last: float, position: str) -> None:
    closes = [1.0] * 40 + [last]
    bars = bars_from(columns_from(closes, high=np.array(closes) + 0.5, low=np.array(closes) - 0.5))
    assert run(Keltner, {}, bars).position == position


def test_memory_is_the_longer_one() -> None:
    assert Keltner.memory({}) == 368
    assert Keltner.memory({"atr_period": 200}) > 7000
    assert Keltner.memory({"period": "= item"}) == 5000


@pytest.mark.parametrize("bad", [{"period": 0}, {"atr_period": 0}, {"multiplier": 0}, {"source": "volume"}])
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KeltnerConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
