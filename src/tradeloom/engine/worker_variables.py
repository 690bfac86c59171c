"""A worker's variables: every question goes to the engine, which knows whose they are."""

from typing import Any

from tradeloom.engine.workers.channel import Channel
from tradeloom.nodes.variables import Variable


class AskedVariables:
    def __init__(self, engine: Channel) -> None:
        self._engine = engine

    def read(self, scope: str, key: str) -> Variable:
        return Variable(**self._engine.ask("variables.read", {"scope": scope, "key": key}))

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        body = {"scope": scope, "key": key, "value": value, "expected": expected, "effect": effect}
        return Variable(**self._engine.ask("variables.write", body))

    def keys(self, scope: str, prefix: str = "") -> list[str]:
        return list(self._engine.ask("variables.keys", {"scope": scope, "prefix": prefix}))
