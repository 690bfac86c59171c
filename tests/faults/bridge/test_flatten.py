"""Flattening through the real bridge processes: halted at once, flat in the end, whatever dies on the way."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.bridge.rig import MONDAY, Rig, eventually
from tradeloom.errors import BrokerUnavailable, Conflict
from tradeloom.trading.flattening import FlattenReport, FlattenStatus
from tradeloom.trading.intents import OutcomeStatus
from tradeloom.trading.risk import AccountState

ID = "f" * 32
FLAT, RUNNING = FlattenStatus.FLAT, FlattenStatus.RUNNING


def fill(rig: Rig, account: str = "paper") -> None:
    """Three positions and two pending orders."""
    broker = rig.client.account(account)
    for number in range(3):
        intent = rig.buy(f"{account}{number}").model_copy(update={"account": account})
        assert broker.send(intent).status is OutcomeStatus.DONE
    for number in range(2):
        resting = rig.limit(f"{account}-p{number}").model_copy(update={"account": account})
        assert broker.send(resting).status is OutcomeStatus.PLACED


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


@pytest.mark.parametrize("point", ["worker.claimed", "worker.sent", "worker.executed", "flatten.sent", "front.halted"])
def test_killed_in_the_middle_it_goes_on(tmp_path: Path, point: str) -> None:
    with Rig(tmp_path, account={"history_horizon_s": 0.5}) as rig:
        fill(rig)
        opened = rig.deals()
        rig.restart({point: "kill"})
        try:
            flatten(rig)
        except BrokerUnavailable:  # the front is gone: started again as a service manager would
            assert point == "front.halted"
        except Exception:
            assert point == "front.halted"
        if point == "front.halted":
            rig.restart()
            assert rig.broker.state().state is AccountState.HALTED  # which held before anything else was written
            flatten(rig)
        told = flat(rig)
        assert (tmp_path / f"{point}.mark").exists()
        assert (told.status, told.left) == (FLAT, 0)
        assert (told.closed, told.cancelled) == (3, 2)
        assert (rig.broker.positions(), rig.broker.orders()) == ([], [])
        closing = rig.deals()[len(opened) :]
        assert len(closing) == 3
        assert len(set(closing)) == 3


def test_a_hung_worker_does_not_keep_the_account_from_being_halted(tmp_path: Path) -> None:
    """An order is claimed and not sent when its worker freezes; the halt comes, and the order never goes."""
    with Rig(tmp_path, account={"hang_timeout_s": 3.0}) as rig:
        fill(rig)
        rig.restart({"worker.claimed": "hang"})
        late = rig.buy("late")
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(rig.broker.send, late)
            eventually((tmp_path / "worker.claimed.mark").exists, "the worker hangs")
            began = time.monotonic()
            told = flatten(rig)
            assert rig.broker.state().state is AccountState.HALTED
            assert time.monotonic() - began < 20  # a guard against waiting for the worker, not a speed
            assert told.status is RUNNING
            with pytest.raises(BrokerUnavailable):
                sending.result(60)
        told = flat(rig)
        assert (told.status, told.closed, told.cancelled) == (FLAT, 3, 2)
        assert late.magic not in rig.deals()
        assert late.magic not in rig.orders()


def test_a_terminal_that_freezes_under_a_close_is_replaced_and_it_goes_on(tmp_path: Path) -> None:
    """The close was marked as sent and never reached the broker: it is looked for, fenced, and tried anew."""
    with Rig(tmp_path, account={"hang_timeout_s": 2.0, "history_horizon_s": 0.5}) as rig:
        fill(rig)
        opened = rig.deals()
        rig.restart({"worker.sent": "hang"})
        flatten(rig)
        told = flat(rig, timeout_s=90)
        assert (tmp_path / "worker.sent.mark").exists()
        assert (told.status, told.closed, told.cancelled) == (FLAT, 3, 2)
        assert len(rig.deals()) - len(opened) == 3
        assert rig.client.health()["accounts"]["paper"]["restarts"] >= 1


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
