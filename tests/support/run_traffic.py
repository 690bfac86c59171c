"""A run that says much: a workflow of many nodes, and messages about it at a steady rate, as an engine's hub tells."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.support.documents import document, node
from tradeloom.local.storage import TENANT
from tradeloom.realtime.hub import Publisher
from tradeloom.realtime.messages import NodeFinished, NodeLog, NodeStarted, RunMessage

COLUMNS = 20
WIDTH, HEIGHT = 240, 120


def wide_workflow(count: int) -> dict[str, Any]:
    """So many nodes in rows; all but the first two wait behind a delay, so that the run stays open."""
    nodes = [
        node("start", position={"x": 0, "y": 0}),
        node("pause", "utility.delay", config={"seconds": 36_000}, position={"x": WIDTH, "y": 0}),
    ]
    ways = ["start > pause"]
    for number in range(2, count):
        place = {"x": number % COLUMNS * WIDTH, "y": number // COLUMNS * HEIGHT}
        rules = [{"op": "set", "path": "x", "value": 1}]
        nodes.append(node(f"n{number}", "utility.transform", config={"rules": rules, "source": {}}, position=place))
        ways.append(f"{nodes[-2]['id']} > n{number}")
    return document(nodes, *ways, settings={"timeout_s": 40_000}) | {"name": f"{count} nodes"}


def traffic(execution: dict[str, Any], nodes: int, count: int) -> Iterator[RunMessage]:
    """So many messages behind those the execution has told: each node in turn starts, logs and ends."""
    head = {"execution_id": execution["id"], "workflow_id": execution["workflow_id"]}
    seq = execution["seq"]
    logs = max(1, count // (nodes - 2) - 2)
    told = 0
    while True:
        for number in range(2, nodes):
            at = {"node": f"n{number}", "iteration": []}
            steps: list[tuple[type[Any], dict[str, Any]]] = [
                (NodeStarted, {"attempt": 0, "kind": "task"}),
                *[(NodeLog, {"level": "info", "message": f"line {line} of n{number}"}) for line in range(logs)],
                (NodeFinished, {"attempt": 0, "kind": "task", "status": "succeeded", "port": "main", "duration_ms": 5}),
            ]
            for kind, said in steps:
                if told == count:
                    return
                told, seq = told + 1, seq + 1
                yield kind(**head, **at, seq=seq, time=datetime.now(UTC), **said)


async def tell(hub: Publisher, messages: Iterator[RunMessage], per_s: float) -> list[RunMessage]:
    """Publish them at that rate; each carries the moment at which it was told. What was told, in order."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    told = []
    for position, message in enumerate(messages):
        await asyncio.sleep(max(0.0, begun + position / per_s - loop.time()))
        now = message.model_copy(update={"time": datetime.now(UTC)})
        hub.publish(TENANT, now)
        told.append(now)
    return told
