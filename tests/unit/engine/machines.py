"""Hand-written machines and a host that answers them from a script."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import loop
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.interpreter.machine import Interpreter, Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.reading import read
from tradeloom.engine.interpreter.strands import Strands

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
INVOKE = "arn:aws:states:::lambda:invoke"

State = dict[str, Any]


def machine(states: Mapping[str, Any], **more: Any) -> State:
    """A JSONata machine that starts at the first state."""
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **more}


def task(function: str = "f", payload: Any = None, **more: Any) -> State:
    arguments = {"FunctionName": function, "Payload": {} if payload is None else payload}
    ending = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, **ending, **more}


class Raised(Exception):
    """Raise it from a scripted function: `name` is the error's type."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message)
        self.name = name


class ScriptedHost:
    """`functions` maps names to Python functions of the payload, perhaps async. Waits move `now` on."""

    def __init__(self, functions: Mapping[str, Callable[[Any], Any]] | None = None) -> None:
        self.functions = functions or {}
        self.strands = Strands()
        self.started_at = START
        self.context: Mapping[str, Any] = {"Execution": {"Id": "arn:e", "Input": None, "Name": "e"}}
        self.calls: list[TaskCall] = []
        self.waits: list[tuple[str, datetime]] = []
        self.pauses: list[tuple[str, int, float, bool]] = []
        self.now = START

    async def invoke(self, call: TaskCall) -> Outcome:
        self.calls.append(call)
        try:
            answer = self.functions[call.function](call.payload)
            if asyncio.iscoroutine(answer):
                answer = await answer
        except Raised as error:
            if error.name.startswith("States."):
                raise StatesError(error.name, str(error)) from error
            raise lambda_failure(error.name, str(error)) from error
        return Outcome(answer, self.now)

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        entered = self.now
        until = due(entered)
        self.waits.append((call.path, until))
        self.now = max(self.now, until)
        return Outcome(entered, self.now)

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        self.pauses.append((path, attempt, delay_s, jitter))
        self.now += timedelta(seconds=delay_s)


def run(
    definition: State, value: Any = None, host: ScriptedHost | None = None, **functions: Callable[[Any], Any]
) -> Any:
    """The machine's output. Raises `StatesError`."""
    host = host or ScriptedHost(functions)
    return loop.run(Interpreter(read(definition), host).run({} if value is None else value))
