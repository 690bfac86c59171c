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
from tradeloom.engine.dispatcher import Dispatches
from tradeloom.engine.schedule_faults import FaultKeeper, OnQuarantine
from tradeloom.engine.schedule_starts import AT_ONCE, Starter
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault, ScheduleStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowStore
from tradeloom.engine.timeline import Timeline
from tradeloom.engine.watched_schedule import Watched, is_schedule, kept_node, where_to_begin
from tradeloom.errors import NotFound, StorageUnavailable
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.workflow.firing import FRESH, next_fire

log: Final = logging.getLogger(__name__)

MAX_AGE: Final = FRESH
LOOK_S: Final = 10.0
"""How often is looked for workflows that were activated elsewhere, and for schedules that were set aside."""

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
        self._starter = Starter(dispatcher, workflows, schedules, self._faults, lambda outcome: self.on_fire(outcome))
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
            for key in [key for key in {*self._versions, *self._watching} if key[1] not in active]:
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
            except Exception:
                log.exception("active workflows cannot be looked for")

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
        """Watch a version's schedules: where they were, or without `kept` from now on. What storage keeps from being
        watched is found by the next look."""
        key = (version.tenant, version.workflow_id)
        try:
            await self._watch_nodes(version, kept, before or {})
        except StorageUnavailable:
            self._forget(key)
            raise
        self._versions[key] = version.version

    async def _watch_nodes(self, version: VersionRecord, kept: Kept | None, before: Mapping[str, Watched]) -> None:
        key = (version.tenant, version.workflow_id)
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
            await self._watch_node(version, node, clock, kept, before.get(node["id"]))

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
            late = watched.clock.now() > fire.until  # nobody was awake
            outcome = "late" if late else await self._starter.see_to(watched, fire)
            if outcome == "changed" and not watched.gone:
                self._versions.pop((watched.tenant, watched.workflow_id), None)
                self._look_now.set()
            elif outcome in ("seen", "late") and not watched.gone:
                self._plan(watched)
        finally:
            self._deciding[watched.account] -= 1
