"""Previews on stores in memory and a fake broker's bars."""

from datetime import UTC, datetime
from typing import Any

from tests.support.fake_broker import FakeBroker
from tests.support.on_loop import on_loop
from tests.support.series import eurusd_h1
from tradeloom.engine.clock import Clock
from tradeloom.engine.journal import Execution, NodeRun
from tradeloom.errors import NotFound
from tradeloom.local.expression_previews import ExpressionPreviews
from tradeloom.local.indicator_previews import IndicatorPreviews
from tradeloom.local.previews import LocalPreviews
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.pins import MemoryPins
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.trading.broker import Broker

MARKET_NOW = datetime(2017, 8, 30, 19, tzinfo=UTC)


def previews_in_memory() -> LocalPreviews:
    """One account, `paper`, with the bundled EURUSD bars."""
    broker = FakeBroker(now=MARKET_NOW, history={("EURUSD", "H1"): eurusd_h1()})

    def of(account: str) -> Broker:
        if account != "paper":
            raise NotFound(f"There is no account {account!r}.", field="account")
        return broker

    def no_clock(account: str) -> Clock:
        raise NotFound(f"There is no account {account!r}.", field="account")

    journal, stores = MemoryJournal(MemoryDatabase()), MemoryStores()
    journal.database.executions[EXECUTION.id] = EXECUTION
    for run in RUNS:
        journal.database.runs[run.execution_id, run.path, run.attempt] = run
    expressions = ExpressionPreviews(
        journal=journal, blobs=MemoryBlobs(), pins=MemoryPins(stores), clock_for_account=no_clock
    )
    return LocalPreviews(on_loop, expressions, IndicatorPreviews(of, lambda account: of(account).market_time()))


EXECUTION = Execution(
    id="ex-recorded",
    tenant="acme",
    workflow_id="wf-recorded",
    version="v1",
    definition="d1",
    trigger="start",
    account="paper",
    run={"trigger": "start", "payload": {"reason": "by hand"}},
    input={},
    as_of=MARKET_NOW,
    created_at=MARKET_NOW,
    status="SUCCEEDED",
)


def _run(seq: int, node: str, output: Any, **more: Any) -> NodeRun:
    return NodeRun(
        execution_id=EXECUTION.id,
        path=f"/{node}/{seq}",
        attempt=1,
        kind="task",
        node=node,
        state=f"Run {node}",
        started_at=MARKET_NOW,
        started_seq=seq,
        status="SUCCEEDED",
        output={"state": "succeeded", "port": "main", "output": output},
        **more,
    )


RUNS = [
    _run(1, "start", {"timestamp": "2017-08-30T19:00:00Z"}),
    _run(2, "rsi", {"value": 25.5, "signal": "oversold"}),
    _run(3, "each", {"count": 2}, input={"item": "EURUSD", "index": 0}),
    _run(4, "each", {"count": 2}, input={"item": "GBPUSD", "index": 1}),
]
