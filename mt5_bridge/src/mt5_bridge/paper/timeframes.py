"""Timeframes on the server's time axis: where a bar begins, where it ends, which can be built from which.

All times are int64 seconds of broker server time counted as if it were UTC, the way MetaTrader counts.
"""

import numpy as np
from numpy.typing import NDArray

from mt5_bridge.paper import constants
from tradeloom.trading.timeframes import Timeframe

Seconds = NDArray[np.int64]

DAY_S = 86_400
_WEEK_S = 7 * DAY_S
_FIRST_SUNDAY_S = 3 * DAY_S
"""1970-01-04: MetaTrader's weeks begin on Sunday."""

BY_CODE: dict[int, Timeframe] = {getattr(constants, f"TIMEFRAME_{frame}"): frame for frame in Timeframe}
"""`TIMEFRAME_H1` and the like (16385) to our own names."""


def bar_open(times: Seconds, timeframe: Timeframe) -> Seconds:
    """Opening time of the bar each moment belongs to."""
    match timeframe:
        case Timeframe.MN1:
            return times.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
        case Timeframe.W1:
            return (times - _FIRST_SUNDAY_S) // _WEEK_S * _WEEK_S + _FIRST_SUNDAY_S
        case _:
            return times // timeframe.seconds * timeframe.seconds


def bar_end(opens: Seconds, timeframe: Timeframe) -> Seconds:
    """First second after each bar that opens at `opens`."""
    if timeframe is Timeframe.MN1:
        months = opens.astype("datetime64[s]").astype("datetime64[M]") + np.timedelta64(1, "M")
        return months.astype("datetime64[s]").astype(np.int64)
    return opens + timeframe.seconds


def can_build(target: Timeframe, data: Timeframe) -> bool:
    """Whether bars of `target` are exact unions of bars of `data`."""
    if target is data:
        return True
    if target in (Timeframe.W1, Timeframe.MN1):
        return data.seconds <= DAY_S
    return target.seconds % data.seconds == 0
