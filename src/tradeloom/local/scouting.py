"""Finds the first bar on which a workflow would send an order, without trading: the nodes' own code on a market that
is walked bar by bar in this process."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.config import AccountConfig
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.paper.server_time import to_datetime
from mt5_bridge.worker import connect_terminal
from tradeloom.compiler.compile import Compiled
from tradeloom.errors import (
    CredentialProblem,
    InvalidInput,
    NetworkRefused,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.local.market import MAX_LOT, MAX_PRICE_AGE_S, MarketData
from tradeloom.network.messages import Http, Mail
from tradeloom.nodes.base import ERROR_PORT, Effect, Emit, Kind
from tradeloom.nodes.sub_workflows import SubWorkflows
from tradeloom.nodes.tenant_database import TenantDatabase
from tradeloom.nodes.variables import InMemoryVariables, Variables
from tradeloom.runtime.config import Recipe, prepare
from tradeloom.runtime.context import TaskContext
from tradeloom.runtime.envelope import NodeRecord, RunInfo, TaskInput
from tradeloom.runtime.names import names_of, sources_of
from tradeloom.runtime.observability import set_sink
from tradeloom.runtime.services import Disclosed, Notification
from tradeloom.trading.broker import Broker
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.workflow.document import Connection, Node

_LOGIN = 5_001_009
_LOOKED_AWAY = NodeRecord(state="succeeded", port="main", output={})
_SKIPPED = NodeRecord(state="skipped")

Progress = Callable[[int, int], None]
"""Told how many bars have been looked at, of how many."""


class NoSignal(NotFound):
    """No bar of the data makes the workflow send an order."""


def find_signal(
    compiled: Compiled,
    data: MarketData,
    *,
    trigger: str | None = None,
    progress: Progress = lambda done, of: None,
) -> datetime:
    """The opening of the first bar, from `data.start` on, at which a node would send an order.

    Raises `NoSignal`; `InvalidInput` for a workflow with loops, whose bodies are not looked into.
    """
    data = data.standing()
    assert data.start is not None
    scout = _Scout(compiled, trigger or chosen_trigger(compiled))
    openings = [to_datetime(int(second) * 1_000) for second in data.series().open_time]
    ahead = [moment for moment in openings if moment >= data.start]
    with _private_market(replace(data, start=ahead[0] if ahead else data.start), scout.account) as broker:
        for position, moment in enumerate(ahead):
            progress(position, len(ahead))
            broker.advance(moment)
            if scout.would_trade(broker, moment):
                return moment
    raise NoSignal(
        f"None of {len(ahead):,} bars from {data.start:%Y-%m-%d %H:%M} on makes {compiled.plan.graph.document.name!r} "
        "send an order.",
        hint="Start earlier with --at, or use other data.",
    )


def chosen_trigger(compiled: Compiled) -> str:
    """The trigger that fires when nobody says which: the manual one, or the first."""
    plan = compiled.plan
    by_hand = [trigger for trigger in plan.triggers if plan.graph.nodes[trigger].type == "trigger.manual"]
    return (by_hand or list(plan.triggers))[0]


class _Scout:
    """Walks a plan at one moment, as far as the first node that sets out to trade."""

    def __init__(self, compiled: Compiled, trigger: str) -> None:
        self._plan = compiled.plan
        self._document = compiled.plan.graph.document
        self._warmup = compiled.artefact["warmup"]
        self._version = compiled.version
        self._trigger = trigger
        self.account = self._document.settings.broker_account
        if any(kind.kind is Kind.LOOP for kind in self._plan.types.values()):
            raise InvalidInput("Signals are not looked for inside loops.", hint="Say where to stand with --at.")
        self._recipes: dict[str, Recipe] = {
            node.id: prepare(self._plan.types[node.id], node.config) for node in self._document.nodes
        }

    def would_trade(self, broker: Broker, moment: datetime) -> bool:
        records: dict[str, NodeRecord] = {}
        for stage in self._plan.stages[None]:
            for node_id in stage.nodes:
                node = self._plan.graph.nodes[node_id]
                if not self._is_live(node, records):
                    records[node_id] = _SKIPPED
                    continue
                kind = self._plan.types[node_id]
                trades = Effect.TRADES in kind.effects
                if kind.kind is Kind.WAIT or (kind.acts() and not trades):
                    records[node_id] = _LOOKED_AWAY
                    continue
                try:
                    records[node_id] = self._run(node, records, broker, moment)
                except _WouldAct:
                    return True
                except TradeloomError:
                    if self._plan.on_error(node) == "stop":
                        return False
                    port = ERROR_PORT if self._plan.on_error(node) == "route" else None
                    records[node_id] = NodeRecord(state="failed", port=port)
        return False

    def _is_live(self, node: Node, records: dict[str, NodeRecord]) -> bool:
        if self._plan.types[node.id].kind is Kind.TRIGGER:
            return node.id == self._trigger
        if self._plan.always_runs(node.id):
            return True
        live = [self._carries(connection, records) for connection in self._plan.graph.incoming[node.id]]
        return all(live) if self._plan.join(node) == "all" else any(live)

    @staticmethod
    def _carries(connection: Connection, records: dict[str, NodeRecord]) -> bool:
        record = records.get(connection.source, _SKIPPED)
        return record.port == connection.source_port

    def _run(self, node: Node, records: dict[str, NodeRecord], broker: Broker, moment: datetime) -> NodeRecord:
        run = RunInfo(
            execution_id="scout",
            workflow_id="scout",
            version=self._version,
            trigger=self._trigger,
            as_of=moment,
            started_at=moment,
            account=self.account,
            test_mode=True,
        )
        services = _ScoutServices(broker)
        task = TaskInput(run=run, node=node.id, inputs=records)
        sources = sources_of(task, list(self._plan.graph.incoming[node.id]), services)
        names = names_of(task, self._document, sources, services)
        context = TaskContext(task, sources, names, services, self._warmup.get(node.id, 0))
        made = self._plan.types[node.id]().run(self._recipes[node.id].resolve(names, moment), context)
        port, output = (made.port, made.output) if isinstance(made, Emit) else ("main", made)
        return NodeRecord(state="succeeded", port=port, output=output.model_dump(mode="json"))


class _WouldAct(Exception):  # no TradeloomError: a node must not take it for one of its own
    """A node that trades asked whether it may."""


class _ScoutServices:
    """A handler's services for one look: the market, and nothing that lasts."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def variables(self, run: RunInfo) -> Variables:
        return InMemoryVariables()

    def sub_workflows(self, run: RunInfo) -> SubWorkflows:
        raise StorageUnavailable("A scout starts no workflows.")

    def broker(self, account: str) -> Broker:
        if account != self._broker.account_name:
            raise NotFound(f"There is no account {account!r} here.")
        return self._broker

    def database(self, run: RunInfo) -> TenantDatabase:
        raise StorageUnavailable("A scout reads no tables.")

    def artefact(self, version: str) -> dict[str, Any]:
        raise NotFound("A scout keeps no versions.")

    def store_blob(self, content: bytes) -> str:
        raise StorageUnavailable("A scout keeps no blobs.")

    def load_blob(self, sha256: str) -> bytes:
        raise NotFound("A scout keeps no blobs.")

    def notify(self, notification: Notification) -> None:
        raise StorageUnavailable("A scout tells nobody.")

    def credential(self, run: RunInfo, node: str, reference: str) -> Disclosed:
        raise CredentialProblem("A scout is given no credentials.")

    def http(self) -> Http:
        raise NetworkRefused("A scout asks nobody outside.")

    def mail(self) -> Mail:
        raise NetworkRefused("A scout writes to nobody.")

    def may_act(self, run: RunInfo, node: str) -> None:
        """Every node asks before it acts: this one was about to."""
        raise _WouldAct


@contextmanager
def _private_market(data: MarketData, account: str) -> Iterator[MT5Broker]:
    """The account on a market of its own, inside this process. What nodes say there is not for anybody."""
    with tempfile.TemporaryDirectory(prefix="tradeloom-scout-") as folder:
        terminal = Path(folder)
        assert data.start is not None
        write_sample_terminal(
            terminal, start=data.start, csv=data.csv, symbol=data.symbol, timeframe=data.timeframe, login=_LOGIN
        )
        settings = AccountConfig(
            name=account,
            terminal="paper",
            terminal_path=terminal,
            login=_LOGIN,
            server_time_zone="UTC",
            limits=RiskLimits.for_paper((data.symbol,), max_lot=MAX_LOT, max_price_age_s=MAX_PRICE_AGE_S),
        )
        worker = AccountWorker(
            settings,
            *connect_terminal(settings),
            open_journal=lambda: Journal(terminal / "journal.sqlite3"),
            open_guards=lambda: GuardStore(terminal / "guards.sqlite3"),
        )
        set_sink(lambda record: None)
        try:
            yield BridgeClient(transport=_InProcess(worker)).account(account)
        finally:
            set_sink(None)
            worker.close()


class _InProcess:
    """A transport without a wire."""

    def __init__(self, worker: AccountWorker) -> None:
        self._worker = worker

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        return self._worker.handle(method, payload)

    def close(self) -> None:
        pass
