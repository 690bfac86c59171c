"""How a halt of an account reaches the workflows that trade on it: those that start, wait and run.

HALTED stops everything that trades on the account. REDUCING stops what opens: an execution goes on as long as it comes
to nodes that only reduce, ends before one that would open, and does not start when it could do nothing else.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tradeloom.compiler.compile import local_arn
from tradeloom.engine.journal import Execution
from tradeloom.engine.stores import Blobs, VersionRecord
from tradeloom.errors import AccountHalted, TradeloomError
from tradeloom.nodes.base import Effect
from tradeloom.nodes.registry import node_types
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.risk import AccountState

_KEPT: Final = 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's state, who decided so, when (wall time) and why."""

    state: AccountState
    reason: str
    by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Trades:
    """What the nodes of a version may do on its account."""

    opens: bool
    reduces: bool


_STRICTNESS: Final = (AccountState.ACTIVE, AccountState.REDUCING, AccountState.HALTED)

_ALL: Final = Trades(opens=True, reduces=False)
"""What is assumed of a version whose nodes cannot be read: the worst."""


def trading_nodes() -> Mapping[str, bool]:
    """The node types that trade, and whether they only reduce."""
    return {name: node.only_reduces for name, node in node_types().items() if Effect.TRADES in node.effects}


class Halts:
    """What is known of the accounts' states. `reaches` is the engine's `Halt`, `refuses` the dispatcher's question."""

    def __init__(self, blobs: Blobs, trading: Callable[[], Mapping[str, bool]] = trading_nodes) -> None:
        self._blobs = blobs
        self._trading = trading()
        self._functions = {local_arn(name): only_reduces for name, only_reduces in self._trading.items()}
        self._standings: dict[str, Standing] = {}
        self._trades: OrderedDict[str, Trades] = OrderedDict()

    def take(self, account: str, status: AccountStatus) -> bool:
        """Goes by this from now on; whether that is another state than before."""
        before = self._standings.get(account)
        self._standings[account] = Standing(status.state, status.reason, status.by, status.changed_at)
        return before is not None and before.state is not status.state

    def assume(self, account: str, state: AccountState, *, reason: str, by: str, at: datetime) -> None:
        """Goes by a state the bridge could not be told yet, unless the one that is known is as strict."""
        known = self._standings.get(account)
        if known is None or _STRICTNESS.index(state) > _STRICTNESS.index(known.state):
            self._standings[account] = Standing(state, reason, by, at)

    def standing(self, account: str) -> Standing | None:
        """None for an account nothing is known of."""
        return self._standings.get(account)

    @property
    def any(self) -> bool:
        """Whether any account is not active."""
        return any(status.state is not AccountState.ACTIVE for status in self._standings.values())

    async def reaches(self, execution: Execution, function: str | None) -> str | None:
        """Why an execution may not go on, or may not run a function; None when it may."""
        status = self._standing(execution.account)
        if status is None:
            return None
        if function is None:
            stopped = _stops(status.state, await self._of(execution.version))
        elif status.state is AccountState.HALTED:
            stopped = function in self._functions or _stops(status.state, await self._of(execution.version))
        else:
            stopped = self._functions.get(function) is False
        return f"{AccountHalted.__name__}: {_sentence(execution.account, status)}" if stopped else None

    async def refuses(self, version: VersionRecord) -> AccountHalted | None:
        """Why a version may not start now; None when it may."""
        status = self._standing(version.account)
        if status is None or not _stops(status.state, await self._of(version.version)):
            return None
        hint = f"Find out why, then: tradeloom resume {version.account} --reason …"
        return AccountHalted(_sentence(version.account, status), field="settings.broker_account", hint=hint)

    def _standing(self, account: str) -> Standing | None:
        status = self._standings.get(account)
        return None if status is None or status.state is AccountState.ACTIVE else status

    async def _of(self, version: str) -> Trades:
        known = self._trades.get(version)
        if known is None:
            try:
                artefact = await asyncio.to_thread(self._blobs.artefact, version)
            except TradeloomError:
                return _ALL
            known = self._trades[version] = self._read(artefact)
            if len(self._trades) > _KEPT:
                self._trades.popitem(last=False)
        return known

    def _read(self, artefact: Mapping[str, Any]) -> Trades:
        nodes = [node for node in artefact["document"]["nodes"] if not node.get("disabled", False)]
        found = {self._trading[node["type"]] for node in nodes if node["type"] in self._trading}
        return Trades(opens=False in found, reduces=True in found)


def _stops(state: AccountState, trades: Trades) -> bool:
    if state is AccountState.HALTED:
        return trades.opens or trades.reduces
    return state is AccountState.REDUCING and trades.opens and not trades.reduces


def _sentence(account: str, status: Standing) -> str:
    what = "was halted" if status.state is AccountState.HALTED else "only reduces"
    return f"The account {account} {what} (by {status.by}, {status.changed_at:%Y-%m-%d %H:%M:%S} UTC): {status.reason}"
