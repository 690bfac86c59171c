"""Kills a person asked for that the account's bridge has not confirmed: what must reach it, also after a restart."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

KillMode = Literal["reduce", "pause", "flatten"]

STRICTNESS: Final[tuple[KillMode, ...]] = ("reduce", "pause", "flatten")
"""Loosest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillWish:
    """Who wants an account stopped, how, why and since when (wall time). `id` names the flatten, so that telling the
    bridge twice is one flatten."""

    tenant: str
    account: str
    id: str
    mode: KillMode
    reason: str
    by: str
    wished_at: datetime

    def stricter_than(self, other: "KillWish") -> bool:
        return STRICTNESS.index(self.mode) > STRICTNESS.index(other.mode)


class KillWishes(Protocol):
    """One wish an account: the strictest, and of equally strict ones the first. Methods raise `StorageUnavailable`."""

    async def keep(self, wish: KillWish) -> None:
        """Durable when it returns. A stricter wish takes the place of the account's; any other changes nothing."""
        ...

    async def drop(self, wish: KillWish) -> None:
        """It reached the bridge. A wish that took its place meanwhile stays."""
        ...

    async def withdraw(self, tenant: str, account: str) -> None:
        """A person took it back, whichever it is."""
        ...

    async def all(self, tenant: str) -> list[KillWish]:
        """Every account's, by account."""
        ...
