"""From a tick in the terminal to the start of the execution it causes: real bridge processes, real workers, PostgreSQL.

Run it as a module: `python -m tests.bench.bench_triggers [--json]`. A paper market is moved from one event of its
replay to the next, from outside, over a connection of its own. The time is taken from before the move is asked for, so
the terminal's own work is in it: `moved` to the answer to the move, `started` to the execution's start and `ran` to
that of its first node, both by the times in their events. The start comes after the durable acceptance; that it is told
some milliseconds later, once it is durable too, holds nothing up. On a machine that does other things all three grow
alike.
Required: p95 of `started` under 50 ms, for prices and for closed bars, the latter also beside fifty other workflows
that watch the same symbol.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.support.documents import document, node
from tradeloom.compiler.compile import compile_workflow
from tradeloom.engine.events import Event
from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.market import ACCOUNT, MarketData, bundled_data
from tradeloom.local.settings import load_settings
from tradeloom.local.storage import TENANT
from tradeloom.trading.broker import Tick
from tradeloom.trading.mt5_client import BridgeClient

REQUIRED_MS = 50.0
START = datetime(2017, 6, 1, 12, tzinfo=UTC)
NEIGHBOURS = 50
PRICES, CLOSES = 20, 60
"""Events of each kind that are timed."""
PATIENCE_S = 10.0
SETTLE_S = 1.0

MOVED = "moved"
Fires = Callable[[Tick, Tick], bool]
"""Whether the trigger fires at the second of two quotes that follow each other."""


def triggered(kind: str, **config: Any) -> dict[str, Any]:
    event = node("event", kind, config={"symbol": "EURUSD", "overlap": "allow", **config})
    return document([event, node("note", "utility.merge")], "event > note")


async def activate(machine: Machine, workflow: str, drawn: dict[str, Any]) -> None:
    await machine.workflows.save(TENANT, workflow, compile_workflow(drawn | {"name": workflow}), None)
    await asyncio.to_thread(machine.workflows.toggle, TENANT, workflow, True)


async def latencies(machine: Machine, workflow: str, fires: Fires, wanted: int) -> dict[str, list[float]]:
    """Milliseconds of each event that starts the workflow, as the market goes on."""
    heard: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    taken: dict[str, list[float]] = {"execution.started": [], "node.started": [], MOVED: []}

    def hear(event: Event) -> None:
        if event.workflow_id == workflow and event.type in taken and event.data.get("node") in (None, "event"):
            heard.put_nowait((event.type, event.time.timestamp()))

    unsubscribe = machine.engine.subscribe(hear)
    outside = BridgeClient(machine.market.state_file)
    broker = outside.account(ACCOUNT)
    await asyncio.sleep(SETTLE_S)
    before = await asyncio.to_thread(broker.tick, "EURUSD")
    try:
        while len(taken["node.started"]) < wanted:
            due = await asyncio.to_thread(broker.next_event_time)
            assert due is not None, "the data are at their end"
            began = time.time()
            await asyncio.to_thread(broker.advance, due)
            taken[MOVED].append((time.time() - began) * 1_000)
            now = await asyncio.to_thread(broker.tick, "EURUSD")
            if fires(before, now):
                for _ in ("execution.started", "node.started"):
                    kind, at = await asyncio.wait_for(heard.get(), PATIENCE_S)
                    taken[kind].append((at - began) * 1_000)
                await asyncio.sleep(0.02)  # an execution's end is not what is measured
            before = now
    finally:
        unsubscribe()
        outside.close()
    assert heard.empty(), "it started more often than it should have"
    return taken


def opens_a_bar(_before: Tick, now: Tick) -> bool:
    return now.time.minute == 0 and now.time.second == 0


def crosses(level: float) -> Fires:
    return lambda before, now: before.bid <= level < now.bid or before.bid >= level > now.bid


def summed_up(name: str, taken: dict[str, list[float]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for label, kind in (("moved", MOVED), ("started", "execution.started"), ("ran", "node.started")):
        figures[f"{name}_{label}_p50_ms"] = median(taken[kind])
        figures[f"{name}_{label}_p95_ms"] = quantiles(taken[kind], n=20)[-1]
    return figures


def most_crossed(events: int) -> float:
    """A price between two points that the coming quotes cross most often."""
    series = bundled_data().series()
    first = int((series.open_time < START.timestamp()).sum())
    closes = series.close[first : first + events // 2]
    return max((float(close) - 0.000095 for close in closes[::5]), key=lambda level: _crossings(closes, level))


def _crossings(closes: Any, level: float) -> int:
    above = closes - 0.0001 > level
    return int((above[1:] != above[:-1]).sum())


async def measure() -> dict[str, float]:
    logging.disable(logging.WARNING)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        data = MarketData(bundled_data().csv, start=START)
        async with machine_up(load_settings(home=Path(home)), data=data) as machine:
            level = most_crossed(1_200)
            await activate(machine, "wf-price", triggered("trigger.price", condition="crosses", price=level))
            figures |= summed_up("price", await latencies(machine, "wf-price", crosses(level), PRICES))
            await activate(machine, "wf-close", triggered("trigger.candle_close", timeframe="H1"))
            figures |= summed_up("close", await latencies(machine, "wf-close", opens_a_bar, CLOSES))
            for number in range(NEIGHBOURS):
                drawn = triggered("trigger.price", condition="crosses_above", price=2.0 + number / 100)
                await activate(machine, f"wf-{number}", drawn)
            figures |= summed_up("close_among_50", await latencies(machine, "wf-close", opens_a_bar, CLOSES))
    return figures


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = arguments.parse_args().json
    figures = asyncio.run(measure())
    required = {name: REQUIRED_MS for name in figures if name.endswith("started_p95_ms")}
    if as_json:
        print(json.dumps({name: round(value, 2) for name, value in figures.items()} | {"required": required}))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value:8.2f}" + (f"   required under {required[name]:g}" if name in required else ""))
    return 0 if all(figures[name] < limit for name, limit in required.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
