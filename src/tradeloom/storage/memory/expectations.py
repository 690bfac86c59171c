"""Expected runs in memory. An instance is one database."""

from tradeloom.engine.expectations import Expectation


class MemoryExpectations:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Expectation] = {}

    async def all(self, tenant: str) -> list[Expectation]:
        return [row for key, row in sorted(self._rows.items()) if key[0] == tenant]

    async def keep(self, expectation: Expectation) -> None:
        key = (expectation.tenant, expectation.workflow_id, expectation.name)
        known = self._rows.get(key)
        if known is None or known.activated_at <= expectation.activated_at:
            self._rows[key] = expectation

    async def drop(self, tenant: str, workflow_id: str) -> None:
        for key in [key for key in self._rows if key[:2] == (tenant, workflow_id)]:
            del self._rows[key]
