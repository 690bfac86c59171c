"""Executions in memory: one that is waited for succeeds at once, any other runs until it is stopped."""

from datetime import timedelta
from itertools import count

from tests.unit.api.fake_workflows import DOCUMENT, NOW, FakeWorkflows
from tradeloom.api.models.decisions import Decisions
from tradeloom.api.models.executions import (
    Execute,
    Execution,
    ExecutionDocument,
    ExecutionPage,
    ExecutionQuery,
    ExecutionStatus,
    ExecutionSummary,
    Failure,
    LogLine,
    LogPage,
    NodeRun,
)
from tradeloom.api.models.workflows import WorkflowDetail
from tradeloom.errors import NotFound


class FakeExecutions:
    def __init__(self, workflows: FakeWorkflows) -> None:
        self.workflows = workflows
        self.rows: dict[tuple[str, str], Execution] = {}
        self.started: list[tuple[str, str, str, Execute]] = []
        self._ids = count(1)

    def start(self, tenant: str, user: str, workflow_id: str, wanted: Execute) -> Execution:
        workflow = self.workflows.get(tenant, workflow_id)
        self.started.append((tenant, user, workflow_id, wanted))
        status: ExecutionStatus = "succeeded" if wanted.wait_s else "running"
        made = execution(f"ex-{next(self._ids)}", workflow, status=status, test_mode=wanted.test_mode)
        self.rows[tenant, made.id] = made
        return made

    def page(self, tenant: str, wanted: ExecutionQuery, *, limit: int, offset: int) -> ExecutionPage:
        if wanted.workflow_id is not None:
            self.workflows.get(tenant, wanted.workflow_id)
        mine = [
            ExecutionSummary(**row.model_dump(include=set(ExecutionSummary.model_fields)))
            for (owner, _), row in reversed(self.rows.items())
            if owner == tenant
            and wanted.workflow_id in (None, row.workflow_id)
            and wanted.status in (None, row.status)
            and (wanted.since is None or row.started_at >= wanted.since)
            and (wanted.before is None or row.started_at < wanted.before)
        ]
        return ExecutionPage(items=mine[offset : offset + limit], total=len(mine))

    def get(self, tenant: str, execution_id: str) -> Execution:
        if (tenant, execution_id) not in self.rows:
            raise NotFound("There is no such execution.")
        return self.rows[tenant, execution_id]

    def document(self, tenant: str, execution_id: str) -> ExecutionDocument:
        found = self.get(tenant, execution_id)
        return ExecutionDocument(version=found.version, document=DOCUMENT)

    def decisions(self, tenant: str, execution_id: str) -> Decisions:
        self.get(tenant, execution_id)
        return Decisions(can_trade=False, idle=[], stops=[])

    def logs(self, tenant: str, execution_id: str, *, after: int, limit: int) -> LogPage:
        self.get(tenant, execution_id)
        lines = [
            LogLine(seq=2, time=NOW, level="info", message="4 positions are open", node="positions"),
            LogLine(seq=5, time=NOW, level="warning", message="the spread is wide", node="price"),
        ]
        found = [line for line in lines if line.seq > after][:limit]
        return LogPage(items=found, next_after=found[-1].seq if found else after)

    def stop(self, tenant: str, user: str, execution_id: str) -> Execution:
        before = self.get(tenant, execution_id)
        if before.status == "running":
            self.rows[tenant, execution_id] = before.model_copy(update={"status": "stopped", "finished_at": NOW})
        return self.rows[tenant, execution_id]


def execution(
    execution_id: str, workflow: WorkflowDetail, *, status: ExecutionStatus = "succeeded", test_mode: bool = False
) -> Execution:
    ended = status not in {"running", "pending"}
    runs = [
        NodeRun(
            node=node["id"],
            name=node.get("name") or node["id"],
            type=node["type"],
            state="succeeded",
            port="main",
            output={"timestamp": "2017-11-08T13:00:00Z"},
            started_at=NOW + timedelta(milliseconds=10 * position),
            finished_at=NOW + timedelta(milliseconds=10 * position + 8),
            duration_ms=8.0,
        )
        for position, node in enumerate(workflow.document["nodes"])
    ]
    return Execution(
        id=execution_id,
        workflow_id=workflow.id,
        workflow_name=workflow.name,
        version=workflow.version,
        status=status,
        trigger="start",
        test_mode=test_mode,
        account=workflow.account,
        as_of=NOW,
        started_at=NOW,
        finished_at=NOW + timedelta(milliseconds=20) if ended else None,
        duration_ms=20.0 if ended else None,
        error=Failure(name="StalePrice", message="The price is old.", node="price") if status == "failed" else None,
        node_runs=runs,
    )
