"""The front without workers: what it refuses, and what it says of orders whose worker stopped answering."""

import json
import threading
import time
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5_bridge import front as front_module
from mt5_bridge import risk_facts
from mt5_bridge.config import BridgeConfig
from mt5_bridge.front import Front
from mt5_bridge.supervisor import HandedOver
from tests.unit.mt5_bridge.fake_terminal import LIMITS, LOGIN, NOW, market, trailing
from tradeloom.errors import (
    BrokerTimeout,
    BrokerUnavailable,
    Conflict,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.trading import methods, protocol
from tradeloom.trading.account_day import AccountDay
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus, Side
from tradeloom.trading.methods import Throttle
from tradeloom.trading.risk import AccountState

ID = market().client_order_id


class Supervisor:
    """In the place of the real one: answers, or fails, as the test says."""

    def __init__(self) -> None:
        self.result: bytes | Exception = protocol.encode_answer("from the worker")
        self.calls: list[str] = []

    def request(self, method: str, payload: bytes, give_up: float) -> bytes:
        self.calls.append(method)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def health(self) -> dict[str, Any]:
        return {"status": "ready"}

    def stop(self) -> None:
        pass


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    account = {
        "name": "acc", "terminal": "paper", "terminal_path": "t", "login": LOGIN, "server_time_zone": "UTC",
        "limits": LIMITS.model_dump(mode="json"),
    }  # fmt: skip
    front = Front(
        BridgeConfig.model_validate({"data_dir": tmp_path, "accounts": [account], "listen": {"max_calls": 1}})
    )
    front._seats["acc"].supervisor = Supervisor()  # type: ignore[assignment]
    yield front
    front.drain(0)


def supervisor(front: Front) -> Supervisor:
    stand_in: Any = front._seats["acc"].supervisor
    assert isinstance(stand_in, Supervisor)
    return stand_in


def call(front: Front, method: str, account: str = "acc", **params: Any) -> Any:
    payload = json.dumps({"account": account, "params": params}).encode()
    return protocol.decode_answer(front.call(protocol.VERSION, method, "r1", time.time() + 5, payload)).result


def send(front: Front) -> OrderOutcome:
    return OrderOutcome.model_validate(call(front, "send", intent=market().model_dump(mode="json")))


class TestEnvelope:
    good = (protocol.VERSION, "tick", "r1", 2e9, b'{"account":"acc","params":{"symbol":"EURUSD"}}')

    @pytest.mark.parametrize(
        ("position", "value", "field"),
        [
            (0, 2, "version"),
            (0, True, "version"),
            (0, "1", "version"),
            (1, "order_send", "method"),
            (1, "__class__", "method"),
            (1, b"tick", "method"),
            (1, None, "method"),
            (2, "", "request_id"),
            (2, "x" * 65, "request_id"),
            (2, 5, "request_id"),
            (3, float("nan"), "deadline"),
            (3, float("inf"), "deadline"),
            (3, "soon", "deadline"),
            (3, None, "deadline"),
            (3, True, "deadline"),
            (4, "text", "payload"),
            (4, None, "payload"),
        ],
    )
    def test_each_wrong_part_is_named(self, front: Front, position: int, value: Any, field: str) -> None:
        arguments: list[Any] = list(self.good)
        arguments[position] = value
        with pytest.raises(InvalidInput) as caught:
            protocol.decode_answer(front.call(*arguments))
        assert caught.value.field == field
        assert supervisor(front).calls == []

    def test_payloads_have_a_largest_size(self, front: Front) -> None:
        payload = b'{"account":"acc","params":{"symbol":"' + b"x" * protocol.MAX_REQUEST_BYTES + b'"}}'
        with pytest.raises(InvalidInput, match="bytes"):
            protocol.decode_answer(front.call(*self.good[:4], payload))

    _values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.tuples(st.text())

    @given(st.tuples(_values, _values, _values, _values, _values))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_anything_at_all_is_answered_with_a_typed_error(self, front: Front, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(InvalidInput):
            protocol.decode_answer(front.call(*arguments))

    @pytest.mark.parametrize(
        "nested", [b"[" * 30_000, b'{"a":' * 10_000, b'{"account":"acc","params":' + b"[" * 60_000]
    )
    def test_deeply_nested_json_is_refused(self, front: Front, nested: bytes) -> None:
        with pytest.raises(InvalidInput):
            protocol.decode_answer(front.call(*self.good[:4], nested))


def test_calls_reach_the_worker_of_their_account(front: Front) -> None:
    assert call(front, "tick", symbol="EURUSD") == "from the worker"
    with pytest.raises(NotFound):
        call(front, "tick", account="other", symbol="EURUSD")


def test_a_passed_deadline_is_not_handed_on(front: Front) -> None:
    payload = protocol.encode_request("acc", methods.SendParams(intent=market()))
    with pytest.raises(BrokerUnavailable, match="nothing was sent"):
        protocol.decode_answer(front.call(protocol.VERSION, "send", "r1", time.time() - 1, payload))
    with pytest.raises(BrokerTimeout):
        protocol.decode_answer(front.call(protocol.VERSION, "tick", "r1", 0, TestEnvelope.good[4]))
    assert supervisor(front).calls == []


def test_more_calls_than_places_are_turned_away(front: Front) -> None:
    assert front._takes_place()
    with pytest.raises(BrokerUnavailable, match="busy"):
        call(front, "tick", symbol="EURUSD")
    assert call(front, "health", account="")["busy"] == 1
    front._count("under_way", -1)
    assert call(front, "tick", symbol="EURUSD") == "from the worker"


def test_a_draining_bridge_takes_no_calls(front: Front) -> None:
    front._draining = True
    with pytest.raises(BrokerUnavailable, match="stopping"):
        send(front)
    assert call(front, "health", account="")["status"] == "draining"


def test_bugs_are_answered_without_their_details(front: Front) -> None:
    supervisor(front).result = ZeroDivisionError("secret")
    with pytest.raises(TradeloomError) as caught:
        call(front, "tick", symbol="EURUSD")
    assert caught.value.name == "BrokerError"
    assert "secret" not in caught.value.message


class TestLostWorker:
    """The worker got the order and did not answer. `gone` says whether its process is known to have ended."""

    @pytest.fixture(autouse=True)
    def no_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(front_module, "_GONE_WAIT_S", 0.05)

    def lose(self, front: Front, *, gone: bool) -> None:
        event = threading.Event()
        if gone:
            event.set()
        supervisor(front).result = HandedOver("the worker stopped", event)

    def test_before_claiming_nothing_was_sent(self, front: Front) -> None:
        self.lose(front, gone=True)
        with pytest.raises(BrokerUnavailable, match="nothing was sent"):
            send(front)

    def test_after_claiming_and_before_sending_nothing_was_sent(self, front: Front) -> None:
        front._seats["acc"].journal.claim(market())
        self.lose(front, gone=True)
        with pytest.raises(BrokerUnavailable, match="nothing was sent"):
            send(front)

    @pytest.mark.parametrize("claimed", [True, False])
    def test_while_it_may_still_work_nobody_knows(self, front: Front, claimed: bool) -> None:
        if claimed:
            front._seats["acc"].journal.claim(market())
        self.lose(front, gone=False)
        assert send(front).status is OutcomeStatus.UNKNOWN

    @pytest.mark.parametrize("gone", [True, False])
    def test_after_sending_nobody_knows(self, front: Front, gone: bool) -> None:
        front._seats["acc"].journal.claim(market())
        front._seats["acc"].journal.sending(ID, {"volume": 0.1}, NOW)
        self.lose(front, gone=gone)
        assert send(front).status is OutcomeStatus.UNKNOWN

    def test_after_recording_the_record_is_the_answer(self, front: Front) -> None:
        journal = front._seats["acc"].journal
        journal.claim(market())
        journal.settle(OrderOutcome(client_order_id=ID, status=OutcomeStatus.DONE, order=5))
        self.lose(front, gone=True)
        assert send(front).order == 5

    def test_a_journal_that_cannot_be_read_concludes_nothing(self, front: Front) -> None:
        self.lose(front, gone=True)
        front._seats["acc"].journal.close()
        assert send(front).status is OutcomeStatus.UNKNOWN

    def test_a_bug_concludes_nothing(self, front: Front) -> None:
        supervisor(front).result = ZeroDivisionError("bug")
        assert send(front).status is OutcomeStatus.UNKNOWN

    def test_reads_time_out(self, front: Front) -> None:
        self.lose(front, gone=False)
        with pytest.raises(BrokerTimeout):
            call(front, "tick", symbol="EURUSD")


class TestOutcome:
    def test_of_a_settled_order_needs_no_worker(self, front: Front) -> None:
        journal = front._seats["acc"].journal
        journal.claim(market())
        assert call(front, "outcome", client_order_id=ID) is None
        journal.settle(OrderOutcome(client_order_id=ID, status=OutcomeStatus.DONE))
        assert call(front, "outcome", client_order_id=ID)["status"] == "done"
        assert call(front, "outcome", client_order_id="0" * 32) is None
        assert supervisor(front).calls == []

    def test_of_an_open_order_is_looked_up(self, front: Front) -> None:
        journal = front._seats["acc"].journal
        journal.claim(market())
        journal.sending(ID, {"volume": 0.1}, NOW)
        assert call(front, "outcome", client_order_id=ID) == "from the worker"
        supervisor(front).result = BrokerUnavailable("down")
        assert call(front, "outcome", client_order_id=ID)["status"] == "unknown"


class TestState:
    def test_is_set_and_read_without_the_worker(self, front: Front) -> None:
        supervisor(front).result = BrokerUnavailable("hung")
        told = call(front, "set_state", state="halted", reason="too much", by="Ada")
        assert (told["state"], told["by"]) == ("halted", "Ada")
        assert call(front, "state")["state"] == AccountState.HALTED
        assert supervisor(front).calls == []

    def test_only_a_person_clears_a_halt(self, front: Front) -> None:
        call(front, "set_state", state="halted", reason="too much", by="watcher")
        with pytest.raises(Conflict):
            call(front, "set_state", state="active", reason="again", by="watcher")
        assert call(front, "set_state", state="active", reason="seen", by="Ada", clear=True)["state"] == "active"

    def test_limits_are_set_while_the_worker_hangs(self, front: Front) -> None:
        supervisor(front).result = BrokerUnavailable("hung")
        less = LIMITS.model_copy(update={"max_lot": Decimal("0.5")}).model_dump(mode="json")
        told = call(front, "set_limits", limits=less, reason="careful", by="watcher")
        assert told == call(front, "state")
        assert told["limits"] == less
        with pytest.raises(Conflict, match="max_lot"):
            call(front, "set_limits", limits=LIMITS.model_dump(mode="json"), reason="more", by="watcher")
        with pytest.raises(InvalidInput, match=r"limits\.max_lot"):
            call(front, "set_limits", limits=less | {"max_lot": "NaN"}, reason="none", by="Ada", clear=True)
        assert supervisor(front).calls == []

    def test_limits_are_not_set_over_those_of_somebody_else(self, front: Front) -> None:
        seen = LIMITS.model_dump(mode="json")
        other = seen | {"max_lot": "0.5"}
        call(front, "set_limits", limits=other, reason="careful", by="watcher")
        mine = seen | {"max_repeats": 3}
        with pytest.raises(Conflict, match="somebody else"):
            call(front, "set_limits", limits=mine, expected=seen, reason="careful", by="Ada", clear=True)
        assert call(front, "state")["limits"] == other
        told = call(front, "set_limits", limits=mine, expected=other, reason="careful", by="Ada", clear=True)
        assert told["limits"] == mine

    def test_the_account_s_day_is_told_as_its_gate_saw_it_last(self, front: Front) -> None:
        assert call(front, "state")["day"] is None
        day = AccountDay(
            began=NOW, baseline=Decimal(1000), peak=Decimal(1200), worst=Decimal(30), money=Decimal(990), last_deal=7,
            seen=NOW, results={"w": Decimal(-10)},
        )  # fmt: skip
        journal = front._seats["acc"].journal
        journal.keep({risk_facts.DAY: day.model_dump(mode="json")})
        told = call(front, "state")["day"]
        assert told == {"began": "2024-01-10T12:00:00Z", "baseline": "1000", "peak": "1200", "worst": "30"}
        journal.keep({risk_facts.DAY: {"began": "once"}})
        assert call(front, "state")["day"] is None  # the gate opens nothing then, and the state can still be told
        assert supervisor(front).calls == []

    def test_a_throttled_workflow_is_cleared_while_the_worker_hangs(self, front: Front) -> None:
        with pytest.raises(NotFound, match="not throttled"):
            call(front, "unthrottle", workflow_id="w", reason="why", by="Ada")
        throttle = Throttle(workflow_id="w", symbol="EURUSD", side=Side.BUY, at=NOW, message="too often")
        front._seats["acc"].journal.throttle(throttle)
        assert call(front, "state")["throttled"] == [throttle.model_dump(mode="json")]
        assert call(front, "unthrottle", workflow_id="w", reason="seen", by="Ada")["throttled"] == []
        assert supervisor(front).calls == []


def test_an_intent_for_another_account_is_refused(front: Front) -> None:
    payload = {"account": "acc", "params": {"intent": market(account="other").model_dump(mode="json")}}
    answer = front.call(protocol.VERSION, "send", "r1", time.time() + 5, json.dumps(payload).encode())
    with pytest.raises(InvalidInput, match="other"):
        protocol.decode_answer(answer)


def test_an_unusable_journal_refuses_before_anything_moves(front: Front) -> None:
    front._seats["acc"]._trouble = StorageUnavailable("damaged")
    with pytest.raises(StorageUnavailable):
        send(front)
    assert supervisor(front).calls == []
    assert call(front, "health", account="")["status"] == "degraded"


def test_an_unusable_journal_refuses_for_years_and_nothing_piles_up(front: Front) -> None:
    """An error that is raised again keeps every frame it went through, unless it is told not to."""
    trouble = front._seats["acc"]._trouble = StorageUnavailable("damaged")
    for _ in range(50):
        with pytest.raises(StorageUnavailable):
            send(front)
    assert len(list(traceback.walk_tb(trouble.__traceback__))) < 20


class TestGuards:
    def test_are_listed_without_the_worker(self, front: Front) -> None:
        supervisor(front).result = BrokerUnavailable("hung")
        seat = front._seats["acc"]
        record = seat.guards.set(trailing(7), NOW)
        assert call(front, "guards") == [record.report.model_dump(mode="json")]
        assert call(front, "guards", position=8) == []
        health = front.health()["accounts"]["acc"]
        assert (health["guards"], health["guards_file"]) == (1, "ok")
        assert supervisor(front).calls == []

    def test_are_set_by_the_worker_and_only_on_their_own_account(self, front: Front) -> None:
        wanted = trailing(7)
        assert call(front, "guard", guard=wanted.model_dump(mode="json")) == "from the worker"
        other = wanted.model_copy(update={"account": "other"}).model_dump(mode="json")
        with pytest.raises(InvalidInput, match="other"):
            call(front, "guard", guard=other)
        assert call(front, "unguard", guard_id=wanted.guard_id) == "from the worker"
        assert supervisor(front).calls == ["guard", "unguard"]

    def test_whose_setting_is_not_answered_may_be_set_again(self, front: Front) -> None:
        supervisor(front).result = HandedOver("gone", threading.Event())
        with pytest.raises(BrokerTimeout):
            call(front, "guard", guard=trailing(7).model_dump(mode="json"))

    def test_in_a_damaged_file_are_trouble_that_shows(self, front: Front) -> None:
        seat = front._seats["acc"]
        seat.guards.close()
        seat._guards, seat._guards_trouble = None, StorageUnavailable("the guards' file is damaged")
        with pytest.raises(StorageUnavailable, match="damaged"):
            call(front, "guards")
        health = front.health()
        assert health["status"] == "degraded"
        assert health["accounts"]["acc"]["guards_file"] == "the guards' file is damaged"
