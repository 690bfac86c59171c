"""What a session answers besides orders, and what of it a client can take hold of."""

import ast
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import mt5_bridge.compat
from mt5_bridge.compat.arrays import records_for_client
from mt5_bridge.compat.functions import READS
from mt5_bridge.compat.objects import Dict, Function, Lent, Records, Struct, Walk
from mt5_bridge.compat.reads import ReadFailed, ScriptReads, decode_read, encode_read
from tests.unit.mt5_bridge.compat.conftest import LOGIN, START, Script, Stage
from tradeloom.errors import BrokerError, InvalidInput, StorageUnavailable

NOW = int(START.timestamp())
CALLS: dict[str, tuple[Any, ...]] = {
    "symbol_info": ("EURUSD",),
    "symbol_info_tick": ("EURUSD",),
    "symbol_select": ("EURUSD", True),
    "copy_rates_from": ("EURUSD", 16385, START, 5),
    "copy_rates_from_pos": ("EURUSD", 16385, 0, 5),
    "copy_rates_range": ("EURUSD", 16385, NOW - 36_000, NOW),
    "copy_ticks_from": ("EURUSD", 0, 5, -1),
    "copy_ticks_range": ("EURUSD", 0, NOW, -1),
    "order_calc_margin": (0, "EURUSD", 0.1, 1.1),
    "order_calc_profit": (0, "EURUSD", 0.1, 1.1, 1.2),
    "order_check": ({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001},),
    "history_orders_total": (0, NOW),
    "history_orders_get": (0, NOW),
    "history_deals_total": (0, NOW),
    "history_deals_get": (0, NOW),
}
NO_DEPTH = {"market_book_add", "market_book_get", "market_book_release"}


@pytest.mark.parametrize("function", sorted(READS.keys() - NO_DEPTH))
def test_every_read_answers_what_the_terminal_answers(stage: Stage, script: Script, function: str) -> None:
    script.order()
    arguments = CALLS.get(function, ())
    found = script.call(function, *arguments)
    assert script.error == (1, "Success")
    given_seconds = [NOW if value is START else value for value in arguments]
    true = getattr(stage.module, function)(*given_seconds)
    if isinstance(found, Records):
        assert pickle.loads(found.pickled()).tolist() == true.tolist()
    elif isinstance(found, Struct):
        assert found.plain() == tuple(tuple(v) if isinstance(v, tuple) else v for v in true)
        assert found.fields == tuple(true._asdict())
    elif isinstance(found, tuple) and found and isinstance(found[0], Struct):
        own = ("magic", "comment")
        hidden = [{k: v for k, v in struct.as_dict().items() if k not in own} for struct in found]
        assert hidden == [{k: v for k, v in row._asdict().items() if k not in own} for row in true]
    else:
        assert found == true


def test_what_the_terminal_does_not_have_fails_with_its_words(script: Script) -> None:
    assert (script.call("symbol_info", "XAUUSD"), script.error) == (None, (-4, "Terminal: Not found"))
    assert (script.call("symbol_select", "XAUUSD", True), script.error[0]) == (False, -1)
    for function in NO_DEPTH:
        assert not script.call(function, "EURUSD")
        assert script.error[0] == -1
    assert script.call("positions_get") == ()
    assert script.error == (1, "Success")


def test_wrong_arguments_fail_as_in_the_package(script: Script) -> None:
    for function, arguments in (
        ("symbol_info", ()),
        ("symbol_info", (1,)),
        ("copy_rates_from_pos", ("EURUSD", 16385, 0, 5, 6)),
        ("copy_rates_from_pos", ("EURUSD", 16385, "0", 5)),
        ("history_deals_get", ()),
        ("order_check", (1,)),
        ("copy_rates_from_pos", ("EURUSD", 16385, 0, 2**63)),
    ):
        assert script.call(function, *arguments) is None
        assert script.error[0] == -2, function


def test_options_the_package_does_not_know_are_refused(script: Script) -> None:
    assert script.call("positions_get", symbl="EURUSD") is None
    assert "positions_get" in script.error[1]


def test_symbols_are_shown_not_hidden(script: Script) -> None:
    assert script.call("symbol_select", "EURUSD") is True
    assert script.call("symbol_select", "EURUSD", False) is False
    assert "hides no symbols" in script.error[1]


def test_a_session_begins_and_ends_as_in_the_package(stage: Stage) -> None:
    script = stage.script()
    assert (script.call("shutdown"), script.call("account_info"), script.error[0]) == (None, None, -10004)
    assert (script.order(), stage.deals) == (None, [])
    assert script.call("initialize", "C:\\MT5\\terminal64.exe", login=LOGIN, password="x", server="y", timeout=5)
    assert script.call("account_info")["login"] == LOGIN
    assert (script.call("login", LOGIN, password="x"), script.error) == (True, (1, "Success"))
    assert (script.call("login", 7), script.error) == (False, (-6, "Terminal: Authorization failed"))
    assert script.call("initialize", login=7) is False


@pytest.mark.parametrize(
    "text",
    ["mt5.Buy('EURUSD', 0.1)", "mt5.Close('EURUSD')", "mt5.advance(1)", "mt5.order_send.x()", "mt5.TIMEFRAME_H1"],
)
def test_there_are_no_other_functions(stage: Stage, script: Script, text: str) -> None:
    before = list(stage.module.calls)
    with pytest.raises(InvalidInput):
        script.session.evaluate(text)
    assert stage.module.calls == before


@given(
    name=st.sampled_from(["order_send", "Buy", "Sell", "Close", "shutdown", "initialize", "login", "__class__"])
    | st.text(max_size=12),
    options=st.dictionaries(st.text(max_size=8), st.integers(), max_size=2),
)
def test_the_worker_calls_nothing_that_is_not_on_the_list(name: str, options: dict[str, int]) -> None:
    class Trap:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was looked up")

    if name in READS:
        return
    with pytest.raises(InvalidInput):
        ScriptReads(Trap()).answer(encode_read(name, (), options))


def test_reads_are_reads() -> None:
    assert not READS.keys() & {"order_send", "Buy", "Sell", "Close", "initialize", "login", "shutdown"}


def test_an_answer_too_large_to_hand_over_is_a_failed_call() -> None:
    class Wide:
        def symbols_get(self) -> tuple[Any, ...]:
            return tuple(["x" * 1_000_000] * 9)

        def last_error(self) -> tuple[int, str]:
            return 1, "Success"

    with pytest.raises(ReadFailed) as failed:
        decode_read(ScriptReads(Wide()).answer(encode_read("symbols_get", (), {})))  # type: ignore[arg-type]
    assert failed.value.code == -3


def test_positions_are_not_shown_under_wrong_numbers_when_the_file_is_gone(stage: Stage, script: Script) -> None:
    script.order()

    def broken() -> Any:
        raise StorageUnavailable("the scripts' file cannot be used")

    stage.desk._open_store = broken
    assert script.call("positions_get") is None
    assert script.error == (-1, "the scripts' file cannot be used")
    assert script.order() is None
    assert len(stage.deals) == 1
    assert script.call("account_info")["login"] == LOGIN


def test_a_bug_of_ours_is_no_failed_call(stage: Stage, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed call means that nothing was sent."""
    monkeypatch.setattr(stage.desk, "send", lambda request, asker: 1 / 0)
    with pytest.raises(BrokerError, match="its log says more"):
        script.order()


class TestWhatIsLent:
    struct = Struct("Tick", ("time", "bid"), (5, 1.1))

    def test_a_struct_is_a_tuple_with_names(self) -> None:
        struct = self.struct
        assert (struct.attribute("bid"), struct.call("__getitem__", 1), struct.call("__len__")) == (1.1, 1.1, 2)
        assert struct.call("__getitem__", slice(0, 1)) == (5,)
        assert struct.compare((5, 1.1), "__eq__") is True
        assert struct.compare(Struct("Tick", ("time", "bid"), (6, 1.1)), "__lt__") is True
        assert repr(struct) == "Tick(time=5, bid=1.1)"
        as_dict = struct.call("_asdict")
        assert (as_dict.call("keys"), as_dict.call("items")) == (("time", "bid"), (("time", 5), ("bid", 1.1)))
        walk = struct.call("__iter__")
        assert (walk.call("__next__"), walk.call("__next__")) == (5, 1.1)
        with pytest.raises(StopIteration):
            walk.call("__next__")

    @pytest.mark.parametrize(
        "thing",
        [struct, Dict({"a": 1}), Walk((1,)), Function(lambda: 1), Records(b"", [("time", "<i8")], 0)],
        ids=lambda thing: thing.kind,
    )
    @pytest.mark.parametrize(
        "name",
        ["__class__", "__dict__", "__globals__", "__init__", "__reduce__", "__subclasshook__", "__func__", "values_",
         "methods", "kind", "call", "attribute", "received", "_content", "_on_received", "function", "x"],
    )  # fmt: skip
    def test_has_nothing_behind_it(self, thing: Lent, name: str) -> None:
        with pytest.raises(AttributeError):
            thing.attribute(name)
        with pytest.raises(AttributeError):
            thing.call(name)

    def test_is_compared_by_comparisons_only(self) -> None:
        for operator in ("__class__", "__getattribute__", "__reduce__", "__add__", "x"):
            with pytest.raises(AttributeError):
                self.struct.compare((), operator)


FIELDS = np.dtype([("time", "<i8"), ("open", "<f8"), ("spread", "<i4"), ("tick_volume", "<u8")])


@given(arrays.arrays(FIELDS, st.integers(0, 20), elements=st.tuples(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.integers(-(2**31), 0), st.integers(0, 2**64 - 1)
)))  # fmt: skip
def test_records_arrive_as_they_were(records: Any) -> None:
    fields = [(name, FIELDS[name].str) for name in FIELDS.names or ()]
    arrived = pickle.loads(records_for_client(records.tobytes(), fields))
    assert (arrived.dtype, arrived.tobytes()) == (FIELDS, records.tobytes())
    assert arrived.flags.writeable


def test_nothing_is_executed_unpickled_or_looked_up_by_a_clients_name() -> None:
    """By search: the only name of an attribute that does not stand in the source is a function's of the list."""
    words = {"exec", "eval", "compile", "__import__", "loads", "import_module", "getattr", "setattr", "globals"}
    found = []
    for path in sorted(Path(mt5_bridge.compat.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "id", None) or getattr(node, "attr", None)
            if isinstance(node, ast.Name | ast.Attribute) and name in words:
                found.append((path.name, ast.unparse(node)))
    assert found == [
        ("objects.py", "getattr"),  # one of six comparisons of tuples
        ("reads.py", "json.loads"),
        ("reads.py", "json.loads"),
        ("reads.py", "getattr"),  # a function of the list
    ]
