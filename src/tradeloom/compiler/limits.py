"""What AWS would refuse, refused here first: sizes, names, events, and definitions that do not hold together."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tradeloom.workflow.problems import Problem

MAX_DEFINITION_BYTES = 1_000_000
MAX_EVENTS = 20_000
MAX_NAME = 80
EXPRESS_LIMIT_S = 300
ITERATIONS = "Iterations, at most: "
"""How the comment of a Map begins."""

_NAME = re.compile(r"^[A-Za-z0-9_.\-]+$")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_BUILT_IN = {
    "states", "ceil", "exists", "count", "toMillis", "fromMillis", "map", "filter", "string", "number", "append", "not",
}  # fmt: skip


def definition_problems(definition: dict[str, Any]) -> list[Problem]:
    """Problems of a written machine. Any of these is a fault of ours or a workflow too large; never silent."""
    size = len(json.dumps(definition).encode())
    problems = []
    if size > MAX_DEFINITION_BYTES:
        message = f"The state machine takes {size:,} bytes; {MAX_DEFINITION_BYTES:,} is the most."
        problems.append(Problem(code="definition_too_large", message=message, hint="Split the workflow."))
    events = worst_case_events(definition)
    if events > MAX_EVENTS:
        message = f"A run could take {events:,} history events; {MAX_EVENTS:,} is the most."
        hint = "Lower the loops' max_iterations, or split the workflow."
        problems.append(Problem(code="too_many_events", message=message, hint=hint))
    names = Counter(name for scope in _scopes(definition) for name in scope["States"])
    for name, count in names.items():
        if count > 1 or len(name) > MAX_NAME or not _NAME.match(name):
            problems.append(Problem(code="bad_state_name", message=f"The state name {name!r} does not hold."))
    problems += _broken_ways(definition)
    problems += _undefined_variables(definition, frozenset())
    return problems


def worst_case_events(machine: dict[str, Any], iterations: int = 1) -> int:
    """History events of the costliest run: every state of every scope once, every retry taken."""
    return 2 + sum(_state_events(state) for state in machine["States"].values()) * iterations


def _state_events(state: dict[str, Any]) -> int:
    match state["Type"]:
        case "Task":
            retries: int = max((retry["MaxAttempts"] for retry in state["Retry"]), default=0)
            return 2 + 3 * (1 + retries)
        case "Parallel":
            return 4 + sum(worst_case_events(branch) for branch in state["Branches"])
        case "Map":
            most = _most_iterations(state)
            return 4 + most * (2 + worst_case_events(state["ItemProcessor"]))
        case _:
            return 2


def worst_case_seconds(machine: dict[str, Any]) -> float | None:
    """Seconds the longest run could take; None where a delay's time is only known when it runs."""
    total = 0.0
    for state in machine["States"].values():
        seconds = _state_seconds(state)
        if seconds is None:
            return None
        total += seconds
    return total


def _state_seconds(state: dict[str, Any]) -> float | None:
    match state["Type"]:
        case "Wait":
            return _constant_seconds(state)
        case "Task":
            return float(state["TimeoutSeconds"])
        case "Parallel":
            branches = [worst_case_seconds(branch) for branch in state["Branches"]]
            return None if None in branches else max(b for b in branches if b is not None)
        case "Map":
            body = worst_case_seconds(state["ItemProcessor"])
            return None if body is None else body * _most_iterations(state)
        case _:
            return 0.0


def _most_iterations(state: dict[str, Any]) -> int:
    """A Map says in its comment how often it runs at most: ASL has no field for it."""
    return int(state["Comment"].removeprefix(ITERATIONS))


def longest_delay(machine: dict[str, Any]) -> float | None:
    """Seconds of the longest single delay; None where one is only known when it runs."""
    longest = 0.0
    for scope in _scopes(machine):
        for state in scope["States"].values():
            if state["Type"] == "Wait":
                seconds = _constant_seconds(state)
                if seconds is None:
                    return None
                longest = max(longest, seconds)
    return longest


def _constant_seconds(wait: dict[str, Any]) -> float | None:
    seconds = wait.get("Seconds")
    return float(seconds) if isinstance(seconds, int) else None


def _scopes(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield machine
    for state in machine["States"].values():
        for inner in [*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())]:
            yield from _scopes(inner)


def _broken_ways(definition: dict[str, Any]) -> list[Problem]:
    problems = []
    for scope in _scopes(definition):
        states = scope["States"]
        ways = {scope["StartAt"]}
        for state in states.values():
            ways |= {state[key] for key in ("Next", "Default") if key in state}
            ways |= {rule["Next"] for key in ("Choices", "Catch") for rule in state.get(key, ())}
            caught = [rule["ErrorEquals"] for rule in state.get("Catch", ())]
            if any("States.ALL" in names for names in caught[:-1]):
                problems.append(Problem(code="bad_catch", message="States.ALL must be the last Catch."))
        for name in sorted(ways ^ set(states)):
            message = f"The state {name!r} is " + ("not there." if name in ways else "never reached.")
            problems.append(Problem(code="broken_way", message=message))
    return problems


def _undefined_variables(scope: dict[str, Any], outer: frozenset[str]) -> list[Problem]:
    """Variables read in a scope that neither it nor the scopes around it assign."""
    states = scope["States"].values()
    assigned = {name for state in states for name in _assigned(state)}
    clash = assigned & outer
    known = outer | assigned
    problems = [
        Problem(code="variable_clash", message=f"The variable {name!r} is assigned in two scopes.") for name in clash
    ]
    for state in states:
        own = {key: part for key, part in state.items() if key not in {"Branches", "ItemProcessor"}}
        read = {name for text in _expressions(own) for name in _VARIABLE.findall(text)}
        problems += [
            Problem(code="undefined_variable", message=f"The variable {name!r} is never assigned.")
            for name in sorted(read - known - _BUILT_IN)
        ]
        for inner in [*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())]:
            problems += _undefined_variables(inner, frozenset(known))
    return problems


def _assigned(state: dict[str, Any]) -> Iterator[str]:
    yield from state.get("Assign", {})
    for key in ("Choices", "Catch"):
        for rule in state.get(key, ()):
            yield from rule.get("Assign", {})


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _expressions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _expressions(part)
    elif isinstance(value, str) and value.startswith("{%"):
        yield value
