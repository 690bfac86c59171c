"""An engine as a process of its own, to be killed: `python -m tests.faults.engine.process DSN DIRECTORY COUNT`.

It goes on with what is unfinished, starts those of COUNT executions that do not exist yet, and leaves when all ended.
Executions act on `DIRECTORY/world`, where every effect is a file named by its id.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.support.local_engine import function, local_engine, run_info, worker_settings
from tests.unit.engine.machines import machine, task
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.errors import AlreadyStarted


def node(kind: str, name: str, world: Path, **more: Any) -> dict[str, Any]:
    return task(function(kind), {"node": name, "world": str(world), "s": 0.01}, **more)


def strategy(world: Path) -> dict[str, Any]:
    """Reads side by side, an effect, a wait, a loop with effects, a flaky effect, and a last effect."""
    reads = [{"StartAt": f"R-r{n}", "States": {f"R-r{n}": node("record", f"r{n}", world)}} for n in range(3)]
    loop = {
        "Type": "Map",
        "Items": "{% [1, 2, 3] %}",
        "MaxConcurrency": 1,
        "ItemProcessor": {
            "StartAt": "L-read",
            "States": {"L-read": node("record", "read", world, Next="L-act"), "L-act": node("act", "act", world)},
        },
    }
    return machine(
        {
            "P": {"Type": "Parallel", "Branches": reads, "Next": "A-a1"},
            "A-a1": node("act", "a1", world, Next="D-d1"),
            "D-d1": {"Type": "Wait", "Seconds": 1, "Next": "M"},
            "M": {**loop, "Next": "A-a2"},
            "A-a2": node("act", "a2", world, Next="E"),
            "E": {"Type": "Succeed", "Output": "{% $states.input.Payload.act %}"},
        },
        TimeoutSeconds=300,
    )


ACTS = 5
"""Effects of one execution."""


def names(count: int) -> list[str]:
    return [f"e{number}" for number in range(count)]


async def main(dsn: str, directory: Path, count: int) -> None:
    settings = worker_settings(blob_directory=directory, least=2, most=4)
    async with local_engine(dsn, directory, settings=settings) as local:
        await local.engine.resume()
        print("pids", *local.workers.pids, flush=True)
        definition = strategy(directory / "world")
        for name in names(count):
            try:
                await local.engine.start(StartRequest(run=run_info(name), definition=definition))
            except AlreadyStarted:
                continue
        await asyncio.gather(*[local.engine.result(name) for name in names(count)])
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
