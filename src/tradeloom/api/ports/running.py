"""What the API needs to run workflows and tell what became of it."""

from typing import Protocol

from tradeloom.api.models.debugging import DebugCommand, DebugSession, StartDebugging
from tradeloom.api.models.decisions import Decisions
from tradeloom.api.models.executions import (
    Execute,
    Execution,
    ExecutionDocument,
    ExecutionPage,
    ExecutionQuery,
    LogPage,
)
from tradeloom.api.models.notifications import NotificationPage
from tradeloom.api.models.reruns import Pin, PinList, Replay, Retry, SetPin


class Executions(Protocol):
    def start(self, tenant: str, user: str, workflow_id: str, wanted: Execute) -> Execution:
        """Start once and wait up to `wanted.wait_s` for the end. Raises `InvalidInput`, `Conflict`, `NotFound`."""
        ...

    def page(self, tenant: str, wanted: ExecutionQuery, *, limit: int, offset: int) -> ExecutionPage:
        """Newest first. Raises `NotFound` for a workflow that is not there."""
        ...

    def get(self, tenant: str, execution_id: str) -> Execution: ...

    def document(self, tenant: str, execution_id: str) -> ExecutionDocument:
        """What it runs. Raises `NotFound`."""
        ...

    def decisions(self, tenant: str, execution_id: str) -> Decisions:
        """Where the ways to its trading nodes ended. Raises `NotFound`."""
        ...

    def logs(self, tenant: str, execution_id: str, *, after: int, limit: int) -> LogPage: ...

    def stop(self, tenant: str, user: str, execution_id: str) -> Execution:
        """Ask it to stop; one that has ended stays as it is."""
        ...


class Reruns(Protocol):
    """Executions that go on, or are run again, and the outputs pinned on nodes. Raise `RetryRefused`, `NotFound`."""

    def retry(self, tenant: str, user: str, execution_id: str, wanted: Retry) -> Execution:
        """Go on under the same id. One that goes on already is given as it is."""
        ...

    def replay(self, tenant: str, user: str, execution_id: str, wanted: Replay) -> Execution:
        """A new execution. Raises `InvalidInput`, `Conflict` too."""
        ...

    def pins(self, tenant: str, workflow_id: str) -> PinList: ...

    def pin(self, tenant: str, user: str, workflow_id: str, node: str, wanted: SetPin) -> Pin: ...

    def unpin(self, tenant: str, workflow_id: str, node: str) -> None: ...


class Debugging(Protocol):
    def start(self, tenant: str, user: str, workflow_id: str, wanted: StartDebugging) -> DebugSession:
        """Raises `NotFound`, `InvalidDocument`, `InvalidInput`, `Conflict`."""
        ...

    def session(self, tenant: str, execution_id: str) -> DebugSession:
        """Raises `NotFound`, `Conflict` for an execution that is not debugged."""
        ...

    def command(self, tenant: str, user: str, execution_id: str, wanted: DebugCommand) -> DebugSession:
        """Raises `NotFound`, `Conflict`, `InvalidInput` and `InvalidDocument` for values that do not fit."""
        ...


class Notifications(Protocol):
    def page(self, tenant: str, *, limit: int) -> NotificationPage: ...
