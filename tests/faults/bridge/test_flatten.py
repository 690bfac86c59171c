"""Flattening through the real bridge processes: halted at once, flat in the end, whatever dies on the way."""

import hashlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from tests.integration.bridge.rig import MONDAY, Rig, eventually
from tradeloom.errors import BrokerError, BrokerUnavailable, Conflict
from tradeloom.trading.flattening import FlattenReport, FlattenStatus
from tradeloom.trading.intents import OutcomeStatus
from tradeloom.trading.risk import AccountState

ID = "f" * 32
FLAT, RUNNING = FlattenStatus.FLAT, FlattenStatus.RUNNING


def fill(rig: Rig, account: str = "paper", tag: str = "") -> None:
    """Three positions and two pending orders, under ids made of the tag."""
    broker = rig.client.account(account)
    for number in range(3):
        intent = rig.buy(f"{account}{tag}{number}").model_copy(update={"account": account})
        assert broker.send(intent).status is OutcomeStatus.DONE
    for number in range(2):
        resting = rig.limit(f"{account}{tag}-p{number}").model_copy(update={"account": account})
        assert broker.send(resting).status is OutcomeStatus.PLACED


def id_of(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def flatten(rig: Rig, account: str = "paper", flatten_id: str = ID) -> FlattenReport:
    return rig.client.account(account).flatten(flatten_id, reason="enough", by="me")


def flat(rig: Rig, account: str = "paper", timeout_s: float = 30.0) -> FlattenReport:
    broker = rig.client.account(account)
    told: list[FlattenReport | None] = []

    def ended() -> bool:
        told[:] = [broker.flattened()]
        return told[0] is not None and told[0].status is not RUNNING

    eventually(ended, "the account is flat", timeout_s)
    assert told[0] is not None
    return told[0]


@pytest.mark.parametrize(("account", "positions"), [("paper", 3), ("netting", 1)])
def test_flat_halted_and_only_a_person_lifts_it(tmp_path: Path, account: str, positions: int) -> None:
    with Rig(tmp_path, modes={"paper": "hedging", "netting": "netting"}) as rig:
        broker = rig.client.account(account)
        fill(rig, account)
        began = flatten(rig, account)
        assert broker.state().state is AccountState.HALTED
        assert began.left is not None
        told = flat(rig, account)
        assert (told.status, told.closed, told.cancelled, told.left) == (FLAT, positions, 2, 0)
        assert (broker.positions(), broker.orders()) == ([], [])
        late = rig.buy("late").model_copy(update={"account": account})
        assert (broker.send(late).status, broker.send(late).reason) == (OutcomeStatus.REJECTED, "risk")
        before = rig.deals(account)
        assert flatten(rig, account) == told  # the same id is the same flatten
        assert rig.deals(account) == before
        rig.restart()
        assert broker.state().state is AccountState.HALTED
        assert broker.flattened() == told
        with pytest.raises(Conflict):
            broker.set_state(AccountState.ACTIVE, reason="a program's wish", by="a program")
        broker.set_state(AccountState.ACTIVE, reason="looked at it", by="me", clear=True)
        assert flatten(rig, account) == told
        assert broker.state().state is AccountState.ACTIVE  # a late repetition does not halt it again
        assert broker.send(rig.buy("again").model_copy(update={"account": account})).status is OutcomeStatus.DONE


class _Armed:
    """One bridge that runs into a point of its code, once, whenever a test arms it."""

    points: ClassVar[dict[str, str]]

    @pytest.fixture(scope="class")
    @classmethod
    def rig(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
        directory = tmp_path_factory.mktemp("armed")
        for point in cls.points:
            (directory / f"{point}.mark").touch()
        account = {"hang_timeout_s": 3.0, "history_horizon_s": 0.5}
        with Rig(directory, account=account, points=cls.points) as rig:
            yield rig

    @pytest.fixture
    def opened(self, rig: Rig, request: pytest.FixtureRequest) -> int:
        """How many deals there are once the account is filled anew."""
        eventually(lambda: rig.client.health()["accounts"]["paper"]["status"] == "ready", "the worker is ready", 60)
        rig.broker.set_state(AccountState.ACTIVE, reason="another test", by="me", clear=True)
        fill(rig, tag=request.node.name)
        return len(rig.deals())

    def arm(self, rig: Rig, point: str) -> None:
        (rig.directory / f"{point}.mark").unlink()

    def ends_flat(self, rig: Rig, opened: int, point: str) -> None:
        told = flat(rig, timeout_s=90)
        assert (rig.directory / f"{point}.mark").exists()
        assert (told.status, told.closed, told.cancelled, told.left) == (FLAT, 3, 2, 0)
        assert (rig.broker.positions(), rig.broker.orders()) == ([], [])
        closing = rig.deals()[opened:]
        assert len(closing) == len(set(closing)) == 3


class TestKilled(_Armed):
    points: ClassVar = dict.fromkeys(
        ("worker.claimed", "worker.sent", "worker.executed", "flatten.sent", "front.halted"), "kill"
    )

    @pytest.mark.parametrize("point", ["worker.claimed", "worker.sent", "worker.executed", "flatten.sent"])
    def test_a_killed_worker_goes_on(self, rig: Rig, opened: int, point: str) -> None:
        self.arm(rig, point)
        flatten(rig, flatten_id=id_of(point))
        self.ends_flat(rig, opened, point)

    def test_a_front_killed_after_the_halt_has_halted(self, rig: Rig, opened: int) -> None:
        self.arm(rig, "front.halted")
        with pytest.raises(BrokerError):
            flatten(rig, flatten_id=id_of("front"))
        rig.restart(self.points)  # as a service manager would
        assert rig.broker.state().state is AccountState.HALTED
        assert flatten(rig, flatten_id=id_of("front")).status is RUNNING
        self.ends_flat(rig, opened, "front.halted")


class TestFrozen(_Armed):
    points: ClassVar = dict.fromkeys(("worker.claimed", "worker.sent"), "hang")

    def test_a_terminal_that_freezes_under_a_close_is_replaced(self, rig: Rig, opened: int) -> None:
        """The close was marked as sent and never reached the broker: it is looked for, fenced, and tried anew."""
        restarts = rig.client.health()["accounts"]["paper"]["restarts"]
        self.arm(rig, "worker.sent")
        flatten(rig, flatten_id=id_of("freezes"))
        self.ends_flat(rig, opened, "worker.sent")
        assert rig.client.health()["accounts"]["paper"]["restarts"] > restarts

    def test_a_hung_worker_does_not_keep_the_account_from_being_halted(self, rig: Rig, opened: int) -> None:
        """An order is claimed and not sent when its worker freezes; the halt comes, and the order never goes."""
        late = rig.buy("late")
        self.arm(rig, "worker.claimed")
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(rig.broker.send, late)
            eventually((rig.directory / "worker.claimed.mark").exists, "the worker hangs", 60)
            told = flatten(rig, flatten_id=id_of("hung"))
            assert rig.broker.state().state is AccountState.HALTED
            assert told.status is RUNNING
            with pytest.raises(BrokerUnavailable):
                sending.result(60)
        self.ends_flat(rig, opened, "worker.claimed")
        assert late.magic not in rig.orders()


def test_a_closed_market_is_told_and_waited_for(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        fill(rig)
        rig.broker.advance(MONDAY + timedelta(hours=303))
        flatten(rig)
        eventually(lambda: all(each.trouble for each in rig.broker.flattened().remaining), "each was tried")  # type: ignore[union-attr]
        told = rig.broker.flattened()
        assert told is not None
        assert told.status is RUNNING
        assert told.left
        rig.broker.advance(MONDAY + timedelta(hours=311))
        told = flat(rig, timeout_s=90)
        assert (told.status, told.closed, told.cancelled) == (FLAT, 3, 2)


def test_the_worker_answers_while_it_flattens(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        fill(rig)
        rig.broker.advance(MONDAY + timedelta(hours=303))
        flatten(rig)
        assert rig.broker.tick("EURUSD").bid > 0
        assert rig.client.health()["accounts"]["paper"]["flattening"] is True
        os.kill(rig.worker_pid(), signal.SIGKILL)
        eventually(lambda: rig.client.health()["accounts"]["paper"]["status"] == "ready", "the worker is back")
        assert rig.broker.flattened().status is RUNNING  # type: ignore[union-attr]
