"""The kill switch of one machine: the bridge first, then what runs; and what happens while the bridge is away."""

import asyncio
import threading
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import loop
from tests.support.on_loop import on_loop
from tests.unit.mt5_bridge.fake_terminal import LIMITS
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.api.models.limits import ChangeLimits
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import (
    BrokerError,
    BrokerUnavailable,
    Conflict,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.local.account_notices import AccountNotices
from tradeloom.local.accounts import LocalAccounts
from tradeloom.local.halts import Halts
from tradeloom.local.undelivered import Undelivered
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.kill_wishes import MemoryKillWishes
from tradeloom.trading.account_day import DayFigures
from tradeloom.trading.flattening import FlattenReport, FlattenStatus
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState, next_state
from tradeloom.trading.risk_limits import RiskLimits

AT = datetime(2026, 1, 1, tzinfo=UTC)


def status_of(state: AccountState, *, reason: str = "enough", by: str = "me") -> AccountStatus:
    return AccountStatus(state=state, reason=reason, by=by, changed_at=AT, limits=LIMITS)


class Account:
    """An account behind a bridge that may be away, with the real rule of what may follow what."""

    def __init__(self) -> None:
        self.away = self.terminal_away = False
        self.trade_mode = "paper"
        self.trouble: TradeloomError | None = None
        self.hangs: threading.Event | None = None
        self.status = status_of(AccountState.ACTIVE, by="bridge")
        self.flattens: list[str] = []
        self.told: list[AccountState] = []
        self.limits_by: list[tuple[str, str, bool]] = []

    def state(self) -> AccountStatus:
        self._reach()
        return self.status

    def set_state(self, state: AccountState, *, reason: str, by: str, clear: bool = False) -> AccountStatus:
        self._reach()
        self.status = status_of(next_state(self.status.state, state, clear=clear), reason=reason, by=by)
        self.told.append(state)
        return self.status

    def set_limits(
        self, limits: RiskLimits, *, expected: RiskLimits | None, reason: str, by: str, clear: bool
    ) -> AccountStatus:
        self._reach()
        assert expected == self.status.limits
        self.status = self.status.model_copy(update={"limits": limits})
        self.limits_by.append((by, reason, clear))
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
        if self.terminal_away:
            raise BrokerUnavailable("the terminal does not answer")
        return SimpleNamespace(trade_mode=self.trade_mode, currency="USD", balance=1e4, equity=9e3)

    def positions(self) -> list[Any]:
        return [1, 2]

    def orders(self) -> list[Any]:
        return [1]

    def _reach(self) -> None:
        if self.hangs is not None:
            assert self.hangs.wait(60)
        if self.trouble is not None:
            raise self.trouble
        if self.away:
            raise BrokerUnavailable("no bridge is running")


class House:
    """Two accounts, the real switch, what it swept and what the dashboard was told."""

    def __init__(self, wishes: MemoryKillWishes | None = None, patience_s: float = 60) -> None:
        self.wishes = wishes or MemoryKillWishes()
        self.told: dict[str, Any] = {}
        journal = SimpleNamespace(record=lambda stored: self.told.setdefault(stored.notification.id, stored))
        self.notices = AccountNotices("local", cast(Any, journal))
        self.accounts = {"one": Account(), "two": Account()}
        self.halts = Halts(MemoryBlobs())
        self.swept: list[dict[str, bool]] = []
        self.killed: list[tuple[str, str, str]] = []
        self.asked = 0
        bridge = SimpleNamespace(account=self._account)
        self.switch = LocalAccounts(
            on_loop, bridge=cast(BridgeClient, bridge), accounts=tuple(self.accounts),
            halts=self.halts, sweep=self._sweep, kill_workflow=self._kill_workflow, look_s=0.01, patience_s=patience_s,
            undelivered=Undelivered("local", self.wishes), notices=self.notices,
        )  # fmt: skip

    @property
    def titles(self) -> list[str]:
        return [stored.notification.title for stored in self.told.values()]

    def restarted(self) -> "House":
        """Another Tradeloom on the same database and bridges."""
        made = House(self.wishes)
        made.accounts.update(self.accounts)
        loop.run(made.switch.open())
        return made

    def follow(self) -> None:
        """For some rounds, in each of which every account is asked."""
        enough = self.asked + 5 * len(self.accounts)

        async def body() -> None:
            following = asyncio.ensure_future(self.switch.follow())
            async with asyncio.timeout(60):
                while self.asked < enough:
                    await asyncio.sleep(0.005)
            following.cancel()

        loop.run(body())

    def _account(self, name: str) -> Account:
        self.asked += 1
        return self.accounts[name]

    def kept(self) -> list[KillWish]:
        return loop.run(self.wishes.all("local"))

    async def _sweep(self) -> int:
        self.swept.append(
            {name: account.status.state is not AccountState.ACTIVE for name, account in self.accounts.items()}
        )
        return 4

    async def _kill_workflow(self, tenant: str, workflow: str, reason: str) -> int:
        self.killed.append((tenant, workflow, reason))
        return 3


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
        async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
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


def test_limits_are_changed_against_those_that_were_seen() -> None:
    house = House()
    wanted = ChangeLimits.model_validate({"limits": {"max_lot": "0.5"}, "reason": "careful", "clear": True})
    told = house.switch.change_limits("local", "me", "one", wanted)
    assert told.limits == LIMITS.model_copy(update={"max_lot": Decimal("0.5")})
    assert house.accounts["one"].limits_by == [("me", "careful", True)]
    assert house.switch.limits("local", "one") == told
    assert house.switch.limits("local", "two").limits == LIMITS
    house.accounts["one"].away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.change_limits("local", "me", "one", wanted)


def test_the_day_s_loss_and_the_drawdown_are_told() -> None:
    house = House()
    account = house.accounts["one"]
    day = DayFigures(began=AT, baseline=Decimal(10_000), peak=Decimal(12_000))
    account.status = account.status.model_copy(update={"day": day})
    told = house.switch.get("local", "one").day
    assert told is not None
    assert (told.baseline, told.loss, told.loss_pct) == (10_000, 1_000, 10)
    assert (told.peak, told.drawdown, told.drawdown_pct) == (12_000, 3_000, 25)
    account.terminal_away = True
    without = house.switch.get("local", "one").day
    assert without is not None
    assert (without.baseline, without.loss, without.drawdown_pct) == (10_000, None, None)
    assert house.switch.get("local", "two").day is None


def test_an_account_that_is_not_there() -> None:
    house = House()
    for ask in (
        lambda: house.switch.limits("local", "three"),
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


def version(account: str) -> VersionRecord:
    return VersionRecord(
        tenant="local", workflow_id="wf-1", version="v", artefact="a", definition="d", account=account, created_at=AT
    )


def test_a_kill_the_bridge_was_not_there_for_outlives_a_restart() -> None:
    house = House()
    house.accounts["one"].away = True
    with pytest.raises(BrokerUnavailable) as caught:
        house.switch.kill("local", "me", "one", Kill(mode="flatten", reason="enough"))
    assert "after a restart" in (caught.value.hint or "")
    (wish,) = house.kept()
    again = house.restarted()
    assert loop.run(again.halts.refuses(version("one"))) is not None
    assert loop.run(again.halts.refuses(version("two"))) is None
    waiting = again.switch.get("local", "one").undelivered
    assert waiting is not None
    assert (waiting.mode, waiting.reason, waiting.by) == ("flatten", "enough", "me")
    again.accounts["one"].away = False
    again.follow()
    account = again.accounts["one"]
    assert (account.status.state, account.status.by, account.status.reason) == (AccountState.HALTED, "me", "enough")
    assert account.flattens == [wish.id]
    assert house.kept() == []
    assert again.switch.get("local", "one").undelivered is None


def test_a_kill_that_was_delivered_is_not_kept() -> None:
    house = House()
    house.switch.kill("local", "me", "one", Kill(mode="flatten", reason="enough"))
    assert house.kept() == []
    house.switch.resume("local", "me", "one", Resume(reason="fine"))
    again = house.restarted()
    again.follow()
    assert again.accounts["one"].status.state is AccountState.ACTIVE


def test_a_looser_wish_does_not_take_the_place_of_a_stricter_one() -> None:
    house = House()
    house.accounts["one"].away = True
    for mode in ("reduce", "flatten", "pause", "reduce"):
        with pytest.raises(BrokerUnavailable):
            house.switch.kill("local", "me", "one", Kill(mode=cast(Any, mode), reason=mode))
    (wish,) = house.kept()
    assert wish.mode == "flatten"
    house.accounts["one"].away = False
    told = house.switch.kill("local", "me", "one", Kill(mode="pause", reason="again"))
    assert told.items[0].state == "halted"
    assert house.accounts["one"].flattens == [wish.id]
    assert house.kept() == []


def test_a_resume_withdraws_what_waits_even_while_the_bridge_is_away() -> None:
    house = House()
    account = house.accounts["one"]
    account.away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.kill("local", "me", "one", Kill(reason="enough"))
    with pytest.raises(BrokerUnavailable, match="withdrawn"):
        house.switch.resume("local", "me", "one", Resume(reason="a mistake"))
    assert house.kept() == []
    assert loop.run(house.halts.refuses(version("one"))) is not None
    account.away = False
    house.follow()
    assert (account.status.state, account.told) == (AccountState.ACTIVE, [])
    assert not house.halts.any


class _Down(MemoryKillWishes):
    down = True

    async def keep(self, wish: KillWish) -> None:
        self._reach()
        await super().keep(wish)

    async def withdraw(self, tenant: str, account: str) -> None:
        self._reach()
        await super().withdraw(tenant, account)

    def _reach(self) -> None:
        if self.down:
            raise StorageUnavailable("the database is away")


def test_a_database_that_is_away_holds_up_no_kill_and_is_told_later() -> None:
    wishes = _Down()
    house = House(wishes)
    assert house.switch.kill("local", "me", "two", Kill(reason="enough")).items[0].state == "halted"
    house.accounts["one"].away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.kill("local", "me", "one", Kill(reason="enough"))
    with pytest.raises(StorageUnavailable):  # what cannot be withdrawn would stop it again
        house.switch.resume("local", "me", "one", Resume(reason="fine"))
    assert house.halts.any
    wishes.down = False
    house.follow()
    assert [each.account for each in house.kept()] == ["one"]


def test_the_dashboard_is_told_once_of_a_halt_its_skips_and_its_end() -> None:
    house = House()
    house.switch.kill("local", "me", "one", Kill(reason="the news."))
    house.follow()
    for _ in range(3):
        house.notices.skipped(version("one"), house.halts.standing("one"))
    assert house.titles == ["one is halted", "Starts are skipped on one"]
    halted, skipped = (stored.notification for stored in house.told.values())
    assert (halted.level, skipped.workflow_id) == ("error", "wf-1")
    assert "By me: the news. " in halted.message
    again = house.restarted()
    again.notices.skipped(version("one"), again.halts.standing("one"))
    assert again.told.keys() == house.told.keys()  # the same ids: the dashboard has them already
    house.switch.resume("local", "me", "one", Resume(reason="fine"))
    house.follow()
    assert house.titles[2:] == ["one may trade again"]
    house.notices.skipped(version("one"), None)
    assert len(house.told) == 3


def test_the_dashboard_is_told_that_a_bridge_could_not_be() -> None:
    house = House()
    house.accounts["one"].away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.kill("local", "me", "one", Kill(reason="enough"))
    again = house.restarted()
    assert again.told.keys() == house.told.keys()
    house.accounts["one"].away = False
    house.follow()
    assert house.titles == ["one could not be stopped at its bridge yet", "one is halted"]


@pytest.mark.parametrize(
    "trouble", [StorageUnavailable("its disk is full"), BrokerError("nobody can read that answer")]
)
def test_a_bridge_that_fails_to_do_it_is_told_until_it_does(trouble: TradeloomError) -> None:
    house = House()
    account = house.accounts["one"]
    account.trouble = trouble
    with pytest.raises(type(trouble), match="could not be told"):
        house.switch.kill("local", "me", "one", Kill(mode="flatten", reason="enough"))
    house.follow()
    (wish,) = house.kept()
    account.trouble = None
    house.follow()
    assert account.flattens == [wish.id]
    assert house.kept() == []


def test_what_the_bridge_refuses_is_told_and_not_tried_for_ever() -> None:
    house = House()
    account = house.accounts["one"]
    account.away = True
    with pytest.raises(BrokerUnavailable):
        house.switch.kill("local", "me", "one", Kill(reason="enough"))
    account.trouble = InvalidInput("not such a reason")
    house.follow()
    assert house.kept() == []
    assert house.titles[1:] == ["one was not stopped as asked"]
    account.trouble, account.away = None, False
    house.follow()
    assert account.told == []
    assert not house.halts.any


def test_what_runs_is_stopped_while_the_bridge_hangs() -> None:
    house = House(patience_s=0.01)
    account, stopped = house.accounts["one"], threading.Event()
    account.hangs = stopped

    async def sweep() -> int:
        stopped.set()  # the bridge answers only once what runs was stopped
        return 4 if await house.halts.refuses(version("one")) is not None else 0

    house.switch._sweep = sweep
    told = house.switch.kill("local", "me", "one", Kill(reason="enough"))
    assert (told.stopped, told.items[0].state, told.items[0].undelivered) == (8, "halted", None)
    assert house.kept() == []


class TestRealMoney:
    """An account with real money trades once a person has typed that it may, and not before."""

    @pytest.fixture
    def house(self) -> House:
        house = House()
        house.accounts["one"].trade_mode = "live"
        loop.run(house.switch.open())
        return house

    def test_nobody_decided_so_it_is_halted_at_its_bridge_before_anything_starts(self, house: House) -> None:
        one = house.accounts["one"]
        assert (one.status.state, one.status.by) == (AccountState.HALTED, "tradeloom")
        assert "real money" in one.status.reason
        assert all(other.told == [] for name, other in house.accounts.items() if name != "one")
        told = house.switch.get("local", "one")
        assert (told.state, told.acknowledgement) == ("halted", "trade live money on one")
        assert house.switch.get("local", "two").acknowledgement is None

    @pytest.mark.parametrize("typed", [None, "", "yes", "Trade live money on one", "trade live money on two"])
    def test_a_resume_takes_the_acknowledgement_word_for_word(self, house: House, typed: str | None) -> None:
        with pytest.raises(InvalidInput) as caught:
            house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement=typed))
        assert (caught.value.field, caught.value.hint) == ("acknowledgement", "Type: trade live money on one")
        assert house.accounts["one"].status.state is AccountState.HALTED

    def test_with_it_the_account_trades_and_stays_armed(self, house: House) -> None:
        wanted = Resume(reason="go", acknowledgement=" trade live money on one ")
        assert house.switch.resume("local", "me", "one", wanted).state == "active"
        again = house.restarted()
        assert (again.accounts["one"].status.state, again.accounts["one"].status.by) == (AccountState.ACTIVE, "me")

    def test_after_a_kill_it_takes_it_again(self, house: House) -> None:
        house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement="trade live money on one"))
        house.switch.kill("local", "me", "one", Kill(reason="stop"))
        with pytest.raises(InvalidInput):
            house.switch.resume("local", "me", "one", Resume(reason="go"))

    def test_a_terminal_that_does_not_tell_lets_nothing_be_loosened(self) -> None:
        house = House()
        one = house.accounts["one"]
        one.trade_mode, one.terminal_away = "live", True
        loop.run(house.switch.open())
        house.switch.kill("local", "me", "one", Kill(reason="stop"))
        with pytest.raises(BrokerUnavailable):
            house.switch.resume("local", "me", "one", Resume(reason="go", acknowledgement="trade live money on one"))
        assert one.status.state is AccountState.HALTED
