"""What a transport promises, and what the client makes of it: by RPC and by a queue the bridge polls."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.contract.transport.conftest import Line, QueueLine, broker_on
from tests.integration.bridge.rig import MONDAY, Rig
from tradeloom.errors import BrokerUnavailable, Conflict, NotFound
from tradeloom.trading import methods, protocol
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_transport import CallLost
from tradeloom.trading.timeframes import Timeframe

CLOCK = protocol.encode_request("paper", methods.NoParams())
DONE, UNKNOWN = OutcomeStatus.DONE, OutcomeStatus.UNKNOWN


@pytest.fixture
def node(request: pytest.FixtureRequest) -> str:
    """A node of the test's own: the bridge is shared, and ids are forever."""
    return str(request.node.name)


def filled(rig: Rig, outcome: OrderOutcome, magic: int) -> bool:
    return outcome.status is DONE and rig.deals().count(magic) == 1


class TestTheTransport:
    def test_brings_the_bridges_answer(self, line: Line) -> None:
        answer = protocol.decode_answer(line.transport.call("market_clock", CLOCK, timeout_s=60))
        assert answer.result["paper"] is True

    def test_brings_the_bridges_errors_as_answers(self, line: Line) -> None:
        content = line.transport.call("symbol", b'{"account": "paper", "params": {"symbol": "NO"}}', timeout_s=60)
        with pytest.raises(NotFound):
            protocol.decode_answer(content)

    def test_says_when_a_call_certainly_did_not_arrive(self, line: Line) -> None:
        line.cut()
        with pytest.raises(BrokerUnavailable):
            line.transport.call("market_clock", CLOCK, timeout_s=2)

    def test_says_when_a_call_may_have_arrived(self, line: Line) -> None:
        line.lose_answer()
        with pytest.raises(CallLost):
            line.transport.call("market_clock", CLOCK, timeout_s=2)
        assert line.transport.call("market_clock", CLOCK, timeout_s=60)

    def test_keeps_calls_side_by_side_apart(self, line: Line) -> None:
        names = ["EURUSD", "NO1", "NO2", "NO3"] * 4

        def ask(symbol: str) -> str:
            payload = protocol.encode_request("paper", methods.SymbolParams(symbol=symbol))
            try:
                return str(protocol.decode_answer(line.transport.call("symbol", payload, timeout_s=60)).result["name"])
            except NotFound as error:
                return error.message

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(ask, names))
        assert all(name in message for name, message in zip(names, told, strict=True))

    def test_brings_arrays_whole(self, line: Line) -> None:
        reference = BarsReference(
            source="mt5", account="paper", symbol="EURUSD", timeframe=Timeframe.H1, count=50, warmup=0,
            to=MONDAY + timedelta(hours=100), closed_only=True,
        )  # fmt: skip
        bars = broker_on(line).bars(reference)
        assert len(bars.close) == 50
        assert round(float(bars.open[-1]), 4) == 1.1099


class TestAnOrder:
    def test_is_filled_once_however_often_it_is_sent(self, line: Line, rig: Rig, node: str) -> None:
        intent = rig.buy(node)
        broker = broker_on(line)
        first = broker.send(intent)
        assert [broker.send(intent) for _ in range(3)] == [first] * 3
        assert filled(rig, first, intent.magic)

    def test_whose_answer_is_lost_is_asked_for_and_never_sent_again(self, line: Line, rig: Rig, node: str) -> None:
        intent = rig.buy(node)
        line.lose_answer()
        outcome = broker_on(line, send_timeout_s=3.0).send(intent)
        if outcome.status is UNKNOWN:  # a queue's caller waits its whole time for an answer that is lost
            outcome = broker_on(line).send(intent)
        assert filled(rig, outcome, intent.magic)

    def test_that_did_not_arrive_raises_and_may_be_sent_later(self, line: Line, rig: Rig, node: str) -> None:
        intent = rig.buy(node)
        spoiled = type(line)(rig)  # type: ignore[call-arg]
        spoiled.cut()
        with pytest.raises(BrokerUnavailable):
            broker_on(spoiled, send_timeout_s=2).send(intent)
        spoiled.end()
        assert rig.journal(intent.client_order_id) is None
        assert filled(rig, broker_on(line).send(intent), intent.magic)

    def test_by_ten_callers_at_once_is_one(self, line: Line, rig: Rig, node: str) -> None:
        intent = rig.buy(node)
        together = threading.Barrier(10)

        def send(_: int) -> OrderOutcome:
            together.wait()
            return broker_on(line).send(intent)

        with ThreadPoolExecutor(10) as pool:
            outcomes = list(pool.map(send, range(10)))
        assert outcomes == [outcomes[0]] * 10
        assert filled(rig, outcomes[0], intent.magic)

    def test_of_another_node_under_its_id_is_refused(self, line: Line, rig: Rig, node: str) -> None:
        intent = rig.buy(node)
        broker_on(line).send(intent)
        with pytest.raises(Conflict):
            broker_on(line).send(intent.model_copy(update={"node_id": "other"}))


class TestAQueue:
    """What only queues do."""

    def test_that_delivers_three_times_fills_once(self, queue_line: QueueLine, rig: Rig, node: str) -> None:
        queue_line.poller.deliveries = 3
        intent = rig.buy(node)
        assert filled(rig, broker_on(queue_line).send(intent), intent.magic)

    def test_that_is_polled_too_late_sends_nothing(self, queue_line: QueueLine, rig: Rig, node: str) -> None:
        """A stale signal expires in the queue; the order stays unknown to its sender until the bridge is asked."""
        queue_line.poller.polling.clear()
        intent = rig.buy(node)
        outcome = broker_on(queue_line, send_timeout_s=0.6).send(intent)
        assert outcome.status is UNKNOWN
        queue_line.poller.polling.set()
        broker = broker_on(queue_line)
        assert broker.outcome(intent.client_order_id) is None
        assert rig.deals().count(intent.magic) == 0
        assert filled(rig, broker.send(intent), intent.magic)
