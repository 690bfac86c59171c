"""How good forecasts were on bars their model had not seen, and what that says of the next one."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    type Numbers = NDArray[np.float64]

LEAST_TESTED = 100
"""Fewer forecasts than this prove nothing."""

PROOF = 1.645
"""The statistic from which a smaller error is not put down to chance: one-sided 5%."""

STRENGTHS = 5
PRIOR = 20
"""Coin tosses added to each strength's independent forecasts before their hit rate is believed."""

MOST_LOG_RETURN = 50.0


@dataclass(frozen=True)
class Trial:
    """Forecasts and outcomes of one test, in time order. Targets are in usual moves: log return / (volatility x
    root of horizon); closes are prices at the forecast and at its horizon."""

    forecast: "Numbers"
    outcome: "Numbers"
    close: "Numbers"
    later: "Numbers"
    move: "Numbers"
    """Volatility x root of horizon, as a log return: one usual move."""

    def __len__(self) -> int:
        return len(self.forecast)


@dataclass(frozen=True)
class Scores:
    """Errors are in price. `edges` are the upper ends of the strengths but the last; `residuals` the 1st to the 99th
    percentile of outcome - forecast, in usual moves."""

    n: int
    windows: int
    mae: float
    rmse: float
    naive_mae: float
    skill: float
    t_statistic: float
    directional_accuracy: float
    edges: tuple[float, ...]
    hits: tuple[float, ...]
    counts: tuple[int, ...]
    residuals: tuple[float, ...]
    seen: bool = False
    """Whether the model may have been trained on the bars of its test."""
    window_mae: tuple[float, ...] = ()
    window_naive_mae: tuple[float, ...] = ()
    """Both errors of each test window, in time's order; versions of earlier releases have none."""

    @property
    def beats_naive(self) -> bool:
        return not self.seen and self.n >= LEAST_TESTED and self.skill > 0 and self.t_statistic >= PROOF

    def confidence(self, forecast: float, horizon: int) -> float:
        """Hit rate of the direction among test forecasts of about this strength, drawn toward a coin's by how few they
        are; targets that overlap count as one. At most a coin's where the naive forecast was not beaten."""
        place = sum(abs(forecast) > edge for edge in self.edges)
        count = self.counts[place] if self.counts else 0
        if count == 0 or forecast == 0:
            return 0.5
        rate, independent = self.hits[place] / count, count / horizon
        drawn = (rate * independent + 0.5 * PRIOR) / (independent + PRIOR)
        return drawn if self.beats_naive else min(drawn, 0.5)

    def interval(self, coverage: float) -> tuple[float, float]:
        """Where the residual fell in the test in this share of cases, the rest evenly below and above."""
        import numpy as np

        tail = (1 - coverage) / 2 * 100
        low, high = np.interp([tail, 100 - tail], np.arange(1, 100), self.residuals)
        return min(float(low), 0.0), max(float(high), 0.0)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Scores":
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()
        }
        return cls(**values)


def price_after(close: "Numbers", log_return: "Numbers") -> "Numbers":
    """A close moved by a log return; one that no market makes is cut, so that every price is a number."""
    import numpy as np

    moved: Numbers = close * np.exp(np.clip(log_return, -MOST_LOG_RETURN, MOST_LOG_RETURN))
    return moved


def score(trial: Trial, horizon: int, windows: int, *, seen: bool = False) -> Scores:
    """Everything about a test of at least one forecast."""
    import numpy as np

    error, naive = _errors(trial)
    mae, naive_mae = float(error.mean()), float(naive.mean())
    hit = np.where(trial.forecast * trial.outcome > 0, 1.0, 0.0)
    hit[(trial.outcome == 0) | (trial.forecast == 0)] = 0.5
    strength = np.abs(trial.forecast)
    edges = np.quantile(strength, np.arange(1, STRENGTHS) / STRENGTHS)
    place = (strength[:, None] > edges).sum(axis=1)
    residuals = np.percentile(trial.outcome - trial.forecast, np.arange(1, 100))
    return Scores(
        n=len(trial),
        windows=windows,
        mae=_short(mae),
        rmse=_short(float(np.sqrt(np.mean(error**2)))),
        naive_mae=_short(naive_mae),
        skill=_short(1 - mae / naive_mae) if naive_mae > 0 else 0.0,
        t_statistic=_short(diebold_mariano(naive - error, horizon)),
        directional_accuracy=_short(float(hit.mean())),
        edges=tuple(_short(edge) for edge in edges.tolist()),
        hits=tuple(float(hit[place == each].sum()) for each in range(STRENGTHS)),
        counts=tuple(int((place == each).sum()) for each in range(STRENGTHS)),
        residuals=tuple(_short(residual) for residual in residuals.tolist()),
        seen=seen,
    )


def mean_errors(trial: Trial) -> tuple[float, float]:
    """Mean absolute error of the forecasts, and of the naive ones."""
    error, naive = _errors(trial)
    return _short(float(error.mean())), _short(float(naive.mean()))


def _errors(trial: Trial) -> "tuple[Numbers, Numbers]":
    """By how much each forecast was wrong, and each naive one: in price, without sign."""
    import numpy as np

    error: Numbers = np.abs(price_after(trial.close, trial.forecast * trial.move) - trial.later)
    naive: Numbers = np.abs(trial.close - trial.later)
    return error, naive


def diebold_mariano(gain: "Numbers", horizon: int) -> float:
    """Diebold and Mariano's (1995) statistic of equal accuracy: the mean gain over its standard error.

    The variance is Newey and West's with `horizon - 1` lags, since targets overlap. Never beyond 99 either way.
    """
    import numpy as np

    mean = float(gain.mean())
    centred, count = gain - mean, len(gain)
    variance = float(centred @ centred) / count
    for lag in range(1, min(horizon, count)):
        variance += 2 * (1 - lag / horizon) * float(centred[lag:] @ centred[:-lag]) / count
    spread = math.sqrt(max(variance, 0.0) / count)
    if spread <= 1e-12 * float(np.abs(gain).max(initial=0.0)):
        return 0.0 if mean == 0 else math.copysign(99.0, mean)
    return max(-99.0, min(99.0, mean / spread))


def _short(number: float) -> float:
    """Six digits: a record is read by people, and kept by the thousand."""
    return float(f"{number:.6g}")
