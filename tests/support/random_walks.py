"""Markets without any pattern: random walks, bar by bar, for counting what pure chance draws."""

from typing import Any

import numpy as np

from tests.support.series import Columns, columns_from

TICKS = 24
"""Steps inside a bar: enough for wicks of a natural length."""

GAP = 0.1
"""The usual jump from a close to the next open, as a part of a bar's own movement: what currencies show."""


def random_walk(noise: np.random.Generator, bars: int, *, price: float = 1000.0) -> Columns:
    """Normal steps, no drift, no memory; a bar's movement has the standard deviation 1; the volume says nothing."""
    path: Any = np.cumsum(noise.standard_normal((bars, TICKS)) / np.sqrt(TICKS), axis=1)
    close = price + np.cumsum(path[:, -1] + GAP * noise.standard_normal(bars))
    opening = close - path[:, -1]
    made = columns_from(
        close, high=opening + np.maximum(path.max(axis=1), 0), low=opening + np.minimum(path.min(axis=1), 0)
    )
    made["open"] = opening
    made["high"] = np.maximum(made["high"], close)
    made["low"] = np.minimum(made["low"], close)
    made["volume"] = np.exp(0.5 * noise.standard_normal(bars))
    return made
