"""The order book in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tradeloom.engine.orders import OPEN, News, OrderFilter, OrderRecord
from tradeloom.errors import Conflict
from tradeloom.storage.memory.rows import kept_row


class MemoryOrders:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], OrderRecord] = {}

    async def intend(self, record: OrderRecord) -> None:
        key = record.tenant, record.client_order_id
        known = self._rows.get(key)
        if known is None:
            self._rows[key] = kept_row(record)
            return
        if (known.execution_id, known.node) != (record.execution_id, record.node):
            raise Conflict("this client order id was already used for a different order", field="client_order_id")
        if known.state in ("intended", "withdrawn", "unknown"):
            changes = {name: getattr(record, name) for name in ("intent", "check_at", "updated_at", "state")}
            self._rows[key] = kept_row(replace(known, **changes))

    async def tell(self, tenant: str, client_order_id: str, news: News) -> OrderRecord | None:
        known = self._rows.get((tenant, client_order_id))
        if known is None or known.state not in OPEN:
            return None
        if news.state == "withdrawn" and known.state not in ("intended", "withdrawn"):
            return None
        told = replace(
            known,
            state=news.state,
            message=news.message,
            outcome=known.outcome if news.outcome is None else news.outcome,
            updated_at=news.at,
            checks=news.checks,
            check_at=news.check_at,
        )
        self._rows[tenant, client_order_id] = kept_row(told)
        return kept_row(told)

    async def order(self, tenant: str, client_order_id: str) -> OrderRecord | None:
        return kept_row(self._rows.get((tenant, client_order_id)))

    async def orders(self, which: OrderFilter) -> tuple[list[OrderRecord], int]:
        found = [
            row
            for row in self._rows.values()
            if row.tenant == which.tenant
            and (not which.states or row.state in which.states)
            and which.account in (None, row.account)
            and which.workflow_id in (None, row.workflow_id)
            and which.execution_id in (None, row.execution_id)
        ]
        found.sort(key=lambda row: (row.created_at, row.client_order_id), reverse=True)
        return [kept_row(row) for row in found[which.offset : which.offset + which.limit]], len(found)

    async def due(self, now: datetime, limit: int = 100) -> list[OrderRecord]:
        dated = [(row.check_at, row) for row in self._rows.values() if row.check_at is not None and row.check_at <= now]
        return [kept_row(row) for _, row in sorted(dated, key=lambda each: (each[0], each[1].client_order_id))[:limit]]

    async def of_magic(self, tenant: str, account: str, magics: list[int]) -> list[OrderRecord]:
        return [
            kept_row(row)
            for row in self._rows.values()
            if (row.tenant, row.account) == (tenant, account) and row.magic in magics
        ]

    async def of_executions(self, tenant: str, execution_ids: Sequence[str]) -> list[OrderRecord]:
        found = [row for row in self._rows.values() if row.tenant == tenant and row.execution_id in execution_ids]
        return [kept_row(row) for row in sorted(found, key=lambda row: (row.created_at, row.client_order_id))]
