"""The client's promises on a scripted transport: above all what `send` says after a lost reply."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.trading.test_guard_rules import NOW, guard
from tests.unit.trading.test_intents import market
from tradeloom.errors import (
    BrokerError,
    BrokerTimeout,
    BrokerUnavailable,
    Conflict,
    InvalidInput,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.trading import protocol
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.guards import GuardReport, GuardStatus, Trailing
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import CallLost, Endpoint
from tradeloom.trading.timeframes import Timeframe

ID = market().client_order_id
type Answer = bytes | Exception


def outcome(status: OutcomeStatus, **more: Any) -> bytes:
    return protocol.encode_answer(OrderOutcome(client_order_id=ID, status=status, **more).model_dump(mode="json"))


def refused(error: TradeloomError) -> bytes:
    return protocol.encode_error(error)


DONE, UNKNOWN = outcome(OutcomeStatus.DONE, order=7), outcome(OutcomeStatus.UNKNOWN)
NOTHING = protocol.encode_answer(None)
LOST, DOWN = CallLost("lost"), BrokerUnavailable("down")


class Script:
    """A transport that answers from a list; the last answer repeats. Time passes only in pauses and lost calls."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.calls: list[str] = []
        self.now = 0.0

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        assert timeout_s > 0
        self.calls.append(method)
        self.now += 0.001
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def broker(self, **limits: float) -> MT5Broker:
        client = BridgeClient(transport=self, clock=lambda: self.now, pause=self.pause, **limits)  # type: ignore[arg-type]
        return client.account("a")


class TestSend:
    def test_returns_the_outcome(self) -> None:
        script = Script(DONE)
        assert script.broker().send(market()).order == 7
        assert script.calls == ["send"]

    @pytest.mark.parametrize(
        "error",
        [DOWN, protocol.encode_error(Conflict("other content")), refused(StorageUnavailable("full"))],
    )
    def test_raises_when_nothing_was_sent(self, error: Answer) -> None:
        script = Script(error)
        with pytest.raises((BrokerUnavailable, Conflict, StorageUnavailable)):
            script.broker().send(market())
        assert script.calls == ["send"]

    def test_asks_for_the_outcome_after_a_lost_reply(self) -> None:
        script = Script(LOST, DONE)
        assert script.broker().send(market()).order == 7
        assert script.calls == ["send", "outcome"]

    def test_waits_for_a_bridge_that_restarts(self) -> None:
        script = Script(LOST, DOWN, DOWN, LOST, DONE)
        assert script.broker().send(market()).status is OutcomeStatus.DONE
        assert script.calls == ["send", *["outcome"] * 4]

    def test_hands_the_same_intent_in_again_only_when_the_journal_knows_nothing_of_it(self) -> None:
        script = Script(LOST, NOTHING, DONE)
        assert script.broker().send(market()).status is OutcomeStatus.DONE
        assert script.calls == ["send", "outcome", "send"]

    @pytest.mark.parametrize("after", [DOWN, LOST, refused(StorageUnavailable("full")), b"garbage"])
    def test_never_raises_once_the_call_may_have_arrived(self, after: Answer) -> None:
        script = Script(LOST, after)
        assert script.broker().send(market()).status is OutcomeStatus.UNKNOWN
        assert script.now >= 20
        assert set(script.calls) == {"send", "outcome"}
        assert script.calls.count("send") == 1

    def test_an_unreadable_answer_may_have_been_an_order(self) -> None:
        assert Script(b"garbage", DONE).broker().send(market()).status is OutcomeStatus.DONE

    def test_an_unknown_order_is_asked_about_for_a_while(self) -> None:
        script = Script(UNKNOWN, UNKNOWN, DONE)
        assert script.broker().send(market()).status is OutcomeStatus.DONE
        script = Script(UNKNOWN)
        assert script.broker(settle_s=5).send(market()).status is OutcomeStatus.UNKNOWN
        assert 5 <= script.now < 6
        assert script.calls[0] == "send"
        assert set(script.calls[1:]) == {"outcome"}

    def test_placed_is_an_outcome(self) -> None:
        assert Script(outcome(OutcomeStatus.PLACED)).broker().send(market()).status is OutcomeStatus.PLACED

    def test_is_for_the_own_account_only(self) -> None:
        script = Script(DONE)
        with pytest.raises(InvalidInput, match="account b"):
            script.broker().send(market(account="b"))
        assert script.calls == []


class TestReads:
    def test_are_tried_again_when_the_connection_broke(self) -> None:
        script = Script(LOST, protocol.encode_answer({"time": "2024-01-01T00:00:00Z", "speed": 0, "paper": True}))
        assert script.broker().market_time() == datetime(2024, 1, 1, tzinfo=UTC)
        assert script.calls == ["market_clock", "market_clock"]

    def test_end_as_a_timeout(self) -> None:
        script = Script(LOST)
        with pytest.raises(BrokerTimeout) as caught:
            script.broker().account()
        assert caught.value.name == "BrokerTimeout"
        assert len(script.calls) == 2

    def test_raise_the_bridges_own_errors(self) -> None:
        with pytest.raises(Conflict):
            Script(protocol.encode_error(Conflict("live"))).broker().advance(datetime.now(UTC))

    @pytest.mark.parametrize(
        "read", [MT5Broker.account, MT5Broker.market_clock, MT5Broker.state, lambda b: b.tick("E")]
    )
    def test_of_the_wrong_shape_are_an_error(self, read: Callable[[MT5Broker], object]) -> None:
        with pytest.raises(BrokerError):
            read(Script(protocol.encode_answer({"x": 1})).broker())

    @pytest.mark.parametrize("name", ["", "x" * 30])
    def test_with_wrong_parameters_are_not_made(self, name: str) -> None:
        script = Script(NOTHING)
        for read in (script.broker().symbol, script.broker().tick, script.broker().outcome):
            with pytest.raises(InvalidInput):
                read(name)
        assert script.calls == []

    def test_of_bars_make_columns(self) -> None:
        columns = {
            name: ("<f8", memoryview(np.array([1.0, 2.0])).cast("B"))
            for name in ("open", "high", "low", "close", "volume")
        }
        columns |= {
            "time": ("<i8", memoryview(np.array([5, 6])).cast("B")),
            "spread": ("<i4", memoryview(np.array([7, 8], "<i4")).cast("B")),
        }
        reference = BarsReference(account="a", symbol="E", timeframe=Timeframe.H1, to=datetime.now(UTC), count=2)
        bars = Script(protocol.encode_answer(None, columns)).broker().bars(reference)
        assert (bars.time.tolist(), bars.close.tolist(), bars.spread.tolist()) == ([5, 6], [1.0, 2.0], [7, 8])
        assert bars.close.flags.aligned
        assert bars.close.flags.writeable
        with pytest.raises(InvalidInput):
            Script(NOTHING).broker().bars(reference.model_copy(update={"account": "b"}))


class TestGuards:
    def test_are_set_listed_and_taken_away(self) -> None:
        wanted = guard(Trailing(distance=Decimal("0.003"), step=Decimal("0.0001")))
        report = GuardReport(guard=wanted, status=GuardStatus.ACTIVE, stop_loss=1.097, set_at=NOW)
        told = report.model_dump(mode="json")
        script = Script(
            LOST, protocol.encode_answer(told), protocol.encode_answer([told]), protocol.encode_answer(told)
        )
        broker = script.broker(read_timeout_s=5)
        broker._name = "paper"
        assert broker.guard(wanted) == report  # asked again after the lost answer: the same is one guard
        assert broker.guards(symbol="EURUSD") == [report]
        assert broker.unguard(wanted.guard_id) == report
        assert script.calls == ["guard", "guard", "guards", "unguard"]

    def test_for_another_account_or_without_sense_are_not_sent(self) -> None:
        script = Script(NOTHING)
        with pytest.raises(InvalidInput):
            script.broker().guard(guard(Trailing(distance=Decimal(1))))
        with pytest.raises(InvalidInput):
            script.broker().unguard("x")
        with pytest.raises(InvalidInput):
            script.broker().guards(position=0)
        assert script.calls == []


class TestAdvance:
    TO = datetime(2024, 1, 2, 12, 0, 0, 500, tzinfo=UTC)

    def reached(self, hour: int) -> bytes:
        return protocol.encode_answer({"time": f"2024-01-02T{hour:02}:00:00Z", "speed": 0, "paper": True})

    def test_goes_on_until_it_is_there(self) -> None:
        script = Script(self.reached(10), self.reached(11), self.reached(12))
        assert script.broker().advance(self.TO).time.hour == 12
        assert script.calls == ["advance"] * 3

    def test_gives_up_on_a_replay_that_does_not_move(self) -> None:
        with pytest.raises(BrokerTimeout, match="does not go on"):
            Script(self.reached(10)).broker().advance(self.TO)


class TestEndpoint:
    def test_is_read_from_the_bridges_state_file(self, tmp_path: Path) -> None:
        file = tmp_path / "bridge.json"
        file.write_text('{"host":"h","port":5,"server_name":"s","ca":"/a","certificate":"/c","key":"/k","pid":1}')
        assert Endpoint.from_state_file(file).port == 5

    @pytest.mark.parametrize("content", ["", "[]", "{", '{"host":"h"}', '{"host":"h","port":0,"server_name":"s"}'])
    def test_that_cannot_be_read_means_no_bridge(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "bridge.json"
        file.write_text(content)
        with pytest.raises(BrokerUnavailable):
            Endpoint.from_state_file(file)

    def test_that_is_missing_means_no_bridge(self, tmp_path: Path) -> None:
        with pytest.raises(BrokerUnavailable, match="no bridge is running"):
            BridgeClient(tmp_path / "bridge.json").health()
        with pytest.raises(BrokerUnavailable):
            BridgeClient()


def test_importing_the_client_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'rpyc', 'boto3', 'pandas'}"
    check = f"import sys, tradeloom.trading.mt5_client; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
