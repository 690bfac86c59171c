"""The engine alone, durable: hand-written machines, real workers, PostgreSQL; what a millisecond is spent on.

Run it as a module: `python -m tests.bench.bench_engine [--json] [--profile FILE]`. The handlers do nothing, so this is
what the engine itself costs. CPU time is given for engine, workers and database: a busy machine stretches the wall
clock and not the work.
"""

import argparse
import asyncio
import cProfile
import json
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from tests.support.local_engine import Local, function, local_engine, run_info, worker_settings
from tradeloom.engine.engine import StartRequest
from tradeloom.storage.postgres.migrations import migrate
from tradeloom.storage.postgres.server import PostgresServer

INVOKE = "arn:aws:states:::lambda:invoke"
AIMS = {"tasks_20_p50_ms": 25.0, "tasks_1_p50_ms": 2.0, "of_5_at_10_per_s": 150.0}


def chain(length: int, kind: str = "record") -> dict[str, Any]:
    """Tasks one after another, each written as the compiler writes a node."""
    names = [f"Node_{number}-n{number}" for number in range(length)]
    pending = {"state": "pending", "port": None, "output": None}
    states: dict[str, Any] = {
        "Start": {
            "Type": "Pass",
            "Assign": {"run": "{% $states.input %}", **{f"n_n{number}": pending for number in range(length)}},
            "Output": {},
            "Next": names[0],
        }
    }
    for number, (name, following) in enumerate(zip(names, [*names[1:], "Done"], strict=True)):
        inputs = {f"n{number - 1}": f"{{% $n_n{number - 1} %}}"} if number else {}
        caught = {"Assign": {"failure": {"name": "{% $states.errorOutput.Error %}"}}, "Next": "Failed"}
        states[name] = {
            "Type": "Task",
            "Resource": INVOKE,
            "Arguments": {
                "FunctionName": function(kind),
                "Payload": {"run": "{% $run %}", "node": f"n{number}", "inputs": inputs},
            },
            "TimeoutSeconds": 12,
            "Retry": [{"ErrorEquals": ["Lambda.ServiceException"], "JitterStrategy": "FULL"}],
            "Catch": [{"ErrorEquals": ["States.ALL"], **caught}],
            "Assign": {f"n_n{number}": "{% $states.result.Payload %}"},
            "Output": {},
            "Next": following,
        }
    states["Done"] = {"Type": "Succeed", "Output": {"has_errors": False}}
    states["Failed"] = {"Type": "Fail", "Error": "{% $failure.name %}", "Cause": ""}
    return {"QueryLanguage": "JSONata", "StartAt": "Start", "States": states, "TimeoutSeconds": 60}


class Meter:
    """CPU milliseconds of engine, workers and database since it was made."""

    def __init__(self, local: Local, postmaster: int) -> None:
        self._groups = {
            "engine": [psutil.Process()],
            "workers": [psutil.Process(pid) for pid in local.workers.pids],
            "database": psutil.Process(postmaster).children(),
        }
        self._begun = self._spent()

    def _spent(self) -> dict[str, float]:
        times = {name: [process.cpu_times() for process in group] for name, group in self._groups.items()}
        return {name: sum(one.user + one.system for one in group) * 1000 for name, group in times.items()}

    def each(self, count: int) -> dict[str, float]:
        return {name: (spent - self._begun[name]) / count for name, spent in self._spent().items()}


async def run(local: Local, definition: str) -> None:
    name = uuid.uuid4().hex
    await local.engine.start(StartRequest(run=run_info(name), definition=definition))
    ended = await local.engine.result(name)
    assert ended.status == "SUCCEEDED", ended.error


async def known(local: Local, definition: dict[str, Any]) -> str:
    """The definition's hash, once the engine has it."""
    name = uuid.uuid4().hex
    await local.engine.start(StartRequest(run=run_info(name), definition=definition))
    return (await local.engine.result(name)).definition


async def timed(work: Callable[[], Awaitable[None]], count: int, at_once: int) -> tuple[list[float], float]:
    """Milliseconds of each run, and runs a second."""
    times: list[float] = []
    left = iter(range(count))

    async def lane() -> None:
        for _ in left:
            begun = time.perf_counter()
            await work()
            times.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(at_once)))
    return times, count / (time.perf_counter() - begun)


async def measure(profile: str | None) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as home:
        directory = Path(home)
        server = PostgresServer(directory, url="")
        dsn = server.start()
        migrate(dsn)
        postmaster = int((directory / "data" / "postmaster.pid").read_text().split()[0])
        settings = worker_settings(blob_directory=directory, least=4, most=4)
        async with local_engine(dsn, directory, settings=settings) as local:
            plans = [
                ("tasks_1", chain(1), 200, 1),
                ("tasks_20", chain(20), 100, 1),
                ("tasks_100", chain(100), 20, 1),
                ("effects_20", chain(20, "act-free"), 50, 1),
                ("of_5_at_10", chain(5), 1000, 10),
            ]
            profiler = cProfile.Profile()
            for name, definition, count, at_once in plans:
                digest = await known(local, definition)
                for _ in range(5):
                    await run(local, digest)
                meter = Meter(local, postmaster)
                if profile and name == "of_5_at_10":
                    profiler.enable()
                times, per_s = await timed(lambda digest=digest: run(local, digest), count, at_once)  # type: ignore[misc]
                if at_once == 1:
                    figures[f"{name}_p50_ms"] = median(times)
                    figures[f"{name}_p95_ms"] = quantiles(times, n=20)[-1]
                else:
                    figures[f"{name}_per_s"] = per_s
                figures[f"{name}_cpu_ms"] = meter.each(count)
            if profile:
                profiler.disable()
                profiler.dump_stats(profile)
        server.stop()
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--profile", help="write a profile of the engine under load to this file")
    given = arguments.parse_args()
    figures = asyncio.run(measure(given.profile))
    if given.json:
        print(json.dumps(figures | {"aims": AIMS}, default=float))
        return
    for name, value in figures.items():
        shown = "  ".join(f"{part} {spent:.2f}" for part, spent in value.items()) if isinstance(value, dict) else ""
        print(f"{name:24} {shown or f'{value:.2f}'}" + (f"   aim {AIMS[name]:g}" if name in AIMS else ""))


if __name__ == "__main__":
    main()
