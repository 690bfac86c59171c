"""The API's models: what is kept, and trainings that run while people watch."""

import base64
import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.api.models.trained_models import (
    ModelDetail,
    ModelList,
    ModelScores,
    ModelSummary,
    ModelVersion,
    StartTraining,
    Training,
    TrainingList,
    UploadModel,
)
from tradeloom.engine.stores import VariableStore
from tradeloom.errors import Conflict, ModelRefused, NotFound, TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.local.models import TenantVariables
from tradeloom.nodes.ml._features import FEATURES, WARMUP
from tradeloom.nodes.ml._forecast import WINDOWS
from tradeloom.nodes.ml._scores import Scores
from tradeloom.nodes.ml._training import train_now
from tradeloom.nodes.ml._upload import upload
from tradeloom.nodes.ml.predict import PredictConfig
from tradeloom.nodes.models import UPLOADED, ModelFiles, ModelRecord, ModelStore, Shelf
from tradeloom.trading.bars import Bars, BarsReference

log: Final = logging.getLogger(__name__)

REMEMBERED: Final = 20
"""Trainings a list shows."""

BarsOf = Callable[[BarsReference], Bars]
"""Reads bars of an account. Raises `NotEnoughBars`, `BrokerError`."""


class LocalModels:
    """One training runs at a time: it takes a processor."""

    def __init__(
        self,
        on_loop: OnLoop,
        variables: VariableStore,
        files: ModelFiles,
        *,
        market_now: Callable[[str], datetime],
        bars_of: BarsOf,
        pool: Executor | None = None,
    ) -> None:
        """`market_now` answers an account's market time; raises `InvalidInput` for one that is not there. `pool` is
        what trainings run on: a thread of its own."""
        self._on_loop = on_loop
        self._variables = variables
        self._files = files
        self._market_now = market_now
        self._bars_of = bars_of
        self._trainings: dict[str, dict[str, Training]] = {}
        self._changing = threading.Lock()
        self._pool = pool or ThreadPoolExecutor(1, thread_name_prefix="training")

    def listing(self, tenant: str) -> ModelList:
        store = self._store(tenant)
        shelves = [(name, store.shelf(name)) for name in store.names()]
        return ModelList(items=[summary_of(name, shelf) for name, shelf in sorted(shelves) if shelf.versions])

    def get(self, tenant: str, model: str) -> ModelDetail:
        name = name_of(model)
        return detail_of(name, self._store(tenant).known(name))

    def promote(self, tenant: str, model: str, version: str | None) -> ModelDetail:
        name = name_of(model)
        return detail_of(name, self._store(tenant).promote(name, version))

    def rollback(self, tenant: str, model: str) -> ModelDetail:
        name = name_of(model)
        return detail_of(name, self._store(tenant).rollback(name))

    def upload(self, tenant: str, brought: UploadModel) -> ModelDetail:
        store = self._store(tenant)
        upload(
            store,
            brought.name,
            _file_of(brought.model),
            horizon=brought.horizon,
            features=FEATURES if brought.features is None else brought.features,
            target=brought.target,
            trained_to=brought.trained_to,
            timeframe=brought.timeframe,
        )
        name = UPLOADED + brought.name
        return detail_of(name, store.known(name))

    def train(self, tenant: str, wanted: StartTraining) -> Training:
        """Raises `InvalidInput` for an account or settings that cannot be, `Conflict` while one runs."""
        to = self._market_now(wanted.account)
        training = Training(
            id=secrets.token_hex(8),
            state="running",
            wanted=wanted,
            done=0,
            total=WINDOWS + 1,
            started_at=datetime.now(UTC),
        )
        reference = _reference(wanted, to)
        with self._changing:
            mine = self._trainings.setdefault(tenant, {})
            if any(each.state == "running" for each in mine.values()):
                raise Conflict("A model is being trained already.", hint="Wait until it is done.")
            mine[training.id] = training
            for old in list(mine)[:-REMEMBERED]:
                del mine[old]
        self._pool.submit(self._run, tenant, training, reference)
        return training

    def trainings(self, tenant: str) -> TrainingList:
        with self._changing:
            return TrainingList(items=list(reversed(self._trainings.get(tenant, {}).values())))

    def training(self, tenant: str, training_id: str) -> Training:
        with self._changing:
            found = self._trainings.get(tenant, {}).get(training_id)
        if found is None:
            raise NotFound("There is no such training.", hint="They are forgotten when Tradeloom stops.")
        return found

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- on the training's thread ---------------------------------------------------------------------------------

    def _run(self, tenant: str, training: Training, reference: BarsReference) -> None:
        def told(**parts: Any) -> None:
            with self._changing:
                known = self._trainings[tenant][training.id]
                self._trainings[tenant][training.id] = known.model_copy(update=parts)

        try:
            bars = self._bars_of(reference)
            name, record, new = train_now(
                _config(training.wanted, reference),
                self._store(tenant),
                bars,
                lambda done, total: told(done=done, total=total),
            )
        except TradeloomError as error:
            told(state="failed", error=error.as_dict(), finished_at=datetime.now(UTC))
        except Exception:
            log.exception("a model could not be trained")
            unforeseen = {"name": "InternalError", "message": "Something failed that nobody foresaw; the log has it."}
            told(state="failed", error=unforeseen, finished_at=datetime.now(UTC))
        else:
            told(
                state="done",
                done=WINDOWS + 1,
                model=id_of(name),
                version=record.version,
                kept=new,
                finished_at=datetime.now(UTC),
            )

    def _store(self, tenant: str) -> ModelStore:
        return ModelStore(TenantVariables(self._on_loop, self._variables, tenant), self._files)


def _file_of(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:  # of base64's own kind, or for a text that is not even ASCII
        hint = "Send the bytes of the ONNX file, encoded by base64."
        raise ModelRefused("The model is not written in base64.", field="model", hint=hint) from error


def id_of(name: str) -> str:
    """A model's name as one segment of an address. No name holds a tilde."""
    return name.replace("/", "~")


def name_of(model: str) -> str:
    return model.replace("~", "/")


def summary_of(name: str, shelf: Shelf) -> ModelSummary:
    return ModelSummary(**_told(name, shelf))


def detail_of(name: str, shelf: Shelf) -> ModelDetail:
    return ModelDetail(**_told(name, shelf), history=[_version_of(record) for record in shelf.versions])


def _told(name: str, shelf: Shelf) -> dict[str, Any]:
    current = shelf.current
    assert current is not None  # nobody shows an empty shelf
    return {
        "id": id_of(name),
        "name": name,
        "kind": current.kind,
        "symbol": current.symbol,
        "timeframe": current.timeframe,
        "horizon": current.horizon,
        "promoted": shelf.chosen and shelf.chosen.version,
        "versions": len(shelf.versions),
        "current": _version_of(current),
    }


def _version_of(record: ModelRecord) -> ModelVersion:
    told = record.model_dump(include=set(ModelVersion.model_fields) - {"scores"})
    if not record.scores:
        return ModelVersion(**told)
    scores = Scores.from_json(record.scores)
    shown = {field: getattr(scores, field) for field in ModelScores.model_fields}
    return ModelVersion(**told, scores=ModelScores(**shown))


def _reference(wanted: StartTraining, to: datetime) -> BarsReference:
    """The bars a node with these settings asks for."""
    return BarsReference(
        account=wanted.account,
        symbol=wanted.symbol,
        timeframe=wanted.timeframe,
        to=to,
        count=wanted.training_bars + wanted.retrain_every + WARMUP - 1,
    )


def _config(wanted: StartTraining, reference: BarsReference) -> PredictConfig:
    return PredictConfig(
        bars=reference,
        model=wanted.kind,
        horizon=wanted.horizon,
        training_bars=wanted.training_bars,
        retrain_every=wanted.retrain_every,
    )
