"""The trade ledger in PostgreSQL. A record is kept whole as JSON; the columns are what it is found and added up by."""

# ruff: noqa: S608 (what is put into statements is our own text)

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.engine.execution_trades import EntryOrder, LedgerShare, Result
from tradeloom.engine.trades import KeptTrade, TradeFilter, TradeGroup, TradeLine
from tradeloom.storage.postgres import rows
from tradeloom.storage.postgres.database import Database
from tradeloom.trading.trade_ledger import TradeRecord

_INSERT: Final = (
    "INSERT INTO trades (tenant, account, session, deal, closed_at, symbol, currency, gross, swap, commission, fee,"
    " net, r_multiple, workflow_id, workflow_version, workflow_name, record, kept_at, execution_id, exit_execution_id,"
    " position, volume, lots_left, entry_ids)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::json, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (tenant, account, session, deal) DO NOTHING"
)
_RESULT: Final = (
    "account, currency, count(*) AS trades, sum(volume) AS volume, sum(gross) AS gross, sum(commission) AS commission,"
    " sum(swap) AS swap, sum(fee) AS fee, sum(net) AS net, max(closed_at) AS last_closed_at"
)
_RESULT_NAMES: Final = tuple(each.name for each in fields(Result))
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

    async def shares(self, tenant: str, execution_ids: Sequence[str]) -> dict[str, LedgerShare]:
        asked = [rows.text(each) for each in execution_ids]
        own = await self._database.all(
            f"SELECT execution_id, {_RESULT} FROM trades WHERE tenant = %s AND execution_id = ANY(%s)"
            " GROUP BY execution_id, account, currency ORDER BY account, currency",
            [tenant, asked],
        )
        others = await self._database.all(
            f"SELECT exit_execution_id AS execution_id, {_RESULT} FROM trades"
            " WHERE tenant = %s AND exit_execution_id = ANY(%s) AND execution_id IS DISTINCT FROM exit_execution_id"
            " GROUP BY exit_execution_id, account, currency ORDER BY account, currency",
            [tenant, asked],
        )
        known = {row["execution_id"] for row in [*own, *others]}
        return {
            each: LedgerShare(
                own=tuple(_result(row) for row in own if row["execution_id"] == each),
                closed_others=tuple(_result(row) for row in others if row["execution_id"] == each),
            )
            for each in known
        }

    async def closed_entries(self, tenant: str, entries: Sequence[EntryOrder]) -> set[str]:
        found = await self._database.all(
            "SELECT e.id FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])"
            " AS e(id, execution_id, account, position, written_at) WHERE"
            " EXISTS (SELECT FROM trades t WHERE t.tenant = %s AND t.lots_left = 0 AND t.account = e.account"
            " AND t.position = e.position AND t.kept_at >= e.written_at)"
            " OR EXISTS (SELECT FROM trades t WHERE t.tenant = %s AND t.lots_left = 0"
            " AND t.execution_id = e.execution_id AND e.id = ANY(t.entry_ids))",
            [
                [entry.client_order_id for entry in entries],
                [rows.text(entry.execution_id) for entry in entries],
                [rows.text(entry.account) for entry in entries],
                [entry.position for entry in entries],
                [entry.written_at for entry in entries],
                tenant,
                tenant,
            ],
        )
        return {row["id"] for row in found}

    async def results(self, tenant: str, workflow_id: str) -> list[Result]:
        found = await self._database.all(
            f"SELECT {_RESULT} FROM trades WHERE tenant = %s AND workflow_id = %s"
            " GROUP BY account, currency ORDER BY account, currency",
            [tenant, rows.text(workflow_id)],
        )
        return [_result(row) for row in found]


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
        rows.optional_text(record.execution_id),
        rows.optional_text(record.exit_execution_id),
        record.position,
        record.volume,
        record.left,
        list(record.entry_client_order_ids),
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


def _result(row: rows.Row) -> Result:
    return Result(**{name: row[name] for name in _RESULT_NAMES})


def _kept(row: rows.Row) -> KeptTrade:
    return KeptTrade(
        session=row["session"],
        workflow_name=row["workflow_name"],
        record=TradeRecord.model_validate(row["record"]),
    )
