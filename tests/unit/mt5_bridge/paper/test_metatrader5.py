"""The module's surface against the reference list of the real package."""

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt5_bridge.paper import constants, metatrader5, structs
from mt5_bridge.paper.rates import RATES_DTYPE, TICKS_DTYPE

REFERENCE = Path(__file__).parents[1] / "mt5_api.json"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(REFERENCE.read_text())
    return loaded


def test_every_function_is_there(reference: dict[str, Any]) -> None:
    assert len(reference["functions"]) == 35
    for name in reference["functions"]:
        assert callable(getattr(metatrader5, name))


def test_the_constants_are_exactly_the_packages(reference: dict[str, Any]) -> None:
    ours = {name: value for name, value in vars(constants).items() if name.isupper()}
    assert ours == reference["constants"]
    assert all(getattr(metatrader5, name) == value for name, value in reference["constants"].items())


def test_the_structs_are_the_packages_field_for_field(reference: dict[str, Any]) -> None:
    assert {struct.__name__ for struct in structs.STRUCT_TYPES} == set(reference["namedtuples"])
    kinds = {"int": int, "float": float, "str": str, "bool": bool, "TradeRequest": structs.TradeRequest}
    for struct in structs.STRUCT_TYPES:
        fields = [(f["name"], kinds[f["python_type"]]) for f in reference["namedtuples"][struct.__name__]["fields"]]
        assert list(inspect.get_annotations(struct).items()) == fields


def test_the_arrays_have_the_packages_layout(reference: dict[str, Any]) -> None:
    for dtype, name in ((RATES_DTYPE, "rates"), (TICKS_DTYPE, "ticks")):
        assert dtype.fields is not None
        layout = [[field, kind.str, offset] for field, (kind, offset, *_) in dtype.fields.items()]
        assert layout == reference["dtypes"][name]["fields"]
        assert dtype.itemsize == reference["dtypes"][name]["itemsize"]


def test_the_request_fields_are_the_packages(reference: dict[str, Any]) -> None:
    fields = [field["name"] for field in reference["order_request"]["fields"]]
    assert fields == list(structs.TradeRequest._fields)


def test_structs_behave_like_struct_sequences() -> None:
    tick = structs.Tick(1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0)
    assert tick._asdict()["ask"] == tick[2] == 1.2
    assert repr(tick).startswith("Tick(time=1, bid=1.1,")
    with pytest.raises(pickle.PicklingError, match="builtins"):
        pickle.dumps(tick)


def test_before_initialize_every_call_fails_with_no_connection() -> None:
    calls: list[tuple[Any, tuple[Any, ...], Any]] = [
        (metatrader5.account_info, (), None),
        (metatrader5.terminal_info, (), None),
        (metatrader5.version, (), None),
        (metatrader5.symbol_info, ("EURUSD",), None),
        (metatrader5.symbol_select, ("EURUSD", True), False),
        (metatrader5.market_book_add, ("EURUSD",), False),
        (metatrader5.positions_get, (), None),
        (metatrader5.order_send, ({},), None),
        (metatrader5.copy_rates_from_pos, ("EURUSD", 1, 0, 1), None),
        (metatrader5.login, (1,), False),
    ]
    for function, arguments, failure in calls:
        assert function(*arguments) is failure
        assert metatrader5.last_error() == (-10004, "No IPC connection")


def test_initialize_says_why_it_failed(tmp_path: Path) -> None:
    assert metatrader5.initialize(str(tmp_path)) is False
    code, message = metatrader5.last_error()
    assert code == -10003
    assert "paper.json" in message
    assert metatrader5.initialize(None) is False
    assert metatrader5.last_error() == (-2, 'Invalid "path" argument')


def test_records_of_rates_are_plain_numpy() -> None:
    assert np.zeros(1, RATES_DTYPE).nbytes == 60
