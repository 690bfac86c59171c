from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mt5_bridge.server_time import ServerZone
from tradeloom.errors import InvalidInput

ZONES = [
    "UTC",
    "Europe/Athens",
    "America/New_York+7",
    "Etc/GMT-3",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/New_York-0:30",
]
FROM, TO = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2035, 1, 1, tzinfo=UTC).timestamp())


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@given(st.sampled_from(ZONES), st.integers(FROM, TO))
@example("America/New_York+7", seconds("2024-03-10T07:00:00Z"))
@example("Europe/Athens", seconds("2024-03-31T01:00:00Z"))
def test_there_and_back_is_the_same_but_for_the_doubled_hour(name: str, utc: int) -> None:
    zone = ServerZone(name)
    back = zone.to_utc(zone.from_utc(utc))
    doubled = zone.offset_at(utc - 3600) > zone.offset_at(utc)
    assert back == utc or (doubled and back == utc - 3600)


@given(st.sampled_from(["Europe/Athens", "Asia/Kolkata", "Australia/Sydney"]), st.integers(FROM, TO))
def test_server_time_is_the_zones_wall_clock_read_as_utc(name: str, utc: int) -> None:
    local = datetime.fromtimestamp(utc, tz=ZoneInfo(name))
    assert ServerZone(name).from_utc(utc) == local.replace(tzinfo=UTC).timestamp()


@given(st.sampled_from(ZONES), st.integers(FROM, TO), st.lists(st.integers(0, 800 * 86_400), max_size=30))
@settings(max_examples=50)
def test_arrays_convert_as_single_times_do(name: str, start: int, times: list[int]) -> None:
    zone = ServerZone(name)
    server = np.array(sorted(start + time for time in times), dtype=np.int64)
    assert zone.to_utc_array(server).tolist() == [zone.to_utc(int(time)) for time in server]


def test_fixed_shifts() -> None:
    assert ServerZone("UTC+3").offset_at(0) == 3 * 3600
    assert ServerZone("UTC-5:30").offset_at(0) == -5.5 * 3600
    assert ServerZone("Etc/GMT-3").offset_at(0) == 3 * 3600


@pytest.mark.parametrize("day", ["2024-01-15", "2024-03-15", "2024-07-15", "2024-11-01", "2024-11-15"])
def test_new_york_plus_seven_puts_midnight_at_the_new_york_close(day: str) -> None:
    midnight = ServerZone("America/New_York+7").to_utc(seconds(f"{day}T00:00:00Z"))
    assert datetime.fromtimestamp(midnight, tz=ZoneInfo("America/New_York")).hour == 17


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe/Athens+x", "../etc/passwd", "UTC+3 ", "UTC+x", "3"])
def test_unknown_zones_are_named(name: str) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        ServerZone(name)
