"""Copies the trade ledger from each account's broker into the database, so that it outlives the broker's history."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from tradeloom.engine.stores import WorkflowStore
from tradeloom.engine.trades import TradeStore
from tradeloom.errors import NotFound, TradeloomError
from tradeloom.trading.trade_ledger import TradeRecord

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0
LAST_LOOK_S: Final = 5.0
PAGE: Final = 100
"""Small enough that orders do not wait behind a long answer."""
WINDOW: Final = timedelta(days=92)
FURTHEST: Final = timedelta(days=3_650)
OVERLAP: Final = timedelta(days=1)
"""How far behind what is kept the first look goes: a deal may have shown late, or been missed by a crash."""
RECENT: Final = timedelta(minutes=10)
"""How far behind the last look the next one goes: a broker's history may lag."""


class LedgerBroker(Protocol):
    def market_time(self) -> datetime: ...
    def trade_ledger(
        self, since: datetime, until: datetime, *, after_deal: int = 0, limit: int = 200
    ) -> list[TradeRecord]: ...


class TradeKeeper:
    """`broker_of` and `session_of` are asked by account name. Nothing is remembered that the database does not hold, so
    whatever happened while this was not running is caught up with at the next start."""

    def __init__(
        self,
        *,
        tenant: str,
        accounts: Sequence[str],
        broker_of: Callable[[str], LedgerBroker],
        session_of: Callable[[str], str],
        trades: TradeStore,
        workflows: WorkflowStore,
        look_s: float = LOOK_S,
    ) -> None:
        self._tenant = tenant
        self._accounts = accounts
        self._broker_of = broker_of
        self._session_of = session_of
        self._trades = trades
        self._workflows = workflows
        self._look_s = look_s
        self._looked: dict[str, datetime] = {}
        self._troubled: set[str] = set()

    async def keep(self) -> None:
        """Look again and again, for ever; ever less often while an account cannot be read."""
        pause = self._look_s
        while True:
            fine = await self.look()
            pause = self._look_s if fine else min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """One last look, so that what was closed a moment ago is kept."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LOOK_S):
                await self.look()

    async def look(self) -> bool:
        """Copy what is new; whether every account could be read."""
        return all([await self._account(name) for name in self._accounts])

    async def _account(self, name: str) -> bool:
        try:
            await self._copy(name)
        except TradeloomError as error:
            if name not in self._troubled:
                log.warning("the trade ledger of %s cannot be copied for now: %s", name, error.message)
            self._troubled.add(name)
            return False
        if name in self._troubled:
            log.info("the trade ledger of %s is copied again", name)
            self._troubled.discard(name)
        return True

    async def _copy(self, name: str) -> None:
        broker, session = self._broker_of(name), self._session_of(name)
        now = await asyncio.to_thread(broker.market_time)
        start = await self._start(name, session, now)
        while start <= now:
            end = min(start + WINDOW, now)
            await self._period(broker, session, start, end)
            if end == now:
                break
            start = end
        self._looked[name] = now

    async def _start(self, name: str, session: str, now: datetime) -> datetime:
        looked = self._looked.get(name)
        if looked is not None:
            return min(looked, now) - RECENT
        latest = await self._trades.latest(self._tenant, name, session)
        return now - FURTHEST if latest is None else min(latest, now) - OVERLAP

    async def _period(self, broker: LedgerBroker, session: str, since: datetime, until: datetime) -> None:
        after = 0
        while True:
            page = await asyncio.to_thread(broker.trade_ledger, since, until, after_deal=after, limit=PAGE)
            if page:
                kept = await self._trades.keep(self._tenant, session, page, await self._names(page))
                if kept:
                    log.info("%d closed trades of %s were kept", kept, page[0].account)
            if len(page) < PAGE:
                return
            since, after = page[-1].closed_at, page[-1].deal

    async def _names(self, page: Sequence[TradeRecord]) -> dict[str, str]:
        """Names of the workflows by id, of those that still exist."""
        names = {}
        for workflow_id in {record.workflow_id for record in page if record.workflow_id is not None}:
            with contextlib.suppress(NotFound):
                names[workflow_id] = (await self._workflows.workflow(self._tenant, workflow_id)).name
        return names
