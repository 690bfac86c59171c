"""What a tenant may start: the tiers, and the port that counts.

Every start counts once, whoever asked for it and however often its event is delivered: by its execution's id. Days and
months are UTC's; a minute is the last sixty seconds; an execution runs from its acceptance to its end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

from tradeloom.errors import QuotaExceeded

TierName = Literal["unlimited", "free", "pro", "enterprise"]

MINUTE: Final = timedelta(seconds=60)
LEDGER_KEPT: Final = timedelta(days=2)
"""How long single starts are remembered. No event is delivered again after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Most starts a minute, day and month, and most executions at once, of a tenant and of each workflow. None: any."""

    tier: str = "unlimited"
    per_minute: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    at_once: int | None = None
    at_once_of_workflow: int | None = None

    @property
    def unlimited(self) -> bool:
        limits = (self.per_minute, self.per_day, self.per_month, self.at_once, self.at_once_of_workflow)
        return all(limit is None for limit in limits)


TIERS: Final[dict[TierName, Allowance]] = {
    "unlimited": Allowance(),
    "free": Allowance(
        tier="free", per_minute=10, per_day=100, per_month=1_000, at_once=2, at_once_of_workflow=1
    ),
    "pro": Allowance(
        tier="pro", per_minute=120, per_day=5_000, per_month=100_000, at_once=25, at_once_of_workflow=5
    ),
    "enterprise": Allowance(
        tier="enterprise", per_minute=1_200, per_day=100_000, per_month=2_000_000, at_once=500, at_once_of_workflow=50
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a tenant has used, without the start that is asked for."""

    minute: int = 0
    day: int = 0
    month: int = 0
    running: int = 0
    running_of_workflow: int = 0


class Quotas(Protocol):
    """Decides about starts of one tenant one after another, in all processes. Methods raise `StorageUnavailable`."""

    async def take(self, tenant: str, workflow_id: str, execution_id: str, at: datetime, allowance: Allowance) -> bool:
        """Count a start. False when it was counted before. Raises `QuotaExceeded` for one too many, which counts
        nothing."""
        ...

    async def give_back(self, tenant: str, execution_id: str) -> None:
        """What was counted did not start."""
        ...

    async def usage(self, tenant: str, workflow_id: str, at: datetime) -> Usage: ...


@dataclass(frozen=True, slots=True)
class QuotaGate:
    """Quotas as the dispatcher asks for them. `on_refused` hears of a trigger's start of a tenant's workflow that was
    refused; who asks in person is told by the error."""

    quotas: Quotas
    allowance: Callable[[str], Allowance]
    on_refused: Callable[[str, str, QuotaExceeded], None] | None = None

    async def take(self, tenant: str, workflow_id: str, execution_id: str, at: datetime) -> bool:
        """Whether it was counted now. Raises `QuotaExceeded`."""
        allowance = self.allowance(tenant)
        return not allowance.unlimited and await self.quotas.take(tenant, workflow_id, execution_id, at, allowance)


def day_of(at: datetime) -> str:
    """The name of its day: 2026-01-05."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def month_of(at: datetime) -> str:
    """The name of its month: 2026-01."""
    return f"{at.astimezone(UTC):%Y-%m}"


def check(allowance: Allowance, usage: Usage, at: datetime) -> None:
    """Raises `QuotaExceeded` where one more start would be one too many; the limit that stands longest is told."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    next_month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    limits = [
        (allowance.per_month, usage.month, "starts a month", next_month),
        (allowance.per_day, usage.day, "starts a day", midnight + timedelta(days=1)),
        (allowance.per_minute, usage.minute, "starts a minute", at + MINUTE),
        (allowance.at_once, usage.running, "executions at once", None),
        (allowance.at_once_of_workflow, usage.running_of_workflow, "executions of a workflow at once", None),
    ]
    for most, used, what, until in limits:
        if most is not None and used >= most:
            raise _exceeded(allowance.tier, most, what, until)


def _exceeded(tier: str, most: int, what: str, until: datetime | None) -> QuotaExceeded:
    room = "Wait for one to end, or stop one" if until is None else f"There is room again at {until:%Y-%m-%d %H:%M} UTC"
    message = f"The {tier} tier allows {most:,} {what}, and that many there are."
    return QuotaExceeded(message, limit=what, until=until, hint=f"{room}; a higher tier allows more.")
