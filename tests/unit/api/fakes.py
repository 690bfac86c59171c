"""The API's ports in memory, and events as API Gateway sends them."""

import json
from datetime import UTC, datetime
from typing import Any, cast

from tests.support.loop import run
from tests.support.on_loop import on_loop
from tests.support.trade_records import make_record
from tests.unit.api.fake_accounts import FakeAccounts, FakeMarketReplays
from tests.unit.api.fake_executions import FakeExecutions
from tests.unit.api.fake_models import models_in_memory
from tests.unit.api.fake_previews import previews_in_memory
from tests.unit.api.fake_reruns import FakeDebugging, FakeReruns
from tests.unit.api.fake_tables import FakeTables
from tests.unit.api.fake_workflows import NOW, FakeSchedules, FakeVersions, FakeWorkflows
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.models.health import AccountStanding, Component, Health
from tradeloom.api.models.nodes import NodeTest, NodeTestResult
from tradeloom.api.models.notifications import NotificationItem, NotificationPage
from tradeloom.api.models.usage import Meter, Usage, UsageDay
from tradeloom.api.models.workflows import WorkflowDetail
from tradeloom.api.ports import Ports
from tradeloom.engine.stores import WorkflowStore
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

CLAIMS = {"custom:tenant_id": "acme", "sub": "user-1"}


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
        reruns=FakeReruns(executions, workflows),
        debugging=FakeDebugging(executions, workflows),
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
