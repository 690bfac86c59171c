"""What a trader may ask, asked of PostgreSQL; results as JSON; limits; the gate's lists against the server's own."""

import json
import time
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from tests.integration.database.conftest import Tenants, write
from tests.support.legit_queries import QUERIES
from tradeloom.errors import NotANumber, QueryFailed, QueryRefused, QueryTimeout, ResultTooLarge, StorageUnavailable
from tradeloom.nodes.tenant_database import Limits
from tradeloom.storage.tenants.database import PostgresTenantDatabase
from tradeloom.storage.tenants.gate.functions import FUNCTIONS
from tradeloom.storage.tenants.gate.words import DISGUISES, TYPES

LIMITS = Limits()


def one(database: PostgresTenantDatabase, sql: str, **parameters: Any) -> Any:
    """The only value of the only row."""
    rows = database.query(sql, parameters, LIMITS).rows
    assert len(rows) == 1
    return next(iter(rows[0].values()))


@pytest.mark.parametrize("name", QUERIES)
def test_answers(name: str, mine: PostgresTenantDatabase) -> None:
    sql, parameters = QUERIES[name]
    rows = mine.query(sql, parameters, LIMITS)
    assert json.loads(json.dumps(rows.rows, allow_nan=False)) == rows.rows
    assert all(list(row) == rows.columns for row in rows.rows)


def test_answers_what_was_asked(mine: PostgresTenantDatabase) -> None:
    """Against the same computed here, from how the rows were made."""
    profits = [(n - 12) * 7.25 for n in range(30)]
    rows = mine.query(*QUERIES["equity curve"], LIMITS).rows
    assert [row["equity"] for row in rows] == [sum(profits[: n + 1]) for n in range(30)]
    assert one(mine, QUERIES["comments"][0]) == sum(profits)
    curve = [sum(profits[: n + 1]) for n in range(30)]
    assert one(mine, QUERIES["drawdown"][0]) == max(max(curve[: n + 1]) - curve[n] for n in range(30))
    wins = {row["symbol"]: row["win_pct"] for row in mine.query(*QUERIES["win rate"], LIMITS).rows}
    for start, symbol in enumerate(["EURUSD", "XAUUSD", "BTCUSD"]):
        own = profits[start::3]
        assert wins[symbol] == pytest.approx(100 * sum(p > 0 for p in own) / len(own), abs=0.05)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT 9007199254740993::bigint", 9007199254740993),
        ("SELECT 2.5::numeric", 2.5),
        ("SELECT sum(x) FROM (VALUES (1::bigint), (2)) v(x)", 3),
        ("SELECT '2026-01-05 10:00+02'::timestamptz", "2026-01-05T08:00:00Z"),
        ("SELECT '2026-01-05 10:00:00.5'::timestamp", "2026-01-05T10:00:00.500000"),
        ("SELECT '2026-01-05'::date", "2026-01-05"),
        ("SELECT '10:30'::time", "10:30:00"),
        ("SELECT '1 month 2 days 3 hours'::interval", "P1M2DT3H"),
        ("SELECT '\\x00ff'::bytea", "AP8="),
        ("SELECT '{\"a\": [1, null, 2.5]}'::jsonb", {"a": [1, None, 2.5]}),
        ("SELECT ARRAY[ARRAY[1, 2], ARRAY[3, 4]]", [[1, 2], [3, 4]]),
        ("SELECT ARRAY[1.5, null]", [1.5, None]),
        ("SELECT '6f1a2c9e-0000-4000-8000-000000000000'::uuid", "6f1a2c9e-0000-4000-8000-000000000000"),
        ("SELECT ROW(1, 'a')", ["1", "a"]),
        ("SELECT 'naïve ½ 株 🚀'", "naïve ½ 株 🚀"),
        ("SELECT null", None),
        ("SELECT true", True),
    ],
)
def test_values_are_json(sql: str, value: Any, mine: PostgresTenantDatabase) -> None:
    assert one(mine, sql) == value


@pytest.mark.parametrize(
    "value", ["'NaN'::float8", "'Infinity'::float8", "'NaN'::numeric", "ARRAY['-Infinity'::float8]"]
)
def test_what_is_no_number_in_json_is_an_error(value: str, mine: PostgresTenantDatabase) -> None:
    with pytest.raises(NotANumber, match="the_column"):
        mine.query(f"SELECT {value} AS the_column", {}, LIMITS)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 / 0",
        "SELECT nothing FROM trades",
        "SELECT lower(1)",
        "SELECT 'x'::int",
        "SELECT 'infinity'::timestamptz",
        "SELECT symbol, profit FROM trades GROUP BY symbol",
        "SELECT (SELECT id FROM trades)",
    ],
)
def test_what_cannot_be_answered_says_why(sql: str, mine: PostgresTenantDatabase) -> None:
    with pytest.raises(QueryFailed) as failed:
        mine.query(sql, {}, LIMITS)
    assert len(failed.value.message) > len("PostgreSQL cannot answer: ")
    assert one(mine, "SELECT 1") == 1


def test_two_columns_of_one_name_are_refused(mine: PostgresTenantDatabase) -> None:
    with pytest.raises(QueryRefused, match="'id'"):
        mine.query("SELECT a.id, b.id FROM trades a, bars b", {}, LIMITS)
    with pytest.raises(QueryRefused, match="'id'"):
        mine.query("SELECT a.id, b.id FROM trades a, bars b WHERE false", {}, LIMITS)


def test_rows_are_cut_at_the_limit_and_the_rest_is_cancelled(mine: PostgresTenantDatabase) -> None:
    begun = time.monotonic()
    rows = mine.query("SELECT a FROM generate_series(1, 100000) a, trades", {}, Limits(rows=7))
    assert (len(rows.rows), rows.truncated, rows.columns) == (7, True, ["a"])
    assert time.monotonic() - begun < 60
    exact = mine.query("SELECT id FROM trades ORDER BY id LIMIT 7", {}, Limits(rows=7))
    assert (len(exact.rows), exact.truncated) == (7, False)
    empty = mine.query("SELECT id, symbol FROM trades WHERE profit > :most", {"most": 1e9}, LIMITS)
    assert (empty.rows, empty.columns, empty.truncated) == ([], ["id", "symbol"], False)


def test_a_result_too_large_is_an_error_and_the_connection_goes_on(mine: PostgresTenantDatabase) -> None:
    with pytest.raises(ResultTooLarge, match="2,000 bytes"):
        mine.query("SELECT lpad(id::text, 500, 'x') AS x FROM trades", {}, Limits(size=2_000))
    assert one(mine, "SELECT count(*) FROM trades") == 30


def test_time_is_bounded_by_the_servers_clock(mine: PostgresTenantDatabase) -> None:
    begun = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"0\.3 seconds"):
        mine.query("SELECT count(*) FROM generate_series(1, 100000) a, trades b, trades c", {}, Limits(seconds=0.3))
    assert time.monotonic() - begun < 60
    assert one(mine, "SELECT 1") == 1


def test_time_is_bounded_by_ours_where_the_server_does_not_look(tenants: Tenants, mine: PostgresTenantDatabase) -> None:
    """Straight past the gate, to what overruns PostgreSQL's own time-out by seconds."""
    from tradeloom.storage.tenants.connection import TenantConnection

    connection = TenantConnection(lambda renew: tenants.access("mine", renew=renew))
    begun = time.monotonic()
    with pytest.raises(QueryTimeout), connection.transaction(read_only=True, seconds=0.5) as at:
        at.execute("SELECT array_fill(0, ARRAY[100000000])")
    assert time.monotonic() - begun < 60
    with connection.transaction(read_only=True, seconds=1) as at:
        assert at.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def test_a_session_that_was_ended_is_opened_again(tenants: Tenants) -> None:
    database = tenants.open("mine")
    assert one(database, "SELECT count(*) FROM bars") == 30
    with psycopg.connect(tenants.dsn) as owner:
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'tl_%'")
    assert one(database, "SELECT count(*) FROM bars") == 30
    database.close()


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    def nowhere(renew: bool) -> Mapping[str, Any]:
        return {"conninfo": "host=/nowhere user=x password=y dbname=z", "schema": "x"}

    with pytest.raises(StorageUnavailable):
        PostgresTenantDatabase(nowhere).query("SELECT 1", {}, LIMITS)


def test_tenants_see_each_their_own(tenants: Tenants, mine: PostgresTenantDatabase) -> None:
    """The same table name, the same effect: two tenants, two rows."""
    second = tenants.open("second")
    assert second.save("trades", {"symbol": "GBPUSD"}, write("trade-0")).id == 1
    assert second.query("SELECT symbol FROM trades", {}, LIMITS).rows == [{"symbol": "GBPUSD"}]
    assert one(mine, "SELECT count(*) FROM trades WHERE symbol = 'GBPUSD'") == 0
    second.close()


class TestListsAgainstTheServer:
    def test_functions_and_types_exist(self, tenants: Tenants) -> None:
        with psycopg.connect(tenants.dsn) as owner:
            known = {row[0] for row in owner.execute("SELECT proname FROM pg_proc WHERE pronamespace = 11")}
            types = {row[0] for row in owner.execute("SELECT typname FROM pg_type WHERE typnamespace = 11")}
        aliases = {"boolean", "int", "integer", "smallint", "bigint", "real", "double", "decimal"}
        assert set(FUNCTIONS) <= known
        assert types >= TYPES - aliases

    def test_no_allowed_function_writes_or_reads_elsewhere(self, tenants: Tenants) -> None:
        """PostgreSQL calls a function volatile that does more than compute."""
        with psycopg.connect(tenants.dsn) as owner:
            rows = owner.execute(
                "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 11 AND provolatile = 'v'"
                " AND proname = ANY(%s)",
                [list(FUNCTIONS)],
            ).fetchall()
        assert {row[0] for row in rows} == {"clock_timestamp"}

    def test_disguises_are_all_that_take_a_row(self, tenants: Tenants) -> None:
        with psycopg.connect(tenants.dsn) as owner:
            rows = owner.execute(
                "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 11 AND pronargs >= 1"
                " AND pronargs - pronargdefaults <= 1 AND proargtypes[0] = ANY(ARRAY['record', 'anyelement', '\"any\"',"
                " 'anynonarray', 'anycompatible', 'anycompatiblenonarray']::regtype[])"
            ).fetchall()
        assert {row[0] for row in rows} - DISGUISES - set(FUNCTIONS) == set()


def test_tables_are_listed_with_their_types_rows_and_sizes(mine: PostgresTenantDatabase) -> None:
    found = {table.name: table for table in mine.tables()}
    trades = found["trades"]
    assert (trades.columns["profit"], trades.columns["tags"]) == ("double precision", "jsonb")
    assert trades.rows == one(mine, "SELECT count(*) AS n FROM trades")
    assert trades.size >= 8_192
    assert "_effects" not in found
