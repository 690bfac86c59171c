"""Other workflows, for nodes under test: each effect starts one execution, which ends as scripted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tradeloom.nodes.sub_workflows import SubResult


def _ended(execution_id: str) -> SubResult:
    return SubResult(execution_id=execution_id, status="succeeded", output={"closed": 2}, outputs={})


def _nothing(workflow: str, payload: Mapping[str, Any]) -> None:
    pass


@dataclass
class FakeSubWorkflows:
    """`results` are answered one after another, then `last` for ever."""

    on_start: Callable[[str, Mapping[str, Any]], None] = _nothing
    results: list[SubResult] = field(default_factory=list)
    last: Callable[[str], SubResult] = _ended
    started: dict[str, str] = field(default_factory=dict)

    def start(self, workflow: str, payload: Mapping[str, Any], *, effect: str) -> str:
        if effect not in self.started:
            self.on_start(workflow, payload)
            self.started[effect] = f"called-{len(self.started) + 1}"
        return self.started[effect]

    def result(self, execution_id: str, *, wait_s: float, outputs: tuple[str, ...] = ()) -> SubResult:
        return self.results.pop(0) if self.results else self.last(execution_id)
