"""The whole system replayed over real bars: the same orders every time, at any speed, and an account of what came."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.workflows.drawing import node
from tests.support.exam import record, sized
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database
from tradeloom.compiler.compile import compile_workflow
from tradeloom.local.market import MarketData, bundled_data
from tradeloom.local.storage import TENANT

pytestmark = pytest.mark.timeout(300)

SUITE = "replays at any speed"
START = datetime(2017, 6, 1, 12, tzinfo=UTC)
HOURS = sized(8, 32)  # to the Friday's evening: at the weekend orders are refused, and rightly
SPEEDS = [0.0, 36_000.0, *([0.0] * sized(0, 1))]
"""As fast as it goes, ten market hours a second, and in the exam the first once more."""
PATIENCE_S = 240.0
BUY = {"symbol": "EURUSD", "side": "buy", "stop_loss_type": "pips", "stop_loss": 20}
TARGET = {"take_profit_type": "pips", "take_profit": 15}


def trading(name: str, trigger: dict[str, Any], *, volume: float, side: str = "buy") -> dict[str, Any]:
    order = node("buy", "order.market", **{**BUY, **TARGET, "volume": volume, "side": side})
    return {"name": name, "nodes": [trigger, order], "connections": [{"source": trigger["id"], "target": "buy"}]}


def workflows() -> list[dict[str, Any]]:
    """Three that fire at the same moments, by the clock and by the market, and one whose orders come after a Delay."""
    every_other = node("event", "trigger.schedule", expression="0 */2 * * *", overlap="allow")
    close = node("event", "trigger.candle_close", symbol="EURUSD", timeframe="H1", overlap="allow")
    price = node("event", "trigger.price", symbol="EURUSD", condition="crosses", price=1.12235, overlap="allow")
    waiting = trading("waits", close, volume=0.04, side="sell")
    waiting["nodes"].append(node("wait", "utility.delay", mode="seconds", seconds=5_400))
    waiting["connections"] = [{"source": "event", "target": "wait"}, {"source": "wait", "target": "buy"}]
    waiting["settings"] = {"timeout_s": 604_800}
    return [
        trading("by the clock", every_other, volume=0.01),
        trading("by the bar", close, volume=0.02),
        trading("by the price", price, volume=0.03),
        waiting,
    ]


def replayed(home: Path, dsn: str, *, speed: float = 0.0) -> tuple[list[Any], dict[str, Any]]:
    """Every deal the broker made, in its order, and how the replay ended."""
    with RunningMachine(home, dsn, MarketData(bundled_data().csv, start=START), schedules=True) as machine:
        for number, document in enumerate(workflows()):
            save(machine, f"wf-{number}", document)
            machine.post(f"/workflows/wf-{number}/toggle", {"active": True})
        machine.post("/accounts/paper/replay", {"to": (START + timedelta(hours=HOURS)).isoformat(), "speed": speed})
        replay = ended(machine)
        return deals(machine), replay


def save(machine: RunningMachine, workflow: str, document: dict[str, Any]) -> None:
    """Under an id of ours: what starts at the same moment starts in the order of ids."""
    compiled = compile_workflow(document)
    machine.on_loop(machine.machine.workflows.save(TENANT, workflow, compiled, None))


def ended(machine: RunningMachine) -> dict[str, Any]:
    give_up = time.monotonic() + PATIENCE_S
    while (replay := machine.get("/accounts/paper/replay"))["state"] in ("running", "paused"):
        assert time.monotonic() < give_up, replay
        time.sleep(0.1)
    found: dict[str, Any] = replay
    return found


def deals(machine: RunningMachine) -> list[Any]:
    assert machine.machine.market.client is not None
    broker = machine.machine.market.client.account("paper")
    now = broker.market_time()
    still = [(p.opened_at, p.side, p.volume, p.price_open, p.ticket) for p in broker.positions()]
    ledger = broker.trade_ledger(START, now, limit=500)
    over = [(t.opened_at, t.side, t.volume, t.price_open, t.closed_at, t.price_close, t.net, t.deal) for t in ledger]
    return sorted(over, key=lambda each: each[-1]) + sorted(still, key=lambda each: each[-1])


@pytest.mark.exam(suite=SUITE)
def test_the_same_replay_gives_the_same_orders_at_any_speed(tmp_path: Path, postgres_server: str) -> None:
    runs = [
        replayed(tmp_path / str(number), new_database(postgres_server), speed=speed)
        for number, speed in enumerate(SPEEDS)
    ]
    first, replay = runs[0]
    assert len(first) >= HOURS
    for given, _ in runs[1:]:
        assert given == first
    summary = replay["summary"]
    assert replay["state"] == "finished"
    assert summary["until"] == (START + timedelta(hours=HOURS)).isoformat().replace("+00:00", "Z")
    assert summary["trades"] + summary["open_positions"] == len(first)
    closed = [each for each in first if len(each) == 8]
    assert summary["net_profit"] == pytest.approx(float(sum(each[6] for each in closed)))
    assert summary["executions"].keys() == {"succeeded"}
    record(SUITE, replays=len(runs), hours=HOURS, orders=len(first), different=0)
