"""Flattening an account: everything on it closed and cancelled, once, whoever asks how often. What is told of it."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tradeloom.trading.intents import Side

ORIGIN = "kill-switch"
"""Stands where an order names its workflow and node: no workflow sent these."""


class FlattenStatus(StrEnum):
    """RUNNING goes on by itself. FLAT left nothing on the account. REPLACED: another flatten goes on in its place.
    ABANDONED: a person cleared the account before it was flat."""

    RUNNING = "running"
    FLAT = "flat"
    REPLACED = "replaced"
    ABANDONED = "abandoned"


class Remaining(BaseModel):
    """What is still on the account: a position, or a pending order. `trouble` says why it is, once a try has failed."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: Literal["position", "order"]
    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    trouble: str | None = None


class FlattenReport(BaseModel):
    """How far a flatten has come. `closed` counts positions that went out by its orders, `cancelled` pending orders;
    `remaining` is what was there at the last look, at most `MOST_TOLD` of `left`. `trouble` keeps the whole of it from
    going on. `requested_at` and `finished_at` are wall time."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    flatten_id: str
    status: FlattenStatus
    reason: str
    by: str
    requested_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    closed: int = 0
    cancelled: int = 0
    left: int | None = Field(default=None, description="None until the account was looked at.")
    remaining: tuple[Remaining, ...] = ()
    trouble: str | None = None


MOST_TOLD = 200
"""More are counted and not listed: an answer must stay small."""


def flatten_order_id(flatten_id: str, kind: str, ticket: int, attempt: int) -> str:
    """The client order id of one try at one position or order: whoever repeats the try repeats the id."""
    parts = ("flatten", flatten_id, kind, str(ticket), str(attempt))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
