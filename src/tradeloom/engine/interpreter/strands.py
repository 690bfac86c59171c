"""The strands of one execution: its main line and the branches of the Parallels it is in.

A strand moves until it is parked (it waits for something outside) or joins its branches. When none moves any more the
execution is quiet: only then may a replay hand out the next recorded outcome, so its order is that of the first run.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tradeloom.engine.interpreter.failures import StatesError

Run = Coroutine[Any, Any, Any]


class Strands:
    """`total` counts strands that are not joining branches; `moving` those of them that are not parked."""

    def __init__(self, quiet: Callable[[], None] = lambda: None) -> None:
        self.total = 1
        self.moving = 1
        self.on_fewer: Callable[[], None] = lambda: None
        """Called when a branch has ended and others go on."""
        self._quiet = quiet

    def park(self) -> None:
        self.moving -= 1
        if self.moving == 0:
            self._quiet()

    def resume(self) -> None:
        self.moving += 1

    async def gather(self, runs: list[Run]) -> list[Any]:
        """The results of all runs, side by side. The first `StatesError` cancels the others and is raised."""
        return await _Gathering(self, runs).result()


class _Gathering:
    def __init__(self, strands: Strands, runs: list[Run]) -> None:
        self._strands = strands
        self._runs = runs
        self._begun = [False] * len(runs)
        self._awake = False
        self._results: list[Any] = [None] * len(runs)
        self._left = len(runs)
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        strands.moving += len(runs) - 1  # the parent's own count passes to its branches
        strands.total += len(runs) - 1
        self._tasks = [asyncio.ensure_future(self._branch(index, run)) for index, run in enumerate(runs)]

    async def result(self) -> list[Any]:
        try:
            await self._end
        except BaseException:
            self._wake_parent()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._drop_unbegun()
            raise
        return self._results

    async def _branch(self, index: int, run: Run) -> None:
        self._begun[index] = True
        try:
            self._results[index] = await run
            self._left -= 1
            if self._left == 0:
                self._finish(None)
        except StatesError as error:
            self._finish(error)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a fault of the engine itself ends the execution, not the process
            self._finish(error)
        finally:
            self._branch_ended()

    def _branch_ended(self) -> None:
        self._strands.total -= 1
        self._strands.on_fewer()
        self._strands.park()

    def _finish(self, error: BaseException | None) -> None:
        if self._end.done():
            return
        self._wake_parent()
        if error is None:
            self._end.set_result(None)
        else:
            self._end.set_exception(error)

    def _wake_parent(self) -> None:
        if not self._awake:
            self._awake = True
            self._strands.total += 1
            self._strands.resume()

    def _drop_unbegun(self) -> None:
        """A branch cancelled before its first step never reached its own end."""
        for run, begun in zip(self._runs, self._begun, strict=True):
            if not begun:
                run.close()
                self._branch_ended()
