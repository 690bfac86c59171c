"""Training on the past only, and testing as if each day had been the last one known."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tradeloom.nodes.ml._features import FEATURES, MOST, WARMUP, matrix, volatility
from tradeloom.nodes.ml._network import Kind, fit
from tradeloom.nodes.ml._scores import Scores, Trial, mean_errors, score
from tradeloom.nodes.ml._session import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.trading.bars import Bars

    type Numbers = NDArray[np.float64]

Progress = Callable[[int, int], None]
"""Told how many of how many steps are done."""

RECIPE = 1
"""Raise when training changes: models made by the old way are then made anew."""

WINDOWS = 6
FIRST_TEST = 0.4
"""Part of the rows that stand before the first test window."""

COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Made:
    """A model just trained."""

    content: bytes
    scores: Scores
    features: tuple[str, ...]
    bars: int
    first_time: int
    last_time: int
    """Opening times of the first bar and of the last bar whose close it has seen."""


@dataclass(frozen=True)
class Rows:
    """Bars as a model sees them: row `i` is bar `i + WARMUP - 1`. `outcome` and `later` are for the rows whose
    horizon lies within the bars; they come first."""

    features: "NDArray[np.float32]"
    close: "Numbers"
    move: "Numbers"
    outcome: "Numbers"
    later: "Numbers"

    def trial(self, start: int, end: int, forecast: "Numbers") -> Trial:
        part = slice(start, end)
        return Trial(forecast, self.outcome[part], self.close[part], self.later[part], self.move[part])


def rows_of(bars: "Bars", horizon: int) -> Rows:
    """Bars must have passed `require_prices` and be at least `WARMUP + horizon`."""
    import numpy as np

    start = WARMUP - 1
    close = bars.close[start:]
    move = volatility(bars.close)[start:] * np.sqrt(horizon)
    later = close[horizon:]
    known = len(later)
    outcome = np.log(later / close[:known]) / move[:known]
    return Rows(matrix(bars)[start:], close, move, outcome, later)


def _unwatched(done: int, total: int) -> None:
    pass


def inputs_digest(bars: "Bars", settings: Mapping[str, Any]) -> str:
    """What a model follows from, as SHA-256: the bars' own bytes, the settings, and the way it is trained."""
    told = json.dumps([RECIPE, FEATURES, dict(settings)], sort_keys=True)
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass"))
    for name in ("time", *COLUMNS):
        digest.update(getattr(bars, name).tobytes())
    return digest.hexdigest()


def train(bars: "Bars", kind: Kind, horizon: int, progress: Progress = _unwatched) -> Made:
    """Fit on all bars, and test by walk-forward. The same bars give the same bytes. `progress` is told of each fit."""
    import numpy as np

    rows = rows_of(bars, horizon)
    target = np.clip(rows.outcome, -MOST, MOST)
    scores = walk_forward(rows, target, kind, horizon, progress)
    network = fit(rows.features[: len(target)], target, kind, horizon)
    progress(WINDOWS + 1, WINDOWS + 1)
    properties = {"kind": kind, "horizon": str(horizon), "features": ",".join(FEATURES), "target": "scaled_return"}
    return Made(
        content=network.to_onnx(properties),
        scores=scores,
        features=FEATURES,
        bars=len(bars),
        first_time=int(bars.time[0]),
        last_time=int(bars.time[-1]),
    )


def walk_forward(rows: Rows, target: "Numbers", kind: Kind, horizon: int, progress: Progress = _unwatched) -> Scores:
    """Expanding windows over the later rows. A window's model has seen no row whose target ends within `horizon` bars
    of the window's first, so no price is in both."""
    import numpy as np

    first = round(len(target) * FIRST_TEST)
    borders = np.linspace(first, len(target), WINDOWS + 1).round().astype(int).tolist()
    forecasts = []
    for start, end in pairwise(borders):
        known = start - 2 * horizon + 1
        content = fit(rows.features[:known], target[:known], kind, horizon).to_onnx({})
        forecasts.append(Session(content).predict(rows.features[start:end]))
        progress(len(forecasts), WINDOWS + 1)
    scores = score(rows.trial(first, len(target), np.concatenate(forecasts)), horizon, WINDOWS)
    windows = [
        mean_errors(rows.trial(start, end, made))
        for (start, end), made in zip(pairwise(borders), forecasts, strict=True)
    ]
    return replace(scores, window_mae=tuple(own for own, _ in windows), window_naive_mae=tuple(n for _, n in windows))
