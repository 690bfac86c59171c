"""What a tenant has run, counted from the executions that are kept. Days and months are UTC's."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DayUsage:
    """`failed` are executions of that day's starts that ended badly: failed, timed out or stopped."""

    day: date
    started: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionUsage:
    """Starts of the last sixty seconds, of the day and of the month of a moment, and executions that have not ended.

    `days` are the last `days` asked for that had a start, the earliest first.
    """

    minute: int
    day: int
    month: int
    running: int
    days: tuple[DayUsage, ...]


class UsageReader(Protocol):
    async def usage(self, tenant: str, at: datetime, *, days: int) -> ExecutionUsage:
        """Raises `StorageUnavailable`."""
        ...
