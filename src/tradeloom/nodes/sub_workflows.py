"""Running another workflow from a node: the port, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

MAX_DEPTH = 4
"""Workflows may call each other this deep."""


@dataclass(frozen=True, slots=True)
class SubResult:
    """A called execution as it stands. `outputs` holds what its nodes gave, by id, and `output` the last of them;
    `error` is `{name, message, node?}` where it failed."""

    execution_id: str
    status: Literal["running", "succeeded", "failed", "stopped", "timed_out"]
    has_errors: bool = False
    output: Any = None
    outputs: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


class SubWorkflows(Protocol):
    def start(self, workflow: str, payload: Mapping[str, Any], *, effect: str) -> str:
        """Start a workflow, once an effect; the execution's id. `workflow` is its id, or its name where that is unique.

        Raises `NotFound`, `InvalidInput` (it would call itself, or too deep), `Conflict` (it was not started).
        """
        ...

    def result(self, execution_id: str, *, wait_s: float, outputs: tuple[str, ...] = ()) -> SubResult:
        """The execution after at most `wait_s` (wall time). Raises `NotFound` for one this node did not start."""
        ...
