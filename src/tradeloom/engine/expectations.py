"""What is remembered of runs that were expected: up to when each expectation was looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """`name` tells a workflow's expectations apart, one a schedule and one of silence; `activated_at` (wall time)
    is of the activation it is from. The other two are market times: everything up to `checked_until` was told where
    there was something to tell, and up to `telling_until` it is being told, so that a crash in between tells the same
    again and nothing else."""

    tenant: str
    workflow_id: str
    name: str
    activated_at: datetime
    checked_until: datetime
    telling_until: datetime


class ExpectationStore(Protocol):
    """Every method raises `StorageUnavailable`."""

    async def all(self, tenant: str) -> list[Expectation]: ...

    async def keep(self, expectation: Expectation) -> None:
        """In place of the one of its workflow and name, unless that is of a later activation."""
        ...

    async def drop(self, tenant: str, workflow_id: str) -> None:
        """Forget a workflow that is expected to run no more."""
        ...
