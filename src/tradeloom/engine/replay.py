"""A resumed execution's past: recorded outcomes, given back in the order they came."""

import asyncio
from collections.abc import Mapping, Sequence

from tradeloom.engine.interpreter.strands import Strands
from tradeloom.engine.journal import NodeRun, RetryRecord

Key = tuple[str, int]
"""An attempt's address: path and attempt."""


class Replay:
    """While it is `active`, strands that ask park here. Whenever none of them moves, the parked outcome that came
    first is handed out; when none of those parked has an outcome, the past is over and they all go on live."""

    def __init__(self, runs: Sequence[NodeRun], retries: Sequence[RetryRecord] = ()) -> None:
        self.strands = Strands(self._quiet)
        self.active = bool(runs)
        self._outcomes = {(run.path, run.attempt): run for run in runs if run.status in {"SUCCEEDED", "FAILED"}}
        self._begun = {(run.path, run.attempt): run for run in runs if run.status == "RUNNING"}
        self._known = {(run.path, run.attempt) for run in runs}
        self._cut_off = {run.path: run for run in runs if retries and run.kind == "wait" and run.status == "ABORTED"}
        self._first = {path: attempt for retry in retries for path, attempt in retry.anew.items()}
        self._first_at = _first_times(runs, self._first)
        self._parked: dict[Key, asyncio.Future[NodeRun | None]] = {}

    def take_begun(self, key: Key) -> NodeRun | None:
        """The attempt that started before the crash and has no outcome; it is no longer left over then."""
        return self._begun.pop(key, None)

    def take_cut_off(self, path: str) -> NodeRun | None:
        """The wait that the end before a retry cut off: it keeps its due time."""
        return self._cut_off.pop(path, None)

    def first(self, path: str) -> int:
        """The number of the first attempt that counts at an address."""
        return self._first.get(path, 0)

    def first_at(self, path: str, now: str) -> str:
        """When the first attempt that counts at an address began: `now`, unless one was made before."""
        return self._first_at.setdefault(path, now)

    def left_over(self) -> list[NodeRun]:
        """Attempts that started before the crash, and that nothing came back to."""
        return list(self._begun.values())

    def went_on(self, key: Key) -> bool:
        """Whether the first run got as far as this attempt."""
        return self.active and key in self._known

    async def ask(self, key: Key) -> NodeRun | None:
        """The recorded attempt when its turn comes; None once the past is over."""
        if not self.active:
            return None
        answer: asyncio.Future[NodeRun | None] = asyncio.get_running_loop().create_future()
        self._parked[key] = answer
        self.strands.park()
        try:
            return await answer
        except asyncio.CancelledError:
            if self._parked.pop(key, None) is answer:  # nobody resumed it
                self.strands.resume()
            raise

    def _quiet(self) -> None:
        if not self.active or not self._parked:
            return
        answered = [key for key in self._parked if key in self._outcomes]
        if answered:
            self._release(min(answered, key=self._order))
            return
        self.active = False
        for key in list(self._parked):
            self._release(key)

    def _order(self, key: Key) -> int:
        return self._outcomes[key].finished_seq or 0

    def _release(self, key: Key) -> None:
        answer = self._parked.pop(key)
        self.strands.resume()
        if not answer.done():
            answer.set_result(self._outcomes.get(key))


def _first_times(runs: Sequence[NodeRun], first: Mapping[str, int]) -> dict[str, str]:
    """What attempts that count recorded of when their first one began, by address."""
    times: dict[str, str] = {}
    for run in sorted(runs, key=lambda run: run.attempt):
        known = run.input.get("first_at") if isinstance(run.input, dict) else None
        if isinstance(known, str) and run.attempt >= first.get(run.path, 0):
            times.setdefault(run.path, known)
    return times
