"""Executions on real workers and PostgreSQL."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.support.local_engine import AS_OF, function, local_engine, run_info, worker_settings
from tests.unit.engine.machines import machine, task
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.journal import ExecutionFilter
from tradeloom.storage.blobs import FileBlobs

END = {"Type": "Succeed"}


def call(name: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    return task(function(name), payload, **more)


def start(definition: Any, name: str = "e1") -> StartRequest:
    return StartRequest(run=run_info(name), definition=definition)


def test_a_strategy_of_every_state_type(postgres_dsn: str, tmp_path: Path) -> None:
    def node(name: str, inputs: Any) -> dict[str, Any]:
        return {"run": "{% $run %}", "node": name, "inputs": inputs}

    branches = [
        {
            "StartAt": f"R-r{n}",
            "States": {f"R-r{n}": call("record", node(f"r{n}", {}), Output="{% $states.result.Payload %}")},
        }
        for n in range(3)
    ]
    definition = machine(
        {
            "Start": {"Type": "Pass", "Assign": {"run": "{% $states.input %}"}, "Output": {}, "Next": "Layer1"},
            "Layer1": {
                "Type": "Parallel",
                "Branches": branches,
                "Assign": {f"n_r{n}": f"{{% $states.result[{n}] %}}" for n in range(3)},
                "Output": {},
                "Next": "If-c",
            },
            "If-c": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $n_r1.port = 'main' %}", "Next": "Delay-d"}],
                "Default": "F",
            },
            "Delay-d": {"Type": "Wait", "Seconds": 1, "Next": "M"},
            "M": {
                "Type": "Map",
                "Items": "{% [$n_r0, $n_r1] %}",
                "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
                "MaxConcurrency": 1,
                "ItemProcessor": {
                    "StartAt": "L-l",
                    "States": {
                        "L-l": call(
                            "echo", "{% $states.input.item.output.node %}", Output="{% $states.result.Payload %}"
                        )
                    },
                },
                "Next": "E",
            },
            "E": {**END, "Output": {"looped": "{% $states.input %}", "has_errors": False}},
            "F": {"Type": "Fail", "Error": "Wrong", "Cause": "way"},
        },
        TimeoutSeconds=60,
    )

    async def body() -> None:
        clock = ManualClock(AS_OF)
        async with local_engine(postgres_dsn, tmp_path, clock_for=lambda run: clock) as local:
            await local.engine.start(start(definition))
            async with asyncio.timeout(60):
                while not any(event.data.get("kind") == "wait" for event in local.events):
                    await asyncio.sleep(0.01)
            clock.advance(timedelta(seconds=1))
            row = await local.engine.result("e1")
            assert (row.status, row.output) == ("SUCCEEDED", {"looped": ["r0", "r1"], "has_errors": False})
            assert await local.journal.execution("local", "e1") == row
            runs = await local.journal.node_runs("local", "e1")
            assert sorted(run.path for run in runs) == [
                "Delay-d",
                "Layer1[0]/R-r0",
                "Layer1[1]/R-r1",
                "Layer1[2]/R-r2",
                "M[0]/L-l",
                "M[1]/L-l",
            ]
            assert {run.status for run in runs} == {"SUCCEEDED"}
            kept = [event for event in local.events if event.type != "node.progress"]
        assert [event.seq for event in kept] == list(range(1, len(kept) + 1))

    asyncio.run(body())


def test_odd_text_survives_the_whole_way(postgres_dsn: str, tmp_path: Path) -> None:
    odd = {"nul": "a\0b", "surrogate": "\ud800", "emoji": "🧵", "quotes": "\"'{% $x %}\\"}

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            definition = machine(
                {"A": call("echo", "{% $states.input.payload %}", Output="{% $states.result.Payload %}")}
            )
            run = run_info("e1", payload=odd)
            await local.engine.start(StartRequest(run=run, definition=definition))
            row = await local.engine.result("e1")
            assert row.output == odd
            stored = await local.journal.execution("local", "e1")
            assert stored is not None
            assert stored.output == odd

    asyncio.run(body())


def test_a_failure_with_odd_text_is_kept(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            await local.engine.start(start(machine({"A-a": call("misbehave", {"how": "raise", "node": "a"})})))
            row = await local.engine.result("e1")
            assert row.error
            assert (row.error["name"], row.error["node"]) == ("StalePrice", "a")
            assert row.error["message"].startswith("The price is 9 minutes old.")

    asyncio.run(body())


def test_logs_are_told_while_the_handler_runs_and_kept(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            await local.engine.start(start(machine({"T-t": call("talk", {"s": 2, "node": "t"})})))
            async with asyncio.timeout(60):
                while sum(event.type == "node.log" for event in local.events) < 3:
                    await asyncio.sleep(0.005)
            assert local.events[-1].type == "node.log", "before the handler ended"
            await local.engine.result("e1")
            lines = await local.journal.logs("local", "e1")
            told = [(event.seq, event.data["message"]) for event in local.events if event.type == "node.log"]
            assert [(line.seq, line.message) for line in lines] == told
            assert lines[0].node == "t"
            assert lines[0].fields["bars"] == 500

    asyncio.run(body())


def test_a_notification_is_stored_once_and_speaks_for_its_own_execution(postgres_dsn: str, tmp_path: Path) -> None:
    def notify(execution: str) -> dict[str, Any]:
        return call("notify", {"id": "n1", "execution_id": execution}, Output="{% $states.result.Payload %}")

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            for name, says in (("e1", "e1"), ("e2", "e2"), ("e3", "e1")):
                await local.engine.start(start(machine({"A": notify(says)}), name))
            rows = [await local.engine.result(name) for name in ("e1", "e2", "e3")]
            assert [row.output for row in rows] == [{"notified": "n1"}, {"notified": "n1"}, {"refused": "InvalidInput"}]
            (stored,) = await local.journal.notifications("local")
            assert stored.notification.title == "Order"

    asyncio.run(body())


def test_a_running_execution_and_one_in_a_wait_are_stopped(postgres_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "acts").mkdir()
    acting = machine({"A-a": call("act", {"node": "a", "world": str(tmp_path), "s": 0.4}, Next="B"), "B": call("echo")})
    waiting = machine({"D-d": {"Type": "Wait", "Seconds": 3600, "Next": "E"}, "E": END})
    sleeping = machine({"S": call("misbehave", {"how": "sleep", "s": 60})})

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path, grace_s=1) as local:
            for name, definition in (("acting", acting), ("waiting", waiting), ("sleeping", sleeping)):
                await local.engine.start(start(definition, name))
            async with asyncio.timeout(60):
                while not (tmp_path / "calls").exists() or sum(e.type == "node.started" for e in local.events) < 3:
                    await asyncio.sleep(0.005)
            for name in ("acting", "waiting", "sleeping"):
                await local.engine.stop(name, "enough")
            rows = [await local.engine.result(name) for name in ("acting", "waiting", "sleeping")]
            assert [row.status for row in rows] == ["STOPPED"] * 3
            runs = [await local.journal.node_runs("local", row.id) for row in rows]
            assert [[run.status for run in each] for each in runs] == [["SUCCEEDED"], ["ABORTED"], ["ABORTED"]]
            assert len(list((tmp_path / "acts").iterdir())) == 1

    asyncio.run(body())


def test_one_crash_of_a_handler_leaves_the_others_alone(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        settings = worker_settings(blob_directory=tmp_path, least=2, most=4)
        async with local_engine(postgres_dsn, tmp_path, settings=settings) as local:
            good = machine(
                {"A": call("echo", "{% $states.context.Execution.Name %}", Output="{% $states.result.Payload %}")}
            )
            bad = machine({"A": call("misbehave", {"how": "segfault"})})
            for number in range(20):
                await local.engine.start(start(bad if number % 4 == 0 else good, f"e{number}"))
            rows = await asyncio.gather(*[local.engine.result(f"e{number}") for number in range(20)])
            for number, row in enumerate(rows):
                if number % 4 == 0:
                    assert row.error
                    assert row.error["name"] == "Runtime.ExitError"
                else:
                    assert row.output == f"e{number}"

    asyncio.run(body())


def test_many_executions_at_once_all_end(postgres_dsn: str, tmp_path: Path) -> None:
    names = [f"T{number}-t{number}" for number in range(5)]
    states: dict[str, Any] = {
        name: call("record", {"node": name}, Next=following)
        for name, following in zip(names, [*names[1:], "E"], strict=True)
    }
    definition = machine({**states, "E": END})

    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path, most_running=16) as local:
            await asyncio.gather(*[local.engine.start(start(definition, f"e{number}")) for number in range(100)])
            await asyncio.gather(*[local.engine.result(f"e{number}") for number in range(100)])
            _, total = await local.journal.executions(ExecutionFilter(status="SUCCEEDED"))
            assert total == 100
            assert len(await local.journal.node_runs("local", "e99")) == 5

    asyncio.run(body())


def test_a_definition_is_found_again_by_its_hash(postgres_dsn: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with local_engine(postgres_dsn, tmp_path) as local:
            await local.engine.start(start(machine({"A": call("echo", 1)})))
            row = await local.engine.result("e1")
            assert FileBlobs(tmp_path).get(row.definition)
        async with local_engine(postgres_dsn, tmp_path) as local:
            await local.engine.start(start(row.definition, "e2"))
            assert (await local.engine.result("e2")).status == "SUCCEEDED"

    asyncio.run(body())


def test_an_engine_that_was_cut_off_lets_go_of_what_another_took_over(postgres_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "acts").mkdir()
    act = call("act", {"node": "a", "world": str(tmp_path)}, Next="E")
    definition = machine({"S-s": call("misbehave", {"how": "sleep", "s": 1.5}, Next="A-a"), "A-a": act, "E": END})

    async def body() -> None:
        async with (
            local_engine(postgres_dsn, tmp_path) as cut_off,
            local_engine(postgres_dsn, tmp_path) as heir,
        ):
            await cut_off.engine.start(start(definition))
            async with asyncio.timeout(60):
                while not any(event.type == "node.started" for event in cut_off.events):
                    await asyncio.sleep(0.01)
            with psycopg.connect(postgres_dsn, autocommit=True) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objid ="
                    " (SELECT engine::oid FROM executions WHERE id = 'e1')"
                )
            assert await heir.engine.resume() == ["e1"]
            row = await heir.engine.result("e1")
            assert row.status == "SUCCEEDED"
            async with asyncio.timeout(60):
                while cut_off.engine.running:
                    await asyncio.sleep(0.01)
            assert len((tmp_path / "calls").read_text().split()) == 1, "the effect was called by one engine only"
            assert await heir.journal.execution("local", "e1") == row

    asyncio.run(body())
