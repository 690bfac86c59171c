"""The routes of a tenant's own tables."""

from typing import cast

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_tables import FakeTables
from tradeloom.api.ports import Ports
from tradeloom.errors import QueryFailed, QueryRefused, QueryTimeout


def test_tables_are_listed_with_their_columns(ask: Ask) -> None:
    (table,) = ask("GET", "/tables").json["items"]
    assert (table["name"], table["rows"], table["bytes"]) == ("signals", 3, 32_768)
    assert [(column["name"], column["own"]) for column in table["columns"]] == [("id", False), ("symbol", True)]


def test_a_query_goes_in_with_its_parameters_and_its_limits(ask: Ask, ports: Ports) -> None:
    sql = "SELECT symbol, count(*) AS n FROM signals WHERE symbol = :s GROUP BY symbol"
    answer = ask("POST", "/tables/query", {"sql": sql, "parameters": {"s": "EURUSD"}, "limit": 10})
    assert answer.json == {
        "columns": ["symbol", "n"], "rows": [{"symbol": "EURUSD", "n": 3}], "truncated": False, "duration_ms": 1.25,
    }  # fmt: skip
    ((tenant, asked),) = cast(FakeTables, ports.tables).asked
    assert (tenant, asked.sql, asked.parameters) == ("acme", sql, {"s": "EURUSD"})
    assert (asked.limit, asked.max_seconds) == (10, 5)


def test_what_cannot_be_asked_is_told_with_the_field(ask: Ask, ports: Ports) -> None:
    tables = cast(FakeTables, ports.tables)
    for error, status in (
        (QueryRefused("A query only reads.", field="sql"), 422),
        (QueryFailed("PostgreSQL cannot answer: division by zero"), 422),
        (QueryTimeout("The query took longer than 5 seconds.", hint="Narrow it down."), 504),
    ):
        tables.answer = error
        answer = ask("POST", "/tables/query", {"sql": "DROP TABLE signals"})
        assert (answer.status, answer.error["name"]) == (status, type(error).__name__)


def test_a_query_has_bounds(ask: Ask, ports: Ports) -> None:
    for wrong in ({"sql": ""}, {"sql": "x" * 10_001}, {"limit": 10_001}, {"max_seconds": 60}, {"role": "postgres"}):
        assert ask("POST", "/tables/query", {"sql": "SELECT 1"} | wrong).status == 422
    assert cast(FakeTables, ports.tables).asked == []
