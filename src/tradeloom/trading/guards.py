"""Guards of open positions: trailing stop, break-even, partial close. What one is, and what is told of it.

How they are judged stands in `guard_rules`.
"""

import hashlib
from datetime import UTC
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.trading.broker import Position
from tradeloom.trading.intents import Side

_MOST = 10**9
_ABOVE_ZERO = Field(gt=0, le=_MOST, allow_inf_nan=False)
_FROM_ZERO = Field(ge=0, le=_MOST, allow_inf_nan=False)

AboveZero = Annotated[Decimal, _ABOVE_ZERO]
FromZero = Annotated[Decimal, _FROM_ZERO]


class GuardKind(StrEnum):
    TRAILING = "trailing"
    BREAK_EVEN = "break_even"
    PARTIAL_CLOSE = "partial_close"


class _Rule(BaseModel):
    """All distances are in price (0.0010 is ten pips of EURUSD); profits are per unit, from the entry to the price that
    would close the position: the bid of a buy, the ask of a sell."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Trailing(_Rule):
    """The stop loss follows the market `distance` behind it, once the profit has been `activation` (at once when that
    is None), whenever that improves it by at least `step`."""

    kind: Literal["trailing"] = "trailing"
    distance: AboveZero
    activation: FromZero | None = None
    step: FromZero = Decimal(0)


class BreakEven(_Rule):
    """Once the profit has been `trigger`, the stop loss goes to the entry, or `offset` beyond it into the profit."""

    kind: Literal["break_even"] = "break_even"
    trigger: AboveZero
    offset: FromZero = Decimal(0)

    @model_validator(mode="after")
    def _locks_in_less_than_there_is(self) -> Self:
        if self.offset >= self.trigger:
            raise ValueError(f"a profit of {self.offset} cannot be locked in once {self.trigger} is reached")
        return self


class PartialClose(_Rule):
    """While the profit is at least `trigger`, `fraction` of the position, or `lots` of it, is closed, once. Then the
    stop loss goes `break_even_offset` beyond the entry, when that is given."""

    kind: Literal["partial_close"] = "partial_close"
    trigger: AboveZero
    fraction: Annotated[Decimal, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    lots: AboveZero | None = None
    deviation: int = Field(default=20, ge=0, le=10_000)
    break_even_offset: FromZero | None = None

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.fraction is None) == (self.lots is None):
            raise ValueError("a partial close takes either a fraction or lots")
        if self.break_even_offset is not None and self.break_even_offset >= self.trigger:
            raise ValueError(f"a profit of {self.break_even_offset} cannot be locked in at {self.trigger}")
        return self


class Guard(BaseModel):
    """One rule on one position. `position` is its ticket, `side` the side it had when the guard was set; the origin
    says which node of which execution asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    guard_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    account: str = Field(min_length=1, max_length=64)
    symbol: str = Field(min_length=1, max_length=29)
    position: int = Field(gt=0, lt=2**63)
    side: Side
    execution_id: str = Field(max_length=500)
    workflow_id: str = Field(max_length=500)
    workflow_version: str | None = Field(default=None, max_length=500)
    node_id: str = Field(max_length=500)
    rule: Annotated[Trailing | BreakEven | PartialClose, Field(discriminator="kind")]

    @property
    def kind(self) -> GuardKind:
        return GuardKind(self.rule.kind)


class GuardStatus(StrEnum):
    """ACTIVE is watched. DONE needs nothing more; FAILED never will be done; REPLACED by another guard of its kind on
    the same position; REMOVED by whoever set it."""

    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    REPLACED = "replaced"
    REMOVED = "removed"


class GuardMemory(BaseModel):
    """What a guard must remember between quotes: that its trigger was reached, that its part was closed (or may have
    been, where nobody can tell)."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    triggered: bool = False
    closed: bool = False


class GuardReport(BaseModel):
    """A guard as the watcher sees it. `moves` counts what was done at the broker; `stop_loss` is the position's as last
    seen; `last_action` is a sentence, `trouble` what keeps it from acting now, after so many `refusals` in a row.
    All moments are market time (UTC)."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    guard: Guard
    status: GuardStatus
    reason: str | None = None
    """Why it is no longer active."""
    memory: GuardMemory = GuardMemory()
    moves: int = 0
    stop_loss: float | None = None
    last_action: str | None = None
    last_action_at: AwareDatetime | None = None
    trouble: str | None = None
    refusals: int = 0
    set_at: AwareDatetime


def guard_id(account: str, workflow_id: str, node_id: str, kind: GuardKind, position: Position) -> str:
    """One guard a node and position, whatever the execution: a workflow that runs every hour keeps the one it has, and
    a part that was closed is not closed again by the next run."""
    # With the opening time: a paper account that was started afresh counts its tickets from the beginning.
    opened = position.opened_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return _digest("guard", account, workflow_id, node_id, kind.value, str(position.ticket), opened)


def step_order_id(guard: str, step: int) -> str:
    """The client order id of a guard's step: whoever repeats the step repeats the id, so it happens once."""
    return _digest("step", guard, str(step))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
