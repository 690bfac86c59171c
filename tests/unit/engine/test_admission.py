"""Who may run: bounds, turns, and exclusive workflows."""

import asyncio

from tests.support import loop
from tradeloom.engine.admission import Admission, Ticket


def ticket(workflow: str = "w", *, exclusive: bool = False) -> Ticket:
    return Ticket(("local", workflow), exclusive)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_than_the_bound_hold_a_slot() -> None:
    async def body() -> None:
        admission, tickets = Admission(3), [ticket() for _ in range(10)]
        entering = [asyncio.ensure_future(admission.enter(each)) for each in tickets]
        await settle()
        assert [each.holds for each in tickets] == [True] * 3 + [False] * 7
        admission.leave(tickets[1])
        await settle()
        assert [each.holds for each in tickets] == [True, False, True, True] + [False] * 6
        for each in tickets:
            admission.leave(each)
            await settle()
        await asyncio.gather(*entering)

    loop.run(body())


def test_workflows_take_turns() -> None:
    async def body() -> None:
        admission, order = Admission(1), []

        async def go(name: str) -> None:
            mine = ticket(name)
            await admission.enter(mine)
            order.append(name)
            await asyncio.sleep(0)
            admission.leave(mine)

        await asyncio.gather(*[go(name) for name in "aaaaaabbc"])
        assert order == list("aabcabaaa")  # the first came before the others asked

    loop.run(body())


def test_an_exclusive_one_that_waits_holds_up_nobody_behind_it() -> None:
    async def body() -> None:
        admission = Admission(10)
        runs, queued, by_hand = ticket(), ticket(exclusive=True), ticket()
        entering = [asyncio.ensure_future(admission.enter(each)) for each in (runs, queued, by_hand)]
        await settle()
        assert (runs.holds, queued.holds, by_hand.holds) == (True, False, True)
        admission.leave(runs)
        await settle()
        assert not queued.holds
        admission.leave(by_hand)
        await settle()
        assert queued.holds
        admission.leave(queued)
        await asyncio.gather(*entering)

    loop.run(body())


def test_exclusive_ones_of_a_workflow_follow_each_other() -> None:
    async def body() -> None:
        admission = Admission(10)
        first, second, other = ticket(exclusive=True), ticket(exclusive=True), ticket("v", exclusive=True)
        entering = [asyncio.ensure_future(admission.enter(each)) for each in (first, second, other)]
        await settle()
        assert (first.holds, second.holds, other.holds) == (True, False, True)
        admission.pause(first)
        await settle()
        assert not second.holds
        admission.leave(first)
        await settle()
        assert second.holds
        await asyncio.gather(*entering)

    loop.run(body())


def test_a_paused_execution_comes_back_first() -> None:
    async def body() -> None:
        admission = Admission(1)
        early, late, later = ticket("a"), ticket("b"), ticket("c")
        await admission.enter(early)
        entering = [asyncio.ensure_future(admission.enter(each)) for each in (late, later)]
        await settle()
        admission.pause(early)
        await settle()
        assert (late.holds, later.holds) == (True, False)
        coming_back = asyncio.ensure_future(admission.resume(early))
        await settle()
        assert not early.holds
        admission.leave(late)
        await settle()
        assert (early.holds, later.holds) == (True, False)
        admission.leave(early)
        await asyncio.gather(coming_back, *entering)

    loop.run(body())


def test_whoever_gives_up_leaves_no_gap() -> None:
    async def body() -> None:
        admission = Admission(1)
        holder, gone, last = ticket(), ticket("x"), ticket("y")
        await admission.enter(holder)
        entering = [asyncio.ensure_future(admission.enter(each)) for each in (gone, last)]
        await settle()
        entering[0].cancel()
        await settle()
        admission.leave(holder)
        await settle()
        assert (gone.holds, last.holds) == (False, True)
        admission.leave(last)
        again = ticket()
        await admission.enter(again)
        assert again.holds

    loop.run(body())


def test_giving_up_at_the_moment_of_admission_frees_the_slot() -> None:
    async def body() -> None:
        admission = Admission(1)
        holder, gone, last = ticket(), ticket("x"), ticket("y")
        await admission.enter(holder)
        entering = [asyncio.ensure_future(admission.enter(each)) for each in (gone, last)]
        await settle()
        admission.leave(holder)  # admits `gone`, which is cancelled before it notices
        entering[0].cancel()
        await settle()
        assert last.holds

    loop.run(body())
