"""What a client sends is read as data: its own texts are understood, everything else is refused."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge.compat.parsing import MAX_TEXT, Call, check_statement, parse_call
from tests.support import exam
from tradeloom.errors import InvalidInput

zones = st.none() | st.just(UTC) | st.builds(
    timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(lambda d: timedelta(seconds=d.seconds))
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.builds(lambda moment, fold: moment.replace(fold=fold), st.datetimes(timezones=zones), st.integers(0, 1))
)
requests = st.dictionaries(st.text(max_size=12), scalars, max_size=6)


@given(arguments=st.lists(scalars, max_size=4).map(tuple), options=st.dictionaries(st.text(max_size=9), scalars))
def test_what_the_client_writes_is_read_back(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    """By `repr`, as 1.0.11 does it for most functions."""
    text = f"mt5.positions_get(*{arguments},**{options})"
    if len(text) > MAX_TEXT:
        return
    assert parse_call(text) == Call("positions_get", arguments, options)


@given(requests)
def test_so_is_a_trade_request(request: dict[str, Any]) -> None:
    assert parse_call(f"mt5.order_send({request})") == Call("order_send", (request,), {})


def test_the_other_forms_of_the_client_are_read() -> None:
    moment = datetime(2024, 1, 8, 12, tzinfo=timezone(timedelta(hours=-5), "EST"))
    assert parse_call(f'mt5.copy_rates_from("EURUSD", 16385, {moment!r}, 10)') == Call(
        "copy_rates_from", ("EURUSD", 16385, moment, 10), {}
    )
    assert parse_call('mt5.copy_rates_from_pos("EURUSD",1,0,5000)').arguments == ("EURUSD", 1, 0, 5000)


REFUSED = [
    "__import__('os').system('true')",
    "().__class__.__mro__",
    "mt5",
    "mt5.account_info",
    "mt5.account_info.__globals__",
    "mt5.account_info().balance",
    "mt5.__dict__['account_info']()",
    "mt5.a.b()",
    "mt5['account_info']()",
    "os.account_info()",
    "mt5.positions_get(symbol=open('x').read())",
    "mt5.positions_get(*open('x'))",
    "mt5.positions_get(*[1])",
    "mt5.positions_get(*mt5.orders_get())",
    "mt5.positions_get(**mt5.orders_get())",
    "mt5.positions_get((1, 2))",
    "mt5.positions_get([1])",
    "mt5.positions_get({1: 2})",
    "mt5.positions_get({'a': {'b': 1}})",
    "mt5.positions_get({**{'a': 1}})",
    "mt5.positions_get(b'x')",
    "mt5.positions_get('\\ud800')",
    "mt5.positions_get(1j)",
    "mt5.positions_get(...)",
    "mt5.positions_get(f'{1}')",
    "mt5.positions_get(1 + 1)",
    "mt5.positions_get(1 if 1 else 2)",
    "mt5.positions_get(lambda: 1)",
    "mt5.positions_get([x for x in ()])",
    "mt5.positions_get((x := 1))",
    "mt5.positions_get(-True)",
    "mt5.positions_get(-'a')",
    "mt5.positions_get(--1)",
    "mt5.positions_get(~1)",
    "mt5.positions_get(1e999)",
    "mt5.positions_get(-1e999)",
    "mt5.positions_get(inf)",
    "mt5.positions_get(nan)",
    "mt5.positions_get(np.float64(1.1))",
    "mt5.positions_get(datetime)",
    "mt5.positions_get(datetime.datetime)",
    "mt5.positions_get(datetime.datetime.now())",
    "mt5.positions_get(datetime.datetime(1, 2))",
    "mt5.positions_get(datetime.datetime(0, 0, 0))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8.5))",
    "mt5.positions_get(datetime.datetime(2024, 1, True))",
    "mt5.positions_get(datetime.datetime('0123456789'))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, fold=2))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, tzinfo=mt5.x()))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, tzinfo=datetime.timezone(datetime.timedelta(days=9))))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, tzinfo=datetime.timezone(datetime.timedelta(seconds=1.5))))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, tzinfo=datetime.timezone(datetime.timedelta(1), 2)))",
    "mt5.positions_get(datetime.datetime(2024, 1, 8, tzinfo=<UTC>))",
    "mt5.positions_get(); import os",
    "mt5.positions_get()\nmt5.orders_get()",
    "await mt5.positions_get()",
    "mt5.positions_get(" + "9" * 2_900 + ")",
    "mt5.positions_get(" + "-" * 2_900 + "1)",
    "mt5.positions_get(" + "(" * 2_900 + ")",
    "mt5.positions_get(" + "[" * 150 + "]" * 150 + ")",
    "mt5.positions_get('" + "x" * MAX_TEXT + "')",
    "mt5.positions_get('\0')\0",
    "",
    "\ud800",
]


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_call(text)


@pytest.mark.parametrize("text", [None, 1, b"mt5.account_info()", ("mt5.account_info()",)])
def test_only_texts_are_read(text: Any) -> None:
    with pytest.raises(InvalidInput):
        parse_call(text)
    with pytest.raises(InvalidInput):
        check_statement(text)


PIECES = [
    *(
        "mt5",
        ".",
        "account_info",
        "(",
        ")",
        "*",
        "**",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "=",
        "'a'",
        "1",
        "-",
        "1.5",
        "None",
    ),
    *("datetime", "datetime.datetime", "tzinfo=", "lambda", " for ", " in ", "#", "\\", "0x", "e9", '"""', "f'"),
    *(" is ", " and ", ";", ":=", "await ", " ", "\n", "\0"),
]
pieces = st.sampled_from(PIECES)


@given(st.lists(pieces, max_size=40).map("".join) | st.text(max_size=60))
@pytest.mark.exam
@settings(max_examples=exam.sized(300, 30_000), deadline=None)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        call = parse_call(text)
    except InvalidInput:
        return
    assert text.lstrip().startswith(("mt5", "("))
    assert call.function.isidentifier()


def test_only_the_statements_the_client_opens_with_pass() -> None:
    for statement in ("import sys; sys.path.append('C:\\\\mt5libs')", "import MetaTrader5 as mt5", "import datetime"):
        check_statement(statement)
    for other in ("import os", "import datetime, os", "import datetime\nimport os", "import datetime ", "x = 1", ""):
        with pytest.raises(InvalidInput, match="no statements"):
            check_statement(other)
