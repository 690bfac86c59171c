"""Dotted paths into JSON objects: `positions.0.symbol`. A step of digits is a position where it meets a list."""

from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.values import shown

MAX_PATH = 200


def _is_path(value: str) -> str:
    if not all(value.split(".")) or len(value) > MAX_PATH:
        raise ValueError(
            f"a path is field names with dots between, such as order.side, of at most {MAX_PATH} characters"
        )
    return value


DottedPath = Annotated[
    str, AfterValidator(_is_path), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PATH})
]


def get(value: Any, path: str) -> Any:
    """What stands at the path. Raises `MissingInput` naming the part of the path that is not there."""
    walked: list[str] = []
    for step in path.split("."):
        walked.append(step)
        value = _child(value, step, walked, path)
    return value


def put(target: dict[str, Any], path: str, value: Any) -> None:
    """Set what stands at the path, making objects on the way.

    Raises `MissingInput` for a position past a list's end, `NodeConfigError` where a plain value stands in the way.
    """
    *way, last = path.split(".")
    walked: list[str] = []
    parent: Any = target
    for step in way:
        walked.append(step)
        parent = parent.setdefault(step, {}) if isinstance(parent, dict) else _child(parent, step, walked, path)
    walked.append(last)
    if isinstance(parent, dict):
        parent[last] = value
    else:
        _child(parent, last, walked, path)
        parent[int(last)] = value


def remove(target: dict[str, Any], path: str) -> None:
    """Take away what stands at the path, if it is there; what stood after it in a list moves up."""
    way, _, last = path.rpartition(".")
    if not stands(target, path):
        return
    parent = get(target, way) if way else target
    if isinstance(parent, dict):
        del parent[last]
    else:
        del parent[int(last)]


def stands(target: dict[str, Any], path: str) -> bool:
    """Whether anything stands at the path."""
    try:
        get(target, path)
    except (MissingInput, NodeConfigError):
        return False
    return True


def _child(value: Any, step: str, walked: list[str], path: str) -> Any:
    so_far = ".".join(walked)
    told = f"`{path}`" if so_far == path else f"`{path}` (at `{so_far}`)"
    if isinstance(value, dict):
        if step not in value:
            raise MissingInput(f"there is no {told}")
        return value[step]
    if isinstance(value, list):
        if not (step.isascii() and step.isdigit()):
            raise NodeConfigError(f"{told} leads into {shown(value)}: the next step is a position such as 0")
        if len(step) > 6 or int(step) >= len(value):
            raise MissingInput(f"there is no {told}: the list has {len(value)} items")
        return value[int(step)]
    raise NodeConfigError(f"{told} leads into {shown(value)}, which holds nothing")
