"""What nodes remember between runs: named JSON values with a revision, changed atomically and once an effect."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tradeloom.errors import Conflict

MAX_NAME = 200
"""Longest scope and key, in characters."""
MAX_VALUE_BYTES = 64 * 1024
MAX_VARIABLES = 10_000
"""Most values a tenant keeps at once."""

SHARED = "shared"
"""The scope all workflows of a tenant see."""


def workflow_scope(workflow_id: str) -> str:
    return f"workflow/{workflow_id}"


def account_scope(account: str) -> str:
    return f"account/{account}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value and how often its key was written; revision 0 and None where it never was. None is also how a value is
    taken away. Of a write, `previous` is what stood there before, and `repeated` says that it had happened already,
    under the same effect, and this is what it left."""

    value: Any
    revision: int
    previous: Any = None
    repeated: bool = False


class Variables(Protocol):
    """One tenant's variables. In test mode a run sees the real ones and its own changes, which nobody else does.

    Every method may raise `StorageUnavailable`; names too long and values too large are `InvalidInput`.
    """

    def read(self, scope: str, key: str) -> Variable: ...

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        """Set a value, or take it away with None. With `expected`, `Conflict` unless that is the revision now.

        A write under an `effect` that was recorded before changes nothing and gives what it left then.
        """
        ...

    def keys(self, scope: str, prefix: str = "") -> list[str]:
        """The keys that have a value, sorted."""
        ...


@dataclass
class InMemoryVariables:
    """Variables of a run that leaves nothing behind."""

    kept: dict[tuple[str, str], Variable] = field(default_factory=dict)
    effects: dict[str, Variable] = field(default_factory=dict)

    def read(self, scope: str, key: str) -> Variable:
        return copy.deepcopy(self.kept.get((scope, key), Variable(None, 0)))

    def write(
        self, scope: str, key: str, value: Any, *, expected: int | None = None, effect: str | None = None
    ) -> Variable:
        if effect is not None and effect in self.effects:
            return replace(copy.deepcopy(self.effects[effect]), repeated=True)
        known = self.read(scope, key)
        if expected is not None and expected != known.revision:
            raise Conflict(f"The variable {key!r} was changed meanwhile.", hint="Read it again.")
        self.kept[scope, key] = Variable(copy.deepcopy(value), known.revision + 1)
        written = replace(self.kept[scope, key], previous=known.value)
        if effect is not None:
            self.effects[effect] = written
        return copy.deepcopy(written)

    def keys(self, scope: str, prefix: str = "") -> list[str]:
        found = self.kept.items()
        return sorted(k for (s, k), known in found if s == scope and k.startswith(prefix) and known.value is not None)


MOST_TRIES = 50


def update(
    variables: Variables, scope: str, key: str, change: Callable[[Any], Any], *, effect: str | None = None
) -> Variable:
    """Read, change, write, again where somebody else wrote in between. `change` is given None where there is no value.

    Raises `Conflict` when others keep winning.
    """
    for attempt in range(MOST_TRIES):
        known = variables.read(scope, key)
        try:
            return variables.write(scope, key, change(known.value), expected=known.revision, effect=effect)
        except Conflict:
            if attempt == MOST_TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")
