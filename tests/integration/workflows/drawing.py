"""Documents and runs of the suites that run workflows on a whole machine."""

import itertools
from typing import Any

from tests.support.local_machine import RunningMachine


def chain(*steps: dict[str, Any], name: str = "Chain", **settings: Any) -> dict[str, Any]:
    """Nodes one after another behind a manual trigger; those with a parent stand inside it."""
    outer = [{"id": "start", "type": "trigger.manual"}, *(step for step in steps if "parent" not in step)]
    inner = [step for step in steps if "parent" in step]
    ways = [
        {"source": one["id"], "target": other["id"]}
        for group in (outer, *(list(group) for _, group in itertools.groupby(inner, lambda step: step["parent"])))
        for one, other in itertools.pairwise(group)
    ]
    return {"name": name, "nodes": [*outer, *inner], "connections": ways, "settings": settings}


def node(node_id: str, node_type: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": node_type, "config": config}


def run(machine: RunningMachine, document: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    """The execution of a new workflow, once it has ended, with its node runs by id under `runs`."""
    workflow = machine.post("/workflows", document)
    return run_again(machine, workflow["id"], **wanted)


def run_again(machine: RunningMachine, workflow_id: str, **wanted: Any) -> dict[str, Any]:
    done: dict[str, Any] = machine.execute(workflow_id, **wanted)
    done["runs"] = {each["node"]: each for each in done["node_runs"] if not each["iteration"]}
    return done
