"""Orders in PostgreSQL. One statement a write, so each is durable, and decided once, when it returns."""

# ruff: noqa: S608 (what is put into statements are our own column names)

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from tradeloom.engine.orders import OPEN, News, OrderFilter, OrderRecord
from tradeloom.errors import Conflict
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database

_COLUMNS: Final = (
    "tenant, client_order_id, magic, account, execution_id, workflow_id, version, node, iteration, test_mode,"
    " resend_of, intent, state, outcome, message, created_at, updated_at, checks, check_at"
)
_NAMES: Final = tuple(each.name for each in fields(OrderRecord))


class PostgresOrders:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, record: OrderRecord) -> None:
        written = await self._database.run(
            f"INSERT INTO orders ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::integer[], %s,"
            " %s, %s::json, %s, %s::json, %s, %s, %s, %s, %s)"
            " ON CONFLICT (tenant, client_order_id) DO UPDATE SET state = excluded.state, intent = excluded.intent,"
            " updated_at = excluded.updated_at, check_at = excluded.check_at"
            " WHERE orders.execution_id = excluded.execution_id AND orders.node = excluded.node"
            " AND orders.state IN ('intended', 'withdrawn', 'unknown')",
            _values(record),
        )
        known = None if written else await self.order(record.tenant, record.client_order_id)
        if known is not None and (known.execution_id, known.node) != (record.execution_id, record.node):
            raise Conflict("this client order id was already used for a different order", field="client_order_id")

    async def tell(self, tenant: str, client_order_id: str, news: News) -> OrderRecord | None:
        row = await self._database.one(
            "UPDATE orders SET state = %s, message = %s, outcome = coalesce(%s::json, outcome), updated_at = %s,"
            " checks = %s, check_at = %s WHERE tenant = %s AND client_order_id = %s AND state = ANY(%s)"
            " AND (%s <> 'withdrawn' OR state IN ('intended', 'withdrawn'))"
            f" RETURNING {_COLUMNS}",
            [
                news.state,
                rows.text(news.message),
                rows.json(news.outcome),
                news.at,
                news.checks,
                news.check_at,
                tenant,
                rows.text(client_order_id),
                sorted(OPEN),
                news.state,
            ],
        )
        return None if row is None else _record(row)

    async def order(self, tenant: str, client_order_id: str) -> OrderRecord | None:
        row = await self._database.one(
            f"SELECT {_COLUMNS} FROM orders WHERE tenant = %s AND client_order_id = %s",
            [tenant, rows.text(client_order_id)],
        )
        return None if row is None else _record(row)

    async def orders(self, which: OrderFilter) -> tuple[list[OrderRecord], int]:
        found = await self._database.all(
            f"SELECT {_COLUMNS}, count(*) OVER () AS total FROM orders WHERE tenant = %s"
            " AND (%s OR state = ANY(%s::text[])) AND account = coalesce(%s, account)"
            " AND workflow_id = coalesce(%s, workflow_id) AND execution_id = coalesce(%s, execution_id)"
            " ORDER BY created_at DESC, client_order_id DESC LIMIT %s OFFSET %s",
            [
                which.tenant,
                not which.states,
                list(which.states),
                rows.optional_text(which.account),
                rows.optional_text(which.workflow_id),
                rows.optional_text(which.execution_id),
                which.limit,
                which.offset,
            ],
        )
        return [_record(row) for row in found], found[0]["total"] if found else 0

    async def due(self, now: datetime, limit: int = 100) -> list[OrderRecord]:
        found = await self._database.all(
            f"SELECT {_COLUMNS} FROM orders WHERE check_at <= %s ORDER BY check_at, client_order_id LIMIT %s",
            [now, limit],
        )
        return [_record(row) for row in found]

    async def of_magic(self, tenant: str, account: str, magics: list[int]) -> list[OrderRecord]:
        found = await self._database.all(
            f"SELECT {_COLUMNS} FROM orders WHERE tenant = %s AND account = %s AND magic = ANY(%s::bigint[])",
            [tenant, rows.text(account), magics],
        )
        return [_record(row) for row in found]

    async def of_executions(self, tenant: str, execution_ids: Sequence[str]) -> list[OrderRecord]:
        found = await self._database.all(
            f"SELECT {_COLUMNS} FROM orders WHERE tenant = %s AND execution_id = ANY(%s)"
            " ORDER BY created_at, client_order_id",
            [tenant, list(execution_ids)],
        )
        return [_record(row) for row in found]


def _values(record: OrderRecord) -> list[Any]:
    return [
        record.tenant,
        record.client_order_id,
        record.magic,
        rows.text(record.account),
        record.execution_id,
        record.workflow_id,
        record.version,
        record.node,
        rows.array(record.iteration),
        record.test_mode,
        record.resend_of,
        rows.json(record.intent),
        record.state,
        rows.json(record.outcome),
        rows.text(record.message),
        record.created_at,
        record.updated_at,
        record.checks,
        record.check_at,
    ]


def _record(row: rows.Row) -> OrderRecord:
    return OrderRecord(**{name: row[name] for name in _NAMES})
