"""One case run by each engine: our interpreter, moto's, and the reference walk; what each saw, in one shape."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.parity.outcomes import NodeFailed, Script
from tests.parity.reference_walk import Walk
from tests.parity.workflows import Case
from tests.support import moto_asl
from tradeloom.compiler.compile import Compiled
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.interpreter.machine import Interpreter, Outcome, TaskCall, WaitCall
from tradeloom.engine.interpreter.reading import read as read_machine
from tradeloom.engine.interpreter.strands import Strands

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """`ended` is `succeeded` or the failure's name; `ran` each node's last outcome by (node, iteration)."""

    ended: str
    ran: dict[tuple[str, tuple[int, ...]], Any]
    tries: dict[tuple[str, tuple[int, ...]], int]
    acted: list[tuple[str, tuple[int, ...]]]


def start_input(case: Case, compiled: Compiled) -> dict[str, Any]:
    return {
        "execution_id": "parity",
        "workflow_id": "parity",
        "version": compiled.version,
        "trigger": case.trigger,
        "payload": {},
        "as_of": START.isoformat(),
        "started_at": START.isoformat(),
        "account": "paper",
    }


def lambda_failure(failure: NodeFailed) -> tuple[str, str]:
    """Error and Cause as Step Functions shows a Lambda's exception."""
    return failure.name, json.dumps({"errorMessage": failure.message, "errorType": failure.name})


def seen(ended: str, script: Script) -> Seen:
    return Seen(ended, dict(script.seen), dict(script.tries), list(script.acted))


class ScriptHost:
    """Answers our interpreter's tasks from a script; time stands still."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.strands = Strands()
        self.started_at = START
        self.context: Mapping[str, Any] = {"Execution": {"Id": "parity", "StartTime": START.isoformat()}}

    async def invoke(self, call: TaskCall) -> Outcome:
        try:
            return Outcome(self.script.run(call.payload), START)
        except NodeFailed as failure:
            raise StatesError(*lambda_failure(failure)) from failure

    async def wait(self, call: WaitCall, due: Callable[[datetime], datetime]) -> Outcome:
        due(START)
        return Outcome(START, START)

    async def back_off(self, path: str, attempt: int, delay_s: float, *, jitter: bool) -> None:
        assert delay_s >= 1


def run_ours(case: Case, compiled: Compiled) -> Seen:
    script = Script(case.behaviours, case.effects)
    machine = read_machine(json.loads(json.dumps(compiled.definition)))
    try:
        asyncio.run(Interpreter(machine, ScriptHost(script)).run(start_input(case, compiled)))
    except StatesError as error:
        return seen(error.error, script)
    return seen("succeeded", script)


def run_moto(case: Case, compiled: Compiled) -> Seen:
    script = Script(case.behaviours, case.effects)

    def invoke(_function: str, payload: Any) -> Any:
        try:
            return script.run(payload)
        except NodeFailed as failure:
            raise moto_asl.FunctionFailed(failure.name, failure.message) from failure

    ended = moto_asl.run(compiled.definition, start_input(case, compiled), invoke)
    return seen(ended.error or "succeeded", script)


def run_reference(case: Case, compiled: Compiled) -> Seen:
    script = Script(case.behaviours, case.effects)
    walk = Walk(compiled.plan.graph.document, compiled.plan.types, case.trigger, script)
    ended, error = walk.run()
    return seen(error or ended, script)
