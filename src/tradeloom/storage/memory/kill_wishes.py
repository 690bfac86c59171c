"""Undelivered kills in memory. An instance is one database."""

from tradeloom.engine.kill_wishes import KillWish


class MemoryKillWishes:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], KillWish] = {}

    async def keep(self, wish: KillWish) -> None:
        kept = self._rows.setdefault((wish.tenant, wish.account), wish)
        if wish.stricter_than(kept):
            self._rows[wish.tenant, wish.account] = wish

    async def drop(self, wish: KillWish) -> None:
        kept = self._rows.get((wish.tenant, wish.account))
        if kept is not None and kept.id == wish.id:
            del self._rows[wish.tenant, wish.account]

    async def withdraw(self, tenant: str, account: str) -> None:
        self._rows.pop((tenant, account), None)

    async def all(self, tenant: str) -> list[KillWish]:
        return [wish for (owner, _), wish in sorted(self._rows.items()) if owner == tenant]
