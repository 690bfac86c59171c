"""Test mode's accounts: each account has a private one beside it, brought to the same market time before it is used."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from tradeloom.engine.stores import VersionRecord, WorkflowStore
from tradeloom.errors import InvalidInput
from tradeloom.local.market import ACCOUNT, TEST_ACCOUNT

_PRIVATE: Mapping[str, str] = {ACCOUNT: TEST_ACCOUNT, TEST_ACCOUNT: TEST_ACCOUNT}


class MovableClock(Protocol):
    def now(self) -> datetime: ...
    async def advance(self, to: datetime) -> None: ...


def private_account(account: str) -> str:
    """The account test mode trades on instead. Raises `InvalidInput` for one that has none."""
    if account not in _PRIVATE:
        known = ", ".join(sorted(_PRIVATE))
        raise InvalidInput(
            f"There is no account {account!r} on this machine.",
            field="account",
            hint=f"Known are {known}; a workflow names its own in settings.broker_account.",
        )
    return _PRIVATE[account]


class PrivateMarket:
    """Brings a private account to where its real one's market stands."""

    def __init__(self, clock_of: Callable[[str], MovableClock]) -> None:
        self._clock_of = clock_of

    async def ready(self, account: str) -> tuple[str, datetime]:
        """The private account and its market time. A test that waited may have left it ahead: it never goes back."""
        private = private_account(account)
        clock = self._clock_of(private)
        await clock.advance(self._clock_of(account).now())
        return private, clock.now()


class PrivateVersions:
    """A workflow store whose versions trade on the private accounts: what test mode is dispatched from."""

    def __init__(self, store: WorkflowStore) -> None:
        self._store = store
        self.save = store.save
        self.workflow = store.workflow
        self.workflows = store.workflows
        self.set_active = store.set_active
        self.set_tags = store.set_tags
        self.delete = store.delete

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        return private_version(await self._store.version(tenant, workflow_id, version))

    async def versions(self, tenant: str, workflow_id: str) -> list[VersionRecord]:
        return [private_version(each) for each in await self._store.versions(tenant, workflow_id)]


def private_version(version: VersionRecord) -> VersionRecord:
    """The version as test mode runs it."""
    return replace(version, account=private_account(version.account))
