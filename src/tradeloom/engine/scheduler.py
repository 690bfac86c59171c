"""Fires `trigger.schedule` nodes of active workflows on their account's market clock, each fire time once.

What is to start next follows from a schedule, its last fire (kept in the store) and the clock alone: a restart finds
where it was. The dedupe key of a fire time lets one of several schedulers on one database start it.
"""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tradeloom.engine.clock import Clock, WallClock
from tradeloom.engine.dispatcher import INACTIVE, LATE, SUPERSEDED, Dispatched, Dispatches
from tradeloom.engine.errors import EngineClosed
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.schedule_faults import FaultKeeper, OnQuarantine
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault, ScheduleStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.engine.timeline import Timeline
from tradeloom.engine.watched_schedule import Watched, command_of, is_schedule, kept_node, where_to_begin
from tradeloom.errors import NotFound, StorageUnavailable
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.workflow.firing import FRESH, Fire, next_fire

log: Final = logging.getLogger(__name__)

MAX_AGE: Final = FRESH
RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 16.0
LOOK_S: Final = 10.0
"""How often is looked for workflows that were activated elsewhere, and for schedules that were set aside."""
STORAGE_COUNTS: Final = 8
"""Of so many attempts in a row that end with `StorageUnavailable`, one counts as a failure: after more than a minute,
while failures can be written down, it is not the database that is away."""
AT_ONCE: Final = 16
"""Starts that are decided at the same time; further ones of the same moment come right after."""

Workflow = tuple[str, str]


@dataclass(slots=True)
class Kept:
    """What the store knows of all schedules, read at once."""

    fires: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    faults: Mapping[tuple[str, str], ScheduleFault] = field(default_factory=dict)


class Scheduler:
    def __init__(
        self,
        *,
        workflows: WorkflowStore,
        schedules: ScheduleStore,
        blobs: Blobs,
        dispatcher: Dispatches,
        clock_for_account: Callable[[str], Clock],
        wall: Clock | None = None,
        on_quarantine: OnQuarantine | None = None,
        tenant: str = "local",
    ) -> None:
        """`clock_for_account` gives an account's market clock and raises for one that is not there; `wall` is the clock
        quarantines go by; `on_quarantine` is told of schedules that are set aside."""
        self._workflows = workflows
        self._schedules = schedules
        self._blobs = blobs
        self._dispatcher = dispatcher
        self._clock_for_account = clock_for_account
        self._faults = FaultKeeper(schedules, wall or WallClock(), on_quarantine)
        self._tenant = tenant
        self._name = uuid.uuid4().hex
        self._watching: dict[Workflow, list[Watched]] = {}
        self._versions: dict[Workflow, str] = {}
        self._unread: dict[Workflow, ScheduleFault] = {}
        self._timelines: dict[str, Timeline[Watched]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._deciding: Counter[str] = Counter()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._changing = asyncio.Lock()
        self._look_now = asyncio.Event()
        self.on_fire: Callable[[str], None] = lambda outcome: None

    async def start(self) -> None:
        """Watch every active workflow, and from then on what is activated elsewhere. Of fires missed while nobody
        watched, what the schedule's policy says is made up for. Raises `StorageUnavailable`."""
        async with self._changing:
            kept = await self._kept()
            for _, version in await self._schedules.active(self._tenant):
                await self._watch(version, kept)
        self._task(self._keep_looking())

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        """A workflow was activated, deactivated or deleted. Nothing from before its activation fires."""
        async with self._changing:
            before = self._forget((tenant, workflow_id))
            try:
                workflow = await self._workflows.workflow(tenant, workflow_id)
                if workflow.active_version is None:
                    return
                version = await self._workflows.version(tenant, workflow_id, workflow.active_version)
            except NotFound:
                return
            await self._watch(version, None, {each.node: each for each in before})

    async def look(self) -> None:
        """Find what was activated, replaced or deactivated by others, and schedules whose time aside is over. Raises
        `StorageUnavailable`."""
        async with self._changing:
            aside = [each for every in self._watching.values() for each in every if each.fault is not None]
            active = await self._schedules.active_versions(self._tenant)
            kept = await self._kept()
            for key in [key for key in self._versions if key[1] not in active]:
                self._forget(key)
            for workflow_id, version in active.items():
                key = (self._tenant, workflow_id)
                unread = self._unread.get(key)
                if self._versions.get(key) != version or (unread is not None and self._faults.over(unread)):
                    before = {each.node: each for each in self._forget(key)}
                    with suppress(NotFound):  # deleted or replaced since
                        await self._watch(await self._workflows.version(*key, version), kept, before)
            for watched in aside:
                self._try_again(watched, kept)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for key in list(self._versions):
            self._forget(key)
        self._timelines.clear()

    @property
    def watched(self) -> list[Workflow]:
        """(tenant, workflow) of the workflows with schedules that will fire."""
        return [key for key, every in self._watching.items() if any(each.fire is not None for each in every)]

    def busy(self, account: str) -> bool:
        """Whether a start on an account has come due and is not decided yet."""
        timeline = self._timelines.get(account)
        return self._deciding[account] > 0 or (timeline is not None and timeline.due)

    def undecided(self, account: str) -> int:
        """How many of those there are that come to the dispatcher by themselves, whatever becomes of the others."""
        timeline = self._timelines.get(account)
        coming = timeline is not None and timeline.due
        return min(self._deciding[account], AT_ONCE) + coming

    # -- what is watched ----------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look_now.wait()
            self._look_now.clear()
            try:
                await self.look()
            except StorageUnavailable as error:
                log.warning("active workflows cannot be looked for: %s", error)

    async def _kept(self) -> Kept:
        faults = await self._schedules.faults(self._tenant)
        return Kept(
            await self._schedules.last_fires(self._tenant), {(each.workflow_id, each.node): each for each in faults}
        )

    def _forget(self, key: Workflow) -> list[Watched]:
        self._versions.pop(key, None)
        self._unread.pop(key, None)
        gone = self._watching.pop(key, [])
        for watched in gone:
            watched.gone = True
        return gone

    async def _watch(
        self, version: VersionRecord, kept: Kept | None, before: Mapping[str, Watched] | None = None
    ) -> None:
        """Watch a version's schedules: where they were, or without `kept` from now on."""
        key = (version.tenant, version.workflow_id)
        self._versions[key] = version.version
        faults = {} if kept is None else kept.faults
        unread = faults.get((version.workflow_id, WHOLE_WORKFLOW))
        try:
            artefact = await asyncio.to_thread(self._blobs.artefact, version.version)
            nodes = [node for node in artefact["document"]["nodes"] if is_schedule(node)]
            clock = self._clock_for_account(version.account) if nodes else None
        except Exception as error:
            self._unread[key] = await self._faults.unusable((*key, WHOLE_WORKFLOW), unread, error)
            return
        if unread is not None:
            await self._faults.recovered(unread)
        for node in nodes:
            assert clock is not None
            await self._watch_node(version, node, clock, kept, (before or {}).get(node["id"]))

    async def _watch_node(
        self, version: VersionRecord, node: Mapping[str, Any], clock: Clock, kept: Kept | None, before: Watched | None
    ) -> None:
        key = (version.tenant, version.workflow_id)
        fault = None if kept is None else kept.faults.get((version.workflow_id, node["id"]))
        try:
            schedule = ScheduleTrigger.schedule(node.get("config") or {})
        except Exception as error:  # saved by a release that understood more
            self._unread[key] = await self._faults.unusable((*key, node["id"]), fault, error)
            return
        name = kept_node(node["id"], clock)
        last = None if kept is None else kept.fires.get((version.workflow_id, name))
        if last is None:
            last = where_to_begin(clock.now(), before)
            await self._schedules.set_last_fire(*key, name, last)
        watched = Watched(*key, node["id"], version.version, version.account, schedule, clock, last, fault=fault)
        self._watching.setdefault(key, []).append(watched)
        if fault is None or fault.until is None:
            self._plan(watched)

    def _try_again(self, watched: Watched, kept: Kept) -> None:
        """Take up a schedule whose time aside is over, or whose fault another engine found mended."""
        fault = watched.fault
        if fault is None or fault.until is None or watched.gone:
            return
        mended = (watched.workflow_id, watched.node) not in kept.faults
        if mended or self._faults.over(fault):
            watched.fault = None if mended else self._faults.tried_again(fault)
            self._plan(watched)

    # -- what fires ---------------------------------------------------------------------------------------------

    def _plan(self, watched: Watched) -> None:
        """Wait for the next fire."""
        key = "\x1f".join(watched.key)
        watched.fire = next_fire(watched.schedule, watched.last, watched.clock.now(), key)
        if watched.fire is not None:
            self._timeline(watched).put(watched.fire.at, watched)

    def _timeline(self, watched: Watched) -> Timeline[Watched]:
        known = self._timelines.get(watched.account)
        if known is None:
            known = self._timelines[watched.account] = Timeline(watched.clock, self._begin)
            self._task(known.run())
        return known

    def _begin(self, due: list[Watched]) -> None:
        """Schedulers on one database go through the same moment in orders of their own, and so share its starts."""
        for watched in sorted(due, key=lambda each: each.order(self._name)):
            if not watched.gone:
                self._deciding[watched.account] += 1
                self._task(self._see_to(watched))

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a schedule stopped by a fault of the scheduler", exc_info=error)

    async def _see_to(self, watched: Watched) -> None:
        """Start the workflow for one fire, then wait for the next."""
        try:
            fire = watched.fire
            if fire is None:
                return
            if watched.clock.now() > fire.until:  # nobody was awake
                self._plan(watched)
            elif await self._decide(watched, fire):
                watched.last = max(watched.last, fire.due)
                await self._keep_last(watched)
                if not watched.gone:
                    self._plan(watched)
        finally:
            self._deciding[watched.account] -= 1

    async def _decide(self, watched: Watched, fire: Fire) -> bool:
        """Whether the fire was seen to, for good. A failure is tried again until it is too late, and counts."""
        command, pause_s = command_of(watched, fire), RETRY_S
        attempts = 0
        while True:
            attempts += 1
            try:
                async with self._turns:
                    dispatched = await self._dispatcher.dispatch(command)
            except EngineClosed:
                return False
            except Exception as error:
                if isinstance(error, NotFound) and not await self._is_there(watched):
                    return False
                counts = attempts % STORAGE_COUNTS == 0 or not isinstance(error, StorageUnavailable)
                if (counts and await self._set_aside(watched, error)) or watched.gone:
                    return False
                if watched.clock.now() > fire.until:
                    self.on_fire("missed")
                    log.error("the schedule %s missed %s: %s", watched.node, timestamp(fire.due), error)
                    self._plan(watched)
                    return False
                log.warning("the schedule %s tries again: %s", watched.node, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_RETRY_S)
            else:
                return await self._decided(watched, dispatched)

    async def _decided(self, watched: Watched, dispatched: Dispatched) -> bool:
        self.on_fire(dispatched.verdict)
        if dispatched.verdict == "skipped":
            log.info("the schedule %s did not start %s: %s", watched.node, watched.workflow_id, dispatched.reason)
        if dispatched.reason in (SUPERSEDED, INACTIVE):  # changed by another engine, or this very moment
            self._versions.pop((watched.tenant, watched.workflow_id), None)
            self._look_now.set()
            return False
        if dispatched.reason == LATE:  # the misfire policy decides
            self._plan(watched)
            return False
        if watched.fault is not None:
            await self._faults.recovered(watched.fault)
            watched.fault = None
        return True

    async def _set_aside(self, watched: Watched, error: Exception) -> bool:
        """Count a failure; whether the schedule is set aside with it."""
        if watched.gone:
            return False
        try:
            watched.fault = await self._faults.failed(watched.key, watched.fault, error)
        except StorageUnavailable:
            return False
        if watched.fault.until is None:
            return False
        watched.fire = None
        return True

    async def _is_there(self, watched: Watched) -> bool:
        try:
            await self._workflows.workflow(watched.tenant, watched.workflow_id)
        except NotFound:
            watched.gone = True
            self._look_now.set()
            return False
        except StorageUnavailable:
            pass
        return True

    async def _keep_last(self, watched: Watched) -> None:
        if watched.gone:
            return
        try:
            await self._schedules.set_last_fire(*watched.kept_as, watched.last)
        except StorageUnavailable as error:  # after a crash the start is found by its key
            log.warning("the last fire of the schedule %s cannot be kept: %s", watched.node, error)
