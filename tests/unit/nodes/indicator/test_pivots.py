from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.support.series import Columns, aggregated, bars_from, columns_from, eurusd_h1
from tests.unit.nodes.indicator.cases import columns_of, run
from tradeloom.errors import NotEnoughBars
from tradeloom.nodes.indicator.pivots import Pivots, PivotsConfig
from tradeloom.trading.timeframes import Timeframe

UTC_DAY = {"time_zone": "UTC", "day_start": "00:00"}
MONDAY = 1_483_315_200


def day_of(high: float, low: float, close: float) -> Columns:
    """Two days alike, then the first hours of a third at 2.0."""
    closes = np.array([close] * 48 + [2.0] * 5)
    columns = columns_from(closes, high=closes, low=closes, start=MONDAY)
    columns["open"] = closes.copy()
    columns["high"][[5, 29]], columns["low"][[9, 33]] = high, low
    return columns


def levels(method: str) -> dict[str, Any]:
    output = run(Pivots, {"method": method, **UTC_DAY}, bars_from(day_of(2.3, 1.7, 2.0)))
    return {name: value for name, value in output.model_dump().items() if name[0] in "rs" and len(name) == 2}


def test_published_formulas() -> None:
    #  P = (2.3 + 1.7 + 2.0) / 3 = 2, range 0.6
    assert levels("classic") == pytest.approx(
        {"r1": 2.3, "r2": 2.6, "r3": 2.9, "r4": 3.2, "s1": 1.7, "s2": 1.4, "s3": 1.1, "s4": 0.8}
    )
    fibonacci = levels("fibonacci")
    assert (fibonacci.pop("r4"), fibonacci.pop("s4")) == (None, None)
    assert fibonacci == pytest.approx({"r1": 2.2292, "r2": 2.3708, "r3": 2.6, "s1": 1.7708, "s2": 1.6292, "s3": 1.4})
    assert levels("camarilla") == pytest.approx(
        {"r1": 2.055, "r2": 2.11, "r3": 2.165, "r4": 2.33, "s1": 1.945, "s2": 1.89, "s3": 1.835, "s4": 1.67}
    )


def test_the_levels_next_to_the_price() -> None:
    columns = day_of(2.3, 1.7, 2.0)
    for price, resistance, support, position in (
        (2.05, 2.3, 2.0, "above"),
        (2.0, 2.3, 1.7, "middle"),
        (1.8, 2.0, 1.7, "below"),
        (9.0, None, 3.2, "above"),
        (0.1, 0.8, None, "below"),
    ):
        columns["close"][-1] = price
        output = run(Pivots, UTC_DAY, bars_from(columns))
        assert output.resistance == (None if resistance is None else pytest.approx(resistance))
        assert output.support == (None if support is None else pytest.approx(support))
        assert output.position == position
        assert (output.price, output.previous_price) == (price, 2.0)


def test_levels_stay_all_day_and_come_from_the_day_before() -> None:
    columns = aggregated(eurusd_h1(), Timeframe.H1)
    made = columns_of(Pivots, UTC_DAY, bars_from(columns, end=5000))
    days = columns["time"][:5000] // 86_400
    for day in np.unique(days)[2:]:
        rows, before = days == day, days == days[days < day].max()
        assert set(made["period_high"][rows]) == {columns["high"][:5000][before].max()}
        assert set(made["period_low"][rows]) == {columns["low"][:5000][before].min()}
        assert set(made["period_close"][rows]) == {columns["close"][:5000][before][-1]}
    assert np.isnan(made["pivot"][days <= np.unique(days)[1]]).all()


def test_sunday_evening_belongs_to_monday() -> None:
    columns = eurusd_h1()
    made = columns_of(Pivots, {}, bars_from(columns, end=5000))
    times = columns["time"][:5000]
    changes = np.flatnonzero(np.diff(made["pivot"]) != 0) + 1
    weekdays = [(int(times[row]) // 86_400 + 3) % 7 for row in changes]
    # A new day begins on Sunday evening to Thursday evening (UTC), never on Friday or Saturday.
    assert set(weekdays) == {6, 0, 1, 2, 3}


def test_weekly_levels_of_daily_bars() -> None:
    columns = aggregated(eurusd_h1(), Timeframe.D1)
    config = {"period": "week", "time_zone": "UTC", "day_start": "00:00"}
    made = columns_of(Pivots, config, bars_from(columns, timeframe=Timeframe.D1))
    weeks = (columns["time"] // 86_400 + 3) // 7
    last = weeks == weeks[-1]
    before = weeks == weeks[weeks < weeks[-1]].max()
    assert set(made["period_high"][last]) == {columns["high"][before].max()}
    assert set(made["period_close"][last]) == {columns["close"][before][-1]}


def test_two_whole_periods_are_needed() -> None:
    with pytest.raises(NotEnoughBars, match="Pivot points needs 52 bars of EURUSD H1; there are 51"):
        run(Pivots, UTC_DAY, bars_from(eurusd_h1(), end=51))


@pytest.mark.parametrize("bad", [{"method": "woodie"}, {"period": "year"}, {"time_zone": "Mars"}, {"day_start": "17"}])
def test_config_is_bounded(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PivotsConfig.model_validate({"bars": bars_from(eurusd_h1(), end=60).reference, **bad})
