"""The API's ports in memory, and events as API Gateway sends them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, cast

from tests.support.loop import run
from tests.support.on_loop import on_loop
from tests.support.trade_records import make_record
from tests.unit.api.fake_models import models_in_memory
from tests.unit.api.fake_previews import previews_in_memory
from tests.unit.api.fake_reruns import FakeDebugging, FakeReruns
from tests.unit.api.fake_tables import FakeTables
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.fire_times import read_schedule, upcoming
from tradeloom.api.models.accounts import AccountDetail, AccountPage, Kill, Killed, Resume, WorkflowKilled
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
from tradeloom.api.models.health import AccountStanding, Component, Health
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.api.models.market_replays import MarketReplay, StartMarketReplay
from tradeloom.api.models.nodes import NodeTest, NodeTestResult
from tradeloom.api.models.notifications import NotificationItem, NotificationPage
from tradeloom.api.models.schedules import NodeSchedule, SchedulePreview, SchedulePreviewRequest, WorkflowSchedule
from tradeloom.api.models.usage import Meter, Usage, UsageDay
from tradeloom.api.models.versions import WorkflowVersion, WorkflowVersionDetail, WorkflowVersionList
from tradeloom.api.models.workflows import WorkflowDetail, WorkflowPage, WorkflowSummary
from tradeloom.api.ports import Ports
from tradeloom.compiler.compile import Compiled
from tradeloom.engine.stores import WorkflowStore
from tradeloom.errors import Conflict, InvalidInput, NotFound, TradeloomError
from tradeloom.local.credentials import LocalCredentials
from tradeloom.local.drafts import LocalDrafts
from tradeloom.local.orders import LocalOrders
from tradeloom.local.places import examples_folder
from tradeloom.local.templates import TemplateFiles
from tradeloom.local.trades import LocalTrades
from tradeloom.runtime.redaction import Redactor
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.credentials import MemoryCredentials
from tradeloom.storage.memory.drafts import MemoryDrafts
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.storage.memory.trades import MemoryTrades
from tradeloom.trading.limit_changes import changed
from tradeloom.trading.risk_limits import RiskLimits

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CLAIMS = {"custom:tenant_id": "acme", "sub": "user-1"}
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


class FakeNotifications:
    def page(self, tenant: str, *, limit: int) -> NotificationPage:
        item = NotificationItem(
            id="n1",
            time=NOW,
            level="success",
            title="Bought the dip",
            message="0.10 lots of EURUSD at 1.0934",
            execution_id="ex-1",
            workflow_id="wf-1",
            node="tell",
        )
        return NotificationPage(items=[item][:limit] if tenant == "acme" else [])


class FakeNodeTests:
    def __init__(self) -> None:
        self.answer: NodeTestResult | Exception = NodeTestResult(state="succeeded", port="true", duration_ms=1.5)
        self.asked: list[NodeTest] = []

    def run(self, tenant: str, user: str, test: NodeTest) -> NodeTestResult:
        self.asked.append(test)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class FakeStatus:
    def health(self, tenant: str) -> Health:
        account = AccountStanding(
            name="paper",
            available=True,
            trade_mode="paper",
            margin_mode="hedging",
            state="active",
            currency="USD",
            balance=10_000.0,
            equity=10_042.5,
            market_time=datetime(2017, 11, 8, 13, tzinfo=UTC),
            speed=0.0,
        )
        parts = [Component(name=name, status="ok") for name in ("database", "bridge", "engine")]
        return Health(status="ok", version="0.1.0", started_at=NOW, components=parts, accounts=[account], running=0)


class FakeAccounts:
    """Two accounts whose state is what was last asked for. `answer` is raised instead, when a test sets it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: TradeloomError | None = None
        self.in_force = RiskLimits.for_paper(("EURUSD",), max_lot=Decimal(1), max_price_age_s=60)
        self._accounts = {name: self._account(name) for name in ("paper", "paper-test")}

    def page(self, tenant: str) -> AccountPage:
        return AccountPage(items=list(self._accounts.values()))

    def get(self, tenant: str, account: str) -> AccountDetail:
        if account not in self._accounts:
            raise NotFound(f"There is no account {account!r}.", field="account")
        return self._accounts[account]

    def holdings(self, tenant: str, account: str) -> Holdings:
        return Holdings(
            account=self.get(tenant, account).name, currency="USD", positions=[], orders=[], exposure=[], worth=0.0
        )

    def kill(self, tenant: str, user: str, account: str | None, wanted: Kill) -> Killed:
        names = list(self._accounts) if account is None else [self.get(tenant, account).name]
        state = "reducing" if wanted.mode == "reduce" else "halted"
        return Killed(items=[self._set(name, state, user, wanted.reason, wanted) for name in names], stopped=2)

    def resume(self, tenant: str, user: str, account: str, wanted: Resume) -> AccountDetail:
        return self._set(self.get(tenant, account).name, "active", user, wanted.reason, wanted)

    def limits(self, tenant: str, account: str) -> AccountLimits:
        return AccountLimits(account=self.get(tenant, account).name, limits=self.in_force)

    def change_limits(self, tenant: str, user: str, account: str, wanted: ChangeLimits) -> AccountLimits:
        self.get(tenant, account)
        self.asked.append((account, user, wanted))
        if self.answer is not None:
            raise self.answer
        self.in_force = changed(self.in_force, wanted.limits)
        return self.limits(tenant, account)

    def kill_workflow(self, tenant: str, user: str, workflow_id: str) -> WorkflowKilled:
        self.asked.append((tenant, user, workflow_id))
        return WorkflowKilled(id=workflow_id, stopped=1)

    def _set(self, name: str, state: str, user: str, reason: str, wanted: Any) -> AccountDetail:
        self.asked.append((name, user, wanted))
        if self.answer is not None:
            raise self.answer
        told = {"state": state, "state_by": user, "state_reason": reason}
        self._accounts[name] = AccountDetail.model_validate(self._accounts[name].model_dump() | told)
        return self._accounts[name]

    @staticmethod
    def _account(name: str) -> AccountDetail:
        return AccountDetail(
            name=name, available=True, state="active", state_reason="first start", state_by="bridge", state_since=NOW,
            limits={"max_lot": "1"}, worker="ready", unsettled=0, guards=0, trade_mode="paper", currency="USD",
            balance=10_000.0, equity=10_042.5, positions=1, orders=0,
        )  # fmt: skip


class _NoKeyFile:
    """Wraps nothing: what a key file does has tests of its own."""

    def wrap(self, tenant: str, key: bytes) -> bytes:
        return key

    def unwrap(self, tenant: str, wrapped: bytes) -> bytes:
        return wrapped

    def is_current(self, wrapped: bytes) -> bool:
        return True


def credentials_in_memory() -> LocalCredentials:
    """The real thing on stores in memory."""
    vault = Vault(MemoryCredentials(), _NoKeyFile(), now=lambda: NOW)
    return LocalCredentials(on_loop, vault, MemoryStores(), MemoryBlobs(), Redactor())


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


def trades_in_memory() -> LocalTrades:
    """Five trades of the tenant `acme`, the last of them of another account, and one of another tenant."""
    store = MemoryTrades()
    made = [make_record(deal, net) for deal, net in enumerate(("10.00", "-4.50", "20.00", "-1.00"), start=1)]
    made.append(make_record(5, "7.00", account="live", currency="EUR", symbol="GBPUSD", workflow_version="v2"))
    run(store.keep("acme", "", made, {"wf-1": "=Breakout"}))
    run(store.keep("globex", "", [make_record(9)], {}))

    return LocalTrades(on_loop, store)


class FakeUsage:
    """A tenant of the free tier whose minute is used up."""

    def usage(self, tenant: str) -> Usage:
        return Usage(
            tier="free", at=NOW, minute=Meter(used=10, limit=10, renews_at=NOW), day=Meter(used=12, limit=100),
            month=Meter(used=12, limit=1_000), at_once=Meter(used=1, limit=2), at_once_of_workflow=1, workflows=3,
            active_workflows=1, days=[UsageDay(day=NOW.date(), started=12, failed=1)], billed=False,
        )  # fmt: skip


class FakeMarketReplays:
    """One account, `paper`, whose market stands at `NOW`."""

    def __init__(self) -> None:
        self.replay: MarketReplay | None = None

    def start(self, tenant: str, account: str, wanted: StartMarketReplay) -> MarketReplay:
        self._known(account)
        if self.replay is not None and self.replay.state in ("running", "paused"):
            raise Conflict("A replay is running already.", hint="Stop it, or wait for its end.")
        if wanted.to <= NOW:
            raise InvalidInput("The market is there already.", field="to")
        self.replay = MarketReplay(
            account=account,
            state="running",
            began_at=NOW,
            to=wanted.to,
            now=NOW,
            speed=wanted.speed,
            done=0.0,
            executions=0,
        )
        return self.replay

    def get(self, tenant: str, account: str) -> MarketReplay:
        self._known(account)
        if self.replay is None:
            raise NotFound(f"No replay was started on {account}.")
        return self.replay

    def pause(self, tenant: str, account: str) -> MarketReplay:
        return self._changed(account, state="paused")

    def resume(self, tenant: str, account: str, speed: float | None) -> MarketReplay:
        return self._changed(account, state="running", **({} if speed is None else {"speed": speed}))

    def stop(self, tenant: str, account: str) -> MarketReplay:
        return self._changed(account, state="stopped")

    def _changed(self, account: str, **parts: Any) -> MarketReplay:
        self._known(account)
        if self.replay is None or self.replay.state not in ("running", "paused"):
            raise Conflict("No replay is running.", hint="Start one.")
        self.replay = self.replay.model_copy(update=parts)
        return self.replay

    def _known(self, account: str) -> None:
        if account != "paper":
            raise NotFound(f"There is no account {account!r}.")


class _Known:
    """The workflows there are, as a store that keeps something of them asks for them."""

    def __init__(self, workflows: FakeWorkflows) -> None:
        self._workflows = workflows

    async def workflow(self, tenant: str, workflow_id: str) -> WorkflowDetail:
        return self._workflows.get(tenant, workflow_id)


def fake_ports() -> Ports:
    workflows = FakeWorkflows()
    executions = FakeExecutions(workflows)
    return Ports(
        workflows=workflows,
        versions=FakeVersions(workflows),
        drafts=LocalDrafts(on_loop, MemoryDrafts(cast(WorkflowStore, _Known(workflows)))),
        templates=TemplateFiles(examples_folder()),
        schedules=FakeSchedules(workflows),
        executions=executions,
        reruns=FakeReruns(executions, workflows, NOW),
        debugging=FakeDebugging(executions, workflows, NOW),
        notifications=FakeNotifications(),
        node_tests=FakeNodeTests(),
        previews=previews_in_memory(),
        credentials=credentials_in_memory(),
        status=FakeStatus(),
        accounts=FakeAccounts(),
        trades=trades_in_memory(),
        market_replays=FakeMarketReplays(),
        usage=FakeUsage(),
        tables=FakeTables(),
        models=models_in_memory(),
        orders=LocalOrders(on_loop, MemoryOrders(), lambda: None),
    )


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


def event(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    claims: dict[str, Any] | None = None,
    raw_body: str | None = None,
    base64: bool = False,
) -> dict[str, Any]:
    """An HTTP API v2 event. `body` is sent as JSON; `raw_body` as it is."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers or {},
        "queryStringParameters": query,
        "requestContext": {
            "stage": "$default",
            "requestId": "request-1",
            "http": {"method": method, "path": path},
            "authorizer": {"jwt": {"claims": CLAIMS if claims is None else claims}},
        },
        "body": raw_body if raw_body is not None else (json.dumps(body) if body is not None else None),
        "isBase64Encoded": base64,
    }
