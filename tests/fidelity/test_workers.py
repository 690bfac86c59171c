"""The engine's worker processes stand in for Lambda: for one handler both give one answer, or one error."""

import asyncio
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.fidelity.lambda_process import LambdaFunction
from tests.fidelity.runtime_api import Answer, InitFailed
from tradeloom.compiler.compile import local_arn
from tradeloom.engine.interpreter.failures import StatesError
from tradeloom.engine.workers.invocation import Call
from tradeloom.engine.workers.pool import WorkerPool
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.nodes.naming import function_name

EVENT: dict[str, Any] = {
    "text": "½ 😀 \n\u2028",
    "numbers": [0, -1, 0.1, 1e300, 2**53],
    "nothing": None,
    "deep": {"a": [{"b": []}]},
}

HANDLERS = {
    "echo": "def handler(event, context): return event",
    "tuples": "def handler(event, context): return {1: (1, 2), None: True}",
    "nothing": "def handler(event, context): pass",
    "context": """
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            assert 0 < left <= 60_000, left
            assert len(context.aws_request_id) == 36
            return [context.function_name, context.invoked_function_arn, context.client_context]
    """,
    "fails": """
        class StalePrice(Exception): pass
        def handler(event, context): raise StalePrice("the quote is 12 s old; " + event["text"])
    """,
    "fails_without_words": "def handler(event, context): raise KeyError",
    "gives_an_object": "def handler(event, context): return {'x': object()}",
    "has_no_handler": "def other(event, context): return 1",
    "is_broken": "def handler(event, context) return 1",
    "needs_more": "import a_package_that_is_not_there\ndef handler(event, context): return 1",
}
"""Sources of `probe` modules."""


def in_lambda(name: str, folder: Path) -> Answer:
    try:
        with LambdaFunction(function_name(f"probe.{name}"), f"probe.{name}.handler", folder=folder) as function:
            return function.invoke(EVENT)
    except InitFailed as failed:
        return Answer(None, failed.error, 0.0)


def in_worker(name: str, folder: Path) -> Answer:
    async def invoke() -> Any:
        pool = WorkerPool(WorkerSettings(paths=(folder.parent,), handlers=folder.name, least=1, most=1))
        await pool.start()
        try:
            return await pool.invoke(Call(function=local_arn(f"probe.{name}"), payload=EVENT, timeout_s=60))
        finally:
            await pool.close()

    try:
        return Answer(json.loads(json.dumps(asyncio.run(invoke()))), None, 0.0)
    except StatesError as error:
        return Answer(None, json.loads(error.cause) | {"errorType": error.error}, 0.0)


@pytest.mark.parametrize("name", HANDLERS)
def test_one_answer(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "handlers"
    (folder / "probe").mkdir(parents=True)
    (folder / "probe" / f"{name}.py").write_text(dedent(HANDLERS[name]))
    there, here = in_lambda(name, folder), in_worker(name, folder)
    assert here.payload == there.payload
    assert said(here) == said(there)


def said(answer: Answer) -> tuple[str, str] | None:
    """An error's name and message, less what only the engine's module paths and codec say."""
    if answer.error is None:
        return None
    message = answer.error["errorMessage"].replace("handlers.probe", "probe").replace("not a JSON value: ", "")
    return answer.error["errorType"], message
