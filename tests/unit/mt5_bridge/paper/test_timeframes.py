from datetime import UTC, datetime

import numpy as np
import pytest

from mt5_bridge.paper import constants
from mt5_bridge.paper.timeframes import BY_CODE, bar_end, bar_open, can_build
from tradeloom.trading.timeframes import Timeframe


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("timeframe", "moment", "opens", "ends"),
    [
        ("M5", "2024-02-29T13:59:59", "2024-02-29T13:55", "2024-02-29T14:00"),
        ("H4", "2024-02-29T13:59:59", "2024-02-29T12:00", "2024-02-29T16:00"),
        ("D1", "2024-02-29T13:59:59", "2024-02-29T00:00", "2024-03-01T00:00"),
        ("W1", "2024-02-29T13:59:59", "2024-02-25T00:00", "2024-03-03T00:00"),  # Sunday to Sunday
        ("W1", "2024-02-25T00:00:00", "2024-02-25T00:00", "2024-03-03T00:00"),
        ("MN1", "2024-02-29T13:59:59", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("MN1", "2023-12-31T23:59:59", "2023-12-01T00:00", "2024-01-01T00:00"),
    ],
)
def test_bars_begin_and_end_where_metatraders_do(timeframe: str, moment: str, opens: str, ends: str) -> None:
    begun = bar_open(np.array([seconds(moment)]), Timeframe(timeframe))
    assert begun.tolist() == [seconds(opens)]
    assert bar_end(begun, Timeframe(timeframe)).tolist() == [seconds(ends)]


def test_which_timeframes_build_which() -> None:
    hourly = [frame for frame in Timeframe if can_build(frame, Timeframe.H1)]
    assert hourly == ["H1", "H2", "H3", "H4", "H6", "H8", "H12", "D1", "W1", "MN1"]
    assert not can_build(Timeframe.H6, Timeframe.H4)
    assert not can_build(Timeframe.MN1, Timeframe.W1)
    assert can_build(Timeframe.MN1, Timeframe.D1)


def test_every_code_of_the_package_is_known() -> None:
    codes = {value for name, value in vars(constants).items() if name.startswith("TIMEFRAME_")}
    assert set(BY_CODE) == codes
