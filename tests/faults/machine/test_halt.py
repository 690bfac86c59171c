"""The kill switch on a whole machine: it reaches what is queued, waits, loops and is about to order, and stays."""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.faultpoints import VARIABLE
from tests.support.exam import record
from tests.support.local_machine import RunningMachine
from tests.support.machine import fills
from tests.support.postgres import new_database, postgres_server
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.engine import StartRequest
from tradeloom.runtime.envelope import RunInfo

__all__ = ["postgres_server"]

QUEUED = 20
REACH_S = 5.0
"""What is promised; asserted ten times as long, so that a busy machine fails nothing."""

SETTINGS = {"broker_account": "paper", "timeout_s": 90_000}
START = {"id": "start", "type": "trigger.manual", "name": "Start"}
BUY = {"id": "buy", "type": "order.market", "name": "Buy",
       "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}}  # fmt: skip
LONG = {"id": "wait", "type": "utility.delay", "name": "Wait", "config": {"mode": "seconds", "seconds": 7200}}
SHORT = {"id": "pause", "type": "utility.delay", "name": "Pause", "config": {"mode": "seconds", "seconds": 2}}
CLOSE = {"id": "close", "type": "order.close", "name": "Close", "config": {"symbol": "EURUSD", "scope": "all"}}


def chain(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    ids = [node["id"] for node in nodes]
    wires = [{"source": a, "target": b} for a, b in pairwise(ids)]
    return {
        "name": name, "nodes": list(nodes), "connections": wires, "settings": SETTINGS,
    }  # fmt: skip


def looping() -> dict[str, Any]:
    """For each of five items: a pause, then an order."""
    each = {"id": "each", "type": "utility.for_each", "name": "Each",
            "config": {"items": "A B C D E", "max_iterations": 10}}  # fmt: skip
    return {
        "name": "loops", "nodes": [START, each, SHORT | {"parent": "each"}, BUY | {"parent": "each"}],
        "connections": [
            {"source": "start", "target": "each"},
            {"source": "each", "source_port": "item", "target": "pause"},
            {"source": "pause", "target": "buy"},
        ],
        "settings": SETTINGS,
    }  # fmt: skip


class Desk:
    """A machine whose market runs in real time, and what it did. `mark` arms a hang before an order is sent."""

    def __init__(self, home: Path, dsn: str, mark: Path) -> None:
        self.home = home
        self.mark = mark
        self._dsn = dsn
        self.begin()

    def begin(self) -> None:
        self.machine = RunningMachine(self.home, self._dsn)
        self.machine.__enter__()
        self._up = True
        client = self.machine.machine.market.client
        assert client is not None
        self.broker = client.account("paper")
        self.broker.set_speed(1.0)

    def end(self) -> None:
        if self._up:
            self.machine.__exit__(None, None, None)
        self._up = False

    def save(self, document: dict[str, Any]) -> str:
        made: str = self.machine.post("/workflows", document)["id"]
        return made

    def start(self, workflow: str) -> str:
        made: str = self.machine.post(f"/workflows/{workflow}/execute")["id"]
        return made

    def queue(self, workflow: str, count: int) -> list[str]:
        """Executions that wait for the one of the workflow that runs."""
        machine, loop = self.machine.machine, self.machine._loop
        assert loop is not None

        async def start() -> list[str]:
            record = await machine.stores.workflow("local", workflow)
            version = await machine.stores.version("local", workflow, record.version)
            now = datetime.now(UTC)
            runs = [
                RunInfo(
                    execution_id=uuid.uuid4().hex, workflow_id=workflow, version=version.version, trigger="start",
                    as_of=machine.clocks["paper"].now(), started_at=now, account="paper",
                )
                for _ in range(count)
            ]  # fmt: skip
            return [
                await machine.engine.start(
                    StartRequest(run=run, definition=version.definition, manual=True, exclusive=True)
                )
                for run in runs
            ]

        return asyncio.run_coroutine_threadsafe(start(), loop).result(60)

    def read(self, execution: str) -> dict[str, Any]:
        told: dict[str, Any] = self.machine.get(f"/executions/{execution}")
        return told

    def trigger(self, workflow: str) -> str:
        """What a trigger that fires is answered."""
        machine, loop = self.machine.machine, self.machine._loop
        assert loop is not None
        fired = machine.executions.dispatcher.dispatch(StartCommand(workflow_id=workflow, trigger="start"))
        return asyncio.run_coroutine_threadsafe(fired, loop).result(60).verdict

    def notified(self) -> list[str]:
        return [each["title"] for each in self.machine.get("/notifications?limit=200")["items"]]

    def ended(self, executions: list[str], timeout_s: float) -> list[dict[str, Any]]:
        found = [self.read(each) for each in executions]
        give_up = time.monotonic() + timeout_s
        while any(each["status"] in ("pending", "running") for each in found):
            assert time.monotonic() < give_up, [each["status"] for each in found]
            time.sleep(0.05)
            found = [self.read(each) for each in executions]
        return found

    def sent(self) -> int:
        """Orders the bridge ever handed to the terminal, by its own journal."""
        path = self.machine.machine.home.bridge / "accounts" / "paper" / "journal.sqlite3"
        with closing(sqlite3.connect(path)) as journal:
            return int(journal.execute("SELECT COALESCE(SUM(attempts), 0) FROM orders").fetchone()[0])

    def kill(self, mode: str) -> dict[str, Any]:
        told: dict[str, Any] = self.machine.post("/accounts/paper/kill", {"mode": mode, "reason": f"a test of {mode}"})
        return told

    def resume(self) -> dict[str, Any]:
        told: dict[str, Any] = self.machine.post("/accounts/paper/resume", {"reason": "the test is over"})
        return told


def until(check: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    give_up = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < give_up, what
        time.sleep(0.02)


@pytest.fixture(scope="module")
def dsn(postgres_server: str) -> str:
    return new_database(postgres_server)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("halt")
    mark = folder / "claimed"
    mark.touch()  # disarmed until a test takes it away
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, f"worker.claimed=hang:{mark}")
        desk = Desk(folder / "home", dsn, mark)
        yield desk
        desk.end()


def test_a_pause_reaches_everything_and_nothing_is_sent_any_more(desk: Desk) -> None:
    waiting, loops = desk.save(chain("waits", START, LONG, BUY)), desk.save(looping())
    orders, pauses = desk.save(chain("orders", START, BUY)), desk.save(chain("pauses", START, SHORT, LONG, CLOSE))
    harmless = desk.start(desk.save(chain("harmless", START, LONG)))
    running = [desk.start(waiting), desk.start(loops), desk.start(pauses), desk.start(waiting)]
    until(lambda: any(each["node"] == "buy" for each in desk.read(running[1])["node_runs"]), "the loop orders")
    queued = desk.queue(waiting, QUEUED)
    assert {desk.read(each)["status"] for each in queued} == {"pending"}
    desk.mark.unlink()
    running.append(desk.start(orders))
    until(desk.mark.exists, "an order is claimed and hangs before it is sent")
    before, begun = desk.sent(), datetime.now(UTC)
    told = desk.kill("pause")
    ended = desk.ended([*running, *queued], 10 * REACH_S)
    last = max(datetime.fromisoformat(each["finished_at"]) for each in ended)
    record("kill switch", reached=len(ended), within_s=round((last - begun).total_seconds(), 2))
    assert told["items"][0]["state"] == "halted"
    assert told["stopped"] == len(running) + QUEUED
    assert {each["status"] for each in ended} == {"stopped"}
    assert {each["error"]["name"] for each in ended} == {"AccountHalted"}
    assert {each["error"]["message"] for each in ended} == {ended[0]["error"]["message"]}
    assert "a test of pause" in ended[0]["error"]["message"]
    assert desk.read(harmless)["status"] == "running"  # it does not trade
    until(lambda: desk.machine.get("/accounts/paper")["available"], "the frozen worker is replaced", 60)
    assert desk.sent() == before  # the order that was claimed never left
    refused = desk.machine.ask("POST", f"/workflows/{orders}/execute")
    assert (refused.status_code, refused.json()["error"]["name"]) == (409, "AccountHalted")
    desk.machine.post(f"/workflows/{orders}/toggle", {"active": True})
    assert [desk.trigger(orders) for _ in range(3)] == ["skipped"] * 3
    until(lambda: "Starts are skipped on paper" in desk.notified(), "the skip is told")
    assert [desk.notified().count(each) for each in ("paper is halted", "Starts are skipped on paper")] == [1, 1]
    health = desk.machine.get("/health")
    assert next(each for each in health["accounts"] if each["name"] == "paper")["state"] == "halted"


def test_after_a_restart_it_is_still_halted_until_a_person_resumes_it(desk: Desk) -> None:
    desk.end()
    desk.begin()
    orders = desk.save(chain("orders again", START, BUY))
    standing = desk.machine.get("/accounts/paper")
    assert (standing["state"], standing["state_by"], standing["state_reason"]) == ("halted", "local", "a test of pause")
    assert desk.machine.ask("POST", f"/workflows/{orders}/execute").json()["error"]["name"] == "AccountHalted"
    assert desk.resume()["state"] == "active"
    until(lambda: "paper may trade again" in desk.notified(), "the resume is told")
    assert desk.notified().count("paper is halted") == 1
    (done,) = desk.ended([desk.start(orders)], 60)
    assert done["status"] == "succeeded"


def test_reducing_lets_exits_go_on_and_ends_what_would_open(desk: Desk) -> None:
    # Both still wait when the word comes, on a slow machine too.
    pause = SHORT | {"config": {"mode": "seconds", "seconds": 6}}
    opens = desk.save(chain("only opens", START, pause, BUY))
    both = desk.save(chain("closes, then opens", START, pause, CLOSE, BUY))
    running = [desk.start(opens), desk.start(both)]
    assert desk.broker.positions()
    before = len(desk.broker.positions())
    told = desk.kill("reduce")
    assert told["stopped"] == 1
    only_opens, exits = desk.ended(running, 60)
    assert (only_opens["status"], only_opens["error"]["name"]) == ("stopped", "AccountHalted")
    assert (exits["status"], exits["error"]["name"]) == ("stopped", "AccountHalted")
    closing = {each["node"]: each["state"] for each in exits["node_runs"]}
    assert closing["close"] == "succeeded"
    assert closing["buy"] == "skipped"
    assert before > 0
    assert desk.broker.positions() == []
    assert desk.machine.ask("POST", f"/workflows/{opens}/execute").json()["error"]["name"] == "AccountHalted"
    assert desk.machine.ask("POST", f"/workflows/{both}/execute").status_code == 202
    desk.resume()


def test_a_halt_that_did_not_come_from_here_reaches_as_far(desk: Desk) -> None:
    """The risk gate's own, say, or another client's of the bridge."""
    from tradeloom.trading.risk import AccountState

    waiting = desk.start(desk.save(chain("waits too", START, LONG, BUY)))
    desk.broker.set_state(AccountState.HALTED, reason="too much was lost", by="risk gate")
    (ended,) = desk.ended([waiting], 10 * REACH_S)
    assert ended["error"]["name"] == "AccountHalted"
    assert "risk gate" in ended["error"]["message"]
    desk.resume()


def test_flatten_takes_everything_off(desk: Desk) -> None:
    orders = desk.save(chain("opens one", START, BUY))
    done = desk.ended([desk.start(orders), desk.start(orders)], 60)
    assert {each["status"] for each in done} == {"succeeded"}
    waiting = desk.start(desk.save(chain("waits at last", START, LONG, BUY)))
    desk.kill("flatten")

    def told() -> dict[str, Any]:
        found: dict[str, Any] = desk.machine.get("/accounts/paper")
        return found

    until(lambda: told()["flatten"]["status"] == "flat", "the account is flat")
    assert (told()["positions"], told()["orders"], told()["flatten"]["closed"]) == (0, 0, 2)
    assert desk.ended([waiting], 10 * REACH_S)[0]["error"]["name"] == "AccountHalted"
    refused = desk.machine.ask("POST", "/accounts/paper/kill", {"mode": "reduce", "reason": "looser"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (409, "mode")
    everything = desk.machine.post("/accounts/kill", {"mode": "reduce", "reason": "all of them"})
    assert {each["name"]: each["state"] for each in everything["items"]} == {
        "paper": "halted",
        "paper-test": "reducing",
    }


def test_a_workflow_is_stopped_by_itself(desk: Desk) -> None:
    desk.resume()
    workflow = desk.save(chain("on its own", START, LONG, BUY))
    desk.machine.post(f"/workflows/{workflow}/toggle", {"active": True})
    running = desk.start(workflow)
    assert desk.machine.post(f"/workflows/{workflow}/kill") == {"id": workflow, "stopped": 1}
    (ended,) = desk.ended([running], 60)
    assert (ended["status"], ended["error"]["name"]) == ("stopped", "ExecutionStopped")
    assert desk.machine.get(f"/workflows/{workflow}")["active"] is False
    assert desk.machine.get("/accounts/paper")["state"] == "active"


def test_every_order_was_made_once(desk: Desk) -> None:
    """In the broker's own books, which only a machine that is down lets anybody read."""
    desk.end()
    made = fills(desk.home)
    assert made
    assert set(made.values()) == {1}
