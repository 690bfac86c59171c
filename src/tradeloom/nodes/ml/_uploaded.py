"""Running a model by its record, and testing one that was trained elsewhere."""

from typing import TYPE_CHECKING

from tradeloom.nodes.ml._features import FEATURES, MOST
from tradeloom.nodes.ml._forecast import rows_of
from tradeloom.nodes.ml._scores import LEAST_TESTED, Scores, score
from tradeloom.nodes.ml._session import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tradeloom.nodes.models import ModelRecord
    from tradeloom.trading.bars import Bars

    type Numbers = NDArray[np.float64]


def forecasts(bars: "Bars", record: "ModelRecord", content: bytes) -> "tuple[Numbers, Numbers]":
    """For each bar from `WARMUP - 1` on: the forecast in usual moves, and a usual move as a log return.

    Raises `ModelFailed`.
    """
    import numpy as np

    rows = rows_of(bars, record.horizon)
    columns = [FEATURES.index(name) for name in record.features]
    answer = Session(content).predict(np.ascontiguousarray(rows.features[:, columns]))
    if record.target == "log_return":
        answer = answer / rows.move
    return np.clip(answer, -MOST, MOST), rows.move


def score_uploaded(bars: "Bars", record: "ModelRecord", content: bytes) -> Scores:
    """Scores on the bars after the model's training. Where they are too few, or nobody said when training ended, on
    all bars, and the scores say that the model may have seen them."""
    import numpy as np

    from tradeloom.nodes.ml._features import WARMUP

    rows = rows_of(bars, record.horizon)
    forecast, _ = forecasts(bars, record, content)
    known, start = len(rows.outcome), 0
    if record.trained_to is not None:
        # A forecast made at the close of a bar that opened later than this uses the bar's own move, which is new.
        opened = bars.time[WARMUP - 1 :][:known]
        start = int(np.searchsorted(opened, record.trained_to.timestamp(), side="left"))
    seen = record.trained_to is None or known - start < LEAST_TESTED
    if seen:
        start = 0
    return score(rows.trial(start, known, forecast[start:known]), record.horizon, windows=1, seen=seen)
