"""Taking in a model a user brings: what it is declared to be is checked, its file examined, then it is kept."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from tradeloom.errors import ModelRefused
from tradeloom.nodes.ml._features import FEATURES
from tradeloom.nodes.ml._gate import examine
from tradeloom.nodes.models import MAX_UPLOADED, UPLOADED, ModelRecord, ModelStore
from tradeloom.trading.timeframes import Timeframe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_HORIZON = 200


def upload(
    models: ModelStore,
    name: str,
    content: bytes,
    *,
    horizon: int,
    features: Sequence[str] = FEATURES,
    target: Literal["scaled_return", "log_return"] = "scaled_return",
    trained_to: datetime | None = None,
    timeframe: Timeframe | None = None,
) -> ModelRecord:
    """Keep a model as the newest version under its name.

    `features` are the columns it takes, in its order; `target` says whether its answer is a log return or one in usual
    moves. Raises `ModelRefused`, with the field that is wrong; nothing is kept then.
    """
    if not NAME.fullmatch(name) or SHA256.fullmatch(name):
        hint = "Up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit."
        raise ModelRefused(f"{name[:80]!r} cannot name a model.", field="name", hint=hint)
    if not 1 <= horizon <= MAX_HORIZON:
        raise ModelRefused(f"A horizon is 1 to {MAX_HORIZON} bars.", field="horizon")
    unknown = [each for each in features if each not in FEATURES]
    if unknown or not features or len(set(features)) != len(features):
        told = f"There is no feature {unknown[0][:80]!r}." if unknown else "Features must be named, each once."
        raise ModelRefused(told, field="features", hint=f"Known are {', '.join(FEATURES)}.")
    if trained_to is not None and trained_to.tzinfo is None:
        raise ModelRefused("The end of the training needs a time zone.", field="trained_to")
    examine(content, len(features))
    known = models.names(UPLOADED)
    if UPLOADED + name not in known and len(known) >= MAX_UPLOADED:
        raise ModelRefused(f"{MAX_UPLOADED} models are kept already, which is the most.", field="name")
    record = ModelRecord(
        version=hashlib.sha256(content).hexdigest(),
        kind="uploaded",
        timeframe=timeframe,
        horizon=horizon,
        features=tuple(features),
        target=target,
        trained_to=trained_to,
        file_bytes=len(content),
        added_at=datetime.now(UTC),
    )
    models.keep(UPLOADED + name, record, content)
    return record
