"""From an engine's events to its subscribers, and between two engines on the same rows."""

import asyncio
from typing import Any

from tests.support import loop
from tests.unit.engine.fakes import Machinery, run_info
from tests.unit.engine.machines import machine, task
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.run_events import hub_of
from tradeloom.realtime.channels import Channel
from tradeloom.realtime.messages import RUN_MESSAGE, NodeLog, NodeProgress, RunMessage
from tradeloom.realtime.subscription import Subscription
from tradeloom.storage.memory.journal import MemoryJournal

PATIENCE_S = 60
RUN, ALL = Channel("local", "e1"), Channel("local", None)


class Reader:
    """Takes what a subscription has whenever it is woken."""

    def __init__(self) -> None:
        self.heard: list[RunMessage] = []
        self.subscription: Subscription | None = None

    def wake(self) -> None:
        asyncio.get_running_loop().call_soon(self.take)

    def take(self) -> None:
        if self.subscription is not None:
            self.heard += [RUN_MESSAGE.validate_json(text) for text in self.subscription.take(100)]

    @property
    def types(self) -> list[str]:
        return [message.type for message in self.heard]

    async def until(self, kind: str) -> list[RunMessage]:
        async with asyncio.timeout(PATIENCE_S):
            while kind not in self.types:
                await asyncio.sleep(0.001)
                self.take()
        return self.heard


def start(definition: dict[str, Any]) -> StartRequest:
    return StartRequest(run=run_info("e1"), definition=definition)


async def both(made: Machinery, definition: dict[str, Any], engine: Engine, journal: MemoryJournal) -> list[Reader]:
    """Readers of the run and of all runs through `engine`, once the run has ended."""
    hub = hub_of(engine, journal)
    readers = [Reader(), Reader()]
    readers[1].subscription = await hub.subscribe(ALL, readers[1].wake)
    await engine.start(start(definition))
    readers[0].subscription = await hub.subscribe(RUN, readers[0].wake, after=0)
    for reader in readers:
        await reader.until("execution.finished")
    return readers


def test_subscribers_hear_a_run_from_its_start_to_its_end() -> None:
    def work(payload: Any, invocation: Any) -> dict[str, Any]:
        invocation.on_log({"level": "info", "message": "x" * 5_000, "price": 1.5})
        invocation.on_progress({"done": 1, "total": 4, "note": "fitting"})
        invocation.on_progress({"done": 2, "total": 4, "note": "too soon after the first"})
        invocation.on_progress({"done": 4, "total": 4, "note": "the last is always told"})
        return {"state": "succeeded", "port": "true", "output": {"secret": "stays here"}}

    async def body() -> None:
        made = Machinery(f=work)
        journal = MemoryJournal(made.rows)
        async with made.engine(journal) as engine:
            run, everything = await both(made, machine({"A-a": task("f")}), engine, journal)
        assert run.types == [
            "execution.started",
            "node.started",
            "node.log",
            "node.progress",
            "node.progress",
            "node.finished",
            "execution.finished",
        ]
        assert everything.types == ["execution.started", "execution.finished"]
        log = next(message for message in run.heard if isinstance(message, NodeLog))
        assert (len(log.message), log.cut, log.fields) == (4_096, True, {"price": 1.5})
        told = [message for message in run.heard if isinstance(message, NodeProgress)]
        assert [(message.node, message.done, message.total) for message in told] == [("a", 1, 4), ("a", 4, 4)]
        numbers = [message.seq for message in run.heard if not isinstance(message, NodeProgress)]  # type: ignore[union-attr]
        assert numbers == [1, 2, 3, 4, 5]
        assert "stays here" not in "".join(message.model_dump_json() for message in run.heard)

    loop.run(body())


def test_a_loop_tells_how_many_of_its_iterations_are_done() -> None:
    states = {
        "Items": {"Type": "Pass", "Output": {"items": [1, 2, 3]}, "Next": "Each-rounds.each"},
        "Each-rounds.each": {
            "Type": "Map",
            "Items": "{% $states.input.items %}",
            "ItemSelector": {
                "item": "{% $states.context.Map.Item.Value %}",
                "index": "{% $states.context.Map.Item.Index %}",
            },
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "B-b",
                "States": {"B-b": task("f")},
            },
            "End": True,
        },
    }

    async def body() -> None:
        made = Machinery(f=lambda payload, invocation: {})
        journal = MemoryJournal(made.rows)
        async with made.engine(journal) as engine:
            run, _ = await both(made, machine(states), engine, journal)
        told = [message for message in run.heard if isinstance(message, NodeProgress)]
        assert {message.node for message in told} == {"rounds"}
        assert (told[-1].done, told[-1].total) == (3, 3)

    loop.run(body())


def test_another_engines_run_is_heard_waited_for_and_stopped(monkeypatch: Any) -> None:
    monkeypatch.setattr("tradeloom.engine.results.LOOK_S", 3_600.0)  # only word from the other engine can tell

    async def body() -> None:
        going = asyncio.Event()

        async def work(payload: Any, invocation: Any) -> dict[str, Any]:
            invocation.on_log({"level": "info", "message": "hello"})
            going.set()
            await asyncio.sleep(3_600)
            return {}

        made = Machinery(f=work)
        there, here = MemoryJournal(made.rows), MemoryJournal(made.rows)
        async with made.engine(there, grace_s=0) as runner, made.engine(here) as watcher, asyncio.timeout(PATIENCE_S):
            hub = hub_of(watcher, here)
            run, everything = Reader(), Reader()
            everything.subscription = await hub.subscribe(ALL, everything.wake)
            await runner.start(start(machine({"A-a": task("f")})))
            run.subscription = await hub.subscribe(RUN, run.wake, after=0)
            ended = asyncio.ensure_future(watcher.result("e1"))
            await going.wait()
            await run.until("node.log")
            await watcher.stop("e1", "enough")
            assert (await ended).status == "STOPPED"
            await run.until("execution.finished")
            await everything.until("execution.finished")
            assert run.types[-1] == "execution.finished"
            assert [message.type for message in run.heard if message.type != "execution.started"] == [
                "node.started",
                "node.log",
                "node.finished",
                "execution.finished",
            ]
            await hub.close()

    loop.run(body())
