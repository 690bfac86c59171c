"""Two accounts behind bridges that may be away, and the real switch over them."""

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from tests.support import loop
from tests.support.on_loop import on_loop
from tests.unit.mt5_bridge.fake_terminal import LIMITS
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import BrokerUnavailable, TradeloomError
from tradeloom.local.account_notices import AccountNotices
from tradeloom.local.accounts import LocalAccounts
from tradeloom.local.halts import Halts
from tradeloom.local.undelivered import Undelivered
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.kill_wishes import MemoryKillWishes
from tradeloom.trading.flattening import FlattenReport, FlattenStatus
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState, next_state
from tradeloom.trading.risk_limits import RiskLimits

AT = datetime(2026, 1, 1, tzinfo=UTC)


def status_of(state: AccountState, *, reason: str = "enough", by: str = "me") -> AccountStatus:
    return AccountStatus(state=state, reason=reason, by=by, changed_at=AT, limits=LIMITS)


class Account:
    """An account behind a bridge that may be away, with the real rule of what may follow what."""

    def __init__(self) -> None:
        self.away = self.terminal_away = False
        self.trade_mode = "paper"
        self.trouble: TradeloomError | None = None
        self.hangs: threading.Event | None = None
        self.status = status_of(AccountState.ACTIVE, by="bridge")
        self.flattens: list[str] = []
        self.told: list[AccountState] = []
        self.limits_by: list[tuple[str, str, bool]] = []

    def state(self) -> AccountStatus:
        self._reach()
        return self.status

    def set_state(self, state: AccountState, *, reason: str, by: str, clear: bool = False) -> AccountStatus:
        self._reach()
        self.status = status_of(next_state(self.status.state, state, clear=clear), reason=reason, by=by)
        self.told.append(state)
        return self.status

    def set_limits(
        self, limits: RiskLimits, *, expected: RiskLimits | None, reason: str, by: str, clear: bool
    ) -> AccountStatus:
        self._reach()
        assert expected == self.status.limits
        self.status = self.status.model_copy(update={"limits": limits})
        self.limits_by.append((by, reason, clear))
        return self.status

    def flatten(self, flatten_id: str, *, reason: str, by: str) -> FlattenReport:
        self.set_state(AccountState.HALTED, reason=reason, by=by)
        self.flattens.append(flatten_id)
        found = self.flattened()
        assert found is not None
        return found

    def flattened(self) -> FlattenReport | None:
        self._reach()
        if not self.flattens:
            return None
        return FlattenReport(
            flatten_id=self.flattens[-1],
            status=FlattenStatus.FLAT,
            reason="r",
            by="b",
            requested_at=AT,
            closed=2,
            left=0,
        )

    def health(self) -> dict[str, Any]:
        self._reach()
        return {"status": "ready", "unsettled": 1, "guards": 3}

    def account(self) -> Any:
        self._reach()
        if self.terminal_away:
            raise BrokerUnavailable("the terminal does not answer")
        return SimpleNamespace(trade_mode=self.trade_mode, currency="USD", balance=1e4, equity=9e3)

    def positions(self) -> list[Any]:
        return [1, 2]

    def orders(self) -> list[Any]:
        return [1]

    def _reach(self) -> None:
        if self.hangs is not None:
            assert self.hangs.wait(60)
        if self.trouble is not None:
            raise self.trouble
        if self.away:
            raise BrokerUnavailable("no bridge is running")


class House:
    """Two accounts, the real switch, what it swept and what the dashboard was told."""

    def __init__(self, wishes: MemoryKillWishes | None = None, patience_s: float = 60) -> None:
        self.wishes = wishes or MemoryKillWishes()
        self.told: dict[str, Any] = {}
        journal = SimpleNamespace(record=lambda stored: self.told.setdefault(stored.notification.id, stored))
        self.notices = AccountNotices("local", cast(Any, journal))
        self.accounts = {"one": Account(), "two": Account()}
        self.halts = Halts(MemoryBlobs())
        self.swept: list[dict[str, bool]] = []
        self.killed: list[tuple[str, str, str]] = []
        self.asked = 0
        bridge = SimpleNamespace(account=self._account)
        self.switch = LocalAccounts(
            on_loop, bridge=cast(BridgeClient, bridge), accounts=tuple(self.accounts),
            halts=self.halts, sweep=self._sweep, kill_workflow=self._kill_workflow, look_s=0.01, patience_s=patience_s,
            undelivered=Undelivered("local", self.wishes), notices=self.notices,
        )  # fmt: skip

    @property
    def titles(self) -> list[str]:
        return [stored.notification.title for stored in self.told.values()]

    def restarted(self) -> "House":
        """Another Tradeloom on the same database and bridges."""
        made = House(self.wishes)
        made.accounts.update(self.accounts)
        loop.run(made.switch.open())
        return made

    def follow(self) -> None:
        """For some rounds, in each of which every account is asked."""
        enough = self.asked + 5 * len(self.accounts)

        async def body() -> None:
            following = asyncio.ensure_future(self.switch.follow())
            await loop.until(lambda: self.asked >= enough)
            following.cancel()

        loop.run(body())

    def _account(self, name: str) -> Account:
        self.asked += 1
        return self.accounts[name]

    def kept(self) -> list[KillWish]:
        return loop.run(self.wishes.all("local"))

    async def _sweep(self) -> int:
        self.swept.append(
            {name: account.status.state is not AccountState.ACTIVE for name, account in self.accounts.items()}
        )
        return 4

    async def _kill_workflow(self, tenant: str, workflow: str, reason: str) -> int:
        self.killed.append((tenant, workflow, reason))
        return 3


def version(account: str) -> VersionRecord:
    return VersionRecord(
        tenant="local", workflow_id="wf-1", version="v", artefact="a", definition="d", account=account, created_at=AT
    )
