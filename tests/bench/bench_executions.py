"""Executions on one machine, durable: real nodes in real workers, journalled in PostgreSQL.

Run it as a module: `python -m tests.bench.bench_executions [--json]`. Aims, from the plan: 20 light nodes in a row with
a median of at most 25 ms; 5-node workflows, ten at a time, at least 150 a second; a light node under 2 ms (what each
of 80 more adds to a run); 100 nodes under 200 ms.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from tests.support.documents import document, node
from tradeloom.compiler.compile import compile_workflow
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.local.machine import Machine, machine_up
from tradeloom.local.settings import load_settings
from tradeloom.local.storage import TENANT

AIMS = {"nodes_20_p50_ms": 25.0, "nodes_100_p50_ms": 200.0, "one_node_ms": 2.0, "of_5_at_10_per_s": 150.0}
RULES = [{"op": "set", "path": "x", "value": "= 1 + 1"}]


def chain(length: int) -> dict[str, Any]:
    """A trigger and light nodes one after another: transforms and conditions in turn."""
    nodes = [node("start")]
    ways = []
    before = "start"
    for number in range(length - 1):
        name = f"n{number}"
        if number % 2:
            nodes.append(
                node(name, "condition.if", config={"a": f"= nodes.{before}.object.x", "operator": ">", "b": 1})
            )
            ways.append(f"{before} > {name}")
            before = f"{name}.true"
        else:
            nodes.append(node(name, "utility.transform", config={"rules": RULES, "source": {}}))
            ways.append(f"{before} > {name}")
            before = name
    return document(nodes, *ways) | {"name": f"Chain of {length}"}


async def save(machine: Machine, length: int) -> str:
    workflow = f"wf-bench-{length}"
    await machine.workflows.save(TENANT, workflow, compile_workflow(chain(length)), None)
    return workflow


async def run(machine: Machine, workflow: str) -> None:
    command = StartCommand(workflow_id=workflow, trigger="start", tenant=TENANT, manual=True)
    dispatched = await machine.executions.dispatcher.dispatch(command)
    assert dispatched.execution_id is not None
    ended = await machine.engine.result(dispatched.execution_id)
    assert ended.status == "SUCCEEDED", ended.error


async def p50_ms(work: Callable[[], Awaitable[None]], runs: int) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1_000)
    return median(times)


async def per_second(work: Callable[[], Awaitable[None]], count: int, at_once: int) -> float:
    left = iter(range(count))

    async def lane() -> None:
        for _ in left:
            await work()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(at_once)))
    return count / (time.perf_counter() - began)


def memory_mb() -> float:
    """Memory of the whole system: this process and all below it, shared pages counted once (PSS)."""
    me = psutil.Process()
    shares: list[int] = [process.memory_full_info().pss for process in [me, *me.children(recursive=True)]]
    return sum(shares) / 2**20


async def measure() -> dict[str, float]:
    logging.disable(logging.WARNING)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home))
        async with machine_up(settings, schedules=False):
            pass
        began = time.perf_counter()
        async with machine_up(settings, schedules=False) as machine:
            figures["start_s"] = time.perf_counter() - began
            figures["idle_memory_mb"] = memory_mb()
            workflows = {length: await save(machine, length) for length in (1, 5, 20, 100)}
            for workflow in workflows.values():
                for _ in range(4):
                    await run(machine, workflow)
            figures["nodes_1_p50_ms"] = await p50_ms(lambda: run(machine, workflows[1]), 60)
            figures["nodes_20_p50_ms"] = await p50_ms(lambda: run(machine, workflows[20]), 60)
            figures["nodes_100_p50_ms"] = await p50_ms(lambda: run(machine, workflows[100]), 15)
            figures["one_node_ms"] = (figures["nodes_100_p50_ms"] - figures["nodes_20_p50_ms"]) / 80
            figures["of_5_at_10_per_s"] = await per_second(lambda: run(machine, workflows[5]), 600, 10)
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = arguments.parse_args().json
    figures = asyncio.run(measure())
    if as_json:
        print(json.dumps({key: round(value, 2) for key, value in figures.items()} | {"aims": AIMS}))
        return
    for name, value in figures.items():
        print(f"{name:20} {value:10.2f}" + (f"   aim {AIMS[name]:g}" if name in AIMS else ""))


if __name__ == "__main__":
    main()
