"""A failed execution's error in words a trader understands: `{name, message, node}`."""

import json
from collections.abc import Mapping
from typing import Any

from tradeloom.errors import ExecutionStopped


def node_of(state: str) -> str:
    """The node a state belongs to: state names end in `-<id>`, perhaps with a `.suffix`."""
    return state.rpartition("-")[2].partition(".")[0]


def message_of(cause: str) -> str:
    """The sentence in a cause: Lambda's `errorMessage`, or the cause itself."""
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause
    message = parsed.get("errorMessage") if isinstance(parsed, dict) else None
    return message if isinstance(message, str) else cause


def describe_stop(reason: str) -> dict[str, Any]:
    """`{name, message, node}` of a stop. Its reason may begin with the name of a kind of `ExecutionStopped`: only the
    reason is kept while an execution is on its way to its end, across restarts."""
    named, _, rest = reason.partition(": ")
    kinds = {kind.__name__ for kind in ExecutionStopped.__subclasses__()}
    if rest and named in kinds:
        return {"name": named, "message": rest, "node": None}
    return {"name": ExecutionStopped.__name__, "message": reason, "node": None}


def describe(error: str, cause: str, failed_nodes: Mapping[str, str]) -> dict[str, Any]:
    """`{name, message, node}`. `failed_nodes` maps the nodes that failed to their errors' names, oldest first.

    A Fail state of a compiled machine writes its cause as `node: cause`; else the node that failed last with this very
    error is the one meant.
    """
    named, colon, rest = cause.partition(": ")
    if colon and named in failed_nodes:
        return {"name": error, "message": message_of(rest), "node": named}
    node = next((node for node in reversed(list(failed_nodes)) if failed_nodes[node] == error), None)
    return {"name": error, "message": message_of(cause), "node": node}
