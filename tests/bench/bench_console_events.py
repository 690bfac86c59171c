"""From an event in the engine to the painted page: a run of 300 nodes on the console's canvas, its log streaming.

Run it as a module: `python -m tests.bench.bench_console_events [--json]`; it needs the built console (`make console`)
and chromium, which rasters in software. A run's nodes start, log and end as the engine's do: by its `Recorder`, into
the journal, through hub and WebSocket; the page reads the run by REST meanwhile, as it does. No worker computes.

Every event counts: one that is never shown is counted apart and fails the bench. All nodes are in sight at the zoom at
which the page opens; the bench stops where they are not. Shown is what the browser presented (`painted.js`), not what
the page had asked for. Aims: p95 under 60 ms at 20 events a second, p99 under 100 ms at 200.
"""

import argparse
import asyncio
import json
import logging
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.event_times import Seen, figures, joined
from tests.support.chromium import launched
from tests.support.local_machine import RunningMachine
from tests.support.run_traffic import wide_workflow
from tradeloom.engine.clock import WallClock
from tradeloom.engine.events import Event
from tradeloom.engine.interpreter.machine import TaskCall
from tradeloom.engine.recording import Recorder
from tradeloom.local.storage import TENANT
from tradeloom.realtime import protocol

NODES: Final = 300
RATES: Final = {20: 200, 200: 2_000}
"""Events a second: how many, at least."""
AIMS: Final = {20: ("p95_ms", 60.0), 200: ("p99_ms", 100.0)}
PATIENCE_S: Final = 60.0
SETTLE_S: Final = 5.0
NOTES: Final = Path(__file__).with_name("painted.js").read_text()
SEQ: Final = re.compile(r'"seq":(\d+)')


class Told:
    """What the engine told of one run, and when it became durable and was sent; milliseconds of the wall clock."""

    def __init__(self, execution_id: str) -> None:
        self._id = execution_id
        self.events: list[Event] = []
        self.durable: dict[int, float] = {}
        self.sent: dict[int, float] = {}

    def hear(self, event: Event) -> None:
        if event.execution_id == self._id:
            self.events.append(event)
            self.durable[event.seq] = time.time() * 1000

    def framed(self, id: str, message: str) -> str:
        """Stands in for `protocol.data`, which is called right before a message is sent."""
        if self._id in message and (seq := SEQ.search(message)):
            self.sent[int(seq[1])] = time.time() * 1000
        return FRAMED(id, message)


FRAMED: Final = protocol.data


def steps(recorder: Recorder, count: int) -> Iterator[None]:
    """Say so many events or a few more, one a step: each node starts, logs and ends once."""
    logs = max(1, -(-count // (NODES - 2)) - 2)
    values = [round(1.1 + position / 7_000, 5) for position in range(50)]
    for number in range(2, 2 + -(-count // (logs + 2))):
        name = f"n{number}"
        payload = {"node": name, "config": {"rules": [{"op": "set", "path": "x", "value": 1}]}, "state": {}}
        call = TaskCall(f"bench/{name}", name, "nodes/utility/transform", payload, 0, None, ())
        run = recorder.begin_task(call)
        yield
        for line in range(logs):
            recorder.log(run, {"level": "info", "message": f"line {line} of {name}"})
            yield
        recorder.succeed(run, {"state": {}, "port": "main", "output": {"count": number, "values": values}})
        yield


async def say(machine: RunningMachine, told: Told, execution_id: str, per_s: float, count: int) -> None:
    """Let a waiting run's other nodes run, at that rate."""
    engine, journal = machine.machine.engine, machine.machine.journal
    found = await journal.with_runs(TENANT, execution_id)
    assert found is not None
    row, runs = found
    last = max([row.last_seq, *(max(run.started_seq, run.finished_seq or 0) for run in runs)])
    leave = engine.subscribe(told.hear)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for position, _ in enumerate(steps(Recorder(row, last, journal, WallClock()), count), start=1):
        await asyncio.sleep(max(0.0, begun + position / per_s - loop.time()))
    await journal.barrier(execution_id)
    leave()


class Costs:
    """Processor time, in seconds, since it was made: of the page's main thread, of chromium's processes, of ours."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._page = page.context.new_cdp_session(page)
        self._page.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._browser = browser.new_browser_cdp_session()
        self._begun, self._from = time.perf_counter(), self._now()

    def _now(self) -> dict[str, float]:
        found = {"server_cpu": time.process_time()}
        for each in self._browser.send("SystemInfo.getProcessInfo")["processInfo"]:
            name = f"{each['type'].lower()}_cpu"
            found[name] = found.get(name, 0.0) + each["cpuTime"]
        metrics = self._page.send("Performance.getMetrics")["metrics"]
        wanted = {"TaskDuration": "main", "ScriptDuration": "script", "LayoutDuration": "layout"}
        wanted |= {"RecalcStyleDuration": "style"}
        return found | {wanted[each["name"]]: each["value"] for each in metrics if each["name"] in wanted}

    def figures(self, changes: int) -> dict[str, float]:
        """`*_cpu` as shares of one processor; the main thread's and its parts as milliseconds of processor time for
        each change of the page: of its log, of its nodes."""
        took, now = time.perf_counter() - self._begun, self._now()
        spent = {name: value - self._from.get(name, 0.0) for name, value in now.items()}
        told: dict[str, float] = {"changes": changes}
        for name, seconds in spent.items():
            if name.endswith("_cpu"):
                told[name] = seconds / took
            else:
                told[f"{name}_ms_a_change"] = 1000 * seconds / changes
        return told


def watch(browser: Browser, page: Page, machine: RunningMachine, workflow: str, rate: int) -> dict[str, float]:
    """The figures of one rate, on a run of its own."""
    execution = machine.post(f"/workflows/{workflow}/execute")
    while not any(run["state"] == "waiting" for run in execution["node_runs"]):
        time.sleep(0.2)
        execution = machine.get(f"/executions/{execution['id']}")
    page.goto(f"{machine.served.address}#/executions/{execution['id']}")
    page.wait_for_selector("[data-status=waiting]")
    page.wait_for_timeout(SETTLE_S * 1_000)
    in_sight = page.locator(".react-flow__node-card").count()
    if in_sight != NODES:
        raise SystemExit(f"only {in_sight} of {NODES} nodes are in sight")
    page.evaluate("runNotes.watch()")
    told, costs = Told(execution["id"]), Costs(browser, page)
    with patch.object(protocol, "data", told.framed):
        machine.on_loop(say(machine, told, execution["id"], rate, RATES[rate]))
        page.wait_for_timeout(2_000)  # what is not shown by then counts as never shown
    noted = page.evaluate("runNotes.noted")
    spent = costs.figures(len(noted["changes"]))
    machine.post(f"/executions/{execution['id']}/stop")
    return figures(joined(told.events, told.durable, told.sent, Seen(noted))) | spent


def measure() -> dict[str, dict[str, float]]:
    logging.disable(logging.WARNING)
    found = {}
    with tempfile.TemporaryDirectory() as home, RunningMachine(Path(home), None) as machine, sync_playwright() as tool:
        client = machine.machine.market.client
        assert client is not None
        client.account("paper").set_speed(1)
        workflow = machine.post("/workflows", wide_workflow(NODES))["id"]
        browser = launched(tool)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_S * 1_000)
        page.add_init_script(NOTES)
        page.goto(machine.served.page)
        for rate in RATES:
            found[f"{NODES}_nodes_{rate}_per_s"] = watch(browser, page, machine, workflow, rate)
        browser.close()
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = arguments.parse_args().json
    found = measure()
    if as_json:
        print(json.dumps(found | {"aims": {f"{rate}_per_s": aim for rate, aim in AIMS.items()}}))
    else:
        for name, values in found.items():
            print(name, *(f"  {key:24} {value:10.2f}" for key, value in values.items()), sep="\n")
    if any(values["never_shown"] for values in found.values()):
        raise SystemExit("some events were never shown")


if __name__ == "__main__":
    main()
