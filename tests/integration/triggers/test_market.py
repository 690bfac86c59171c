"""Market triggers on the whole machine: a replay of the bundled bars fires workflows, across a restart too."""

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.workflows.drawing import chain, node, run
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database
from tradeloom.local.market import MarketData, bundled_data
from tradeloom.local.places import bundled_bars

pytestmark = pytest.mark.timeout(180)

START = datetime(2017, 6, 1, 12, tzinfo=UTC)
STEP = timedelta(hours=1)
PATIENCE_S = 90.0


def crossings(hours: list[dict[str, Any]], level: float, until: datetime) -> list[float]:
    """Openings and closes above a level whose predecessor was not."""
    found: list[float] = []
    before: float | None = None
    for row in hours:
        opening = datetime.fromisoformat(row["time"])
        for at, price in ((opening, float(row["open"])), (opening + STEP, float(row["close"]))):
            if START <= at <= until:
                if before is not None and before <= level < price:
                    found.append(price)
                before = price
    return found


def bars(since: datetime, hours: int) -> list[dict[str, Any]]:
    """The bundled hours from then on."""
    with bundled_bars().open() as file:
        rows = list(csv.DictReader(file))
    first = next(at for at, row in enumerate(rows) if datetime.fromisoformat(row["time"]) >= since)
    return rows[first : first + hours]


def started_by(trigger_type: str, **config: Any) -> dict[str, Any]:
    return {
        "name": trigger_type,
        "nodes": [node("event", trigger_type, **config), node("note", "utility.merge")],
        "connections": [{"source": "event", "target": "note"}],
    }


def activate(machine: RunningMachine, document: dict[str, Any]) -> str:
    made: str = machine.post("/workflows", document)["id"]
    machine.post(f"/workflows/{made}/toggle", {"active": True})
    settle(lambda: any(each[0] == made for each in machine.machine.watcher.watched))
    time.sleep(0.5)  # the first look, before which nothing counts
    return made


def settle(done: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + PATIENCE_S
    while not (found := done()):
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.1)
    return found


def outputs(machine: RunningMachine, workflow: str) -> list[dict[str, Any]]:
    """What the trigger gave in every execution that has ended, the earliest first."""
    items = machine.get(f"/workflows/{workflow}/executions?limit=200")["items"]
    found = [machine.get(f"/executions/{each['id']}") for each in items]
    ended = [each for each in found if each["status"] == "succeeded"]
    ended.sort(key=lambda each: (each["as_of"], each["started_at"]))
    return [next(each["output"] for each in run["node_runs"] if each["node"] == "event") for run in ended]


def replay(machine: RunningMachine, hours: float) -> dict[str, Any]:
    """Let the market go on: a workflow that waits moves it, past everything that happens on the way."""
    return run(
        machine, chain(node("wait", "utility.delay", mode="seconds", seconds=int(hours * 3600)), timeout_s=604_800)
    )


def up(tmp_path: Path, dsn: str) -> RunningMachine:
    data = MarketData(bundled_data().csv, start=START)
    return RunningMachine(tmp_path / "home", dsn, data, schedules=True)


def test_every_closed_hour_starts_once_with_its_bar(tmp_path: Path, postgres_server: str) -> None:
    with up(tmp_path, new_database(postgres_server)) as machine:
        workflow = activate(
            machine, started_by("trigger.candle_close", symbol="EURUSD", timeframe="H1", overlap="allow")
        )
        assert replay(machine, 6)["status"] == "succeeded"
        given = settle(lambda: len(found := outputs(machine, workflow)) >= 6 and found)
        assert [each["time"] for each in given] == [
            (START + STEP * hour).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in range(6)
        ]
        spread = given[0]["spread"] * 0.00001
        asked = [float(row["close"]) for row in bars(START, 6)]
        assert [each["close"] + spread for each in given] == pytest.approx(asked, abs=1e-9)


def test_a_price_fires_as_a_scan_of_the_openings_and_closes_says(tmp_path: Path, postgres_server: str) -> None:
    hours = bars(START, 60)
    end = START + 48 * STEP
    # Between two points, so that no rounding decides; the one that is crossed most.
    levels = [float(row["close"]) + 0.000005 for row in hours]
    level = max(levels, key=lambda each: len(crossings(hours, each, end)))
    with up(tmp_path, new_database(postgres_server)) as machine:
        wanted = {"symbol": "EURUSD", "condition": "crosses_above", "price": level, "side": "ask", "overlap": "allow"}
        workflow = activate(machine, started_by("trigger.price", **wanted))
        replay(machine, 48)
        expected = crossings(hours, level, machine.machine.clocks["paper"].now())
        assert len(expected) >= 3
        given = settle(lambda: len(found := outputs(machine, workflow)) >= len(expected) and found)
        assert [each["price"] for each in given] == pytest.approx(expected, abs=1e-9)
        assert all(each["previous"] <= level < each["price"] for each in given)


def test_an_indicators_word_fires_on_the_bars_on_which_its_own_node_says_so(
    tmp_path: Path, postgres_server: str
) -> None:
    with up(tmp_path, new_database(postgres_server)) as machine:
        config = {"symbol": "EURUSD", "timeframe": "H1", "overlap": "allow"}
        document = started_by("trigger.indicator", indicator="macd", label="bullish", **config)
        document["nodes"] += [
            node("history", "market.history", symbol="EURUSD", timeframe="H1", count=100),
            node("macd", "indicator.macd"),
        ]
        document["connections"] += [
            {"source": "event", "target": "history"},
            {"source": "history", "target": "macd"},
        ]
        workflow = activate(machine, document)
        replay(machine, 72)
        given = settle(lambda: len(found := outputs(machine, workflow)) >= 2 and found)
        assert all((each["signal"], each["output"]) == ("bullish", "macd") for each in given)
        items = machine.get(f"/workflows/{workflow}/executions?limit=200")["items"]
        for item in items:
            runs = {each["node"]: each["output"] for each in machine.get(f"/executions/{item['id']}")["node_runs"]}
            assert runs["macd"]["crossover"] == "bullish"
            assert runs["macd"]["macd"] == pytest.approx(runs["event"]["value"], abs=1e-12)
            assert runs["macd"]["time"] == runs["event"]["time"]


def test_an_order_that_is_filled_and_stopped_out_starts_the_workflow_twice(
    tmp_path: Path, postgres_server: str
) -> None:
    with up(tmp_path, new_database(postgres_server)) as machine:
        workflow = activate(
            machine, started_by("trigger.order_event", events=["filled", "stop_loss", "take_profit"], own_only=False)
        )
        stops = {"stop_loss_type": "pips", "stop_loss": 5, "take_profit_type": "pips", "take_profit": 5}
        buy = node("buy", "order.market", symbol="EURUSD", side="buy", volume=0.1, **stops)
        bought = run(machine, chain(buy))
        assert bought["status"] == "succeeded", bought
        filled = settle(lambda: outputs(machine, workflow))
        assert [each["event"] for each in filled] == ["filled"]
        assert filled[0]["ticket"] == bought["runs"]["buy"]["output"]["ticket"]
        replay(machine, 24)
        both = settle(lambda: len(found := outputs(machine, workflow)) >= 2 and found)
        assert both[1]["event"] in ("stop_loss", "take_profit")
        assert both[1]["ticket"] == filled[0]["ticket"]
        time.sleep(2)
        assert len(outputs(machine, workflow)) == 2


def test_a_restart_in_the_middle_neither_doubles_nor_loses(tmp_path: Path, postgres_server: str) -> None:
    dsn = new_database(postgres_server)
    with up(tmp_path, dsn) as machine:
        wanted = {"symbol": "EURUSD", "timeframe": "H1", "overlap": "allow", "missed": "all"}
        workflow = activate(machine, started_by("trigger.candle_close", **wanted))
        replay(machine, 3)
        settle(lambda: len(outputs(machine, workflow)) >= 3)
    with RunningMachine(tmp_path / "home", dsn, schedules=False) as machine:
        replay(machine, 2)  # while nobody watches
    with RunningMachine(tmp_path / "home", dsn, schedules=True) as machine:
        settle(lambda: len(outputs(machine, workflow)) >= 5)
        replay(machine, 2)
        given = settle(lambda: len(found := outputs(machine, workflow)) >= 7 and found)
        time.sleep(2)
        assert len(outputs(machine, workflow)) == len(given)
        times = sorted(each["time"] for each in given)
        assert times == [(START + STEP * hour).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in range(len(times))]


def test_an_inactive_workflow_is_not_watched(tmp_path: Path, postgres_server: str) -> None:
    with up(tmp_path, new_database(postgres_server)) as machine:
        workflow = activate(machine, started_by("trigger.candle_close", symbol="EURUSD", timeframe="H1"))
        machine.post(f"/workflows/{workflow}/toggle", {"active": False})
        assert machine.machine.watcher.watched == []
        replay(machine, 3)
        time.sleep(1.5)
        assert machine.get(f"/workflows/{workflow}/executions")["total"] == 0
