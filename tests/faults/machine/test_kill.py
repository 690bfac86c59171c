"""kill -9 of the engine, its workers, the bridge and its terminal processes at random points of executions that trade.

After each kill and restart every execution reaches its end, and the broker's own books show one deal for each order of
an execution that succeeded and at most one for any other: none doubled, none lost.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.documents import document, node
from tests.support.exam import record, sized
from tests.support.machine import Up, fills
from tradeloom.trading.intents import client_order_id, magic_number, resend_id

KILLS = sized(3, 200)
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


type Places = Sequence[tuple[str, tuple[int, ...]]]
"""Where a workflow places its orders: (node, iteration)."""

PLACES: Places = [("first", ()), *((name, (index,)) for name in ("one", "two") for index in range(3))]


def orders_of(execution_id: str, places: Places = PLACES) -> list[set[int]]:
    """The magic numbers of every order a whole execution places; each with those of the orders that may stand in for it
    once it is certain never to be sent. One of a set is filled, and no more."""
    ids = [client_order_id(execution_id, *each) for each in places]
    return [{magic_number(each) for each in (order, resend_id(order), resend_id(resend_id(order)))} for order in ids]


def doubled(executions: Iterable[str], made: Counter[int], places: Places = PLACES) -> list[set[int]]:
    """Orders that were filled more than once, by their own number or a stand-in's."""
    placed = [order for execution in executions for order in orders_of(execution, places)]
    return [order for order in placed if len(order & made.keys()) > 1] + [{m} for m, count in made.items() if count > 1]


def lost(statuses: dict[str, str], made: Counter[int], places: Places = PLACES) -> dict[str, list[set[int]]]:
    """Orders of executions that succeeded of which the broker knows nothing."""
    unfilled = {
        execution: [order for order in orders_of(execution, places) if not order & made.keys()]
        for execution, status in statuses.items()
        if status == "succeeded"
    }
    return {execution: orders for execution, orders in unfilled.items() if orders}


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
    record("test_no_order_is_doubled_or_lost", kills=dict(killed), executions=dict(ended), orders=sum(made.values()))
    print(f"killed {dict(killed)}; executions {dict(ended)}; {sum(made.values())} orders")
    assert doubled(executions, made) == []
    assert lost(executions, made) == {}
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
        psutil.Process(victim).wait(timeout=60)
    except (ProcessLookupError, psutil.Error):
        return None
    return part
