"""kill -9 of the engine, its workers, the bridge and its terminal processes at random points of executions that trade.

After each kill and restart every execution reaches its end, and the broker's own books show one deal for each order of
an execution that succeeded and at most one for any other: none doubled, none lost.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.documents import document, node
from tests.support.exam import record, sized
from tests.support.machine import Up, fills
from tradeloom.trading.intents import client_order_id, magic_number

KILLS = sized(6, 200)
AT_ONCE = 3
ORDER = {"symbol": "EURUSD", "side": "buy", "volume": 0.01, "deviation": 50}
PARTS = ["engine", "engine", "worker", "worker", "front", "terminal"]


def trading_workflow() -> dict[str, Any]:
    """Seven orders: one, then two in each of three iterations of a loop; and a close of all that is open."""
    nodes = [
        node("start"),
        node("price", "market.live_price", config={"symbol": "EURUSD", "timeframe": "H1"}),
        node("first", "order.market", config=ORDER),
        node("rep", "utility.loop", config={"over": "count", "count": 3, "max_iterations": 3}),
        node("one", "order.market", parent="rep", config=ORDER),
        node("two", "order.market", parent="rep", config=ORDER | {"side": "sell"}),
        node("flat", "order.close", config={"symbol": "EURUSD", "by": "symbol", "scope": "own"}),
        node("tell", "notify.dashboard", config={"title": "Done", "message": "{{ nodes.rep.count }}"}),
    ]
    ways = ["start > price", "price > first", "first > rep", "rep.item > one", "rep.item > two"]
    ways += ["rep > flat", "flat > tell"]
    return document(nodes, *ways, settings={"timeout_s": 300}) | {"name": "Kill test"}


def orders_of(execution_id: str) -> set[int]:
    """The magic numbers of every order a whole execution places."""
    loop = [(name, (index,)) for name in ("one", "two") for index in range(3)]
    return {magic_number(client_order_id(execution_id, *each)) for each in [("first", ()), *loop]}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    made.start()
    yield made
    made.stop()


@pytest.mark.exam
@pytest.mark.timeout(7200)
def test_no_order_is_doubled_or_lost(system: Up) -> None:
    chance = random.Random(20261122)
    workflow = system.call("POST", "/workflows", trading_workflow())["id"]
    length_s = batch_length_s(system, workflow)
    killed: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    executions: dict[str, str] = {}
    while sum(killed.values()) < KILLS:
        started = [system.call("POST", f"/workflows/{workflow}/execute", {})["id"] for _ in range(AT_ONCE)]
        time.sleep(chance.uniform(0, length_s))
        part = _kill(system, chance)
        if part is not None:
            killed[part] += 1
        for execution in started:
            executions[execution] = system.wait(execution, timeout_s=120)["status"]
            ended[executions[execution]] += 1
    system.stop()
    made = fills(system.home)
    doubled = {magic: count for magic, count in made.items() if count > 1}
    lost = {
        execution: missing
        for execution, status in executions.items()
        if status == "succeeded" and (missing := orders_of(execution) - made.keys())
    }
    record("test_no_order_is_doubled_or_lost", kills=dict(killed), executions=dict(ended), orders=sum(made.values()))
    print(f"killed {dict(killed)}; executions {dict(ended)}; {sum(made.values())} orders")
    assert doubled == {}
    assert lost == {}
    assert ended["succeeded"] >= 0.5 * sum(ended.values()), ended


def batch_length_s(system: Up, workflow: str) -> float:
    """How long a batch takes undisturbed, in seconds."""
    began = time.monotonic()
    started = [system.call("POST", f"/workflows/{workflow}/execute", {})["id"] for _ in range(AT_ONCE)]
    assert [system.wait(execution)["status"] for execution in started] == ["succeeded"] * AT_ONCE
    return time.monotonic() - began


def _kill(system: Up, chance: random.Random) -> str | None:
    """The part that was killed; None where the one chosen had ended by itself."""
    part = chance.choice(PARTS)
    if part == "engine":
        system.kill()
        system.start()
        return part
    victims = system.victims()[part]
    if not victims:
        return None
    victim = chance.choice(victims)
    try:
        os.kill(victim, signal.SIGKILL)
        psutil.Process(victim).wait(timeout=5)
    except (ProcessLookupError, psutil.Error):
        return None
    return part
