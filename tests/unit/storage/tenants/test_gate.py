import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.database.attacks import ATTACKS
from tests.support.legit_queries import BARS, QUERIES, TRADES
from tradeloom.errors import QueryRefused
from tradeloom.storage.tenants.gate import judge
from tradeloom.storage.tenants.gate.functions import FUNCTIONS, IN_RECURSION
from tradeloom.storage.tenants.gate.words import DISGUISES
from tradeloom.storage.tenants.parameters import bind

TABLES = {"trades": TRADES, "bars": BARS}
BEYOND = [attack for attack in ATTACKS if attack.ends == {"QueryRefused"}]


def ask(sql: str, **parameters: Any) -> None:
    judge(bind(sql, parameters), TABLES)


@pytest.mark.parametrize("name", QUERIES)
def test_lets_through_what_a_trader_asks(name: str) -> None:
    sql, parameters = QUERIES[name]
    ask(sql, **parameters)


@pytest.mark.parametrize("attack", BEYOND, ids=[f"{one.group}-{n}" for n, one in enumerate(BEYOND)])
def test_refuses_before_any_server_is_asked(attack: Any) -> None:
    with pytest.raises(QueryRefused) as refused:
        ask(attack.aimed("tl_mine", "tl_other"))
    assert refused.value.message
    assert refused.value.field


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM trades", "Only reading is allowed"),
        ("SELECT 1; SELECT 2", "one statement, not 2"),
        ("SELECT * FROM pg_class", "no table 'pg_class'"),
        ("SELECT * FROM public.trades", "schema in front"),
        ("SELECT pg_sleep(1)", "'pg_sleep' is not allowed"),
        ("SELECT * FROM trades FOR UPDATE", "FOR UPDATE"),
        ("SELECT * INTO x FROM trades", "SELECT INTO"),
        ("SELECT 'x'::regclass", "type 'regclass'"),
        ("SELECT t.row_to_json FROM trades t", "no column 'row_to_json'"),
        ("SELEC 1", "This is not SQL"),
        ("SELECT lpad('x', 10000)", "a length"),
        ("SELECT generate_series(1, 1000000)", "steps apart"),
        ("SELECT 2 ^ 100", "exponent"),
        ("SELECT current_user", "session"),
        ("SELECT xmin FROM trades", "system column"),
    ],
)
def test_says_what_is_wrong(sql: str, told: str) -> None:
    with pytest.raises(QueryRefused, match=told):
        ask(sql)


def test_a_table_of_ones_own_may_be_called_as_a_function() -> None:
    """A column's name is its own where the table has such a column, whatever functions are called."""
    judge(bind("SELECT t.row_to_json FROM t", {}), {"t": ["row_to_json"]})


def test_recursive_functions_are_among_those_allowed() -> None:
    assert set(FUNCTIONS) >= IN_RECURSION
    assert not DISGUISES & IN_RECURSION


@pytest.mark.parametrize(
    ("inner", "levels", "passes"),
    [("a AS a", 12, True), ("a + 1 AS a", 12, True), ("a + a AS a", 8, True), ("a + a AS a", 15, False)],
)
def test_growth_counts_what_multiplies(inner: str, levels: int, passes: bool) -> None:
    sql = "SELECT id AS a FROM trades"
    for _ in range(levels):
        sql = f"SELECT {inner} FROM ({sql}) x"
    if passes:
        ask(sql)
    else:
        with pytest.raises(QueryRefused, match="too large"):
            ask(sql)


FRAGMENTS = """
SELECT FROM trades t WHERE pg_sleep(1) ; -- /* */ $$ ' " ( ) , * :: regclass DELETE INTO OTHER.secrets UNION ALL WITH x
AS VALUES 1 'a' \\ E' U&' = :p %(p)s $1 FOR UPDATE pg_class . row_to_json LATERAL ROWS NULL
"""
WORDS = st.sampled_from([*FRAGMENTS.split(), "\n", " "])


@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(string.printable, max_size=200) | st.text(max_size=60))
def test_answers_any_text_by_passing_or_refusing(sql: str) -> None:
    try:
        ask(sql, p=1)
    except QueryRefused:
        return
    lowered = sql.lower()
    assert "select" in lowered or "values" in lowered or "table" in lowered
