"""Workflows, their versions and their schedules in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tradeloom.api.fire_times import read_schedule, upcoming
from tradeloom.api.models.schedules import NodeSchedule, SchedulePreview, SchedulePreviewRequest, WorkflowSchedule
from tradeloom.api.models.versions import WorkflowVersion, WorkflowVersionDetail, WorkflowVersionList
from tradeloom.api.models.workflows import WorkflowDetail, WorkflowPage, WorkflowSummary
from tradeloom.compiler.compile import Compiled
from tradeloom.errors import Conflict, NotFound

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


DOCUMENT: dict[str, Any] = {
    "name": "Say hello",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "tell", "type": "notify.dashboard", "config": {"title": "Hello", "message": "It works"}},
    ],
    "connections": [{"source": "start", "target": "tell"}],
}


class FakeWorkflows:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], WorkflowDetail] = {}
        self.saved: dict[tuple[str, str], dict[str, WorkflowVersionDetail]] = {}
        self._ids = count(1)

    def create(self, tenant: str, compiled: Compiled) -> WorkflowDetail:
        return self._keep(tenant, _detail(f"wf-{next(self._ids)}", compiled, active=False))

    def _keep(self, tenant: str, made: WorkflowDetail) -> WorkflowDetail:
        self.rows[tenant, made.id] = made
        versions = self.saved.setdefault((tenant, made.id), {})
        shared = made.model_dump(include={"version", "created_at", "nodes", "account", "document"})
        state = {"number": len(versions) + 1, "newest": True, "runs": made.active}
        versions.setdefault(made.version, WorkflowVersionDetail(**shared, **state))
        return made

    def page(self, tenant: str, *, limit: int, offset: int) -> WorkflowPage:
        mine = [row for (owner, _), row in self.rows.items() if owner == tenant]
        shown = [WorkflowSummary(**row.model_dump(include=set(WorkflowSummary.model_fields))) for row in mine]
        return WorkflowPage(items=shown[offset : offset + limit], total=len(mine))

    def get(self, tenant: str, workflow_id: str) -> WorkflowDetail:
        if (tenant, workflow_id) not in self.rows:
            raise NotFound("There is no such workflow.")
        return self.rows[tenant, workflow_id]

    def replace(self, tenant: str, workflow_id: str, compiled: Compiled, expected: str | None) -> WorkflowDetail:
        before = self.get(tenant, workflow_id)
        if expected is not None and expected != before.version:
            raise Conflict("The workflow was saved by someone else meanwhile.")
        return self._keep(tenant, _detail(workflow_id, compiled, active=before.active))

    def delete(self, tenant: str, workflow_id: str) -> None:
        self.get(tenant, workflow_id)
        del self.rows[tenant, workflow_id]

    def toggle(self, tenant: str, workflow_id: str, active: bool | None) -> WorkflowDetail:
        before = self.get(tenant, workflow_id)
        wanted = not before.active if active is None else active
        self.rows[tenant, workflow_id] = before.model_copy(update={"active": wanted})
        return self.rows[tenant, workflow_id]

    def set_tags(self, tenant: str, workflow_id: str, tags: Sequence[str]) -> WorkflowDetail:
        self.rows[tenant, workflow_id] = self.get(tenant, workflow_id).model_copy(update={"tags": list(tags)})
        return self.rows[tenant, workflow_id]


class FakeVersions:
    """Every document that was ever saved through `FakeWorkflows`."""

    def __init__(self, workflows: FakeWorkflows) -> None:
        self._workflows = workflows

    def of_workflow(self, tenant: str, workflow_id: str) -> WorkflowVersionList:
        self._workflows.get(tenant, workflow_id)
        found = self._workflows.saved[tenant, workflow_id].values()
        items = [WorkflowVersion(**row.model_dump(exclude={"document"})) for row in found]
        return WorkflowVersionList(items=items[::-1])

    def get(self, tenant: str, workflow_id: str, version: str) -> WorkflowVersionDetail:
        self._workflows.get(tenant, workflow_id)
        if version not in self._workflows.saved[tenant, workflow_id]:
            raise NotFound("There is no such version.")
        return self._workflows.saved[tenant, workflow_id][version]


class FakeSchedules:
    """Of documents as they are; market time is `NOW`."""

    def __init__(self, workflows: FakeWorkflows) -> None:
        self._workflows = workflows

    def of_workflow(self, tenant: str, workflow_id: str, count: int) -> WorkflowSchedule:
        found = self._workflows.get(tenant, workflow_id)
        items = []
        for node in found.document["nodes"]:
            schedule, problems = read_schedule(node.get("config", {}), node=node["id"])
            if node["type"] == "trigger.schedule" and schedule is not None:
                fires = upcoming(schedule, NOW, count)
                items.append(NodeSchedule(node=node["id"], name=node["id"], fires=fires, problems=problems))
        return WorkflowSchedule(active=found.active, version=found.version, account=found.account, now=NOW, items=items)

    def preview(self, tenant: str, wanted: SchedulePreviewRequest) -> SchedulePreview:
        schedule, problems = read_schedule(wanted.config)
        after = wanted.after or NOW
        fires = [] if schedule is None else upcoming(schedule, after, wanted.count)
        return SchedulePreview(after=after, fires=fires, problems=problems)


def _detail(workflow_id: str, compiled: Compiled, *, active: bool) -> WorkflowDetail:
    document = compiled.plan.graph.document
    return WorkflowDetail(
        id=workflow_id,
        name=document.name,
        description=document.description,
        active=active,
        version=compiled.version,
        nodes=len(document.nodes),
        account=document.settings.broker_account,
        created_at=NOW,
        updated_at=NOW,
        document=document.model_dump(mode="json"),
        execution_type=compiled.execution_type,
        warnings=compiled.warnings,
    )
