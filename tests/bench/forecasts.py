"""The table of `docs/ml.md`: built-in models on every real series there is. `python -m tests.bench.forecasts`."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.support.forecasting import walk
from tests.support.series import Columns, eurusd_h1

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SERIES = ("EURUSD_H4", "GBPUSD_H1", "XAUUSD_H1", "EURUSD_D1", "GBPUSD_D1", "USDJPY_D1", "EURGBP_D1", "GBPJPY_D1",
          "AUDUSD_D1", "EURJPY_D1", "USDCAD_D1", "USDCHF_D1")  # fmt: skip
LAST = 2_000
"""Forecasts a series, the latest."""


def series() -> Iterator[tuple[str, Columns]]:
    yield "EURUSD_H1 (bundled)", eurusd_h1()
    for name in SERIES:
        file = SHARED / f"{name}.csv.gz"
        if file.exists():
            yield name, read_series(file)


def read_series(file: Path) -> Columns:
    with gzip.open(file, "rt") as text:
        rows = list(csv.DictReader(text))
    times = [datetime.fromisoformat(row["time"]).replace(tzinfo=UTC) for row in rows]
    columns: Columns = {"time": np.array([int(time.timestamp()) for time in times], dtype=np.int64)}
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = np.array([float(row[name]) for row in rows])
    columns["spread"] = np.zeros(len(rows), dtype=np.int32)
    return columns


def main() -> None:
    print("| series | model | horizon | n | skill | direction | 80% interval holds | proven | right when proven |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, columns in series():
        for kind in ("ridge", "kernel"):
            for horizon in (1, 5):
                run = walk(columns, kind, horizon, last=LAST)
                right = run.hit_rate(run.proven)
                print(
                    f"| {name} | {kind} | {horizon} | {len(run.close):,} | {run.skill:+.4f} | {run.hit_rate():.3f} | "
                    f"{run.coverage:.3f} | {run.proven.mean():.1%} | {'–' if np.isnan(right) else f'{right:.3f}'} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
