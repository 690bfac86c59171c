"""Runs a `Machine` as Step Functions would. All that is not determined by the start input comes from a `Host`.

https://states-language.net/spec.html and
https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html are the sources of the rules.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tradeloom.engine import codec
from tradeloom.engine.interpreter import definition as asl
from tradeloom.engine.interpreter.failures import (
    DATA_LIMIT,
    NO_CHOICE,
    QUERY_EVALUATION,
    RUNTIME,
    StatesError,
    matches,
)
from tradeloom.engine.interpreter.frame import Frame
from tradeloom.engine.interpreter.strands import Strands
from tradeloom.engine.interpreter.template import Template
from tradeloom.engine.interpreter.times import parse_timestamp

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_TRANSITIONS = 25_000
"""Step Functions ends a Standard execution at this many events; here it stops a machine that runs in circles."""
MAX_WAIT_S = 99_999_999


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One attempt of a Task. `path` is its address in the execution; `iteration` the indices of the Maps around it."""

    path: str
    state: str
    function: str
    payload: Any
    attempt: int
    timeout_s: float | None
    iteration: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WaitCall:
    path: str
    state: str
    iteration: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task gave (`value` is its payload) or a wait (the time it was entered), and when it ended."""

    value: Any
    at: datetime


class Host(Protocol):
    """Where an execution's tasks, time and identity come from."""

    strands: Strands

    @property
    def context(self) -> Mapping[str, Any]:
        """`$states.context` but for State and Map."""
        ...

    @property
    def started_at(self) -> datetime: ...

    async def invoke(self, call: TaskCall) -> Outcome:
        """Run the function; raises `StatesError`."""
        ...

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        """Return once `due(entered)` has come."""
        ...

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        """Pause between the failed `attempt` and the next."""
        ...


Step = tuple[str | None, Any]
"""The next state (None at a region's end) and the state's output."""


OnLoop = Callable[[str, tuple[int, ...], int, int], None]
"""Told of a Map: its state, the iterations around it, how many of its own are done and how many there are."""


class Interpreter:
    """One execution of one machine."""

    def __init__(self, machine: asl.Machine, host: Host, on_loop: OnLoop = lambda *told: None) -> None:
        self._machine = machine
        self._on_loop = on_loop
        self._host = host
        self._transitions = 0

    async def run(self, value: Any) -> Any:
        """The machine's output for a start input. Raises `StatesError`."""
        check_size(value, "The execution's input")
        frame = Frame(self._host.context, self._host.started_at)
        return await self._region(self._machine.region, value, frame)

    async def _region(self, region: asl.Region, value: Any, frame: Frame) -> Any:
        name: str | None = region.start_at
        while name is not None:
            self._transitions += 1
            if self._transitions > MAX_TRANSITIONS:
                raise StatesError(RUNTIME, f"The execution made more than {MAX_TRANSITIONS} transitions.")
            state = region.states[name]
            frame.enter(state, value)
            if isinstance(state, asl.Task):
                name, value = await self._attempted(state, frame, self._task)
            elif isinstance(state, asl.Choice):
                name, value = self._choice(state, frame)
            elif isinstance(state, asl.Pass | asl.Succeed):
                name, value = state.next, self._leave(frame, state.assign, state.output, value)
            elif isinstance(state, asl.Parallel):
                name, value = await self._attempted(state, frame, self._parallel)
            elif isinstance(state, asl.Map):
                name, value = await self._attempted(state, frame, self._map)
            elif isinstance(state, asl.Wait):
                name, value = await self._wait(state, frame)
            else:
                assert isinstance(state, asl.Fail)
                raise StatesError(_text(state.error, frame), _text(state.cause, frame))
        return value

    # -- states that finish at once -----------------------------------------------------------------------------

    def _choice(self, state: asl.Choice, frame: Frame) -> Step:
        for rule in state.rules:
            answer = frame.render(rule.condition)
            if not isinstance(answer, bool):
                raise StatesError(QUERY_EVALUATION, f"The condition at {rule.condition.field} is not true or false.")
            if answer:
                return rule.next, self._leave(frame, rule.assign, rule.output, frame.input)
        if state.default is None:
            raise StatesError(NO_CHOICE, f"No rule of {state.name} matched and it has no Default.")
        return state.default, self._leave(frame, state.assign, state.output, frame.input)

    def _leave(self, frame: Frame, assign: Template | None, output: Template | None, default: Any) -> Any:
        """The state's output; its assignments are made last, so all expressions saw the old values."""
        result = default
        if output is not None:
            result = frame.render(output)
            if not output.constant:
                check_size(result, f"The output at {output.field}")
        if assign is not None:
            values = frame.render(assign)
            if not assign.constant:
                check_size(values, f"The variables at {assign.field}")
            frame.assign(values)
        return result

    # -- waiting ------------------------------------------------------------------------------------------------

    async def _wait(self, state: asl.Wait, frame: Frame) -> Step:
        def due(entered: datetime) -> datetime:
            frame.time = entered
            if state.timestamp is not None:
                return _timestamp(state.timestamp, frame)
            assert state.seconds is not None
            return entered + timedelta(seconds=_seconds(state.seconds, frame, 0, MAX_WAIT_S))

        outcome = await self._host.wait(WaitCall(frame.path, state.name, frame.iteration), due)
        frame.time = outcome.value
        result = self._leave(frame, state.assign, state.output, frame.input)
        frame.time = outcome.at
        return state.next, result

    # -- states that can fail and be tried again -----------------------------------------------------------------

    async def _attempted(self, state: Any, frame: Frame, body: Callable[[Any, Frame], Awaitable[Any]]) -> Step:
        used = [0] * len(state.retry)
        while True:
            try:
                frame.result(await body(state, frame))
                return state.next, self._leave(frame, state.assign, state.output, frame.states["result"])
            except StatesError as error:
                failure = error
            retrier = next((i for i, entry in enumerate(state.retry) if matches(entry.errors, failure.error)), None)
            if retrier is not None and used[retrier] < state.retry[retrier].max_attempts:
                policy: asl.Retrier = state.retry[retrier]
                delay_s = policy.delay_s(used[retrier])
                used[retrier] += 1
                await self._host.back_off(frame.path, frame.attempt, delay_s, jitter=policy.jitter)
                frame.attempt += 1
                continue
            catcher = next((entry for entry in state.catch if matches(entry.errors, failure.error)), None)
            if catcher is None:
                raise failure
            frame.failed(failure)
            return catcher.next, self._leave(frame, catcher.assign, catcher.output, frame.states["errorOutput"])

    async def _task(self, state: asl.Task, frame: Frame) -> Any:
        function = frame.render(state.function)
        if not isinstance(function, str):
            raise StatesError(QUERY_EVALUATION, f"The function at {state.function.field} is not a string.")
        payload = {} if state.payload is None else frame.render(state.payload)
        check_size(payload, f"The arguments of {state.name}")
        timeout_s = None if state.timeout_s is None else _seconds(state.timeout_s, frame, 1, MAX_WAIT_S)
        outcome = await self._host.invoke(
            TaskCall(frame.path, state.name, function, payload, frame.attempt, timeout_s, frame.iteration)
        )
        frame.time = outcome.at
        result = {"ExecutedVersion": "$LATEST", "Payload": outcome.value, "StatusCode": 200}
        check_size(result, f"The result of {state.name}")
        return result

    async def _parallel(self, state: asl.Parallel, frame: Frame) -> Any:
        value = frame.input if state.arguments is None else frame.render(state.arguments)
        inner = [frame.inner(index) for index in range(len(state.branches))]
        runs = [self._region(branch, value, own) for branch, own in zip(state.branches, inner, strict=True)]
        results = await self._host.strands.gather(runs)
        frame.time = max(branch.time for branch in inner)
        check_size(results, f"The result of {state.name}")
        return results

    async def _map(self, state: asl.Map, frame: Frame) -> Any:
        items = frame.input if state.items is None else frame.render(state.items)
        if not isinstance(items, list):
            raise StatesError(QUERY_EVALUATION, f"The items of {state.name} are no array.")
        results = []
        for index, item in enumerate(items):
            inner = frame.inner(index, item=item)
            value = item if state.selector is None else inner.render_in(frame, state.selector)
            results.append(await self._region(state.body, value, inner))
            frame.time = inner.time
            self._on_loop(state.name, frame.iteration, index + 1, len(items))
        check_size(results, f"The result of {state.name}")
        return results


def check_size(value: Any, what: str) -> None:
    """Raises `States.DataLimitExceeded` above 256 KiB of UTF-8."""
    if codec.at_most(value, MAX_PAYLOAD_BYTES):
        return
    size = codec.size(value)
    if size > MAX_PAYLOAD_BYTES:
        raise StatesError(DATA_LIMIT, f"{what} is {size} bytes; a state may pass on {MAX_PAYLOAD_BYTES}.")


def _text(template: Template | None, frame: Frame) -> str:
    value = "" if template is None else frame.render(template)
    if not isinstance(value, str):
        raise StatesError(QUERY_EVALUATION, f"The value at {template.field if template else ''} is not a string.")
    return value


def _seconds(template: Template, frame: Frame, least: int, most: int) -> int:
    value = frame.render(template)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise StatesError(
            QUERY_EVALUATION, f"The value at {template.field} is not a whole number from {least} to {most}."
        )
    return value


def _timestamp(template: Template, frame: Frame) -> datetime:
    value = frame.render(template)
    parsed = parse_timestamp(value) if isinstance(value, str) else None
    if parsed is None:
        raise StatesError(QUERY_EVALUATION, f"The value at {template.field} is not an RFC 3339 time with a zone.")
    return parsed.astimezone(UTC)
