"""The kill switch of one machine: the bridge first, then what runs; and what happens while the bridge is away."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import loop
from tests.unit.mt5_bridge.fake_terminal import LIMITS
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.errors import BrokerUnavailable, Conflict, NotFound
from tradeloom.local.accounts import LocalAccounts
from tradeloom.local.bridging import OnLoop
from tradeloom.local.halts import Halts
from tradeloom.storage.memory import MemoryBlobs
from tradeloom.trading.flattening import FlattenReport, FlattenStatus
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState, next_state

AT = datetime(2026, 1, 1, tzinfo=UTC)


def status_of(state: AccountState, *, reason: str = "enough", by: str = "me") -> AccountStatus:
    return AccountStatus(state=state, reason=reason, by=by, changed_at=AT, limits=LIMITS)


class Account:
    """An account behind a bridge that may be away, with the real rule of what may follow what."""

    def __init__(self) -> None:
        self.away = False
        self.status = status_of(AccountState.ACTIVE, by="bridge")
        self.flattens: list[str] = []
        self.told: list[AccountState] = []

    def state(self) -> AccountStatus:
        self._reach()
        return self.status

    def set_state(self, state: AccountState, *, reason: str, by: str, clear: bool = False) -> AccountStatus:
        self._reach()
        self.status = status_of(next_state(self.status.state, state, clear=clear), reason=reason, by=by)
        self.told.append(state)
        return self.status

    def flatten(self, flatten_id: str, *, reason: str, by: str) -> FlattenReport:
        self.set_state(AccountState.HALTED, reason=reason, by=by)
        self.flattens.append(flatten_id)
        found = self.flattened()
        assert found is not None
        return found

    def flattened(self) -> FlattenReport | None:
        self._reach()
        if not self.flattens:
            return None
        return FlattenReport(
            flatten_id=self.flattens[-1],
            status=FlattenStatus.FLAT,
            reason="r",
            by="b",
            requested_at=AT,
            closed=2,
            left=0,
        )

    def health(self) -> dict[str, Any]:
        self._reach()
        return {"status": "ready", "unsettled": 1, "guards": 3}

    def account(self) -> Any:
        self._reach()
        return SimpleNamespace(trade_mode="paper", currency="USD", balance=1e4, equity=9e3)

    def positions(self) -> list[Any]:
        return [1, 2]

    def orders(self) -> list[Any]:
        return [1]

    def _reach(self) -> None:
        if self.away:
            raise BrokerUnavailable("no bridge is running")


class House:
    """Two accounts, the real switch, and what it swept."""

    def __init__(self) -> None:
        self.accounts = {"one": Account(), "two": Account()}
        self.halts = Halts(MemoryBlobs())
        self.swept: list[dict[str, bool]] = []
        self.killed: list[tuple[str, str, str]] = []
        bridge = SimpleNamespace(account=self.accounts.__getitem__)
        self.switch = LocalAccounts(
            cast(OnLoop, _InThisThread()), bridge=cast(BridgeClient, bridge), accounts=tuple(self.accounts),
            halts=self.halts, sweep=self._sweep, kill_workflow=self._kill_workflow, look_s=0.01,
        )  # fmt: skip

    async def _sweep(self) -> int:
        self.swept.append(
            {name: account.status.state is not AccountState.ACTIVE for name, account in self.accounts.items()}
        )
        return 4

    async def _kill_workflow(self, tenant: str, workflow: str, reason: str) -> int:
        self.killed.append((tenant, workflow, reason))
        return 3


class _InThisThread:
    def __call__[T](self, work: Coroutine[Any, Any, T]) -> T:
        return loop.run(work)


@pytest.mark.parametrize(("mode", "state"), [("pause", "halted"), ("reduce", "reducing"), ("flatten", "halted")])
def test_the_gate_is_closed_before_what_runs_is_stopped(mode: Any, state: str) -> None:
    house = House()
    told = house.switch.kill("local", "me", "one", Kill(mode=mode, reason="enough"))
    assert house.swept == [{"one": True, "two": False}]
    assert (told.stopped, [each.name for each in told.items]) == (4, ["one"])
    detail = told.items[0]
    assert (detail.state, detail.state_by, detail.state_reason) == (state, "me", "enough")
    assert (detail.positions, detail.orders, detail.unsettled, detail.guards) == (2, 1, 1, 3)
    assert (detail.flatten is not None) is (mode == "flatten")
    assert house.accounts["two"].told == []
    assert house.halts.any


def test_all_at_once_and_one_that_is_stopped_more_strictly_stays_so() -> None:
    house = House()
    house.switch.kill("local", "me", "one", Kill(reason="first"))
    told = house.switch.kill("local", "me", None, Kill(mode="reduce", reason="then"))
    assert [(each.name, each.state, each.state_reason) for each in told.items] == [
        ("one", "halted", "first"), ("two", "reducing", "then"),
    ]  # fmt: skip


def test_loosening_by_a_kill_is_refused() -> None:
    house = House()
    house.switch.kill("local", "me", "one", Kill(reason="first"))
    with pytest.raises(Conflict) as caught:
        house.switch.kill("local", "me", "one", Kill(mode="reduce", reason="then"))
    assert caught.value.field == "mode"
    assert "Resume it first" in (caught.value.hint or "")


def test_a_bridge_that_is_away_is_told_when_it_is_back() -> None:
    """What runs is stopped at once all the same, and a flatten stays one flatten."""
    house = House()
    away = house.accounts["one"]
    away.away = True
    with pytest.raises(BrokerUnavailable) as caught:
        house.switch.kill("local", "me", "one", Kill(mode="flatten", reason="enough"))
    assert "4 executions were stopped" in (caught.value.hint or "")
    assert len(house.swept) == 1
    assert house.halts.any

    async def body() -> None:
        following = asyncio.ensure_future(house.switch.follow())
        await asyncio.sleep(0.05)
        assert house.halts.any  # the state it could not read did not make it active
        away.away = False
        async with asyncio.timeout(20):
            while not away.flattens:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        following.cancel()

    loop.run(body())
    assert away.status.state is AccountState.HALTED
    assert len(away.flattens) == 1
    assert (away.status.by, away.status.reason) == ("me", "enough")


def test_one_away_does_not_keep_the_others_from_being_stopped() -> None:
    house = House()
    house.accounts["one"].away = True
    with pytest.raises(BrokerUnavailable) as caught:
        house.switch.kill("local", "me", None, Kill(reason="enough"))
    assert "one" in caught.value.message
    assert house.accounts["two"].status.state is AccountState.HALTED


def test_a_person_who_resumes_takes_back_what_was_not_told_yet() -> None:
    house = House()
    account = house.accounts["one"]
    account.away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.kill("local", "me", "one", Kill(reason="enough"))
    account.away = False
    assert house.switch.resume("local", "me", "one", Resume(reason="fine")).state == "active"

    async def body() -> None:
        following = asyncio.ensure_future(house.switch.follow())
        await asyncio.sleep(0.1)
        following.cancel()

    loop.run(body())
    assert account.status.state is AccountState.ACTIVE
    assert not house.halts.any


def test_a_halt_from_elsewhere_is_seen_and_swept() -> None:
    house = House()
    house.accounts["two"].status = status_of(AccountState.HALTED, by="risk gate")

    async def body() -> None:
        await house.switch.open()
        assert house.halts.any
        following = asyncio.ensure_future(house.switch.follow())
        async with asyncio.timeout(20):
            while not house.swept:
                await asyncio.sleep(0.01)
        following.cancel()

    loop.run(body())


def test_an_account_that_does_not_answer_is_told_of_as_far_as_it_goes() -> None:
    house = House()
    house.accounts["two"].away = True
    one, two = house.switch.page("local").items
    assert (one.available, one.state, one.detail) == (True, "active", "")
    assert (two.available, two.state, two.detail) == (False, None, "no bridge is running")


def test_an_account_that_is_not_there() -> None:
    house = House()
    for ask in (
        lambda: house.switch.get("local", "three"),
        lambda: house.switch.kill("local", "me", "three", Kill(reason="enough")),
        lambda: house.switch.resume("local", "me", "three", Resume(reason="fine")),
    ):
        with pytest.raises(NotFound):
            ask()
    assert house.swept == []


def test_a_workflow_is_stopped_by_name_of_who_asked() -> None:
    house = House()
    assert house.switch.kill_workflow("local", "me", "wf-1").stopped == 3
    assert house.killed == [("local", "wf-1", "the workflow was stopped by me")]
