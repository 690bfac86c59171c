from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.fake_database import FakeDatabase
from tests.support.node_context import FakeContext
from tradeloom.errors import InvalidInput, NotFound, QueryRefused, StorageUnavailable
from tradeloom.nodes.base import Effect
from tradeloom.nodes.database.query import Query, QueryConfig, QueryOutput
from tradeloom.nodes.references import expressions_in
from tradeloom.nodes.tenant_database import Limits, Rows, Write


@pytest.fixture
def database() -> FakeDatabase:
    made = FakeDatabase()
    for n, symbol in enumerate(["EURUSD", "XAUUSD", "EURUSD"]):
        made.save("trades", {"symbol": symbol, "profit": n * 1.5}, Write(f"e{n}", "earlier", "save"))
    return made


def query(database: FakeDatabase, **config: Any) -> QueryOutput:
    return Query().run(QueryConfig.model_validate(config), FakeContext(database=database))


def test_by_table(database: FakeDatabase) -> None:
    output = query(
        database,
        table="trades",
        columns=["symbol", "profit"],
        filters=[{"column": "symbol", "value": "EURUSD"}, {"column": "profit", "operator": ">=", "value": 0}],
        order=[{"column": "profit", "descending": True}],
    )
    assert output.rows == [{"symbol": "EURUSD", "profit": 3.0}, {"symbol": "EURUSD", "profit": 0.0}]
    assert (output.count, output.truncated, output.columns) == (2, False, ["symbol", "profit"])


def test_cuts_at_the_limit_and_says_so(database: FakeDatabase) -> None:
    context = FakeContext(database=database)
    output = Query().run(QueryConfig(table="trades", limit=2), context)
    assert (output.count, output.truncated) == (2, True)
    assert context.logs[0]["level"] == "warning"


def test_a_missing_table_is_an_error_or_no_rows(database: FakeDatabase) -> None:
    with pytest.raises(NotFound):
        query(database, table="nothing")
    assert query(database, table="nothing", columns=["a"], missing_table="no_rows").columns == ["a"]
    with pytest.raises(NotFound):
        query(database, table="trades", columns=["nothing"], missing_table="no_rows")


def test_by_sql_values_travel_beside_the_text(database: FakeDatabase) -> None:
    database.answer = Rows([{"symbol": "EURUSD", "total": 3.0}], ["symbol", "total"], truncated=False)
    sql = "SELECT symbol, sum(profit) AS total FROM trades WHERE symbol = :symbol GROUP BY 1"
    output = query(database, mode="sql", sql=sql, parameters={"symbol": "' OR 1=1 --"}, limit=5, max_seconds=1)
    assert output.rows == database.answer.rows
    ((text, values, limits),) = database.asked
    assert "OR 1=1" not in text
    assert values == ["' OR 1=1 --"]
    assert limits == Limits(rows=5, seconds=1)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("DELETE FROM trades", {}),
        ("SELECT * FROM pg_class", {}),
        ("SELECT 1; SELECT 2", {}),
        ("SELECT :a", {}),
        ("SELECT 1", {"a": 1}),
        ("SELECT :a", {"a": float("nan")}),
    ],
)
def test_sql_passes_the_gate(sql: str, parameters: dict[str, Any], database: FakeDatabase) -> None:
    with pytest.raises(QueryRefused) as refused:
        query(database, mode="sql", sql=sql, parameters=parameters)
    assert str(refused.value.field).startswith("config.")
    assert database.asked == []


def test_sql_takes_no_expression() -> None:
    """Text that comes from elsewhere must never become SQL: braces in it are SQL's own and mean nothing here."""
    config = {"mode": "sql", "sql": "SELECT '{{ nodes.a.b }}', :x", "parameters": {"x": "= nodes.a.b"}}
    found, broken = expressions_in(Query, config)
    assert [one.leaf.field for one in found] == ["config.parameters.x"]
    assert broken == []


def test_a_filter_that_cannot_be(database: FakeDatabase) -> None:
    with pytest.raises(InvalidInput):
        query(database, table="trades", filters=[{"column": "symbol", "operator": "in", "value": "EURUSD"}])


def test_a_database_that_is_down_is_told_as_such() -> None:
    with pytest.raises(StorageUnavailable):
        query(FakeDatabase(down=True), table="trades", missing_table="no_rows")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"mode": "table"},
        {"mode": "sql"},
        {"mode": "sql", "sql": "  "},
        {"mode": "sql", "sql": "SELECT 1" + " " * 20_000},
        {"mode": "other", "table": "t"},
        {"table": "T"},
        {"table": "pg catalog"},
        {"table": "t", "limit": 0},
        {"table": "t", "limit": 10_001},
        {"table": "t", "limit": float("nan")},
        {"table": "t", "limit": True},
        {"table": "t", "max_seconds": 0},
        {"table": "t", "max_seconds": 11},
        {"table": "t", "max_seconds": float("inf")},
        {"table": "t", "columns": ["a; b"]},
        {"table": "t", "columns": "a"},
        {"table": "t", "filters": [{"column": "a", "operator": "LIKE", "value": 1}]},
        {"table": "t", "filters": [{"operator": "=", "value": 1}]},
        {"table": "t", "filters": [{"column": "a", "value": 1}] * 21},
        {"table": "t", "order": [{"column": "a", "descending": "sideways"}]},
        {"table": "t", "missing_table": "shrug"},
    ],
)
def test_configurations_that_cannot_be(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QueryConfig.model_validate(config)


def test_reads() -> None:
    assert Query.effects == {Effect.READS_STATE}
    assert not Query.acts()
