"""The trade ledger in PostgreSQL. A record is kept whole as JSON; the columns are what it is found and added up by."""

# ruff: noqa: S608 (what is put into statements is our own text)

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.engine.trades import KeptTrade, TradeFilter, TradeGroup, TradeLine
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database
from tradeloom.trading.trade_ledger import TradeRecord

_INSERT: Final = (
    "INSERT INTO trades (tenant, account, session, deal, closed_at, symbol, currency, gross, swap, commission, fee,"
    " net, r_multiple, workflow_id, workflow_version, workflow_name, record, kept_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::json, %s)"
    " ON CONFLICT (tenant, account, session, deal) DO NOTHING"
)
_WHERE: Final = (
    "tenant = %s AND account = coalesce(%s, account) AND symbol = coalesce(%s, symbol)"
    " AND (%s::text IS NULL OR workflow_id = %s) AND (%s::text IS NULL OR workflow_version = %s)"
    " AND closed_at >= coalesce(%s, closed_at) AND closed_at <= coalesce(%s, closed_at)"
)


class PostgresTrades:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tenant: str, session: str, trades: Sequence[TradeRecord], names: Mapping[str, str]) -> int:
        now, kept = datetime.now(UTC), 0
        async with self._database.connection() as connection, connection.transaction():
            for record in trades:
                name = None if record.workflow_id is None else names.get(record.workflow_id)
                cursor = await connection.execute(_INSERT, _values(tenant, session, record, name, now))
                kept += cursor.rowcount
        return kept

    async def latest(self, tenant: str, account: str, session: str) -> datetime | None:
        row = await self._database.one(
            "SELECT max(closed_at) AS latest FROM trades WHERE tenant = %s AND account = %s AND session = %s",
            [tenant, rows.text(account), session],
        )
        return None if row is None else row["latest"]

    async def page(self, which: TradeFilter, *, limit: int, offset: int) -> tuple[list[KeptTrade], int]:
        values = _wanted(which)
        count = await self._database.one(f"SELECT count(*) AS total FROM trades WHERE {_WHERE}", values)
        found = await self._database.all(
            f"SELECT session, workflow_name, record FROM trades WHERE {_WHERE}"
            " ORDER BY closed_at DESC, deal DESC, account, session LIMIT %s OFFSET %s",
            [*values, limit, offset],
        )
        return [_kept(row) for row in found], count["total"] if count else 0

    async def lines(self, which: TradeFilter) -> list[TradeLine]:
        found = await self._database.all(
            "SELECT account, session, currency, workflow_id, workflow_name, workflow_version AS version, closed_at,"
            f" deal, net, r_multiple FROM trades WHERE {_WHERE} ORDER BY closed_at, deal, account, session",
            _wanted(which),
        )
        names = ("account", "session", "currency", "workflow_id", "workflow_name", "version")
        return [
            TradeLine(
                TradeGroup(**{name: row[name] for name in names}),
                row["closed_at"],
                row["deal"],
                row["net"],
                row["r_multiple"],
            )
            for row in found
        ]


def _values(tenant: str, session: str, record: TradeRecord, name: str | None, now: datetime) -> list[Any]:
    return [
        tenant,
        rows.text(record.account),
        session,
        record.deal,
        record.closed_at,
        rows.text(record.symbol),
        rows.text(record.currency),
        record.gross,
        record.swap,
        record.commission,
        record.fee,
        record.net,
        record.r_multiple,
        rows.optional_text(record.workflow_id),
        rows.optional_text(record.workflow_version),
        rows.optional_text(name),
        rows.json(record.model_dump(mode="json")),
        now,
    ]


def _wanted(which: TradeFilter) -> list[Any]:
    workflow, version = rows.optional_text(which.workflow_id), rows.optional_text(which.version)
    return [
        which.tenant,
        rows.optional_text(which.account),
        rows.optional_text(which.symbol),
        workflow,
        workflow,
        version,
        version,
        which.since,
        which.until,
    ]


def _kept(row: rows.Row) -> KeptTrade:
    return KeptTrade(
        session=row["session"],
        workflow_name=row["workflow_name"],
        record=TradeRecord.model_validate(row["record"]),
    )
