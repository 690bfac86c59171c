"""Bars that do not come from the broker, kept under the hash of their content so that a reference to them stands for
the same ones later, in another process, on another day.
"""

import json
from datetime import UTC, datetime
from typing import Any

from tradeloom.errors import NotEnoughBars
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.timeframes import Timeframe

COLUMNS = {
    "time": "int64",
    "open": "float64",
    "high": "float64",
    "low": "float64",
    "close": "float64",
    "volume": "float64",
    "spread": "int32",
}


def packed(bars: Bars) -> bytes:
    """The columns as JSON: equal bars give equal bytes."""
    columns = {name: getattr(bars, name).tolist() for name in COLUMNS}
    return json.dumps(columns, allow_nan=False, separators=(",", ":")).encode()


def unpacked(content: bytes, reference: BarsReference) -> Bars:
    """The last `count` of the bars visible at the reference's end, behind as much of its warm-up as there is.

    A bar is closed when its nominal end or the next bar's opening has come. Raises `NotEnoughBars` for fewer than
    `count`.
    """
    import numpy as np

    told: dict[str, list[Any]] = json.loads(content)
    columns = {name: np.array(told[name], dtype=dtype) for name, dtype in COLUMNS.items()}
    visible = visible_rows(told["time"], reference)
    if visible < reference.count:
        state = "closed" if reference.closed_only else "there"
        raise NotEnoughBars(
            f"{visible} of the bars given for {reference.symbol} {reference.timeframe} are "
            f"{state} by {reference.to.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC; "
            f"{reference.count} are needed"
        )
    first = max(0, visible - reference.count - reference.warmup)
    return Bars(reference=reference, **{name: column[first:visible] for name, column in columns.items()})


def visible_rows(openings: list[int], reference: BarsReference) -> int:
    """How many bars, from the first on, have closed (or begun, where the forming one is asked for) by the end."""
    end = reference.to.timestamp()
    begun = sum(opening <= end for opening in openings)
    if not reference.closed_only or begun == 0:
        return begun
    # Of the bars that have begun, each but the last is closed by the next one's opening.
    return begun if bar_end(openings[begun - 1], reference.timeframe) <= end else begun - 1


def bar_end(opening: int, timeframe: Timeframe) -> int:
    """First second after a bar; only a month has no fixed length."""
    if timeframe is not Timeframe.MN1:
        return opening + timeframe.seconds
    start = datetime.fromtimestamp(opening, tz=UTC)
    following = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return int(datetime(*following, 1, tzinfo=UTC).timestamp())
