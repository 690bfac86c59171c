"""The workflows' variables in memory."""

import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from tradeloom.errors import Conflict, InvalidInput
from tradeloom.nodes.variables import MAX_VARIABLES, Variable


class MemoryVariables:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Variable] = {}
        self._effects: dict[tuple[str, str], Variable] = {}

    async def read(self, tenant: str, scope: str, key: str) -> Variable:
        return copy.deepcopy(self._rows.get((tenant, scope, key), Variable(None, 0)))

    async def write(
        self,
        tenant: str,
        scope: str,
        key: str,
        value: Any,
        *,
        expected: int | None = None,
        effect: str | None = None,
        expires_at: datetime | None = None,
    ) -> Variable:
        if effect is not None and (tenant, effect) in self._effects:
            return replace(copy.deepcopy(self._effects[tenant, effect]), repeated=True)
        known = self._rows.get((tenant, scope, key), Variable(None, 0))
        if expected is not None and expected != known.revision:
            raise Conflict(f"The variable {key!r} was changed meanwhile.", hint="Read it again.")
        kept = sum(1 for (whose, _, _), each in self._rows.items() if whose == tenant and each.value is not None)
        if value is not None and known.value is None and kept >= MAX_VARIABLES:
            raise InvalidInput(f"{MAX_VARIABLES:,} variables are kept already, which is the most.")
        self._rows[tenant, scope, key] = Variable(copy.deepcopy(value), known.revision + 1)
        written = replace(self._rows[tenant, scope, key], previous=known.value)
        if effect is not None:
            self._effects[tenant, effect] = written
        return copy.deepcopy(written)

    async def keys(self, tenant: str, scope: str, prefix: str = "") -> list[str]:
        return sorted(
            key
            for (whose, where, key), known in self._rows.items()
            if (whose, where) == (tenant, scope) and key.startswith(prefix) and known.value is not None
        )
