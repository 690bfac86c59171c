"""What the desk does with each retcode, for every one there is: how often it sends, what it then says, and whether the
same id may ever be sent again. The table is the class's documented behaviour, not the code's."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from mt5_bridge.retcodes import _RETCODES, Verdict
from tests.unit.mt5_bridge.fake_terminal import Bench, FakeTerminal, Script, close, fill, make_result, market
from tradeloom.trading.intents import OutcomeStatus

DONE, PARTIAL, REJECTED = OutcomeStatus.DONE, OutcomeStatus.PARTIAL, OutcomeStatus.REJECTED
UNKNOWN = OutcomeStatus.UNKNOWN

ALL = sorted(_RETCODES)
NOBODYS = [0, 1, 10005, 10037, 10047, 4_294_967_295]


@dataclass(frozen=True)
class Contract:
    """Of an answer given to every transmission, which left nothing at the broker."""

    transmissions: int
    opening: OutcomeStatus
    closing: OutcomeStatus
    reason: str | None = None
    pauses: bool = False


REFUSED = Contract(1, REJECTED, REJECTED, "broker")
CONTRACTS = {
    Verdict.RETRY_REPRICE: Contract(3, REJECTED, REJECTED, "broker"),
    Verdict.RETRY_BACKOFF: Contract(3, REJECTED, REJECTED, "broker", pauses=True),
    Verdict.REREAD_THEN_DECIDE: Contract(3, REJECTED, REJECTED, "broker"),
    Verdict.FIX_THEN_RETRY_ONCE: Contract(2, REJECTED, REJECTED, "broker"),
    Verdict.UNKNOWN_RECONCILE: Contract(1, UNKNOWN, UNKNOWN),
    Verdict.DEFER_TO_SESSION: Contract(1, REJECTED, REJECTED, "market_closed"),
    Verdict.FINAL_REJECT: REFUSED,
    Verdict.FINAL_BAD_REQUEST: REFUSED,
}
"""NOOP, SUCCESS and PARTIAL codes say that something is so; they have tests of their own below."""


def verdict_of(code: int) -> Verdict:
    return _RETCODES.get(code, Verdict.UNKNOWN_RECONCILE)


def codes_of(*verdicts: Verdict) -> list[int]:
    return [code for code in ALL if _RETCODES[code] in verdicts]


def always(code: int) -> list[Script]:
    return [lambda terminal, request: make_result(code, comment="in the broker's words")] * 5


NOTHING_HAPPENED = [code for code in [*ALL, *NOBODYS] if verdict_of(code) in CONTRACTS]


@pytest.mark.parametrize("closing", [False, True])
@pytest.mark.parametrize("code", NOTHING_HAPPENED)
def test_a_code_does_what_its_class_says(bench: Bench, code: int, closing: bool) -> None:
    contract = CONTRACTS[verdict_of(code)]
    intent: Any = market()
    if closing:
        intent = close(bench.desk.send(market("entry")).position)
        bench.terminal.sent.clear()
    bench.pauses.clear()
    bench.terminal.script = always(code)
    outcome = bench.desk.send(intent)
    assert outcome.status is (contract.closing if closing else contract.opening)
    assert outcome.reason == contract.reason
    assert outcome.retcode == code
    assert "in the broker's words" in outcome.message
    assert len(bench.terminal.sent) == contract.transmissions
    if contract.pauses:
        assert sum(bench.pauses) > 0
    fillings = [request["type_filling"] for request in bench.terminal.sent]
    assert (len(set(fillings)) > 1) == (verdict_of(code) is Verdict.FIX_THEN_RETRY_ONCE)
    assert bench.journal.entry(intent.client_order_id) is not None


@pytest.mark.parametrize("code", [code for code in NOTHING_HAPPENED if CONTRACTS[verdict_of(code)].opening is REJECTED])
def test_a_refusal_is_final_for_its_id(bench: Bench, code: int) -> None:
    bench.terminal.script = always(code)
    outcome = bench.desk.send(market())
    sent = len(bench.terminal.sent)
    bench.terminal.script = []
    assert bench.desk.send(market()) == outcome
    assert len(bench.terminal.sent) == sent
    assert bench.terminal.positions == []


@pytest.mark.parametrize("code", [*codes_of(Verdict.UNKNOWN_RECONCILE), *NOBODYS])
@pytest.mark.parametrize("executed", [False, True])
def test_what_nobody_may_know_is_looked_up_and_never_sent_blindly(bench: Bench, code: int, executed: bool) -> None:
    def answered(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        if executed:
            terminal.execute(request)
        terminal.state.connected = executed  # while the trade server is away nothing can be given up
        return make_result(code)

    bench.terminal.script = [answered]
    for _ in range(3):
        assert bench.desk.send(market()).status is (DONE if executed else UNKNOWN)
    assert len(bench.terminal.sent) == 1


@pytest.mark.parametrize("code", codes_of(Verdict.RETRY_REPRICE, Verdict.RETRY_BACKOFF, Verdict.REREAD_THEN_DECIDE))
def test_what_may_be_tried_again_succeeds_at_the_second_try(bench: Bench, code: int) -> None:
    bench.terminal.script = always(code)[:1]
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.retcode, len(bench.terminal.sent)) == (DONE, 10009, 2)
    assert len(bench.terminal.positions) == 1


@pytest.mark.parametrize("code", codes_of(Verdict.NOOP_SUCCESS, Verdict.NOOP_IF_CLOSING))
def test_nothing_to_do_is_done_for_a_close_whose_position_is_gone_and_refused_for_an_opening(
    bench: Bench, code: int
) -> None:
    position = bench.desk.send(market("entry")).position

    def closed_meanwhile(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        terminal.execute(request | {"magic": 0})
        return make_result(code)

    bench.terminal.script = [closed_meanwhile]
    outcome = bench.desk.send(close(position))
    assert (outcome.status, outcome.reason) == (DONE, "already_closed")
    bench.terminal.script = always(code)
    outcome = bench.desk.send(market())
    assert (outcome.status, outcome.reason) == (REJECTED, "broker")
    assert len(bench.terminal.sent) == 3


@pytest.mark.parametrize(
    ("verdict", "volume", "status"),
    [(Verdict.SUCCESS, None, DONE), (Verdict.SUCCESS_PENDING, None, DONE), (Verdict.PARTIAL, 0.04, PARTIAL)],
)
def test_successes_pass_on_what_was_filled(
    bench: Bench, verdict: Verdict, volume: float | None, status: OutcomeStatus
) -> None:
    (code,) = codes_of(verdict)

    def executed(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        result = fill(volume)(terminal, request)
        result.retcode = code
        return result

    bench.terminal.script = [executed]
    outcome = bench.desk.send(market())
    assert outcome.status is status
    assert outcome.volume + outcome.remainder == market().volume
    assert float(outcome.volume) == (volume or 0.1)
    assert bench.desk.send(market()) == outcome
    assert len(bench.terminal.sent) == 1


@pytest.mark.parametrize("executed", [False, True])
def test_an_answer_that_echoes_another_order_is_no_answer(bench: Bench, executed: bool) -> None:
    """Its tickets are the other order's: taken at its word, a later close would close the other's position."""
    other = bench.desk.send(market("other"))

    def out_of_step(terminal: FakeTerminal, request: dict[str, Any]) -> Any:
        if executed:
            terminal.execute(request)
        terminal.state.connected = executed
        result = make_result(10009, order=other.order, volume=0.1, price=1.1001)
        result.request = SimpleNamespace(**terminal.sent[0])
        return result

    bench.terminal.script = [out_of_step]
    outcome = bench.desk.send(market())
    assert outcome.status is (DONE if executed else UNKNOWN)
    assert outcome.order == (502 if executed else None)
    assert outcome.position == (502 if executed else None)
    assert bench.desk.pipe_broken


def test_no_class_is_left_out() -> None:
    own_tests = {
        Verdict.SUCCESS,
        Verdict.SUCCESS_PENDING,
        Verdict.PARTIAL,
        Verdict.NOOP_SUCCESS,
        Verdict.NOOP_IF_CLOSING,
    }
    assert set(_RETCODES.values()) == set(CONTRACTS) | own_tests
