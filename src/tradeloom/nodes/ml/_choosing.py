"""Which model a forecast is made with: one in the store, one trained now, or one a user brought."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tradeloom.errors import ModelRefused, NotEnoughBars, NotFound, TradeloomError
from tradeloom.nodes.ml._features import WARMUP
from tradeloom.nodes.ml._scores import Scores

if TYPE_CHECKING:
    from tradeloom.nodes.base import NodeContext
    from tradeloom.nodes.ml._forecast import Progress
    from tradeloom.nodes.ml._network import Kind
    from tradeloom.nodes.ml.predict import PredictConfig
    from tradeloom.nodes.models import ModelRecord
    from tradeloom.trading.bars import Bars, BarsReference

ONNX = "onnx:"


@dataclass(frozen=True)
class Ready:
    """A model that may be used now, and how it did."""

    record: "ModelRecord"
    content: bytes
    scores: Scores


@dataclass(frozen=True)
class TrainingSet:
    """What a built-in model is trained on, and as what. `inputs` is the digest of window, kind and horizon."""

    shelf: str
    window: "Bars"
    kind: "Kind"
    horizon: int
    inputs: str


def trained_model(config: "PredictConfig", context: "NodeContext", bars: "Bars") -> Ready:
    """The built-in model of the last completed `retrain_every` bars: from the store, or trained now."""
    training = training_set(config, bars)
    shelf = context.models.shelf(training.shelf)
    record = shelf.chosen
    if record is None or _from_the_future(record, bars):
        record = next((each for each in shelf.versions if each.inputs == training.inputs), None)
    if record is not None:
        with suppress(NotFound):  # its file may be gone; it is trained again then, the same
            return Ready(record, context.models.content(record), Scores.from_json(record.scores))
    return _train(training, context)


def training_set(config: "PredictConfig", bars: "Bars") -> TrainingSet:
    """What a node with this configuration would train on now. Raises `NotEnoughBars` and `NotANumber`."""
    from tradeloom.nodes.ml._features import require_prices
    from tradeloom.nodes.ml._forecast import inputs_digest

    end = _known_bars(bars, config.retrain_every)
    length = config.training_bars + WARMUP - 1
    if end < length:
        raise NotEnoughBars(
            f"a forecast needs {length + config.retrain_every} bars of {bars.reference.symbol} "
            f"{bars.reference.timeframe}; there are {len(bars)}",
            field="config.bars",
            hint="lower training_bars, or wait until the broker has more history",
        )
    window = cut(bars, end - length, end)
    require_prices(cut(bars, end - length, len(bars)))
    kind: Kind = "kernel" if config.model == "kernel" else "ridge"
    return TrainingSet(
        shelf=_shelf_name(config, bars.reference, kind),
        window=window,
        kind=kind,
        horizon=config.horizon,
        inputs=inputs_digest(window, {"kind": kind, "horizon": config.horizon}),
    )


def _train(training: TrainingSet, context: "NodeContext") -> Ready:
    ready = trained_on(training, lambda done, total: context.progress(done, total, "training"))
    try:
        context.models.keep(training.shelf, ready.record, ready.content)
    except TradeloomError as error:
        # What is not kept is trained again, the same: no reason to give no forecast.
        context.log(f"the trained model could not be kept: {error.message}", level="warning")
    return ready


def trained_on(training: TrainingSet, progress: "Progress") -> Ready:
    """A model of exactly this, and all that is to be known about it."""
    import hashlib

    from tradeloom.nodes.ml._forecast import train
    from tradeloom.nodes.models import ModelRecord

    made = train(training.window, training.kind, training.horizon, progress)
    reference = training.window.reference
    record = ModelRecord(
        version=hashlib.sha256(made.content).hexdigest(),
        kind=training.kind,
        inputs=training.inputs,
        symbol=reference.symbol,
        timeframe=reference.timeframe,
        horizon=training.horizon,
        features=made.features,
        target="scaled_return",
        trained_from=time_of(made.first_time),
        trained_to=time_of(made.last_time + reference.timeframe.seconds),
        bars=made.bars,
        scores=made.scores.as_json(),
        file_bytes=len(made.content),
    )
    return Ready(record, made.content, made.scores)


def uploaded_model(config: "PredictConfig", context: "NodeContext", bars: "Bars") -> Ready:
    """An uploaded model, tested on the bars after those it was trained on."""
    from tradeloom.nodes.ml._features import require_prices
    from tradeloom.nodes.ml._gate import examine
    from tradeloom.nodes.ml._uploaded import score_uploaded

    record = context.models.uploaded(config.model.removeprefix(ONNX))
    if record.horizon != config.horizon:
        raise ModelRefused(
            f"the model forecasts {record.horizon} bars ahead, not {config.horizon}", field="config.horizon"
        )
    if record.timeframe not in (None, bars.reference.timeframe):
        raise ModelRefused(
            f"the model was made for {record.timeframe} bars, not {bars.reference.timeframe}", field="config.bars"
        )
    if len(bars) < WARMUP + config.horizon:
        raise NotEnoughBars(
            f"a forecast needs {WARMUP + config.horizon} bars; there are {len(bars)}", field="config.bars"
        )
    if record.trained_to is not None and _from_the_future(record, bars):
        raise ModelRefused(
            f"the model was trained on bars up to {record.trained_to:%Y-%m-%dT%H:%M:%SZ}, which lies after the "
            "last bar of this run",
            field="config.model",
            hint="a forecast of what a model has already seen says nothing; use later bars",
        )
    tested = cut(bars, max(0, len(bars) - config.training_bars - WARMUP + 1), len(bars))
    require_prices(tested)
    content = context.models.content(record)
    examine(content, len(record.features))
    return Ready(record, content, score_uploaded(tested, record, content))


def _known_bars(bars: "Bars", every: int) -> int:
    """How many of the bars had closed when the last round of `every` bar lengths ended.

    Rounds are counted from the epoch, not from the first bar at hand: whoever asks, and whenever, agrees on them.
    """
    import numpy as np

    if not len(bars):
        return 0
    closes = bars.time // bars.reference.timeframe.seconds + 1
    return int(np.searchsorted(closes, int(closes[-1]) // every * every, side="right"))


def cut(bars: "Bars", start: int, end: int) -> "Bars":
    from dataclasses import replace

    names = ("time", "open", "high", "low", "close", "volume", "spread")
    return replace(bars, **{name: getattr(bars, name)[start:end] for name in names})


def _from_the_future(record: "ModelRecord", bars: "Bars") -> bool:
    closed = time_of(int(bars.time[-1])) + timedelta(seconds=bars.reference.timeframe.seconds)
    return record.trained_to is not None and record.trained_to > closed


def _shelf_name(config: "PredictConfig", reference: "BarsReference", kind: str) -> str:
    """One shelf for each account, symbol, timeframe, kind and settings; what people read of it comes first."""
    import hashlib
    import json

    from tradeloom.nodes.models import TRAINED

    settings = [reference.account, reference.symbol, config.training_bars, config.retrain_every]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]
    symbol = "".join(each if each.isalnum() and each.isascii() else "_" for each in reference.symbol[:32])
    return f"{TRAINED}{symbol}/{reference.timeframe}/{kind}/h{config.horizon}/{digest}"


def time_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
