"""Pending orders, changes and cancels when replies are lost and processes killed: one effect, and its outcome known."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.bridge.test_lost_and_killed import CuttingProxy, sent_by_ten
from tests.integration.bridge.rig import Rig, eventually
from tests.support.exam import sized
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint

DONE, PLACED, UNKNOWN, NOT_SENT = (
    OutcomeStatus.DONE,
    OutcomeStatus.PLACED,
    OutcomeStatus.UNKNOWN,
    OutcomeStatus.NOT_SENT,
)
SOON: dict[str, Any] = {"history_horizon_s": 0.5}
SET_UP = {"kind": "reply_lost", "executed": True}
"""Meets the order that prepares the scene, which is found by its magic number all the same."""

NEARER = Decimal("1.06")
KINDS = pytest.mark.parametrize("kind", ["pending", "modify", "cancel"])


def agree(rig: Rig, outcome: OrderOutcome, magic: int) -> None:
    """What was told, what the journal holds and what rests at the broker are one and the same."""
    resting = [order for order in rig.broker.orders() if order.magic == magic]
    assert [order.ticket for order in resting] == ([outcome.order] if outcome.status is PLACED else [])
    assert rig.orders().count(magic) == len(resting)
    entry = rig.journal(outcome.client_order_id)
    assert entry is not None
    assert entry.outcome() == outcome


def held(rig: Rig) -> int:
    """A position with a stop, opened before the fault."""
    opened = rig.broker.send(rig.buy("held", stop_loss=Decimal("1.05")))
    assert opened.position is not None
    return opened.position


def resting(rig: Rig) -> int:
    placed = rig.broker.send(rig.limit("resting"))
    assert placed.order is not None
    return placed.order


def test_ten_callers_with_the_same_pending_order_place_one(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        intent = rig.limit()
        outcomes = sent_by_ten(rig, intent)
        assert {outcome.status for outcome in outcomes} == {PLACED}
        assert len({outcome.order for outcome in outcomes}) == 1
        assert rig.orders() == [intent.magic]


class TestReplyLost:
    """By the terminal, after the broker has executed or without."""

    @pytest.mark.parametrize("executed", [True, False])
    def test_of_a_pending_order(self, tmp_path: Path, executed: bool) -> None:
        with Rig(tmp_path, faults=[{"kind": "reply_lost", "executed": executed}], account=SOON) as rig:
            intent = rig.limit()
            outcome = rig.broker.send(intent)
            assert outcome.status is (PLACED if executed else NOT_SENT)
            assert rig.broker.send(intent) == outcome
            agree(rig, outcome, intent.magic)

    @pytest.mark.parametrize("executed", [True, False])
    def test_of_a_modify(self, tmp_path: Path, executed: bool) -> None:
        with Rig(tmp_path, faults=[SET_UP, {"kind": "reply_lost", "executed": executed}], account=SOON) as rig:
            intent = rig.modify(held(rig), stop_loss=NEARER)
            outcome = rig.broker.send(intent)
            assert outcome.status is (DONE if executed else NOT_SENT)
            (position,) = rig.broker.positions()
            assert position.stop_loss == (1.06 if executed else 1.05)
            assert rig.broker.send(intent) == outcome

    @pytest.mark.parametrize("executed", [True, False])
    def test_of_a_cancel(self, tmp_path: Path, executed: bool) -> None:
        with Rig(tmp_path, faults=[SET_UP, {"kind": "timeout", "executed": executed}], account=SOON) as rig:
            intent = rig.cancel(resting(rig))
            outcome = rig.broker.send(intent)
            assert outcome.status is (DONE if executed else NOT_SENT)
            assert len(rig.broker.orders()) == (0 if executed else 1)
            assert rig.broker.send(intent) == outcome


@contextlib.contextmanager
def scene(tmp_path: Path, point: str, kind: str) -> Iterator[tuple[Rig, OrderIntent]]:
    """A bridge with a position and a pending order, killed at `point` of the next order, and an intent of the kind."""
    mark = tmp_path / f"{point}.mark"
    mark.touch()  # not armed yet: a point that has left its mark lets pass
    with Rig(tmp_path, points={point: "kill"}, account=SOON) as rig:
        rig.client._settle_s = 10
        position, order = held(rig), resting(rig)
        intents: dict[str, OrderIntent] = {
            "pending": rig.limit(),
            "modify": rig.modify(position, stop_loss=NEARER),
            "cancel": rig.cancel(order),
        }
        mark.unlink()
        yield rig, intents[kind]


def effects(rig: Rig, kind: str) -> int:
    """How often what the kind's intent asks for has happened."""
    match kind:
        case "pending":
            return rig.orders().count(rig.limit().magic)
        case "modify":
            return [position.stop_loss for position in rig.broker.positions()].count(1.06)
        case _:
            return 1 - len(rig.broker.orders("EURUSD"))


GOOD = {"pending": PLACED, "modify": DONE, "cancel": DONE}


@KINDS
class TestWorkerKilled:
    def test_before_it_was_marked_as_sent(self, tmp_path: Path, kind: str) -> None:
        with scene(tmp_path, "worker.claimed", kind) as (rig, intent):
            with pytest.raises(BrokerUnavailable, match="nothing was sent"):
                rig.broker.send(intent)
            assert effects(rig, kind) == 0
            assert rig.broker.send(intent).status is GOOD[kind]
            assert effects(rig, kind) == 1

    def test_between_marking_and_transmission(self, tmp_path: Path, kind: str) -> None:
        with scene(tmp_path, "worker.sent", kind) as (rig, intent):
            outcome = rig.broker.send(intent)
            assert outcome.status is NOT_SENT  # past the horizon, behind the fence
            assert rig.broker.send(intent) == outcome
            assert effects(rig, kind) == 0

    def test_between_execution_and_record(self, tmp_path: Path, kind: str) -> None:
        with scene(tmp_path, "worker.executed", kind) as (rig, intent):
            outcome = rig.broker.send(intent)
            assert outcome.status is GOOD[kind]
            assert rig.broker.send(intent) == outcome
            assert effects(rig, kind) == 1
            entry = rig.journal(intent.client_order_id)
            assert entry is not None
            assert entry.attempts == 1


@KINDS
def test_a_front_killed_before_the_answer_leaves(tmp_path: Path, kind: str) -> None:
    with scene(tmp_path, "front.answered", kind) as (rig, intent), ThreadPoolExecutor(1) as pool:
        rig.client._send_timeout_s = 60
        told = pool.submit(rig.broker.send, intent)
        eventually(lambda: not rig.bridge.alive(), "the front is dead")
        rig.restart()
        assert told.result().status is GOOD[kind]
        assert effects(rig, kind) == 1


def test_replies_lost_on_the_network_are_asked_for_again(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        position = held(rig)
        endpoint = Endpoint.from_state_file(rig.bridge.state_file)
        proxy = CuttingProxy((endpoint.host, endpoint.port))
        client = BridgeClient(endpoint.model_copy(update={"port": proxy.port}))
        broker = client.account("paper")
        broker.tick("EURUSD")
        proxy.cut = True
        placed = broker.send(rig.limit())
        assert placed.status is PLACED
        agree(rig, placed, rig.limit().magic)
        assert placed.order is not None
        for intent in (rig.modify(position, stop_loss=NEARER), rig.cancel(placed.order)):
            proxy.cut = True
            assert broker.send(intent).status is DONE
            entry = rig.journal(intent.client_order_id)
            assert entry is not None
            assert entry.attempts == 1
        assert ([p.stop_loss for p in rig.broker.positions()], rig.broker.orders()) == ([1.06], [])
        client.close()
        proxy.listener.close()


@pytest.mark.exam(suite="kills of the bridge among pending orders")
def test_random_kills_place_no_order_twice_and_lose_none(tmp_path: Path) -> None:
    """Worker or front is killed at a random moment of each round of pending orders and cancels."""
    chance = random.Random(20261125)
    with Rig(tmp_path, account={"history_horizon_s": 0.3}) as rig, ThreadPoolExecutor(1) as pool:
        for number in range(sized(ci=3, full=60)):
            names = [f"round {number} order {order}" for order in range(3)]
            working = pool.submit(place_and_cancel, rig, names)
            worker = rig.worker_pid()
            time.sleep(chance.uniform(0, 0.05))
            if number % 3 == 2:
                rig.bridge.kill()
                rig.restart()
            else:
                os.kill(worker, signal.SIGKILL)
            decided = working.result()
            eventually(lambda dead=worker: rig.worker_pid() != dead, "another worker is there")  # type: ignore[misc]
            waiting = {order.magic for order in rig.broker.orders()}
            for name, (placed, cancelled) in zip(names, decided, strict=True):
                magic = rig.limit(name).magic
                assert rig.orders().count(magic) == (1 if placed.status is PLACED else 0)
                gone = cancelled is not None and cancelled.status is DONE
                assert (magic in waiting) == (placed.status is PLACED and not gone)


def place_and_cancel(rig: Rig, names: list[str]) -> list[tuple[OrderOutcome, OrderOutcome | None]]:
    decided = []
    for name in names:
        placed = until_decided(rig, rig.limit(name))
        cancelled = None
        if placed.order is not None and placed.status is PLACED:
            cancelled = until_decided(rig, rig.cancel(placed.order, f"cancel {name}"))
        decided.append((placed, cancelled))
    return decided


def until_decided(rig: Rig, intent: OrderIntent) -> OrderOutcome:
    """As the engine's retries do: the same intent again while nothing was sent or nobody knows."""
    outcome: OrderOutcome | None = None
    while outcome is None or outcome.status is UNKNOWN:
        with contextlib.suppress(BrokerUnavailable):
            outcome = rig.broker.send(intent)
    return outcome
