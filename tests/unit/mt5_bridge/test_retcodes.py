"""Every retcode of the package is classified as `mt5_api.json`, read off the package, says."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge import constants, retcodes
from mt5_bridge.paper import constants as package
from mt5_bridge.retcodes import Verdict, pipe_is_suspect, verdict_of_last_error, verdict_of_retcode

REFERENCE = Path(__file__).with_name("mt5_api.json")

CLASSES = {
    "RETRY_REPRICE": [10004, 10020, 10021],
    "RETRY_BACKOFF": [10024],
    "REREAD_THEN_DECIDE": [10023, 10028, 10029],
    "UNKNOWN_RECONCILE": [10011, 10012, 10031],
    "DEFER_TO_SESSION": [10018],
    "FIX_THEN_RETRY_ONCE": [10030],
    "NOOP_SUCCESS": [10025],
    "NOOP_IF_CLOSING": [10036, 10039],
    "SUCCESS": [10009],
    "SUCCESS_PENDING": [10008],
    "PARTIAL": [10010],
    "FINAL_BAD_REQUEST": [10014, 10015, 10016, 10022, 10038],
    "FINAL_REJECT": [
        10006, 10007, 10013, 10017, 10019, 10026, 10027, 10032, 10033, 10034, 10035, 10040, 10041, 10042, 10043, 10044,
        10045, 10046,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "codes"), CLASSES.items())
def test_each_code_has_its_class(name: str, codes: list[int]) -> None:
    assert {verdict_of_retcode(code) for code in codes} == {Verdict[name]}


def test_every_code_of_the_package_is_classified() -> None:
    named = {value for name, value in vars(package).items() if name.startswith("TRADE_RETCODE_")}
    assert len(named) == 40
    assert named <= {code for codes in CLASSES.values() for code in codes} == set(retcodes._RETCODES)


def test_the_classes_are_the_reference_lists_code_by_code() -> None:
    listed = {int(code): entry["our_class"] for code, entry in json.loads(REFERENCE.read_text())["retcodes"].items()}
    assert {code: verdict.name for code, verdict in retcodes._RETCODES.items()} == listed


@given(st.integers())
def test_every_number_gets_a_verdict_and_an_unknown_one_is_never_taken_for_an_end(code: int) -> None:
    known = {code for codes in CLASSES.values() for code in codes}
    assert isinstance(verdict_of_retcode(code), Verdict)
    assert isinstance(verdict_of_last_error(code), Verdict)
    assert code in known or verdict_of_retcode(code) is Verdict.UNKNOWN_RECONCILE
    assert code in (-2, -8, -10003, -10004) or verdict_of_last_error(code) is Verdict.UNKNOWN_RECONCILE
    assert pipe_is_suspect(code) == (code <= -10000)


@pytest.mark.parametrize("code", [0, 1, 9999, 10005, 10037, 10047, 20000])
def test_codes_nobody_knows_are_reconciled(code: int) -> None:
    assert verdict_of_retcode(code) is Verdict.UNKNOWN_RECONCILE


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (-2, Verdict.NOT_SENT),
        (-8, Verdict.NOT_SENT),
        (-10003, Verdict.NOT_CONNECTED),
        (-10004, Verdict.NOT_CONNECTED),
        *((code, Verdict.UNKNOWN_RECONCILE) for code in (-10000, -10001, -10002, -10005, -1, 1, -3)),
    ],
)
def test_last_errors(code: int, verdict: Verdict) -> None:
    assert verdict_of_last_error(code) is verdict
    assert pipe_is_suspect(code) == (code <= -10000)


def test_our_constants_are_the_packages() -> None:
    ours = {name: value for name, value in vars(constants).items() if name.isupper() and isinstance(value, int)}
    filling_flags = {"SYMBOL_FILLING_FOK": 1, "SYMBOL_FILLING_IOC": 2}  # the package has no names for these
    assert {name: getattr(package, name) for name in ours if name not in filling_flags} | filling_flags == ours
    assert {f"TIMEFRAME_{name}": value for name, value in constants.TIMEFRAMES.items()} == {
        name: value for name, value in vars(package).items() if name.startswith("TIMEFRAME_")
    }
