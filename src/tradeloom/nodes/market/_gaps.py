"""Finding the holes in a series of bars that are not the market's usual closing hours."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY
SATURDAY_NOON = 2 * DAY + 12 * HOUR
"""Of the first week after the epoch, which began on a Thursday."""

LONGEST_WEEKEND = 72 * HOUR
"""No market's ordinary weekend is longer; it bounds what a short window can teach."""

TOLERANCE = HOUR
"""What a change of the clocks or a slow first tick may add to a pause without making it a gap."""


@dataclass(frozen=True, slots=True)
class Hole:
    """No bar opened from `start` (when one was due) until `end` (when the next did); seconds since the epoch."""

    start: int
    end: int
    bars_missing: int


def unusual_gaps(time: "NDArray[np.int64]", timeframe: Timeframe) -> list[Hole]:
    """Pauses longer than this market usually makes, oldest first.

    What is usual is learned from the series itself: for weekends the median of its weekend pauses, for weekdays the
    pause that at least every other day has (an exchange's night, metals' daily break). A market that trades through
    most weekends has no usual weekend, so any pause of over an hour is a gap.
    """
    import numpy as np

    if len(time) < 2:
        return []
    due = time[:-1] + timeframe.seconds
    pause = time[1:] - due
    # Rounded, because a month has no fixed length.
    missing = np.rint(pause / timeframe.seconds).astype(np.int64)
    over_weekend = (time[1:] - SATURDAY_NOON) // WEEK > (due - SATURDAY_NOON) // WEEK
    paused = missing > 0
    weeks = int(time[-1] - time[0]) / WEEK
    weekend = min(_usual(pause[paused & over_weekend], weeks), LONGEST_WEEKEND)
    weekday = _usual(pause[paused & ~over_weekend], weeks * 5)
    unusual = paused & (pause > TOLERANCE + np.where(over_weekend, weekend, weekday))
    return [Hole(int(due[row]), int(time[row + 1]), int(missing[row])) for row in np.flatnonzero(unusual)]


def _usual(pauses: "NDArray[np.int64]", occasions: float) -> int:
    """The pause made on at least half of the occasions for one; 0 when pauses are rarer than that."""
    import numpy as np

    half = int(occasions / 2)
    return int(np.sort(pauses)[::-1][half]) if len(pauses) > half else 0
