"""How the machine stands: its parts, its accounts, their clocks."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.api.models.health import AccountStanding, Component, Health
from tradeloom.errors import TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState
from tradeloom.version import package_version

Probe = Callable[[], Any]

READY_S: Final = 5.0


class LocalStatus:
    """`ping_database` raises when the database does not answer; `running` counts executions that have not ended."""

    def __init__(
        self,
        on_loop: OnLoop,
        *,
        bridge: BridgeClient,
        accounts: Sequence[str],
        ping_database: Probe,
        running: Callable[[], int],
        workers: Callable[[], int],
    ) -> None:
        self._on_loop = on_loop
        self._bridge = bridge
        self._accounts = accounts
        self._ping_database = ping_database
        self._running = running
        self._workers = workers
        self._started_at = datetime.now(UTC)
        self.resumed = False
        self.stopping = False

    def health(self, tenant: str) -> Health:
        return self._on_loop(self._health())

    async def _health(self) -> Health:
        database, bridge = await asyncio.gather(
            self._component("database", self._ping_database),
            self._component("bridge", lambda: asyncio.to_thread(self._bridge.health)),
        )
        accounts = await asyncio.gather(*[asyncio.to_thread(self._standing, name) for name in self._accounts])
        workers = self._workers()
        engine = Component(name="engine", status="ok" if workers else "down", detail=f"{workers} workers")
        parts = [database, bridge, engine]
        fine = all(part.status == "ok" for part in parts) and all(account.available for account in accounts)
        return Health(
            status="ok" if fine else "degraded",
            version=package_version(),
            started_at=self._started_at,
            components=parts,
            accounts=accounts,
            running=self._running(),
        )

    async def unready(self) -> list[str]:
        """Why nothing should be sent here now; empty when the machine is ready."""
        if self.stopping:
            return ["it is stopping"]
        reasons = [] if self.resumed else ["executions of an earlier run are being taken up"]
        if not self._workers():
            reasons.append("no worker process lives")
        try:
            async with asyncio.timeout(READY_S):
                parts = await asyncio.gather(
                    self._component("database", self._ping_database),
                    self._component("bridge", lambda: asyncio.to_thread(self._bridge.health)),
                )
        except TimeoutError:
            return [*reasons, f"database or bridge did not answer within {READY_S:g} s"]
        return [*reasons, *(f"{part.name}: {part.detail}" for part in parts if part.status != "ok")]

    async def _component(self, name: str, probe: Probe) -> Component:
        try:
            await probe()
        except TradeloomError as error:
            return Component(name=name, status="down", detail=error.message)
        return Component(name=name, status="ok")

    def _standing(self, name: str) -> AccountStanding:
        broker = self._bridge.account(name)
        try:
            account, clock, status = broker.account(), broker.market_clock(), broker.state()
        except TradeloomError as error:
            return AccountStanding(name=name, available=False, detail=error.message)
        return AccountStanding(
            name=name,
            available=True,
            trade_mode=account.trade_mode,
            margin_mode=account.margin_mode,
            state=status.state.value,
            currency=account.currency,
            balance=account.balance,
            equity=account.equity,
            market_time=clock.time,
            speed=clock.speed,
            detail="" if status.state is AccountState.ACTIVE else f"{status.state} by {status.by}: {status.reason}",
        )
