"""The paper terminal called the way the reference list says the real package is called, entry by entry of the list:
how each function takes its arguments, what it answers, how it fails, of what types everything is."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper import metatrader5
from mt5_bridge.paper.structs import STRUCT_TYPES, TradeRequest
from tests.unit.mt5_bridge.paper.conftest import MONDAY, symbol_config, write_csv

package: Any = metatrader5

API: dict[str, Any] = json.loads((Path(__file__).parents[1] / "mt5_api.json").read_text())
FUNCTIONS: dict[str, Any] = API["functions"]
FIELDS: list[dict[str, str]] = API["order_request"]["fields"]

START = int(MONDAY.timestamp())
LATER = START + 10 * 3_600
H1 = mt5.TIMEFRAME_H1
BUY_NOW = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "deviation": 50}
KINDS = {"int": int, "float": float, "str": str, "bool": bool, "TradeRequest": TradeRequest}

GOOD: dict[str, tuple[Any, ...]] = {
    "login": (1,),
    "copy_ticks_from": ("EURUSD", START, 5, mt5.COPY_TICKS_ALL),
    "copy_ticks_range": ("EURUSD", START, LATER, mt5.COPY_TICKS_ALL),
    "copy_rates_from": ("EURUSD", H1, LATER, 5),
    "copy_rates_from_pos": ("EURUSD", H1, 0, 5),
    "copy_rates_range": ("EURUSD", H1, START, LATER),
    "history_orders_total": (0, 2**40),
    "history_orders_get": (0, 2**40),
    "history_deals_total": (0, 2**40),
    "history_deals_get": (0, 2**40),
    "order_check": (BUY_NOW,),
    "order_send": (BUY_NOW,),
    "order_calc_margin": (0, "EURUSD", 0.1, 1.1),
    "order_calc_profit": (0, "EURUSD", 0.1, 1.1, 1.2),
    "symbol_info": ("EURUSD",),
    "symbol_info_tick": ("EURUSD",),
    "symbol_select": ("EURUSD", True),
    "market_book_add": ("EURUSD",),
    "market_book_release": ("EURUSD",),
    "market_book_get": ("EURUSD",),
    "Buy": ("EURUSD", 0.1),
    "Sell": ("EURUSD", 0.1),
    "Close": ("EURUSD",),
}
"""A call of each function that takes arguments, on the terminal below."""

NO_DEPTH = {"market_book_add", "market_book_release", "market_book_get"}
"""What these answer on a symbol that has no market depth is a failure, in the real package too."""

names = pytest.mark.parametrize("name", FUNCTIONS)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Path]:
    """The module itself, on a terminal with a position, an order and a history."""
    bars = [(1.1, 1.101, 1.099, 1.1)] * 30
    config = {
        "accounts": [{"login": 1, "balance": "10000", "password": "secret"}],
        "symbols": [symbol_config(write_csv(tmp_path / "EURUSD.csv", bars), execution="market")],
        "clock": {"start": MONDAY.isoformat()},
    }
    (tmp_path / "paper.json").write_text(json.dumps(config))
    assert package.initialize(str(tmp_path), login=1, password="secret", timeout=1_000, portable=True)
    assert package.SESSION.terminal is not None
    assert package.order_send(BUY_NOW).retcode == mt5.TRADE_RETCODE_DONE
    resting = {"action": 5, "symbol": "EURUSD", "volume": 0.1, "type": mt5.ORDER_TYPE_BUY_LIMIT, "price": 1.05}
    assert package.order_send(resting | {"type_filling": 2}).retcode == mt5.TRADE_RETCODE_DONE
    package.SESSION.terminal.advance(MONDAY + timedelta(hours=5))
    yield tmp_path
    package.shutdown()


def test_the_list_is_whole() -> None:
    assert (len(FUNCTIONS), len(API["constants"]), len(API["namedtuples"]), len(API["retcodes"])) == (35, 223, 11, 41)
    own = {name for name in vars(package) if callable(getattr(package, name)) and name[0] != "_"}
    imported = {struct.__name__ for struct in STRUCT_TYPES}
    helpers = {"ConnectionCalls", "MarketCalls", "TradeCalls", "Session", "Any"}
    assert own - imported - helpers == set(FUNCTIONS)


@names
def test_arguments_are_taken_as_the_package_takes_them(terminal: Path, name: str) -> None:
    function, mode = getattr(package, name), FUNCTIONS[name]["args"]
    if mode == "NOARGS":
        for arguments, named in (((1,), {}), ((), {"a": 1})):
            with pytest.raises(TypeError):
                function(*arguments, **named)
    elif mode == "VARARGS":
        with pytest.raises(TypeError):
            function(*GOOD[name], unexpected=1)
        for wrong in ((), (*GOOD[name], 1, 2)):
            assert function(*wrong) in (None, False)
            assert package.last_error()[0] == mt5.RES_E_INVALID_PARAMS


@names
def test_before_initialize_nothing_is_reached(name: str) -> None:
    package.shutdown()
    if name in ("initialize", "shutdown", "last_error"):
        return
    failure = False if FUNCTIONS[name]["returns"] == "bool" else None
    assert getattr(package, name)(*GOOD.get(name, ())) is failure
    assert package.last_error() == (mt5.RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")


@names
def test_answers_are_of_the_packages_types(terminal: Path, name: str) -> None:
    arguments, named = GOOD.get(name, ()), {}
    if name == "initialize":
        arguments = (str(terminal),)
    elif name == "login":
        named = {"password": "secret"}
    answer = getattr(package, name)(*arguments, **named)
    returns = FUNCTIONS[name]["returns"]
    if name in NO_DEPTH:
        assert answer is (False if returns == "bool" else None)
        assert package.last_error() == (mt5.RES_E_FAIL, "Terminal: Call failed")
        return
    check_answer(answer, returns)
    if name not in ("shutdown", "last_error"):
        assert package.last_error() == (mt5.RES_S_OK, "Success")


def check_answer(answer: Any, returns: str) -> None:
    match returns.removesuffix("|None"):
        case "None":
            assert answer is None
        case "bool" | 'True|False|"Partially"':
            assert answer is True
        case "int" | "float" as kind:
            assert type(answer) is KINDS[kind]
        case "ndarray[ticks]" | "ndarray[rates]" as array:
            check_array(answer, API["dtypes"][array[8:-1]])
        case "tuple(int terminal_version,int build,str release_date)":
            assert [type(value) for value in answer] == [int, int, str]
        case "tuple(int code,str description)":
            assert [type(value) for value in answer] == [int, str]
        case structs if structs.startswith("tuple["):
            assert type(answer) is tuple
            assert answer
            for value in answer:
                check_struct(value, structs[6:-1])
        case struct:
            check_struct(answer, struct)


def check_array(array: Any, layout: dict[str, Any]) -> None:
    assert [[name, kind.str, at] for name, (kind, at, *_) in array.dtype.fields.items()] == layout["fields"]
    assert (array.dtype.itemsize, array.flags.owndata, array.flags.writeable) == (layout["itemsize"], True, True)
    assert len(array) > 1


def check_struct(value: Any, name: str) -> None:
    """Every field in its place and of exactly its type: a numpy scalar or a bool for an int would not do."""
    assert type(value).__name__ == name
    fields = API["namedtuples"][name]["fields"]
    assert [field["name"] for field in fields] == list(value._asdict())
    for field, item in zip(fields, value, strict=True):
        assert type(item) is KINDS[field["python_type"]], f"{name}.{field['name']} is {item!r}"
    if name == "OrderSendResult":
        check_struct(value.request, "TradeRequest")


def test_every_struct_that_can_be_met_is_of_the_packages_types(terminal: Path) -> None:
    history = (0, 2**40)
    met = [
        package.terminal_info(),
        package.account_info(),
        package.symbol_info("EURUSD"),
        package.symbol_info_tick("EURUSD"),
        package.order_check(BUY_NOW),
        package.order_send(BUY_NOW),
        package.order_send({}),
        *package.positions_get(),
        *package.orders_get(),
        *package.history_orders_get(*history),
        *package.history_deals_get(*history),
    ]
    for struct in met:
        check_struct(struct, type(struct).__name__)
    assert {type(struct).__name__ for struct in met} | {"BookInfo"} >= set(API["namedtuples"]) - {"TradeRequest"}


# The request


BAD: dict[str, list[Any]] = {
    "float": [1, "1.0", None, np.float32(1), np.int64(1), True, [1.0]],
    "int": [1.0, "1", None, np.int64(1), np.uint32(1), np.float64(1)],
    "str": [1, None, b"EURUSD", "x" * 30, "\ud800", ["EURUSD"]],
}
LIMITS = {"uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1)}


@pytest.mark.parametrize("field", FIELDS, ids=[field["name"] for field in FIELDS])
def test_each_field_of_a_request_is_as_strict_as_in_the_package(terminal: Path, field: dict[str, str]) -> None:
    name, kind = field["name"], field["required_python_type"].split()[0]
    for call in (package.order_send, package.order_check):
        low, high = LIMITS.get(field["wire"], (0, 0))
        out_of_range = [low - 1, high + 1] if kind == "int" else []
        for value in [*BAD[kind], *out_of_range]:
            assert call(BUY_NOW | {name: value}) is None, value
            assert package.last_error() == (mt5.RES_E_INVALID_PARAMS, f'Invalid "{name}" argument')
        good: dict[str, list[Any]] = {
            "int": [low, high, True],
            "float": [0.0, np.float64(1.5), -1.0],
            "str": ["", "x" * 29],
        }
        for value in good[kind]:
            answer = call(BUY_NOW | {name: value})
            assert answer is not None
            assert getattr(answer.request, name) == value
            assert type(getattr(answer.request, name)) is KINDS[kind]


def test_what_a_request_leaves_out_is_zero_and_what_it_adds_is_ignored(terminal: Path) -> None:
    answer = package.order_check({"unknown": object(), 5: None})
    assert answer.request._asdict() == {
        field["name"]: KINDS[field["required_python_type"].split()[0]]() for field in FIELDS
    }
    assert answer.retcode == mt5.TRADE_RETCODE_INVALID
    assert list(answer.request._asdict()) == [field["name"] for field in FIELDS]
    assert package.order_check(request=BUY_NOW).retcode == 0
    assert package.order_check([("action", 1)]) is None
    assert package.order_check(BUY_NOW, BUY_NOW) is None
    assert package.order_check() is None


# Anything at all


junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**400, START, LATER, H1, 1, 0, -1, mt5.COPY_TICKS_ALL]),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["EURUSD", "*", "EUR*,!*", "\ud800", "\0", np.int64(3), np.nan, object(), MONDAY, b"", (), {}, []]),
)
KEYWORDS = {
    "initialize": ("path", "login", "password", "server", "timeout", "portable"),
    "login": ("login", "password", "server", "timeout"),
    "order_send": ("request",),
    "order_check": ("request",),
}
SAFE = [name for name in FUNCTIONS if name not in ("initialize", "shutdown")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_argument_whatever_makes_a_call_raise(terminal: Path, data: st.DataObject) -> None:
    """TypeError is for the wrong way of passing arguments, and only that. Everything else is an answer or a failure
    with a code, after which the terminal is as it was."""
    name = data.draw(st.sampled_from(SAFE))
    function, mode = getattr(package, name), FUNCTIONS[name]["args"]
    if mode == "python":
        return
    arguments: Any = data.draw(st.lists(junk, max_size=5)) if mode != "NOARGS" else []
    named: dict[str, Any] = {}
    if "KEYWORDS" in mode:
        known = KEYWORDS.get(name, ("symbol", "ticket", "group", "position", "date_from"))
        named = data.draw(st.dictionaries(st.sampled_from(known), junk, max_size=3))
    before = package.SESSION.terminal
    good = GOOD.get(name, ())
    if data.draw(st.booleans()) and good:
        spoilt = data.draw(st.integers(0, len(good) - 1))
        arguments = [*good[:spoilt], data.draw(junk), *good[spoilt + 1 :]]
    answer = function(*arguments, **named)
    code, message = package.last_error()
    assert (type(code), type(message)) == (int, str)
    if answer is None or answer is False:
        assert code != mt5.RES_S_OK
    assert package.SESSION.terminal is before
    assert package.account_info().login == 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=st.dictionaries(st.sampled_from([field["name"] for field in FIELDS] or [""]), junk))
def test_no_request_whatever_makes_a_call_raise(terminal: Path, request: dict[str, Any]) -> None:
    for given_request in (request, BUY_NOW | request):
        answer = package.order_check(given_request)
        assert answer is not None or package.last_error()[0] == mt5.RES_E_INVALID_PARAMS
        answer = package.order_send(given_request)
        assert answer is not None or package.last_error()[0] == mt5.RES_E_INVALID_PARAMS


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"login": "1"}, "login"),
        ({"login": 1, "password": 5}, "password"),
        ({"login": 1, "server": None}, "server"),
        ({"timeout": 1.5}, "timeout"),
        ({"portable": "yes"}, "portable"),
    ],
)
def test_initialize_checks_its_options(terminal: Path, options: dict[str, Any], field: str) -> None:
    assert package.initialize(str(terminal), **options) is False
    assert package.last_error() == (mt5.RES_E_INVALID_PARAMS, f'Invalid "{field}" argument')


def test_initialize_takes_its_path_by_name_and_finds_no_terminal_without_one(terminal: Path) -> None:
    assert package.initialize(path=str(terminal)) is True
    assert package.initialize() is False
    assert package.last_error()[0] == mt5.RES_E_INTERNAL_FAIL_INIT
    for impossible in ("\0", "x" * 10_000, ""):
        assert package.initialize(impossible) is False
        assert package.last_error()[0] == mt5.RES_E_INTERNAL_FAIL_INIT
    assert package.account_info() is None
