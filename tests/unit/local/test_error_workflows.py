"""The error workflow starts when an execution fails, once, whatever crashes in between."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest

from tests.support import loop
from tests.support.documents import document, node
from tests.unit.engine.fakes import AS_OF, Machinery
from tests.unit.engine.machines import Raised, machine, task
from tradeloom.engine import codec
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatched, Dispatcher, StartCommand
from tradeloom.engine.engine import Engine
from tradeloom.engine.journal import Execution, ExecutionFilter
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import AccountHalted, InvalidDocument, QuotaExceeded, StorageUnavailable
from tradeloom.local.error_workflow_check import METADATA, check_error_workflow
from tradeloom.local.error_workflows import ErrorWorkflows
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.workflow.document import Workflow

SECRET_FREE = {
    "execution_id", "workflow_id", "workflow_name", "version", "status", "error", "message", "hint", "node_id",
    "node_name", "node_type", "trigger", "account", "as_of", "failed_at",
}  # fmt: skip


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def ran(*args: Any, **kwargs: Any) -> None:
        loop.run(test(*args, **kwargs))

    return ran


def fails(payload: Any, invocation: Any) -> Any:
    raise Raised("StalePrice", "the price is 75 s old")


class House:
    """Workflows that fail, those they name, and what outlives an engine that dies."""

    def __init__(self) -> None:
        self.made = Machinery(ManualClock(AS_OF), f=fails, g=lambda payload, invocation: {"state": "succeeded"})
        self.stores = MemoryStores()
        self.now = AS_OF
        self.starts: list[StartCommand] = []
        self.refusal: Exception | None = None
        self.journal: MemoryJournal
        self.dispatcher: Dispatcher
        self.errors: ErrorWorkflows

    async def save(self, name: str, function: str, trigger: str = "trigger.manual", **settings: Any) -> None:
        drawn = document([node("start", trigger), node("a", "market.live_price", name="The price")], settings=settings)
        drawn["name"] = f"Workflow {name}"
        definition = self.made.blobs.put(codec.dumps(machine({"a": task(function)})).encode())
        artefact = self.made.blobs.put_artefact(f"{name}-1", {"document": drawn})
        record = VersionRecord(
            tenant="local", workflow_id=name, version=f"{name}-1", artefact=artefact, definition=definition,
            account="paper", created_at=AS_OF, metadata={METADATA: settings.get("error_workflow")},
        )  # fmt: skip
        await self.stores.save(record, name=f"Workflow {name}", description="")

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Engine]:
        self.journal = MemoryJournal(self.made.rows)
        async with self.made.engine(self.journal, grace_s=0) as engine:
            self.dispatcher = Dispatcher(
                engine=engine,
                journal=self.journal,
                workflows=self.stores,
                clock_for_account=lambda account: ManualClock(AS_OF),
            )
            self.errors = ErrorWorkflows(
                tenant="local",
                journal=self.journal,
                workflows=self.stores,
                blobs=self.made.blobs,
                dispatcher=self,  # type: ignore[arg-type]
                now=lambda: self.now,
            )
            yield engine

    async def dispatch(self, command: StartCommand) -> Dispatched:
        """The dispatcher, or what keeps it from starting anything now."""
        if self.refusal is not None:
            raise self.refusal
        self.starts.append(command)
        return await self.dispatcher.dispatch(command)

    async def ends(self, engine: Engine, workflow: str, **how: Any) -> Execution:
        command = StartCommand(workflow_id=workflow, trigger="start", manual=True, **how)
        started = (await self.dispatcher.dispatch(command)).execution_id
        return await engine.result(str(started))

    async def executions(self, workflow: str) -> list[Execution]:
        return (await self.journal.executions(ExecutionFilter(workflow_id=workflow)))[0]

    async def told(self) -> list[str]:
        return [each.notification.title for each in await self.journal.notifications("local")]


@run
async def test_a_failure_starts_it_with_what_is_known() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("fails", "f", error_workflow="Workflow tell")
    async with house.up() as engine:
        failed = await house.ends(engine, "fails")
        assert await house.errors.look() == 1
        (started,) = await house.executions("tell")
        ended = await engine.result(started.id)
        payload = ended.run["payload"]
        assert set(payload) == SECRET_FREE
        assert (payload["execution_id"], payload["status"], payload["error"]) == (failed.id, "failed", "StalePrice")
        assert payload["message"] == "the price is 75 s old"
        assert (payload["node_id"], payload["node_name"], payload["node_type"]) == (
            "a",
            "The price",
            "market.live_price",
        )
        assert (payload["workflow_name"], payload["version"]) == ("Workflow fails", "fails-1")
        assert "terminal" in payload["hint"]
        assert (ended.status, ended.trigger, ended.account) == ("SUCCEEDED", "start", "paper")
        assert await house.errors.look() == 0
        assert len(await house.executions("tell")) == 1


@pytest.mark.parametrize("dispatched", [False, True])
@run
async def test_a_crash_between_the_end_and_the_start_loses_and_doubles_nothing(dispatched: bool) -> None:
    """The first engine dies after the end is durable: before the start was made, or before that was noted."""
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        failed = await house.ends(engine, "fails")
        if dispatched:
            attend, house.journal.attend = house.journal.attend, crash  # type: ignore[method-assign]
            with pytest.raises(StorageUnavailable):
                await house.errors.look()
            house.journal.attend = attend  # type: ignore[method-assign]
    async with house.up() as engine:
        await engine.resume()
        await house.errors.look()
        (started,) = await house.executions("tell")
        assert started.run["payload"]["execution_id"] == failed.id
        assert (await engine.result(started.id)).status == "SUCCEEDED"
        assert await house.journal.unattended("local") == []
        assert len(house.starts) == 1 + dispatched


async def crash(tenant: str, execution_id: str) -> None:
    raise StorageUnavailable("killed")


@run
async def test_a_failing_error_workflow_starts_none_and_is_told() -> None:
    house = House()
    await house.save("worse", "f", "trigger.error", error_workflow="fails")
    await house.save("fails", "f", error_workflow="worse")
    async with house.up() as engine:
        await house.ends(engine, "fails")
        assert await house.errors.look() == 1
        (started,) = await house.executions("worse")
        assert (await engine.result(started.id)).status == "FAILED"
        assert await house.errors.look() == 0
        assert len(await house.executions("fails")) == 1
        assert await house.told() == ["The error workflow Workflow worse failed itself"]


@run
async def test_what_it_calls_starts_none_either() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        await house.ends(engine, "fails")
        await house.errors.look()
        (started,) = await house.executions("tell")
        await house.ends(engine, "fails", parent=started.id, called_by=("tell",))
        assert await house.errors.look() == 0
        assert len(await house.executions("tell")) == 1


@run
async def test_test_mode_and_good_ends_start_none() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error", error_workflow="fails")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        await house.ends(engine, "fails", test_mode=True)
        await house.ends(engine, "tell")
        assert await house.errors.look() == 0
        assert (len(await house.executions("tell")), await house.told()) == (1, [])


@pytest.mark.parametrize(
    ("reason", "wanted", "starts"),
    [("AccountHalted: by ann", True, 1), ("AccountHalted: by ann", False, 0), ("stopped by ann", True, 0)],
)
@run
async def test_a_halt_starts_it_where_that_is_wanted(reason: str, wanted: bool, starts: int) -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("waits", "slow", error_workflow="tell", error_workflow_on_halt=wanted)
    house.made.workers.functions["slow"] = forever
    async with house.up() as engine:
        command = StartCommand(workflow_id="waits", trigger="start", manual=True)
        started = str((await house.dispatcher.dispatch(command)).execution_id)
        await engine.stop(started, reason)
        assert (await engine.result(started)).status == "STOPPED"
        assert await house.errors.look() == starts


async def forever(payload: Any, invocation: Any) -> Any:
    import asyncio

    await asyncio.Event().wait()


@run
async def test_one_that_cannot_be_started_is_told_once() -> None:
    house = House()
    await house.save("fails", "f", error_workflow="gone")
    async with house.up() as engine:
        await house.ends(engine, "fails")
        assert await house.errors.look() == 0
        assert await house.errors.look() == 0
        assert await house.told() == ["The error workflow of Workflow fails was not started"]
        (told,) = await house.journal.notifications("local")
        assert "no workflow 'gone'" in told.notification.message


@run
async def test_a_halted_account_is_a_reason_to_tell() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        await house.ends(engine, "fails")
        house.refusal = AccountHalted("The account paper was halted")
        assert await house.errors.look() == 0
        (told,) = await house.journal.notifications("local")
        assert "its account is stopped" in told.notification.message


@run
async def test_storage_that_is_away_and_a_quota_are_waited_for() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        failed = await house.ends(engine, "fails")
        assert failed.finished_at is not None
        house.now = failed.finished_at
        house.refusal = StorageUnavailable("away")
        with pytest.raises(StorageUnavailable):
            await house.errors.look()
        house.refusal = QuotaExceeded("60 starts a minute")
        assert await house.errors.look() == 0
        assert await house.told() == []
        house.now += timedelta(minutes=16)
        assert await house.errors.look() == 0
        assert await house.told() == ["The error workflow of Workflow fails was not started"]
        assert await house.journal.unattended("local") == []


@run
async def test_one_that_cannot_be_read_keeps_no_other_from_starting() -> None:
    house = House()
    await house.save("tell", "g", "trigger.error")
    await house.save("broken", "f", error_workflow="tell")
    await house.save("fails", "f", error_workflow="tell")
    async with house.up() as engine:
        await house.ends(engine, "broken")
        await house.ends(engine, "fails")
        spoil(house, "broken-1")
        assert await house.errors.look() == 1
        assert await house.told() == ["The error workflow of Workflow broken was not started"]


def spoil(house: House, version: str) -> None:
    """An artefact of a release that wrote it otherwise."""
    real = house.made.blobs.artefact

    def artefact(wanted: str) -> dict[str, Any]:
        return {"document": {"nodes": "spoilt"}} if wanted == version else real(wanted)

    house.made.blobs.artefact = artefact  # type: ignore[assignment, method-assign]


# What may be saved


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nowhere", "no workflow 'nowhere'"),
        ("mine", "not its own"),
        ("clock", "cannot be started"),
        ("first", "circle: Workflow first → Workflow second → Workflow mine"),
    ],
)
@run
async def test_what_cannot_be_an_error_workflow_is_refused(named: str, message: str) -> None:
    house = House()
    await house.save("mine", "f")
    await house.save("clock", "g", "trigger.schedule")
    await house.save("second", "g", error_workflow="mine")
    await house.save("first", "g", error_workflow="second")
    wanted = Workflow.model_validate(document([node("t")], settings={"error_workflow": named}))
    with pytest.raises(InvalidDocument, match=message) as caught:
        await check_error_workflow(house.stores, house.made.blobs, "local", "mine", wanted)
    assert caught.value.field == "settings.error_workflow"
    assert caught.value.problems[0]["code"] == "error_workflow"


@pytest.mark.parametrize("named", [None, "manual", "Workflow error", "lonely"])
@run
async def test_what_may_be_one(named: str | None) -> None:
    house = House()
    await house.save("manual", "g")
    await house.save("error", "g", "trigger.error", error_workflow="lonely")
    await house.save("lonely", "g", error_workflow="deleted since")
    settings = {} if named is None else {"error_workflow": named}
    wanted = Workflow.model_validate(document([node("t")], settings=settings))
    await check_error_workflow(house.stores, house.made.blobs, "local", "mine", wanted)
