"""The API's orders on the local store, and the bridge they are settled at."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from tradeloom.api.models.orders import OrderItem, OrderPage, OrderQuery, SettleOrder
from tradeloom.engine.order_resolver import described
from tradeloom.engine.orders import OrderFilter, OrderRecord, OrderStore, news_of
from tradeloom.errors import BrokerUnavailable, NotFound
from tradeloom.local.bridging import OnLoop
from tradeloom.trading.intents import OrderOutcome
from tradeloom.trading.mt5_client import BridgeClient

BridgeOf = Callable[[], BridgeClient | None]
"""The bridge's client while there is one."""


class LocalOrders:
    def __init__(self, on_loop: OnLoop, store: OrderStore, bridge: BridgeOf) -> None:
        self._on_loop = on_loop
        self._store = store
        self._bridge = bridge

    def page(self, tenant: str, wanted: OrderQuery, *, limit: int, offset: int) -> OrderPage:
        which = OrderFilter(
            tenant=tenant,
            states=wanted.states,
            account=wanted.account,
            workflow_id=wanted.workflow_id,
            execution_id=wanted.execution_id,
            limit=limit,
            offset=offset,
        )
        records, total = self._on_loop(self._store.orders(which))
        return OrderPage(items=[order_of(record) for record in records], total=total)

    def get(self, tenant: str, order_id: str) -> OrderItem:
        return order_of(self._on_loop(self._known(tenant, order_id)))

    def settle(self, tenant: str, user: str, order_id: str, wanted: SettleOrder) -> OrderItem:
        return order_of(self._on_loop(self._settle(tenant, user, order_id, wanted)))

    # -- on the loop --------------------------------------------------------------------------------------------

    async def outcome(self, account: str, order_id: str) -> OrderOutcome | None:
        """What the bridge knows of an order: the resolver's question."""
        return await asyncio.to_thread(self._client().account(account).outcome, order_id)

    async def _known(self, tenant: str, order_id: str) -> OrderRecord:
        record = await self._store.order(tenant, order_id)
        if record is None:
            raise NotFound("There is no such order.")
        return record

    async def _settle(self, tenant: str, user: str, order_id: str, wanted: SettleOrder) -> OrderRecord:
        record = await self._known(tenant, order_id)
        broker = self._client().account(record.account)

        def say() -> OrderOutcome:
            return broker.settle_manual(
                order_id, wanted.decision, ticket=wanted.ticket, by=user[:200], reason=wanted.reason
            )

        outcome = await asyncio.to_thread(say)
        news = news_of(outcome, str(record.intent.get("kind")), datetime.now(UTC), record.checks)
        return await self._store.tell(tenant, order_id, news) or await self._known(tenant, order_id)

    def _client(self) -> BridgeClient:
        client = self._bridge()
        if client is None:
            raise BrokerUnavailable("No bridge is running.")
        return client


def order_of(record: OrderRecord) -> OrderItem:
    return OrderItem(
        id=record.client_order_id,
        state=record.state,
        what=described(record),
        account=record.account,
        workflow_id=record.workflow_id,
        version=record.version,
        execution_id=record.execution_id,
        node=record.node,
        iteration=record.iteration,
        test_mode=record.test_mode,
        resend_of=record.resend_of,
        message=record.message,
        intent=record.intent,
        outcome=record.outcome,
        created_at=record.created_at,
        updated_at=record.updated_at,
        checks=record.checks,
        check_at=record.check_at,
    )
