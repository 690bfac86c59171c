from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.series import Columns, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.errors import NotANumber, NotEnoughBars
from tradeloom.nodes.indicator.vwap import Vwap, VwapConfig
from tradeloom.trading.timeframes import Timeframe

UTC_DAY = {"time_zone": "UTC", "day_start": "00:00"}
MONDAY = 1_483_315_200
"""2017-01-02T00:00Z."""


def weighed(prices: list[float], volumes: list[float]) -> tuple[float, float]:
    """Average and deviation, straight from the definition."""
    average = sum(p * v for p, v in zip(prices, volumes, strict=True)) / sum(volumes)
    squares = sum(v * (p - average) ** 2 for p, v in zip(prices, volumes, strict=True))
    return average, (squares / sum(volumes)) ** 0.5


def made(hours: int = 100) -> Columns:
    noise = np.random.default_rng(7)
    columns = columns_from(1.1 + 0.001 * np.cumsum(noise.normal(size=hours)), start=MONDAY)
    columns["volume"] = noise.integers(0, 500, hours).astype(float)
    columns["volume"][::24] += 1
    return columns


def test_equals_the_definition_since_the_day_began() -> None:
    columns = made()
    bars = bars_from(columns)
    typical = bars.column("typical").tolist()
    vwap = columns_of(Vwap, {**UTC_DAY, "deviations": 2}, bars)
    assert np.isnan(vwap["value"][:24]).all(), "the first day may have begun before the bars"
    for row in range(24, 100):
        start = row - row % 24
        average, deviation = weighed(typical[start : row + 1], bars.volume[start : row + 1].tolist())
        assert vwap["value"][row] == pytest.approx(average, rel=1e-12)
        assert vwap["upper"][row] == pytest.approx(average + 2 * deviation, rel=1e-12)
        assert vwap["lower"][row] == pytest.approx(average - 2 * deviation, rel=1e-12)
        assert vwap["bars"][row] == row - start + 1
        assert vwap["volume"][row] == bars.volume[start : row + 1].sum()


def test_equals_the_definition_over_the_last_bars() -> None:
    bars = bars_from(made())
    vwap = columns_of(Vwap, {"anchor": "rolling", "period": 10, "source": "close"}, bars)
    for row in range(9, 100):
        window = slice(row - 9, row + 1)
        average, deviation = weighed(bars.close[window].tolist(), bars.volume[window].tolist())
        assert vwap["value"][row] == pytest.approx(average, rel=1e-12)
        assert vwap["upper"][row] == pytest.approx(average + deviation, rel=1e-12)


def test_the_currency_day_begins_in_new_york_summer_and_winter() -> None:
    columns = eurusd_h1()
    vwap = columns_of(Vwap, {}, bars_from(columns, end=5000))
    opened = columns["time"][:5000][vwap["bars"] == 1]
    hours = {int(each) % 86_400 // 3_600 for each in opened.tolist()}
    assert hours == {21, 22}


def test_a_week_begins_on_sunday_evening() -> None:
    columns = eurusd_h1()
    vwap = columns_of(Vwap, {"anchor": "week"}, bars_from(columns, end=5000))
    opened = columns["time"][:5000][vwap["bars"] == 1]
    assert len(opened) > 30
    assert {(int(each) // 86_400 + 3) % 7 for each in opened.tolist()} == {6}


def test_says_where_the_close_stands() -> None:
    output = run(Vwap, UTC_DAY, bars_from(made()))
    close, sides = output.price, [output.lower, output.value, output.upper]
    expected = ["below_lower", "lower_half", "upper_half", "above_upper"][sum(close > side for side in sides)]
    assert output.position == expected
    assert output.bars == 4


def test_bars_that_do_not_reach_back_are_refused() -> None:
    with pytest.raises(NotEnoughBars, match="VWAP needs 27 bars of EURUSD H1; there are 26"):
        run(Vwap, UTC_DAY, bars_from(made(), end=26))
    with pytest.raises(NotEnoughBars, match="needs 747 bars"):
        run(Vwap, {"anchor": "month"}, bars_from(made()))
    with pytest.raises(NotEnoughBars, match="needs 10142 bars of EURUSD M1"):
        run(Vwap, {"anchor": "week"}, bars_from(made(), timeframe=Timeframe.M1))


def test_no_volume_is_a_typed_error() -> None:
    silent = made() | {"volume": np.zeros(100)}
    with pytest.raises(NotANumber, match="VWAP has no number for value"):
        run(Vwap, UTC_DAY, bars_from(silent))
    for bad in (np.nan, np.inf, -1.0):
        broken = made()
        broken["volume"][3] = bad
        with pytest.raises(NotANumber, match="a volume that is no number"):
            run(Vwap, UTC_DAY, bars_from(broken))


def test_memory_loads_the_anchors_whole_period() -> None:
    assert Vwap.memory({}) == 25 * 60 + 2
    assert Vwap.memory({"anchor": "week"}) == (7 * 24 + 1) * 12 + 2
    assert Vwap.memory({"anchor": "month"}) == (31 * 24 + 1) * 2 + 2
    assert Vwap.memory({"anchor": "rolling", "period": 50}) == 50
    assert Vwap.memory({"anchor": "= item"}) == Vwap.memory({"anchor": "week"})


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"time_zone": "New York"}, "'New York' is no IANA time zone"),
        ({"time_zone": "../etc/passwd"}, "is no IANA time zone"),
        ({"time_zone": "\x00"}, "is no IANA time zone"),
        ({"time_zone": "🜁"}, "is no IANA time zone"),
        ({"time_zone": ""}, "at least 1 character"),
        ({"day_start": "25:00"}, "pattern"),
        ({"day_start": "5pm"}, "pattern"),
        ({"anchor": "year"}, "Input should be"),
        ({"period": 1}, "greater than or equal to 2"),
        ({"deviations": float("nan")}, "finite"),
    ],
)
def test_config_is_bounded(bad: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        VwapConfig.model_validate({"bars": bars_from(eurusd_h1(), end=30).reference, **bad})
