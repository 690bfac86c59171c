"""Whatever breaks around an order, it has exactly one effect and its outcome becomes known: with real processes."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.bridge.rig import Rig, alive, eventually
from tests.support.exam import sized
from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.trading.intents import MarketOrderIntent, OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint
from tradeloom.trading.risk import AccountState

DONE, UNKNOWN, NOT_SENT = OutcomeStatus.DONE, OutcomeStatus.UNKNOWN, OutcomeStatus.NOT_SENT


def agree(rig: Rig, outcome: OrderOutcome, magic: int) -> None:
    """What was told, what the journal holds and what the broker did are one and the same."""
    assert rig.deals().count(magic) == (1 if outcome.status is DONE else 0)
    entry = rig.journal(outcome.client_order_id)
    assert entry is not None
    assert entry.outcome() == outcome


def sent_by_ten(rig: Rig, intent: OrderIntent) -> list[OrderOutcome]:
    """What each of ten clients is told that send the same intent at the same moment."""
    clients = [BridgeClient(rig.bridge.state_file) for _ in range(10)]
    together = threading.Barrier(10)

    def send(client: BridgeClient) -> OrderOutcome:
        together.wait()
        return client.account("paper").send(intent)

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(send, clients))
    for client in clients:
        client.close()
    return outcomes


def test_ten_callers_with_the_same_intent_make_one_order(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        intent = rig.buy()
        outcomes = sent_by_ten(rig, intent)
        assert outcomes == [outcomes[0]] * 10
        assert rig.deals() == [intent.magic]
        agree(rig, outcomes[0], intent.magic)


def test_ten_processes_with_the_same_intent_make_one_order(tmp_path: Path) -> None:
    """Several times over, and once with the bridge's worker killed while it carries the order out."""
    with Rig(tmp_path, points={"worker.executed": "kill"}) as rig:
        for number in range(3):
            intent = rig.buy(f"n{number}")
            outcomes = sent_by_ten_processes(rig, intent)
            decided = {outcome for outcome in outcomes if outcome.status is not UNKNOWN}
            assert len(outcomes) == 10
            assert len(decided) == 1
            assert rig.deals().count(intent.magic) == 1
            agree(rig, decided.pop(), intent.magic)
        assert len(rig.deals()) == 3
        assert rig.client.health()["accounts"]["paper"]["restarts"] == 1


def sent_by_ten_processes(rig: Rig, intent: OrderIntent) -> list[OrderOutcome]:
    told = subprocess.run(
        [sys.executable, "-m", "tests.faults.bridge.callers", str(rig.bridge.state_file)],
        cwd=Path(__file__).parents[3],
        input=intent.model_dump_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return [OrderOutcome.model_validate_json(line) for line in told.stdout.splitlines()]


class TestWorkerKilled:
    """kill -9 of the worker; the client calls once and is told the truth."""

    def test_before_the_order_was_marked_as_sent(self, tmp_path: Path) -> None:
        with Rig(tmp_path, points={"worker.claimed": "kill"}) as rig:
            intent = rig.buy()
            with pytest.raises(BrokerUnavailable, match="nothing was sent"):
                rig.broker.send(intent)
            assert rig.deals() == []
            outcome = rig.broker.send(intent)  # so the same id may be sent
            assert outcome.status is DONE
            agree(rig, outcome, intent.magic)

    def test_between_marking_and_transmission(self, tmp_path: Path) -> None:
        with Rig(tmp_path, points={"worker.sent": "kill"}, account={"history_horizon_s": 2.0}) as rig:
            rig.client._settle_s = 0.5
            intent = rig.buy()
            assert rig.broker.send(intent).status is UNKNOWN  # nobody can know yet, so nothing is sent again
            assert rig.broker.send(intent).status is UNKNOWN
            rig.client._settle_s = 10
            outcome = rig.broker.send(intent)
            assert outcome.status is NOT_SENT  # past the horizon, behind the fence
            assert rig.broker.send(intent) == outcome
            agree(rig, outcome, intent.magic)

    def test_between_execution_and_record(self, tmp_path: Path) -> None:
        with Rig(tmp_path, points={"worker.executed": "kill"}) as rig:
            intent = rig.buy()
            outcome = rig.broker.send(intent)
            assert outcome.status is DONE  # found in the broker's records by the next worker
            (position,) = rig.broker.positions()
            assert outcome.position == position.ticket
            agree(rig, outcome, intent.magic)
            assert rig.client.health()["accounts"]["paper"]["restarts"] == 1


class TestFrontKilled:
    def test_before_the_answer_leaves(self, tmp_path: Path) -> None:
        with Rig(tmp_path, points={"front.answered": "kill"}) as rig:
            intent = rig.buy()
            rig.client._send_timeout_s = 60
            with ThreadPoolExecutor(1) as pool:
                told = pool.submit(rig.broker.send, intent)
                eventually(lambda: not rig.bridge.alive(), "the front is dead")
                rig.restart()
                outcome = told.result()
            assert outcome.status is DONE
            agree(rig, outcome, intent.magic)

    def test_while_the_worker_hangs_in_an_order(self, tmp_path: Path) -> None:
        """The hung worker is an orphan that holds the account: the next bridge ends it before it starts its own."""
        faults = [{"kind": "hang", "seconds": 60, "executed": True}]
        with Rig(tmp_path, faults=faults, account={"hang_timeout_s": 60.0}) as rig:
            intent = rig.buy()
            worker = rig.worker_pid()
            rig.client._send_timeout_s = 60
            with ThreadPoolExecutor(1) as pool:
                told = pool.submit(rig.broker.send, intent)
                eventually(lambda: bool(rig.deals()), "the order is executed and its answer hangs")
                rig.bridge.kill()
                assert alive(worker)
                rig.restart()
                outcome = told.result()
            assert not alive(worker)
            assert outcome.status is DONE
            agree(rig, outcome, intent.magic)


class TestHungTerminal:
    """The paper terminal freezes its whole process, as the real package does."""

    @pytest.mark.parametrize("executed", [True, False])
    def test_is_given_up_and_the_order_settled(self, tmp_path: Path, executed: bool) -> None:
        faults = [{"kind": "hang", "seconds": 60, "executed": executed}]
        with Rig(tmp_path, faults=faults, account={"history_horizon_s": 1.0, "hang_timeout_s": 2.0}) as rig:
            intent = rig.buy()
            rig.client._settle_s = 60
            outcome = rig.broker.send(intent)
            assert outcome.status is (DONE if executed else NOT_SENT)
            agree(rig, outcome, intent.magic)
            assert rig.broker.send(rig.buy("next")).status is DONE

    def test_does_not_keep_a_halt_waiting(self, tmp_path: Path) -> None:
        faults = [{"kind": "hang", "seconds": 60}]
        with Rig(tmp_path, faults=faults, account={"hang_timeout_s": 8.0}) as rig, ThreadPoolExecutor(2) as pool:
            hung = pool.submit(rig.broker.send, rig.buy())
            eventually(lambda: bool(rig.deals()), "the first order hangs")
            queued = pool.submit(rig.broker.send, rig.buy("queued"))
            time.sleep(0.2)
            rig.broker.set_state(AccountState.HALTED, reason="stop", by="Ada")
            assert not hung.done()
            assert hung.result().status is DONE
            with contextlib.suppress(BrokerUnavailable):  # it waited behind the hung one: refused, or never handed on
                assert queued.result().reason == "risk"
            assert len(rig.deals()) == 1


def test_what_the_terminal_says_is_held_against_the_brokers_records(tmp_path: Path) -> None:
    script: list[tuple[dict[str, object], OutcomeStatus]] = [
        ({"kind": "reply_lost"}, DONE),
        ({"kind": "reply_lost", "executed": False}, NOT_SENT),
        ({"kind": "timeout", "executed": True}, DONE),
        ({"kind": "timeout"}, NOT_SENT),
        ({"kind": "reject"}, OutcomeStatus.REJECTED),
        ({"kind": "requote"}, DONE),
    ]
    with Rig(tmp_path, faults=[fault for fault, _ in script], account={"history_horizon_s": 0.5}) as rig:
        for number, (_, status) in enumerate(script):
            intent = rig.buy(f"n{number}")
            outcome = rig.broker.send(intent)
            assert outcome.status is status
            assert rig.broker.send(intent) == outcome
            agree(rig, outcome, intent.magic)


class CuttingProxy(threading.Thread):
    """Stands between client and bridge; once told to, it lets requests through and cuts the line before the answer."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self.target = target
        self.cut = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                for source, sink, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self.pump, args=(source, sink, answers), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.cut:
                    self.cut = False
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_a_reply_lost_on_the_network_is_asked_for_again(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        endpoint = Endpoint.from_state_file(rig.bridge.state_file)
        proxy = CuttingProxy((endpoint.host, endpoint.port))
        client = BridgeClient(endpoint.model_copy(update={"port": proxy.port}))
        broker = client.account("paper")
        broker.tick("EURUSD")
        for number in range(5):
            intent = rig.buy(f"n{number}")
            proxy.cut = True
            outcome = broker.send(intent)
            assert outcome.status is DONE
            agree(rig, outcome, intent.magic)
        assert len(rig.deals()) == 5
        client.close()
        proxy.listener.close()


def test_a_full_disk_refuses_before_sending(tmp_path: Path) -> None:
    """The journal may grow no further (SQLite's own limit stands in for the disk's end)."""
    with Rig(tmp_path) as rig:
        first = rig.broker.send(rig.buy())
        journal = tmp_path / "data" / "accounts" / "paper" / "journal.sqlite3"
        rig.bridge.stop()
        content = bytearray(journal.read_bytes())
        content[-2048:] = b"\xff" * 2048
        content[100:3000] = b"\xff" * 2900
        journal.write_bytes(content)
        rig.restart()
        with pytest.raises(StorageUnavailable, match="damaged") as caught:
            rig.broker.send(rig.buy("next"))
        assert caught.value.hint is not None
        assert rig.broker.tick("EURUSD").bid > 0  # reading goes on
        assert rig.client.health()["status"] == "degraded"
        assert rig.deals() == [rig.buy().magic]
        assert first.status is DONE


@pytest.mark.exam(suite="kills of the bridge among market orders")
def test_random_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Worker or front is killed at a random moment of each round of orders; afterwards all three books agree."""
    chance = random.Random(20261122)
    with Rig(tmp_path, account={"history_horizon_s": 0.3}) as rig, ThreadPoolExecutor(1) as pool:
        outcomes: dict[MarketOrderIntent, OrderOutcome] = {}
        for number in range(sized(ci=4, full=60)):
            intents = [rig.buy(f"round {number} order {order}") for order in range(4)]
            sending = pool.submit(send_until_decided, rig, intents)
            worker = rig.worker_pid()
            time.sleep(chance.uniform(0, 0.03))
            if number % 4 == 3:
                rig.bridge.kill()
                rig.restart()
            else:
                os.kill(worker, signal.SIGKILL)
            outcomes |= dict(zip(intents, sending.result(), strict=True))
            eventually(lambda dead=worker: rig.worker_pid() != dead, "another worker is there")  # type: ignore[misc]
        deals = rig.deals()
        assert len(deals) == len(set(deals))
        assert {outcome.status for outcome in outcomes.values()} <= {DONE, NOT_SENT}
        for intent, outcome in outcomes.items():
            agree(rig, outcome, intent.magic)


def send_until_decided(rig: Rig, intents: list[MarketOrderIntent]) -> list[OrderOutcome]:
    """As the engine's retries do: the same intent again while nothing was sent or nobody knows."""
    outcomes = []
    for intent in intents:
        outcome: OrderOutcome | None = None
        while outcome is None or outcome.status is UNKNOWN:
            with contextlib.suppress(BrokerUnavailable):
                outcome = rig.broker.send(intent)
        outcomes.append(outcome)
    return outcomes
