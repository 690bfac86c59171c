"""The kill switch of one machine: the bridge first, then what runs; and what the dashboard is told."""

import asyncio
import threading
from decimal import Decimal
from typing import Any

import pytest

from tests.support import loop
from tests.unit.local.accounts_house import AT, House, status_of, version
from tests.unit.mt5_bridge.fake_terminal import LIMITS
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.api.models.limits import ChangeLimits
from tradeloom.errors import BrokerUnavailable, Conflict, NotFound
from tradeloom.trading.account_day import DayFigures
from tradeloom.trading.risk import AccountState


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


def test_a_halt_from_elsewhere_is_seen_and_swept() -> None:
    house = House()
    house.accounts["two"].status = status_of(AccountState.HALTED, by="risk gate")

    async def body() -> None:
        await house.switch.open()
        assert house.halts.any
        following = asyncio.ensure_future(house.switch.follow())
        await loop.until(lambda: house.swept)
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
