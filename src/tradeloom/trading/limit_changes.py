"""Changing limits: what a change makes of them, and what is said of one that cannot be."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from annotated_types import Ge, Gt, Le
from pydantic import ValidationError

from tradeloom.errors import InvalidInput
from tradeloom.trading.risk_limits import RiskLimits, WorkflowLimits

_GROUPS: Final = ("workflow", "workflows")
_NUMBERS: Final = [name for name in RiskLimits.model_fields if name not in (*_GROUPS, "symbols")]


def changed(limits: RiskLimits, changes: Mapping[str, Any]) -> RiskLimits:
    """`limits` with those replaced that `changes` names; in `workflow` and `workflows`, too, what is not named stays.

    A workflow that gets limits of its own begins with those of all; None in `workflows` takes its own away. Raises
    `InvalidInput` naming the field, as `limits.workflow.max_lot`.
    """
    every = _with(limits.workflow, changes.get("workflow", {}))
    own = {name: each.model_dump() for name, each in limits.workflows.items()}
    for name, change in changes.get("workflows", {}).items():
        if change is None:
            own.pop(name, None)
        else:
            own[name] = {**own.get(name, every), **change}
    try:
        return RiskLimits.model_validate(_with(limits, changes) | {"workflow": every, "workflows": own})
    except ValidationError as error:
        raise refusal(error) from error


def _with(limits: RiskLimits | WorkflowLimits, changes: Mapping[str, Any]) -> dict[str, Any]:
    return limits.model_dump() | dict(changes)


def allowed(name: str) -> str:
    """Of a field of `RiskLimits`: "a whole number from 1 up to 1,000,000"."""
    if name == "symbols":
        return "1 to 1,000 names of symbols, as the broker spells them"
    if name in _GROUPS:
        return f"limits of workflows ({', '.join(WorkflowLimits.model_fields)}), of at most 1,000 by their ids"
    field = RiskLimits.model_fields[name]
    bounds: dict[type, Any] = {type(each): each for each in field.metadata}
    least = f"above {bounds[Gt].gt}" if Gt in bounds else f"from {bounds[Ge].ge}"
    return f"a {'whole ' if field.annotation is int else ''}number {least} up to {bounds[Le].le:,}"


def refusal(error: ValidationError) -> InvalidInput:
    """What is wrong with the first limit of a change, as `limits.workflow.max_lot`, and what it may be."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = [str(part) for part in first["loc"]]
    field = ".".join(["limits", *place])
    if first["type"] == "extra_forbidden":
        known = WorkflowLimits.model_fields if place[0] in _GROUPS else [*_NUMBERS, "symbols", *_GROUPS]
        return InvalidInput(f"There is no limit {field}.", field=field, hint=f"There are {', '.join(known)}.")
    given = repr(first["input"])
    shown = given if len(given) <= 40 else f"{given[:40]}…"
    return InvalidInput(f"{field} cannot be {shown}.", field=field, hint=f"It is {allowed(_limit_at(place))}.")


def _limit_at(place: Sequence[str]) -> str:
    """The limit's own name: the place goes on to a symbol's number, or to the id of a workflow."""
    return next((part for part in reversed(place) if part in RiskLimits.model_fields), _GROUPS[0])
