"""Variables in memory, for nodes under test: bounded as the engine bounds them, and telling of every write."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradeloom.errors import InvalidInput
from tradeloom.nodes.variables import MAX_NAME, MAX_VALUE_BYTES, InMemoryVariables, Variable


def _nothing(scope: str, key: str, value: Any) -> None:
    pass


@dataclass
class FakeVariables(InMemoryVariables):
    """`rivals` is called before each write, so that a test can change a value in between."""

    on_write: Callable[[str, str, Any], None] = _nothing
    rivals: Callable[[], None] = lambda: None

    def read(self, scope: str, key: str) -> Variable:
        if not (1 <= len(scope) <= MAX_NAME and 1 <= len(key) <= MAX_NAME):
            raise InvalidInput(f"A name has 1 to {MAX_NAME} characters.")
        return super().read(scope, key)

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        self.rivals()
        if len(json.dumps(value, allow_nan=False)) > MAX_VALUE_BYTES:
            raise InvalidInput("The value is too large.", field="value")
        written = super().write(scope, key, value, expected=expected, effect=effect)
        if not written.repeated:
            self.on_write(scope, key, value)
        return written
