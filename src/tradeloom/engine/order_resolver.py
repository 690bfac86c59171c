"""Settles orders nobody knows the fate of: asks the bridge again and again, ever more rarely, and tells people.

What is to be asked about, and when, stands in the orders' rows, so a restart forgets nothing and several resolvers do
no harm. Locally it is a task beside the engine; in the cloud a function would call `look` on a schedule.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeloom.engine.journal import Journal
from tradeloom.engine.notices import notice
from tradeloom.engine.orders import News, OrderRecord, OrderState, OrderStore, look_again_after, news_of
from tradeloom.errors import TradeloomError
from tradeloom.runtime.services import Level
from tradeloom.trading.intents import OrderOutcome

log: Final = logging.getLogger(__name__)

EVERY_S: Final = 2.0
NEVER_ARRIVED_AFTER: Final = timedelta(minutes=15)
"""An order the bridge has not heard of by then never reached it: no node waits that long for its order."""

Ask = Callable[[str, str], Awaitable[OrderOutcome | None]]
"""The outcome of an account's order by its id; None when nothing was ever sent under it."""

_GOOD: Final[frozenset[OrderState]] = frozenset({"done", "placed"})


class OrderResolver:
    def __init__(
        self,
        orders: OrderStore,
        journal: Journal,
        ask: Ask,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._orders = orders
        self._journal = journal
        self._ask = ask
        self._now = now

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look until cancelled; a database or bridge that is away is asked again."""
        while True:
            with suppress(TradeloomError):
                await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> int:
        """Ask about everything that is due. How many orders became known. Raises `StorageUnavailable`."""
        known = 0
        for record in await self._orders.due(self._now()):
            known += await self._resolve(record)
        return known

    async def _resolve(self, record: OrderRecord) -> bool:
        checks = record.checks + 1
        try:
            outcome = await self._ask(record.account, record.client_order_id)
        except TradeloomError as error:
            log.info("order %s: %s", record.client_order_id, error.message)
            await self._later(record, checks)
            return False
        if outcome is None:
            return await self._unheard_of(record, checks)
        news = news_of(outcome, str(record.intent.get("kind")), self._now(), checks)
        if news.state == "manual" or news.state != record.state:
            # Told first: a notification is shown once, and a crash before the next line tells it again.
            await self._notify(record, news)
        await self._orders.tell(record.tenant, record.client_order_id, news)
        return news.check_at is None

    async def _unheard_of(self, record: OrderRecord, checks: int) -> bool:
        """The bridge's journal is the authority, and has nothing under the id: nothing was sent so far."""
        if record.state == "intended":
            news = News(state="withdrawn", at=self._now(), message="the bridge never received it", checks=checks)
        elif self._now() - record.created_at < NEVER_ARRIVED_AFTER:
            await self._later(record, checks)
            return False
        else:
            news = News(state="not_sent", at=self._now(), message="the bridge never received it", checks=checks)
            await self._notify(record, news)
        await self._orders.tell(record.tenant, record.client_order_id, news)
        return True

    async def _later(self, record: OrderRecord, checks: int) -> None:
        now = self._now()
        news = News(
            state=record.state,
            at=record.updated_at,
            message=record.message,
            checks=checks,
            check_at=now + look_again_after(checks),
        )
        await self._orders.tell(record.tenant, record.client_order_id, news)

    async def _notify(self, record: OrderRecord, news: News) -> None:
        title, level = _title(news.state)
        self._journal.record(
            notice(
                record.client_order_id,
                news.state,
                tenant=record.tenant,
                at=self._now(),
                level=level,
                title=title,
                message=_message(record, news),
                workflow_id=record.workflow_id,
                execution_id=record.execution_id,
                node_id=record.node,
            )
        )
        await self._journal.barrier(record.execution_id)


def _title(state: OrderState) -> tuple[str, Level]:
    if state == "manual":
        return "An order needs you", "error"
    if state == "unknown":
        return "An order's outcome is not known", "warning"
    return f"Order settled: {state.replace('_', ' ')}", "success" if state in _GOOD else "warning"


def _message(record: OrderRecord, news: News) -> str:
    what = described(record)
    told = f"{what} on {record.account} (order id {record.client_order_id}): {news.message or news.state}."
    if news.state == "manual":
        told += f" Look at the broker, then: tradeloom orders settle {record.client_order_id}"
    return told


def described(record: OrderRecord) -> str:
    """The order in a few words: "buy 0.10 EURUSD", "close of position 7"."""
    intent = record.intent
    match intent.get("kind"):
        case "close":
            return f"close of position {intent.get('position')}"
        case "modify":
            return f"change of {intent.get('target')} {intent.get('ticket')}"
        case "cancel":
            return f"cancelling order {intent.get('order')}"
        case _:
            return f"{intent.get('side')} {intent.get('volume')} {intent.get('symbol')}"
