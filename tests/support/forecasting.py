"""Forecasts as a node makes them day after day: trained at the start of a block of bars, asked on every bar of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.series import Columns, bars_from
from tradeloom.nodes.ml._features import WARMUP
from tradeloom.nodes.ml._forecast import rows_of, train
from tradeloom.nodes.ml._network import Kind
from tradeloom.nodes.ml._session import Session


@dataclass(frozen=True)
class Run:
    """One forecast a row, made before its outcome was known, in prices; `confidence` is what the node says."""

    close: NDArray[np.float64]
    later: NDArray[np.float64]
    price: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    proven: NDArray[np.bool_]

    @property
    def coverage(self) -> float:
        return float(((self.low <= self.later) & (self.later <= self.high)).mean())

    @property
    def skill(self) -> float:
        return 1 - float(np.abs(self.price - self.later).mean() / np.abs(self.close - self.later).mean())

    def hit_rate(self, which: NDArray[np.bool_] | None = None) -> float:
        """Directions that were right, of those that can be; NaN where there is none."""
        forecast, outcome = self.price - self.close, self.later - self.close
        judged = (forecast != 0) & (outcome != 0)
        if which is not None:
            judged &= which
        return float((forecast * outcome > 0)[judged].mean()) if judged.any() else float("nan")


def walk(
    columns: Columns, kind: Kind, horizon: int, *, training: int = 1000, every: int = 24, coverage: float = 0.8,
    last: int | None = None,
) -> Run:  # fmt: skip
    """Through a whole series, or its last so many bars."""
    parts = list(_blocks(columns, kind, horizon, training, every, coverage, last))
    return Run(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _blocks(
    columns: Columns, kind: Kind, horizon: int, training: int, every: int, coverage: float, last: int | None
) -> Iterator[tuple[Any, ...]]:
    length = training + WARMUP - 1
    bars = len(columns["time"])
    first = length if last is None else max(length, bars - last)
    for known in range(first, bars - horizon - every, every):
        made = train(bars_from(columns, first=known - length, end=known), kind, horizon)
        # Rows of the bars that close after training, each seen with the fifty before it.
        rows = rows_of(bars_from(columns, first=known - WARMUP + 1, end=known + every + horizon), horizon)
        strength = Session(made.content).predict(rows.features[:every])
        close, later, move = rows.close[:every], rows.later[:every], rows.move[:every]
        below, above = made.scores.interval(coverage)
        sure = np.array([made.scores.confidence(each, horizon) for each in strength])
        yield (
            close,
            later,
            close * np.exp(strength * move),
            close * np.exp((strength + below) * move),
            close * np.exp((strength + above) * move),
            sure,
            np.full(every, made.scores.beats_naive),
        )
