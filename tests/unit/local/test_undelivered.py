"""A kill its bridge could not be told of: kept over restarts, told later, withdrawn by a resume."""

import asyncio
from typing import Any, cast

import pytest

from tests.support import loop
from tests.unit.local.accounts_house import House, version
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.errors import BrokerError, BrokerUnavailable, InvalidInput, StorageUnavailable, TradeloomError
from tradeloom.storage.memory.kill_wishes import MemoryKillWishes
from tradeloom.trading.risk import AccountState


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
        await loop.until(lambda: away.flattens)
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
