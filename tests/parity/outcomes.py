"""What every node of a random workflow does, fixed beforehand so that three engines can be asked the same.

A script says for each (node, iteration) how many times it fails before it succeeds, with which error, and which port
it then takes. The output is a digest of everything the task was given, so that two engines agree only if they gave
every node the same.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NodeFailed(Exception):
    """A task's failure; `name` is the error's name in the state machine."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


@dataclass(frozen=True)
class Behaviour:
    """`failures` tries fail with `error` before one succeeds on `port`; a loop's task gives `items` items."""

    port: str = "main"
    error: str = "MissingInput"
    failures: int = 0
    items: int = 0


@dataclass
class Script:
    """The behaviours, and a record of what was asked in which order."""

    behaviours: Mapping[str, Behaviour]
    effects: frozenset[str] = frozenset()
    tries: Counter[tuple[str, tuple[int, ...]]] = field(default_factory=Counter)
    acted: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    seen: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)

    def fresh(self) -> "Script":
        return Script(self.behaviours, self.effects)

    def run(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try of a task: its record, or `NodeFailed`."""
        key = (payload["node"], tuple(int(step) for step in payload.get("iteration", ())))
        behaviour = self.behaviour(*key)
        self.tries[key] += 1
        if self.tries[key] <= behaviour.failures:
            self.seen[key] = ("failed", behaviour.error)
            raise NodeFailed(behaviour.error, f"{key[0]} fails")
        if key[0] in self.effects:
            self.acted.append(key)
        if behaviour.items >= 0 and behaviour.port == "main" and key[0].startswith("loop"):
            output: dict[str, Any] = {"items": [f"{key[0]}{n}" for n in range(behaviour.items)]}
        else:
            output = {"digest": digest(payload)}
        self.seen[key] = ("succeeded", behaviour.port, output)
        return {"state": "succeeded", "port": behaviour.port, "output": output}

    def behaviour(self, node: str, iteration: tuple[int, ...]) -> Behaviour:
        """A node in a loop may do something else in each iteration."""
        exact = f"{node}@{','.join(map(str, iteration))}"
        return self.behaviours.get(exact, self.behaviours.get(node, Behaviour()))


def digest(payload: Mapping[str, Any]) -> str:
    """A short name for everything a task was given, but the run's own facts."""
    told = {key: value for key, value in payload.items() if key != "run"}
    text = json.dumps(_normal(told), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _normal(value: Any) -> Any:
    """Numbers as JSON sees them; a failure's cause (each engine has its own wording) and a delay's time left out."""
    if isinstance(value, Mapping):
        return {key: _normal(part) for key, part in value.items() if key not in {"cause", "timestamp"}}
    if isinstance(value, list | tuple):
        return [_normal(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
