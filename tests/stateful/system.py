"""The engine and everything that starts it, in one process and on a clock that stands, made to be killed.

The parts are those of a machine: the API's adapters, dispatcher, scheduler, permit and engine, over the stores in
memory. Handlers are functions, since what they do is not in question here. A kill stops the journal in the middle of a
commit: what was written is kept, the rest is gone, and so is the process.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

from tests.support.async_workers import AsyncWorkers
from tradeloom.compiler.compile import compile_workflow, local_arn
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import Engine
from tradeloom.engine.interpreter.failures import lambda_failure
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.scheduler import Scheduler
from tradeloom.engine.stores import VersionRecord
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.errors import TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.local.executions import LocalExecutions
from tradeloom.local.retrying import Retries
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.nodes.registry import node_types
from tradeloom.storage.batch import Batch
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryDatabase, MemoryJournal
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.workflow.document import Workflow

TENANT = "local"
BEGINNING = datetime(2026, 1, 5, 9, 10, tzinfo=UTC)
IDLE = 3
"""Turns of the loop in a row with nothing to do, after which everything waits."""


class Killed(BaseException):
    """The process was killed while it was asked for something; what came of that is not known."""


class _Inline(ThreadPoolExecutor):
    """Work for other threads is done at once, so that a run is the same each time."""

    def submit[T](self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class _MortalJournal(MemoryJournal):
    """Dies when `commits_left` have been made: before or after the last one is on the disk."""

    def __init__(self, rows: MemoryDatabase) -> None:
        super().__init__(rows, linger_s=0)
        self.commits_left: int | None = None
        self.written_at_death = False
        self.dead = asyncio.Event()

    async def _commit(self, batch: Batch) -> set[str]:
        if self.commits_left == 0 and not self.dead.is_set():
            if self.written_at_death:
                await super()._commit(batch)
            self.dead.set()
        if self.dead.is_set():
            await asyncio.Future()
        if self.commits_left is not None:
            self.commits_left -= 1
        return await super()._commit(batch)


class _Calls(OnLoop):
    """The adapters' way to the loop: this very thread, until the work is done or the process is dead."""

    def __init__(self, system: "System") -> None:
        self._system = system

    def __call__[T](self, work: Coroutine[Any, Any, T], timeout_s: float = 0.0) -> T:
        return self._system.run(work)


class System(AsyncWorkers):
    """What outlives a process (rows, workflows, blobs, clock, what was done), and the process that runs now."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._runner.get_loop().set_default_executor(_Inline(1))
        self.clock = ManualClock(BEGINNING)
        self._stores = MemoryStores()
        self._blobs = MemoryBlobs()
        self._rows = MemoryDatabase()
        self.acts: list[tuple[str, str]] = []
        self.mended: set[str] = set()
        self._up()

    # What a person or the world does

    def save(self, document: dict[str, Any], workflow_id: str | None = None) -> str:
        compiled = compile_workflow(document)
        if workflow_id is None:
            return self.workflows.create(TENANT, compiled).id
        return self.workflows.replace(TENANT, workflow_id, compiled, None).id

    def retry(self, execution_id: str) -> None:
        async def work() -> None:
            row = await self._journal.execution(TENANT, execution_id)
            assert row is not None
            await self._retries.retry(row, "somebody", even_if_old=False)

        self.run(work())

    def advance(self, to: datetime) -> None:
        self.clock.set(to)
        self.settle()

    def arm(self, commits: int, *, written: bool) -> None:
        """The process will be killed in its `commits`-th commit from now."""
        self._journal.commits_left, self._journal.written_at_death = commits, written

    def disarm(self) -> None:
        self._journal.commits_left = None

    @property
    def dead(self) -> bool:
        return self._journal.dead.is_set()

    def restart(self) -> None:
        """Another process takes the place of this one, which is killed if it is not yet."""
        self._journal.dead.set()
        self._runner.run(self._bury())
        self._up()

    def end(self) -> None:
        self._journal.dead.set()
        self._runner.run(self._bury())
        self._runner.close()

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Raises `Killed` when the process died first."""
        return self._runner.run(self._survived(work))

    def settle(self) -> None:
        """Everything goes on until it waits for the clock, or is dead."""
        self._runner.run(_until_idle())

    def statuses(self) -> dict[str, tuple[str, str | None]]:
        """Each execution's status and the name of its error."""
        return {
            row.id: (row.status, None if row.error is None else str(row.error["name"]))
            for row in self._rows.executions.values()
        }

    def workflows_of(self, executions: set[str]) -> dict[str, list[str]]:
        """The executions by their workflow."""
        found: dict[str, list[str]] = {}
        for execution in executions:
            found.setdefault(self._rows.executions[execution].workflow_id, []).append(execution)
        return found

    def notifications_of(self, execution_id: str) -> int:
        stored = self._rows.notifications.values()
        return sum(1 for each in stored if each.notification.execution_id == execution_id)

    # The process

    def _up(self) -> None:
        self._runner.run(self._start())
        self.settle()

    async def _start(self) -> None:
        journal = self._journal = _MortalJournal(self._rows)
        await journal.open()
        on_loop = _Calls(self)
        self._engine = Engine(
            journal=journal,
            workers=self,
            blobs=self._blobs,
            is_effect={local_arn(name) for name, node in node_types().items() if node.acts()}.__contains__,
            clock_for=lambda run: self.clock,
            permit=ActiveVersions(self._stores, journal),
        )
        self.executions = LocalExecutions(
            on_loop,
            engine=self._engine,
            journal=journal,
            workflows=self._stores,
            blobs=self._blobs,
            clock_for_account=lambda account: self.clock,
            private_market=cast("Any", None),
        )
        self._retries = Retries(
            engine=self._engine,
            journal=journal,
            workflows=self._stores,
            blobs=self._blobs,
            orders=MemoryOrders(),
            clock_for_account=lambda account: self.clock,
            refuses=_nothing_is_halted,
        )
        self._scheduler = Scheduler(
            workflows=self._stores,
            schedules=self._stores,
            blobs=self._blobs,
            dispatcher=self.executions.dispatcher,
            clock_for_account=lambda account: self.clock,
            tenant=TENANT,
        )
        self.workflows = LocalWorkflows(
            on_loop,
            self._stores,
            self._stores,
            self._blobs,
            cast("Any", None),  # no document here names a credential
            market_now=lambda account: self.clock.now(),
            account_status=_has_limits,
            changed=self._scheduler.refresh,
            stop_all=self.executions.stop_all,
            last_runs=journal.last_runs,
        )
        await self._engine.resume()
        await self._scheduler.start()

    async def _survived[T](self, work: Coroutine[Any, Any, T]) -> T:
        working = asyncio.ensure_future(work)
        dying = asyncio.ensure_future(self._journal.dead.wait())
        await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if working.done():
            return working.result()
        working.cancel()
        raise Killed

    async def _bury(self) -> None:
        """Nothing of the process is left: none of its tasks runs again."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        self._rows.engines.discard(self._journal)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=1.0)

    async def answer(self, invocation: Invocation) -> Any:
        """As the workers' pool: every node answers at once. A node called `work` fails while its document says so, and
        `act` asks whether it may before it does something."""
        if self.dead:
            await asyncio.Future()
        invocation.on_begin()
        await asyncio.sleep(0)
        node, run = invocation.payload["node"], invocation.payload["run"]
        if node == "work" and run["version"] not in self.mended and self._is_broken(run["version"]):
            raise lambda_failure("NodeConfigError", "broken")
        if node == "act":
            await self._act(invocation, run)
        return {"state": "succeeded", "port": "main", "output": {}}

    async def _act(self, invocation: Invocation, run: dict[str, Any]) -> None:
        execution_id = run["execution_id"]
        notification = {
            "id": f"{execution_id}-act",
            "execution_id": execution_id,
            "workflow_id": run["workflow_id"],
            "node_id": "act",
            "level": "info",
            "title": "acted",
            "message": "",
        }
        try:
            await invocation.on_ask("may_act", {"execution_id": execution_id, "node": "act"})
            self.acts.append((execution_id, run["version"]))
            await invocation.on_ask("notify", notification)
        except TradeloomError as error:
            raise lambda_failure(error.name, error.message) from error

    def _is_broken(self, version: str) -> bool:
        return Workflow.model_validate(self._blobs.artefact(version)["document"]).description == "broken"


async def _until_idle() -> None:
    """Until nothing of the loop is ready to run, looked at often enough for what a callback makes ready."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # there is no other way to see it
    idle = 0
    while idle < IDLE:
        idle = 0 if ready else idle + 1
        await asyncio.sleep(0)


async def _nothing_is_halted(version: VersionRecord) -> None:
    return None


def _has_limits(account: str) -> Any:
    return None
