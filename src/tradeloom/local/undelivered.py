"""Kills the bridge has not confirmed: in memory to decide by, and in the store so that a restart forgets none."""

import logging
from typing import Final

from tradeloom.engine.kill_wishes import KillWish, KillWishes
from tradeloom.errors import TradeloomError

log: Final = logging.getLogger(__name__)


class Undelivered:
    """One wish an account. A store that is away never keeps a kill from being carried out, only from being kept."""

    def __init__(self, tenant: str, store: KillWishes) -> None:
        self._tenant = tenant
        self._store = store
        self._wishes: dict[str, KillWish] = {}
        self._kept: set[str] = set()

    async def open(self) -> list[KillWish]:
        """What an earlier run could not deliver. Raises `StorageUnavailable`."""
        found = await self._store.all(self._tenant)
        self._wishes = {wish.account: wish for wish in found}
        self._kept = {wish.id for wish in found}
        return found

    def __contains__(self, account: str) -> bool:
        return account in self._wishes

    def of(self, account: str) -> KillWish | None:
        return self._wishes.get(account)

    def waiting(self) -> list[KillWish]:
        return list(self._wishes.values())

    def strictest(self, wish: KillWish) -> KillWish:
        """The wish, or the one that waits already when it asks for no less."""
        waits = self._wishes.get(wish.account)
        return wish if waits is None or wish.stricter_than(waits) else waits

    def wait(self, wish: KillWish) -> None:
        self._wishes[wish.account] = wish

    async def keep(self, wish: KillWish) -> None:
        if wish.id in self._kept:
            return
        try:
            await self._store.keep(wish)
            self._kept.add(wish.id)
        except TradeloomError as error:
            log.error("the kill of account %s is not kept over a restart: %s", wish.account, error.message)

    async def end(self, wish: KillWish) -> None:
        """It was delivered, or never can be. A row that cannot be deleted is delivered once more after a restart, which
        changes nothing, or goes when a person resumes."""
        if self._wishes.get(wish.account) is wish:
            del self._wishes[wish.account]
        self._kept.discard(wish.id)
        try:
            await self._store.drop(wish)
        except TradeloomError as error:
            log.warning("the kill of account %s stays kept though it was carried out: %s", wish.account, error.message)

    async def withdraw(self, account: str) -> KillWish | None:
        """A person took it back. Raises `StorageUnavailable`: a wish that stays kept would stop the account again."""
        await self._store.withdraw(self._tenant, account)
        wish = self._wishes.pop(account, None)
        if wish is not None:
            self._kept.discard(wish.id)
        return wish
