"""What the handlers of one execution ask while they run, answered in its name."""

from typing import Any, Protocol

from tradeloom.engine.failure import describe_stop
from tradeloom.engine.journal import Execution, NodeRun, StoredNotification
from tradeloom.engine.questions import CREDENTIAL, Asker
from tradeloom.engine.surroundings import Surroundings
from tradeloom.errors import ExecutionStopped, InvalidInput
from tradeloom.runtime.redaction import Redactor
from tradeloom.runtime.services import Notification


class Standing(Protocol):
    """How an execution stands. `out_of_time` says so once its time is up; `closing` that its engine shuts down."""

    row: Execution
    out_of_time: str | None
    closing: bool


class Asking:
    """`redactor` learns the secrets that are told."""

    def __init__(self, standing: Standing, around: Surroundings, redactor: Redactor) -> None:
        self._standing = standing
        self._around = around
        self._redactor = redactor

    async def answer(self, run: NodeRun, what: str, body: dict[str, Any]) -> Any:
        if what == "may_act":
            await self._may_act(run.node, run.function)
        elif what == "notify":
            await self._notify(body)
        elif what in self._around.answers:
            answer = await self._around.answers[what](self._asker(run), body)
            if what == CREDENTIAL:
                self._redactor.remember(answer["secrets"])
            return answer
        else:
            raise InvalidInput(f"The engine knows no question {what!r}.")
        return None

    def _asker(self, run: NodeRun) -> Asker:
        row = self._standing.row
        return Asker(
            tenant=row.tenant,
            workflow_id=row.workflow_id,
            execution_id=row.id,
            version=row.version,
            node=run.node,
            account=row.account,
            test_mode=row.test_mode,
            manual=row.manual,
            called_by=tuple(row.run.get("called_by", ())),
            iteration=tuple(run.iteration),
        )

    async def _may_act(self, node: str, function: str | None) -> None:
        """Raises `ExecutionStopped` when nothing more may be done in this execution's name."""
        row, around = self._standing.row, self._around
        if row.stop_reason is not None:
            raise ExecutionStopped(f"The execution was stopped: {row.stop_reason}", node=node)
        known = await around.journal.execution(row.tenant, row.id)  # another engine may have been asked to stop it
        if known is not None and known.stop_reason is not None:
            raise ExecutionStopped(f"The execution was stopped: {known.stop_reason}", node=node)
        if self._standing.out_of_time is not None:
            raise ExecutionStopped(self._standing.out_of_time, node=node)
        if self._standing.closing:
            raise ExecutionStopped("The engine is shutting down; the task runs again when it is back.", node=node)
        if around.halt is not None and (reason := await around.halt(row, function)) is not None:
            raise ExecutionStopped(describe_stop(reason)["message"], node=node)
        if around.permit is not None:
            await around.permit(row, node)

    async def _notify(self, body: dict[str, Any]) -> None:
        row, around = self._standing.row, self._around
        try:
            notification = Notification.model_validate(body)
        except ValueError as error:
            raise InvalidInput(f"Not a notification: {error}") from error
        if notification.execution_id != row.id:
            raise InvalidInput("A notification speaks for its own execution only.")
        told = {
            "title": self._redactor.text(notification.title),
            "message": self._redactor.text(notification.message),
        }
        stored = StoredNotification(
            tenant=row.tenant, created_at=around.clock.now(), notification=notification.model_copy(update=told)
        )
        around.journal.record(stored)
        await around.journal.barrier(row.id)
