"""Pauses of a debugged execution: it stands before a node until a person lets it go on.

A pause is journalled as a wait is, with an address of its own beside its task's. Its `input` is what the node was about
to get; its `output` what the person changed, `{pausing, edits, action?, record?}`, written down as it is changed. So a
killed engine pauses again where it paused, with the edits, and the record shows what really ran. Nothing is held
meanwhile: no worker, and no slot once every strand rests.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal

from tradeloom.engine.clock import Clock
from tradeloom.engine.interpreter.machine import TaskCall
from tradeloom.engine.journal import NodeRun
from tradeloom.engine.mode import Pausing
from tradeloom.engine.recording import Recorder
from tradeloom.engine.replay import Replay
from tradeloom.errors import Conflict, DebuggingAbandoned, InvalidInput, NotFound

IDLE_S: Final = 1800.0
"""A session in which nobody does anything for so long is stopped."""

Action = Literal["run", "skip"]


@dataclass(slots=True, eq=False)
class Paused:
    """A strand that stands before a node. `run` is the pause's record, `call` the task it stands before."""

    run: NodeRun
    call: TaskCall
    released: "asyncio.Future[None]" = field(repr=False)

    @property
    def edits(self) -> dict[str, Any]:
        """`{inputs?, item?, version?, set?}`: what the task gets in place of what the call says."""
        found: dict[str, Any] = (self.run.output or {}).get("edits", {})
        return found

    @property
    def place(self) -> tuple[str, tuple[int, ...]]:
        return self.run.node, tuple(self.run.iteration)


@dataclass(frozen=True, slots=True)
class Decision:
    """How a task goes on: as `call` says, or not at all, with `record` in place of its answer."""

    call: TaskCall
    record: dict[str, Any] | None = None


class Debugger:
    """One execution's pauses. `resting` is entered while a strand stands still, `abandon` stops the execution, and
    `closing` tells whether the engine shuts down: then the pause goes on with the next engine."""

    def __init__(
        self,
        pausing: Pausing,
        recorder: Recorder,
        replay: Replay,
        clock: Clock,
        *,
        resting: Callable[[], AbstractAsyncContextManager[None]],
        abandon: Callable[[str], Awaitable[None]],
        closing: Callable[[], bool],
        idle_s: float = IDLE_S,
    ) -> None:
        self.pausing = pausing
        self.paused: list[Paused] = []
        self.changed = asyncio.Event()
        """Set when a strand pauses or goes on; whoever waits for that clears it."""
        self._recorder = recorder
        self._replay = replay
        self._clock = clock
        self._resting = resting
        self._abandon = abandon
        self._closing = closing
        self._idle = timedelta(seconds=idle_s)
        self._decided: dict[str, NodeRun] = {}

    # -- in the execution ---------------------------------------------------------------------------------------

    async def before(self, call: TaskCall, *, first: bool, known: bool) -> Decision:
        """Return once the task may go on. Only a task's `first` attempt is paused for, and none whose outcome or start
        is `known` and that ran without a pause; edits hold for all attempts."""
        if first and call.path not in self._decided:
            await self._decide(call, known=known)
        decided = self._decided.get(call.path)
        return Decision(call) if decided is None else _decision(call, decided)

    async def _decide(self, call: TaskCall, *, known: bool) -> None:
        key = (f"{call.path}?", 0)
        if self._replay.active and (self._replay.went_on(key) or not known):
            done = await self._replay.ask(key)
            if done is not None:
                self._recorder.recall(done)
                self._take(done)
                self._decided[call.path] = done
                return
        begun = self._replay.take_begun(key)
        if begun is not None:
            self._take(begun)
        elif known or not self.pausing.before(_node(call)):
            return
        self._decided[call.path] = await self._pause(call, begun)

    async def _pause(self, call: TaskCall, begun: NodeRun | None) -> NodeRun:
        run = begun or self._recorder.begin_pause(call, self._due())
        paused = Paused(run, call, asyncio.get_running_loop().create_future())
        self.paused.append(paused)
        if self.pausing.run_to == run.node:
            self.pausing = self.pausing.changed(run_to=None)
            self._write(paused)
        self.changed.set()
        try:
            async with self._resting():
                await self._hold(paused)
        except asyncio.CancelledError:
            if not self._closing():
                self._recorder.end(run, "ABORTED")
            raise
        finally:
            self.paused.remove(paused)
            self.changed.set()
        self._recorder.end(run, "SUCCEEDED")
        return run

    async def _hold(self, paused: Paused) -> None:
        while not paused.released.done():
            assert paused.run.due is not None
            nap = asyncio.ensure_future(self._clock.sleep_until(paused.run.due))
            try:
                await asyncio.wait({nap, paused.released}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                nap.cancel()
            if not paused.released.done() and self._clock.now() >= paused.run.due:
                minutes = self._idle.total_seconds() / 60
                await self._abandon(f"{DebuggingAbandoned.__name__}: Nobody went on with it for {minutes:g} minutes.")

    def _take(self, run: NodeRun) -> None:
        """Go by what was written down with a pause, if it is newer."""
        told = (run.output or {}).get("pausing")
        if told is not None and (known := Pausing.model_validate(told)).revision >= self.pausing.revision:
            self.pausing = known

    # -- what a person does -------------------------------------------------------------------------------------

    def find(self, node: str | None, iteration: tuple[int, ...] | None = None) -> Paused:
        """The one that is meant. Raises `Conflict` when nothing is paused, `NotFound`, `InvalidInput` where several
        are and none is named."""
        if not self.paused:
            raise Conflict("The execution is not paused anywhere.", hint="Wait until it is, or look whether it ended.")
        meant = [
            paused for paused in self.paused if node in (None, paused.run.node) and iteration in (None, paused.place[1])
        ]
        if not meant:
            where = ", ".join(sorted({paused.run.node for paused in self.paused}))
            hint = f"It is before: {where}."
            raise NotFound(f"The execution is not paused before {node!r}.", field="node", hint=hint)
        if len(meant) > 1:
            where = ", ".join(sorted({paused.run.node for paused in meant}))
            raise InvalidInput("The execution is paused in several places.", field="node", hint=f"Name one: {where}.")
        return meant[0]

    def edit(self, paused: Paused, edits: dict[str, Any]) -> None:
        self._write(paused, edits=edits)
        self.touch()

    def release(self, paused: Paused, action: Action = "run", record: dict[str, Any] | None = None) -> None:
        self._write(paused, action=action, record=record)
        if not paused.released.done():
            paused.released.set_result(None)

    def change(self, **changes: Any) -> None:
        """Change when it pauses; written down with every pause there is."""
        self.pausing = self.pausing.changed(**changes)
        for paused in self.paused:
            self._write(paused)
        self.touch()

    def touch(self) -> None:
        """Somebody is there."""
        for paused in self.paused:
            paused.run.due = self._due()
            self._recorder.note(paused.run)

    def _write(self, paused: Paused, **more: Any) -> None:
        if paused.released.done():
            return
        paused.run.output = {**(paused.run.output or {}), "pausing": self.pausing.as_json(), **more}
        self._recorder.note(paused.run)

    def _due(self) -> Any:
        return self._clock.now() + self._idle


def _node(call: TaskCall) -> str:
    return str(call.payload.get("node", "")) if isinstance(call.payload, dict) else ""


def _decision(call: TaskCall, decided: NodeRun) -> Decision:
    told = decided.output or {}
    edits = told.get("edits") or {}
    payload = dict(call.payload)
    if "inputs" in edits:
        payload["inputs"] = {**payload.get("inputs", {}), **edits["inputs"]}
    if "item" in edits:
        payload["item"] = edits["item"]
    if edits.get("version"):
        payload["run"] = {**payload["run"], "version": edits["version"]}
    record = told.get("record") if told.get("action") == "skip" else None
    return Decision(replace(call, payload=payload), record)
