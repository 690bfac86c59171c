"""What was kept before executions had results gets them, and old failures start nothing."""

import uuid
from datetime import UTC, datetime

import psycopg
from psycopg.conninfo import make_conninfo

from tests.contract.storage.conftest import postgres_server
from tests.support.trade_records import make_record
from tradeloom.engine import codec
from tradeloom.storage.postgres.migrations import migrate, migrations

__all__ = ["postgres_server"]

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
OURS = 11
BEFORE = max(each.number for each in migrations() if each.number < OURS)
TRADE = (
    "INSERT INTO trades (tenant, account, session, deal, closed_at, symbol, currency, gross, swap, commission, fee,"
    " net, record, kept_at) VALUES ('local', 'paper', '', %s, %s, 'EURUSD', 'USD', 1, 0, 0, 0, 1, %s::json, %s)"
)
EXECUTION = (
    "INSERT INTO executions (id, tenant, workflow_id, version, definition, trigger, account, run, as_of, created_at,"
    " test_mode, manual, exclusive, status, has_errors, last_seq, engine)"
    " VALUES (%s, 'local', 'w', 'v', 'd', 't', 'paper', '{}', now(), now(), false, false, false, %s, false, 1, 1)"
)


def test_old_rows_are_found_by_execution_and_old_failures_rest(postgres_server: str) -> None:
    name = f"aftermath_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    dsn = make_conninfo(postgres_server, dbname=name)
    migrate(dsn, BEFORE)
    whole = make_record(7, execution_id="a", exit_execution_id="b", entry_client_order_ids=("x1", "x2"), comment="\0")
    by_hand = make_record(8, execution_id=None, left=None)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for record in (whole, by_hand):
            kept = codec.dumps(record.model_dump(mode="json"))
            connection.execute(TRADE, [record.deal, record.closed_at, kept, NOW])
        for execution, status in (("old", "FAILED"), ("live", "RUNNING")):
            connection.execute(EXECUTION, [execution, status])
    for _ in range(2):
        migrate(dsn, OURS)
        with psycopg.connect(dsn, autocommit=True) as connection:
            found = connection.execute(
                "SELECT execution_id, exit_execution_id, position, volume, lots_left, entry_ids FROM trades"
                " ORDER BY deal"
            ).fetchall()
            assert found == [
                ("a", "b", whole.position, whole.volume, whole.left, ["x1", "x2"]),
                (None, None, by_hand.position, by_hand.volume, None, []),
            ]
            attended = connection.execute("SELECT id, attended FROM executions ORDER BY id").fetchall()
            assert attended == [("live", False), ("old", True)]
        migrate(dsn, BEFORE)
