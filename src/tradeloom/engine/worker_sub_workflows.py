"""A worker's sub-workflows: the engine starts them and tells how they ended."""

from collections.abc import Mapping
from typing import Any

from tradeloom.engine.workers.channel import Channel
from tradeloom.nodes.sub_workflows import SubResult


class AskedSubWorkflows:
    def __init__(self, engine: Channel) -> None:
        self._engine = engine

    def start(self, workflow: str, payload: Mapping[str, Any], *, effect: str) -> str:
        body = {"workflow": workflow, "payload": dict(payload), "effect": effect}
        return str(self._engine.ask("sub_workflow.start", body))

    def result(self, execution_id: str, *, wait_s: float, outputs: tuple[str, ...] = ()) -> SubResult:
        body = {"execution_id": execution_id, "wait_s": wait_s, "outputs": list(outputs)}
        return SubResult(**self._engine.ask("sub_workflow.result", body))
