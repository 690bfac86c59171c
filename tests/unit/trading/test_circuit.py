"""The circuit breaker: when it opens, what it lets through, and that a state machine of calls never fools it."""

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.trading.test_intents import market
from tests.unit.trading.test_mt5_client import DONE, DOWN, LOST, NOTHING, Script, outcome, refused
from tradeloom.errors import BrokerTimeout, BrokerUnavailable, Conflict, OrderUnknown, StorageUnavailable
from tradeloom.trading.circuit import CircuitBreaker, CircuitStatus, shared_breaker
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient

CLOSED, OPEN, HALF_OPEN = CircuitStatus.CLOSED, CircuitStatus.OPEN, CircuitStatus.HALF_OPEN


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, window_s=10, cool_down_s=2, clock=clock)


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def opened(clock: Clock) -> CircuitBreaker:
    breaker = make(clock)
    fail(breaker, 3)
    return breaker


def test_opens_after_so_many_failures_in_the_window() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 2)
    assert (breaker.state.status, breaker.state.failures) == (CLOSED, 2)
    fail(breaker)
    assert (breaker.state.status, breaker.state.opened) == (OPEN, 1)


def test_failures_far_apart_do_not_open_it() -> None:
    clock = Clock()
    breaker = make(clock)
    for _ in range(20):
        fail(breaker)
        clock.now += 5.1
    assert breaker.state.status is CLOSED


def test_a_success_between_starts_the_count_anew() -> None:
    breaker = make(Clock())
    for _ in range(5):
        fail(breaker, 2)
        breaker.succeeded(breaker.admit())
    assert breaker.state.status is CLOSED


def test_an_open_circuit_says_when_it_tries_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.5
    with pytest.raises(BrokerUnavailable, match=r"tried again in 1\.5 s; nothing was sent"):
        breaker.admit()
    assert (breaker.state.retry_in_s, breaker.state.refused) == (1.5, 1)


def test_one_probe_goes_through_and_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    assert breaker.state.status is HALF_OPEN
    probe = breaker.admit()
    with pytest.raises(BrokerUnavailable, match="at this moment"):
        breaker.admit()
    breaker.succeeded(probe)
    assert (breaker.state.status, breaker.state.failures) == (CLOSED, 0)
    fail(breaker, 2)
    assert breaker.state.status is CLOSED


def test_a_probe_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    fail(breaker)
    assert (breaker.state.status, breaker.state.retry_in_s, breaker.state.opened) == (OPEN, 2, 2)


def test_calls_from_before_it_opened_change_nothing() -> None:
    clock = Clock()
    breaker = make(clock)
    slow = [breaker.admit() for _ in range(2)]
    fail(breaker, 3)
    breaker.succeeded(slow[0])
    assert breaker.state.status is OPEN
    clock.now += 2
    probe = breaker.admit()
    breaker.failed(slow[1])
    breaker.succeeded(probe)
    assert breaker.state.status is CLOSED


def test_many_threads_get_one_probe() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    admitted: list[int] = []
    ready = threading.Barrier(8)

    def call() -> None:
        ready.wait()
        try:
            admitted.append(breaker.admit())
        except BrokerUnavailable:
            return

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 1


def test_an_endpoint_has_one_in_a_process() -> None:
    assert shared_breaker("/a/bridge.json") is shared_breaker("/a/bridge.json")
    assert shared_breaker("/a/bridge.json") is not shared_breaker("/b/bridge.json")


class Calls(RuleBasedStateMachine):
    """Calls that begin, end either way and in any order, while time passes; a model says what may go through."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = make(self.clock)
        self.under_way: list[int] = []
        self.probe: int | None = None
        self.failed_at: list[float] = []
        self.era = 0
        self.eras: dict[int, int] = {}
        self.open_until: float | None = None

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def begin(self) -> None:
        may = self.open_until is None or (self.clock.now >= self.open_until and self.probe is None)
        if not may:
            with pytest.raises(BrokerUnavailable):
                self.breaker.admit()
            return
        admission = self.breaker.admit()
        if self.open_until is not None:
            self.probe = admission
        self.under_way.append(admission)
        self.eras.setdefault(admission, self.era)

    @rule(which=st.integers(0, 9), good=st.booleans())
    def end(self, which: int, good: bool) -> None:
        if not self.under_way:
            return
        admission = self.under_way.pop(which % len(self.under_way))
        (self.breaker.succeeded if good else self.breaker.failed)(admission)
        is_probe = admission == self.probe
        stale = not is_probe and (self.open_until is not None or self.eras[admission] != self.era)
        if stale:
            return
        if good:
            if is_probe:
                self.probe, self.open_until = None, None
            self.failed_at.clear()
            return
        self.failed_at = [*self.failed_at, self.clock.now][-3:]
        full = len(self.failed_at) == 3 and self.clock.now - self.failed_at[0] <= 10
        if is_probe or full:
            self.probe, self.open_until, self.era = None, self.clock.now + 2, self.era + 1

    @invariant()
    def the_state_is_the_models(self) -> None:
        status = self.breaker.state.status
        if self.open_until is None:
            assert status is CLOSED
        elif self.probe is not None or self.clock.now >= self.open_until:
            assert status is HALF_OPEN
        else:
            assert status is OPEN


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class TestInTheClient:
    def test_reads_fail_at_once_while_it_is_open(self) -> None:
        script = Script(DOWN)
        broker = script.broker()
        for _ in range(5):
            with pytest.raises(BrokerUnavailable, match="down"):
                broker.account()
        with pytest.raises(BrokerUnavailable, match="tried again"):
            broker.account()
        assert len(script.calls) == 5
        script.pause(2.1)
        with pytest.raises(BrokerUnavailable, match="down"):
            broker.account()
        assert len(script.calls) == 6

    def test_lost_calls_count_as_well(self) -> None:
        script = Script(LOST)
        broker = script.broker()
        for _ in range(3):
            with pytest.raises((BrokerTimeout, BrokerUnavailable)):
                broker.account()
        assert len(script.calls) == 5

    @pytest.mark.parametrize("answer", [refused(StorageUnavailable("full")), refused(BrokerUnavailable("busy"))])
    def test_what_the_bridge_answers_never_opens_it(self, answer: bytes) -> None:
        script = Script(answer)
        client = BridgeClient(transport=script, clock=lambda: script.now, pause=script.pause)
        for _ in range(20):
            with pytest.raises((StorageUnavailable, BrokerUnavailable)):
                client.account("a").account()
        assert client.circuit.status is CLOSED
        assert len(script.calls) == 20

    def test_an_order_that_may_have_arrived_stays_unknown_while_it_is_open(self) -> None:
        script = Script(LOST, DOWN)
        told = script.broker().send(market())
        assert told.status is OutcomeStatus.UNKNOWN
        assert script.now >= 20
        assert script.calls.count("send") == 1

    def test_such_an_order_is_settled_once_the_bridge_is_back(self) -> None:
        script = Script(LOST, DOWN, DOWN, DOWN, DOWN, DONE)
        told = script.broker().send(market())
        assert (told.status, told.order) == (OutcomeStatus.DONE, 7)

    def test_an_order_that_was_not_handed_in_is_refused_at_once(self) -> None:
        script = Script(DOWN)
        broker = script.broker()
        for _ in range(5):
            with pytest.raises(BrokerUnavailable, match="down"):
                broker.send(market())
        with pytest.raises(BrokerUnavailable, match="nothing was sent"):
            broker.send(market())
        assert script.calls == ["send"] * 5


class Book:
    """What was written down, in order; `trouble` is raised by whichever step it names."""

    def __init__(self, trouble: str = "") -> None:
        self.lines: list[str] = []
        self._trouble = trouble

    def _write(self, line: str) -> None:
        if self._trouble and line.startswith(self._trouble):
            raise StorageUnavailable("the disk is full")
        self.lines.append(line)

    def intended(self, intent: object) -> None:
        self._write("intended")

    def told(self, outcome: OrderOutcome) -> None:
        self._write(f"told {outcome.status}")

    def withdrawn(self, order_id: str, why: str) -> None:
        self._write(f"withdrawn {why}")

    def perhaps_sent(self, order_id: str) -> bool:
        return self.lines[-1:] in (["intended"], ["told unknown"])


class TestTheBook:
    def broker(self, script: Script, book: Book) -> MT5Broker:
        client = BridgeClient(transport=script, clock=lambda: script.now, pause=script.pause)
        return client.account("a", book)

    def test_an_order_is_written_down_before_the_bridge_hears_of_it(self) -> None:
        script, book = Script(DONE), Book("intended")
        with pytest.raises(StorageUnavailable):
            self.broker(script, book).send(market())
        assert script.calls == []
        book = Book()
        self.broker(script, book).send(market())
        assert book.lines == ["intended", "told done"]

    def test_what_was_not_sent_is_withdrawn(self) -> None:
        book = Book()
        with pytest.raises(Conflict):
            self.broker(Script(refused(Conflict("other"))), book).send(market())
        assert book.lines == ["intended", "withdrawn other"]

    @pytest.mark.parametrize("trouble", ["told", "withdrawn"])
    def test_a_book_that_fails_afterwards_changes_nothing(self, trouble: str) -> None:
        assert self.broker(Script(DONE), Book(trouble)).send(market()).order == 7
        with pytest.raises(BrokerUnavailable, match="down"):
            self.broker(Script(DOWN), Book(trouble)).send(market())

    @pytest.mark.parametrize("error", [DOWN, LOST])
    def test_a_bridge_that_cannot_be_asked_never_makes_a_sent_order_unsent(self, error: Exception) -> None:
        book = Book()
        script = Script(LOST, error)
        broker = self.broker(script, book)
        assert broker.send(market()).status is OutcomeStatus.UNKNOWN
        with pytest.raises(OrderUnknown, match=market().client_order_id):
            broker.outcome(market().client_order_id)
        book.lines.append("withdrawn")  # of what was certainly not sent it says so
        script.pause(60)
        with pytest.raises((BrokerUnavailable, BrokerTimeout)):
            broker.outcome(market().client_order_id)

    def test_an_outcome_that_is_asked_for_is_told(self) -> None:
        book = Book()
        assert self.broker(Script(NOTHING), book).outcome(market().client_order_id) is None
        assert book.lines == []
        self.broker(Script(outcome(OutcomeStatus.REJECTED)), book).outcome(market().client_order_id)
        assert book.lines == ["told rejected"]
