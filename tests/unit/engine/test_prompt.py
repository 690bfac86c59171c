"""A future that wakes at once: what it shares with any future, and the one thing it does not."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from tests.support.loop import run
from tradeloom.engine.prompt import PromptFuture

NAME: ContextVar[str] = ContextVar("NAME", default="nobody's")


async def waiting_for(future: PromptFuture[str], heard: list[str]) -> asyncio.Task[None]:
    """A task that waits already."""

    async def wait() -> None:
        NAME.set("the waiter's")
        try:
            heard.append(await future)
        except ValueError as error:
            heard.append(f"failed: {error}")
        except asyncio.CancelledError:
            heard.append("cancelled")
        heard.append(NAME.get())

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize(
    ("resolve", "told"),
    [
        (lambda future: future.set_result("done"), "done"),
        (lambda future: future.set_exception(ValueError("no")), "failed: no"),
    ],
)
def test_who_waits_goes_on_before_the_loops_callback_returns(
    resolve: Callable[[PromptFuture[str]], None], told: str
) -> None:
    async def work() -> None:
        future: PromptFuture[str] = PromptFuture()
        heard: list[str] = []
        task = await waiting_for(future, heard)

        def called_by_the_loop() -> None:
            resolve(future)
            heard.append("returned")

        asyncio.get_running_loop().call_soon(called_by_the_loop)
        await task
        assert heard == [told, "the waiter's", "returned"]

    run(work())


def test_resolved_within_a_task_it_wakes_as_any_future() -> None:
    async def work() -> None:
        future: PromptFuture[str] = PromptFuture()
        heard: list[str] = []
        task = await waiting_for(future, heard)
        future.set_result("done")
        assert heard == []
        await task
        assert heard == ["done", "the waiter's"]

    run(work())


def test_a_cancelled_waiter_hears_of_it_and_a_late_result_is_refused() -> None:
    async def work() -> None:
        future: PromptFuture[str] = PromptFuture()
        heard: list[str] = []
        task = await waiting_for(future, heard)
        task.cancel()
        await asyncio.wait([task])
        assert heard == ["cancelled", "the waiter's"]
        assert future.cancelled()
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result("late")

    run(work())


def test_what_waits_for_it_in_other_ways_works_too() -> None:
    async def work() -> None:
        future: PromptFuture[str] = PromptFuture()
        gathered = asyncio.gather(future, asyncio.shield(future))
        waited = asyncio.ensure_future(asyncio.wait([future]))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(future.set_result, "done")
        assert list(await gathered) == ["done", "done"]
        assert (await waited)[0] == {future}
        assert await future == "done"  # and whoever comes late

        given_up: PromptFuture[str] = PromptFuture()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await given_up
        assert given_up.cancelled()

    run(work())


def test_a_callback_that_was_taken_back_is_not_called() -> None:
    async def work() -> None:
        future: PromptFuture[str] = PromptFuture()
        heard: list[object] = []
        future.add_done_callback(heard.append)
        assert future.remove_done_callback(heard.append) == 1
        future.set_result("done")
        await asyncio.sleep(0)
        assert heard == []

    run(work())
