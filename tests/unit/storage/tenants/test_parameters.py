from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tradeloom.errors import QueryRefused
from tradeloom.nodes.tenant_database import MAX_SQL
from tradeloom.storage.tenants.numerals import is_huge_number
from tradeloom.storage.tenants.parameters import bind


@pytest.mark.parametrize(
    ("sql", "text", "values"),
    [
        ("SELECT :a", "SELECT  $1 ", [1]),
        ("SELECT %(a)s", "SELECT  $1 ", [1]),
        ("SELECT :b, :a, :b", "SELECT  $1 ,  $2 ,  $1 ", ["two", 1]),
        ("SELECT 1 WHERE 1=%(a)s", "SELECT 1 WHERE 1= $1 ", [1]),
        ("SELECT :a::text", "SELECT  $1 ::text", [1]),
        ("SELECT ':b', \":b\", $$:b$$, E'\\':b' -- :b\n, :a /* :b */", None, [1]),
        ("SELECT 'é%(b)s', :a", "SELECT 'é%(b)s',  $1 ", [1]),
        ("SELECT 5 % (2), :a", "SELECT 5 % (2),  $1 ", [1]),
        ("SELECT x[1 : 2], :a", "SELECT x[1 : 2],  $1 ", [1]),
        ("SELECT :select", "SELECT  $1 ", [3]),
    ],
)
def test_finds_parameters_where_sql_has_them(sql: str, text: str | None, values: list[Any]) -> None:
    known = {"a": 1, "b": "two", "select": 3}
    wanted = {name: value for name, value in known.items() if value in values}
    statement = bind(sql, wanted)
    assert list(statement.values) == values
    if text is not None:
        assert statement.text == text
    else:
        assert statement.text.count("$1") == 1
        assert ":b" in statement.text


@pytest.mark.parametrize(
    ("sql", "parameters", "told"),
    [
        ("SELECT :a", {}, ":a, which has no value"),
        ("SELECT 1", {"a": 1}, "does not name it"),
        ("SELECT $1", {"a": 1}, "Parameters have names"),
        ("", {}, "no SQL"),
        ("  \n", {}, "no SQL"),
        ("SELECT '" + "x" * MAX_SQL + "'", {}, "characters"),
        ("SELECT 1\x00", {}, "control character"),
        ("SELECT '\ud800'", {}, "surrogate"),
        ("SELECT " + "(" * 60 + "1" + ")" * 60, {}, "nests"),
        ("SELECT " + "1," * 3_000 + "1", {}, "words and signs"),
        ("SELECT 'x", {}, "This is not SQL"),
        ("SELECT :a", {"a": float("nan")}, "finite"),
        ("SELECT :a", {"a": float("inf")}, "finite"),
        ("SELECT :a", {"a": 10**31}, "30 digits"),
        ("SELECT :a", {"a": "x" * 20_000}, "characters"),
        ("SELECT :a", {"a": "\x00"}, "cannot keep"),
        ("SELECT :a", {"a": "\udfff"}, "cannot keep"),
        ("SELECT :a", {"a": "1e100000"}, "too many digits"),
        ("SELECT :a", {"a": [1, "x"]}, "mixes"),
        ("SELECT :a", {"a": {"x": float("nan")}}, "no JSON"),
        ("SELECT :a", {"a": list(range(2_000))}, "more than 1,000"),
        ("SELECT :a", {"a": {"x": "\x00"}}, "cannot keep"),
        ("SELECT :a", {"a": {"x": "y" * 20_000}}, "too large"),
    ],
)
def test_refuses(sql: str, parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(QueryRefused, match=told) as refused:
        bind(sql, parameters)
    assert refused.value.field or "words" in told


def test_an_object_goes_as_jsonb_and_a_list_as_an_array() -> None:
    statement = bind("SELECT :a, :b, :c, :d", {"a": {"x": 1}, "b": [1, 2.5, None], "c": True, "d": [{"x": 1}]})
    assert isinstance(statement.values[0], Jsonb)
    assert list(statement.values[1:3]) == [[1.0, 2.5, None], True]
    assert isinstance(statement.values[3], Jsonb)


@given(st.text(max_size=300))
def test_a_value_never_becomes_part_of_the_text(value: str) -> None:
    try:
        statement = bind("SELECT * FROM t WHERE a = :a", {"a": value})
    except QueryRefused:
        return
    assert statement.text == "SELECT * FROM t WHERE a =  $1 "
    assert statement.values == [value]


@pytest.mark.parametrize(
    ("text", "huge"),
    [
        ("1e400", True),
        ("1e-400", True),
        ("9" * 70, True),
        ("0x" + "f" * 70, True),
        ("1_" * 40 + "1", True),
        (" 1E131071 ", True),
        ("1e300", False),
        ("123456789.123456789", False),
        ("EURUSD", False),
        ("2026-01-05T09:00:00Z", False),
        ("", False),
        ("e" * 100, False),
    ],
)
def test_numerals_of_many_digits(text: str, huge: bool) -> None:
    assert is_huge_number(text) is huge
