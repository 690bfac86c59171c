"""Real market series: the bundled one always, those of `../shared/data` where that folder is."""

import csv
import gzip
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from tests.support.node_context import AS_OF
from tests.support.series import Columns, eurusd_h1
from tradeloom.trading.bars import MAX_BARS, Bars, BarsReference
from tradeloom.trading.timeframes import Timeframe

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
BUNDLED = "bundled_EURUSD_H1"
SERIES = [BUNDLED, *sorted(path.name.removesuffix(".csv.gz") for path in SHARED.glob("*.csv.gz"))]
"""Names such as GBPUSD_M1_bid: symbol, timeframe, and the side where there are two."""


@cache
def series(name: str) -> Columns:
    """A series' columns. Times are read as UTC; the spread is not known, so it is 2 points."""
    if name == BUNDLED:
        return eurusd_h1()
    with gzip.open(SHARED / f"{name}.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    times = [int(datetime.fromisoformat(row["time"]).replace(tzinfo=UTC).timestamp()) for row in rows]
    columns: Columns = {"time": np.array(times, dtype=np.int64)}
    for column in ("open", "high", "low", "close", "volume"):
        columns[column] = np.array([float(row[column]) for row in rows])
    columns["spread"] = np.full(len(rows), 2, dtype=np.int32)
    return columns


def bars_of(name: str, last: int | None = None) -> Bars:
    """A series as bars, all of it or its last rows: more than a reference may carry, as a backtest has them."""
    columns = {key: column[-last:] if last else column for key, column in series(name).items()}
    symbol, timeframe = name.removeprefix("bundled_").split("_")[:2]
    reference = BarsReference(
        account="paper",
        symbol=symbol,
        timeframe=Timeframe(timeframe),
        to=AS_OF,
        count=min(len(columns["time"]), MAX_BARS),
    )
    return Bars(reference=reference, **columns)
