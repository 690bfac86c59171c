"""Executions from start to end: statuses, errors, events, closing, resuming."""

import asyncio
from typing import Any

import pytest

from tests.support import loop
from tests.support.loop import until
from tests.unit.engine.fakes import Machinery, run_info
from tests.unit.engine.machines import Raised, machine, task
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.errors import AlreadyStarted, EngineClosed, InvalidDefinition
from tradeloom.engine.events import Event
from tradeloom.engine.journal import Execution
from tradeloom.errors import ExecutionStopped, NotFound

END = {"Type": "Succeed"}


def start(definition: Any, name: str = "e1", **more: Any) -> StartRequest:
    known = {key: more.pop(key) for key in ("input", "dedupe_key", "exclusive", "manual") if key in more}
    return StartRequest(run=run_info(name, **more), definition=definition, **known)


def chain(*functions: str, **more: Any) -> dict[str, Any]:
    """Tasks one after another; each state is named `T<n>-<function>`."""
    names = [f"T{number}-{function}" for number, function in enumerate(functions)]
    states: dict[str, Any] = {}
    for name, following, function in zip(names, [*names[1:], "E"], functions, strict=True):
        states[name] = task(
            function, {"run": "{% $states.context.Execution.Input %}", "node": function}, Next=following
        )
    states["E"] = END
    return machine(states, **more)


def test_an_execution_succeeds_and_is_kept() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: {"saw": payload})
        async with made.engine() as engine:
            definition = machine(
                {"A": task("f", {"n": "{% $states.input.n %}"}, Next="E"), "E": {**END, "Output": 5.0}}
            )
            assert await engine.start(start(definition, input={"n": 1})) == "e1"
            row = await engine.result("e1")
            assert (row.status, row.output, row.error, row.has_errors) == ("SUCCEEDED", 5, None, False)
            assert row.started_at
            assert row.finished_at
            assert row.finished_at >= row.started_at >= row.created_at
            assert await engine.result("e1") == row
            (run,) = await MemoryJournalOf(made).node_runs("e1")
            assert (run.node, run.status, run.input, run.output) == ("A", "SUCCEEDED", {"n": 1}, {"saw": {"n": 1}})

    loop.run(body())


async def asked(engine: Engine) -> asyncio.Task[str]:
    """Somebody who has asked for a start that the journal is about to write."""
    asking = asyncio.create_task(engine.start(start(chain("f"), dedupe_key="fire")))
    async with asyncio.timeout(60):
        while not engine._accepting:
            await asyncio.sleep(0)
    return asking


def test_a_start_whose_asker_goes_away_begins_all_the_same() -> None:
    """A schedule's fire, say, while its scheduler closes: its key is used up, so nobody would start it again."""

    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: {})
        async with made.engine() as engine:
            asking = await asked(engine)
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
            await until(lambda: "e1" in made.rows.executions)
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


def test_a_start_that_the_engine_s_end_overtakes_begins_with_the_next_engine() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: {})
        async with made.engine() as engine:
            asking = await asked(engine)
            asking.cancel()
        assert made.rows.executions["e1"].status == "PENDING"
        async with made.engine() as engine:
            await engine.resume()
            assert (await engine.result("e1")).status == "SUCCEEDED"

    loop.run(body())


class MemoryJournalOf:
    def __init__(self, made: Machinery) -> None:
        self.made = made

    async def node_runs(self, execution_id: str) -> list[Any]:
        runs = [run for run in self.made.rows.runs.values() if run.execution_id == execution_id]
        return sorted(runs, key=lambda run: run.started_seq)


def test_the_run_is_the_input_and_is_not_repeated_in_each_task() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: payload["run"]["execution_id"])
        async with made.engine() as engine:
            await engine.start(start(chain("f")))
            row = await engine.result("e1")
            assert row.input == run_info().model_dump(mode="json")
            (run,) = await MemoryJournalOf(made).node_runs("e1")
            assert run.input == {"node": "f"}
            assert run.output == "e1"

    loop.run(body())


def test_a_failure_says_what_where_and_why() -> None:
    def bad(payload: Any, invocation: Any) -> Any:
        raise Raised("StalePrice", "The price is 9 minutes old.")

    async def body() -> None:
        made = Machinery(bad=bad, f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            await engine.start(start(chain("f", "bad", "f")))
            row = await engine.result("e1")
            assert row.status == "FAILED"
            assert row.error == {"name": "StalePrice", "message": "The price is 9 minutes old.", "node": "bad"}
            assert [function for function, _ in made.workers.calls] == ["f", "bad"]

    loop.run(body())


def test_a_fail_state_of_the_compiler_names_its_node() -> None:
    def bad(payload: Any, invocation: Any) -> Any:
        raise Raised("NotANumber", "no value")

    caught = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"failure": {"cause": "{% $states.errorOutput.Cause %}"}},
        "Next": "F",
    }
    states = {
        "RSI-rsi": task("bad", {"node": "rsi"}, Catch=[caught], Next="E"),
        "E": END,
        "F": {"Type": "Fail", "Error": "NotANumber", "Cause": "{% 'rsi: ' & $failure.cause %}"},
    }

    async def body() -> None:
        async with Machinery(bad=bad).engine() as engine:
            await engine.start(start(machine(states)))
            row = await engine.result("e1")
            assert row.error == {"name": "NotANumber", "message": "no value", "node": "rsi"}

    loop.run(body())


@pytest.mark.parametrize(("said", "expected"), [(None, True), ({"has_errors": False}, False), ({"x": 1}, True)])
def test_a_caught_error_shows_unless_the_machine_says_otherwise(said: Any, expected: bool) -> None:
    def bad(payload: Any, invocation: Any) -> Any:
        raise Raised("NotANumber")

    definition = machine(
        {"A": task("bad", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "E"}]), "E": {**END, "Output": said}}
    )

    async def body() -> None:
        async with Machinery(bad=bad).engine() as engine:
            await engine.start(start(definition))
            row = await engine.result("e1")
            assert (row.status, row.has_errors) == ("SUCCEEDED", expected)

    loop.run(body())


def test_a_retry_that_helped_is_no_error() -> None:
    tries = 0

    def flaky(payload: Any, invocation: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Raised("Flaky")
        return "ok"

    retry = [{"ErrorEquals": ["Flaky"], "JitterStrategy": "FULL", "BackoffRate": 1}]

    async def body() -> None:
        made = Machinery(flaky=flaky)
        async with made.engine() as engine:
            await engine.start(start(machine({"A": task("flaky", Retry=retry, Next="E"), "E": END})))
            row = await engine.result("e1")
            assert (row.status, row.has_errors) == ("SUCCEEDED", False)
            runs = await MemoryJournalOf(made).node_runs("e1")
            assert [(run.attempt, run.status) for run in runs] == [(0, "FAILED"), (1, "SUCCEEDED")]

    loop.run(body())


def test_an_execution_that_takes_too_long_times_out() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine(grace_s=0.05) as engine:
            await engine.start(start(chain("slow", TimeoutSeconds=1)))
            row = await engine.result("e1")
            assert row.status == "TIMED_OUT"
            assert row.error
            assert row.error["name"] == "States.Timeout"
            (run,) = await MemoryJournalOf(made).node_runs("e1")
            assert run.status == "ABORTED"

    loop.run(body())


def test_events_count_up_and_tell_the_story() -> None:
    def talk(payload: Any, invocation: Any) -> Any:
        invocation.on_log({"level": "info", "message": "half way", "node": "x", "bars": 500})
        return 1

    async def body() -> None:
        made = Machinery(talk=talk)
        async with made.engine() as engine:
            await engine.start(start(chain("talk")))
            row = await engine.result("e1")
        assert made.heard() == [
            ("execution.started", None),
            ("node.started", "talk"),
            ("node.log", "talk"),
            ("node.finished", "talk"),
            ("execution.finished", "SUCCEEDED"),
        ]
        assert [event.seq for event in made.events] == [1, 2, 3, 4, 5]
        assert row.last_seq == 5
        assert made.events[2].data["fields"] == {"bars": 500}
        assert made.events[2].as_dict()["message"] == "half way"

    loop.run(body())


def deaf(event: Event) -> None:
    raise ZeroDivisionError


def test_a_deaf_subscriber_harms_nobody() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            unsubscribe = engine.subscribe(deaf)
            await engine.start(start(chain("f")))
            assert (await engine.result("e1")).status == "SUCCEEDED"
            unsubscribe()
        assert len(made.events) == 4

    loop.run(body())


def test_one_key_starts_one_execution() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            await engine.start(start(chain("f"), dedupe_key="k"))
            with pytest.raises(AlreadyStarted):
                await engine.start(start(chain("f"), "e2", dedupe_key="k"))
            with pytest.raises(AlreadyStarted) as caught:
                await engine.start(start(chain("f")))
            assert caught.value.execution_id == "e1"
            await engine.result("e1")
            assert len(made.workers.calls) == 1

    loop.run(body())


def test_a_definition_may_be_named_by_its_hash() -> None:
    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: 1)
        async with made.engine() as engine:
            await engine.start(start(chain("f")))
            digest = (await engine.result("e1")).definition
        async with made.engine() as other:
            await other.start(start(digest, "e2"))
            assert (await other.result("e2")).status == "SUCCEEDED"
            with pytest.raises(NotFound):
                await other.start(start("0" * 64, "e3"))
            with pytest.raises(InvalidDefinition):
                await other.start(start({"StartAt": "x"}, "e4"))

    loop.run(body())


def test_nobody_knows_an_execution_of_somebody_else() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine(grace_s=0) as engine:
            await engine.start(start(chain("slow")))
            for question in (engine.result("e1", tenant="t2"), engine.stop("e1", "x", tenant="t2")):
                with pytest.raises(NotFound):
                    await question
            with pytest.raises(NotFound):
                await engine.result("nothing")

    loop.run(body())


def test_a_permit_is_asked_before_acting() -> None:
    async def deactivated(execution: Execution, node: str) -> None:
        raise ExecutionStopped(f"{execution.workflow_id} was deactivated before {node}")

    async def acts(payload: Any, invocation: Any) -> Any:
        try:
            await invocation.on_ask("may_act", {})
        except ExecutionStopped as error:
            raise Raised(error.name, error.message) from error

    async def body() -> None:
        async with Machinery(acts=acts).engine(permit=deactivated) as engine:
            await engine.start(start(chain("acts")))
            row = await engine.result("e1")
            assert row.error
            assert row.error["message"] == "w1 was deactivated before acts"

    loop.run(body())


def test_a_closing_engine_takes_nothing_and_ends_nothing() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine() as engine:
            await engine.start(start(chain("slow")))
            await until(lambda: made.workers.calls)
            waiting = asyncio.ensure_future(engine.result("e1"))
            await asyncio.sleep(0)
            await engine.close()
            with pytest.raises(EngineClosed):
                await waiting
            with pytest.raises(EngineClosed):
                await engine.start(start(chain("slow"), "e2"))
        assert made.rows.executions["e1"].status == "RUNNING"
        (run,) = await MemoryJournalOf(made).node_runs("e1")
        assert run.status == "RUNNING"

    loop.run(body())


def test_a_definition_that_is_gone_fails_the_execution_on_resume() -> None:
    async def body() -> None:
        made = Machinery(slow=lambda payload, invocation: asyncio.sleep(30))
        async with made.engine() as engine:
            await engine.start(start(chain("slow")))
            await until(lambda: made.workers.calls)
        made.blobs._blobs.clear()
        async with made.engine() as engine:
            assert await engine.resume() == ["e1"]
            row = await engine.result("e1")
            assert (row.status, (row.error or {})["name"]) == ("FAILED", "States.Runtime")

    loop.run(body())
