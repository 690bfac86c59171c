"""The dead-man alert: tells the dashboard of runs that should have been and were not, and of those that do not end.

Every active workflow with a schedule is expected to run at its fire times, on its account's market clock, and one that
says so (`expect_run_every_s`) at least every so often. What was looked at is kept, so what came due while nothing ran
is told after the start. Each missed time is told once: a look tells of all it found in one notification, which is named
after what it covers.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Dispatched, Dispatches, StartCommand
from tradeloom.engine.expectations import Expectation, ExpectationStore
from tradeloom.engine.journal import ACTIVE, Execution, ExecutionFilter, Journal
from tradeloom.engine.notices import notice
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleStore
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowRecord
from tradeloom.engine.watched_schedule import is_schedule, kept_node, start_key
from tradeloom.errors import StorageUnavailable, TradeloomError
from tradeloom.local.missed_runs import OVERLAPS, Missed, decided_until, missed_of, told
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.runtime.services import Level
from tradeloom.workflow.document import Settings
from tradeloom.workflow.schedules import Schedule, fires_between

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 15.0
SETTLED_S: Final = 30.0
MOST_AT_ONCE: Final = 5_000
"""Fire times of one schedule that one look goes through; the next goes on from there."""
MOST_REMEMBERED: Final = 20_000
MOST_LATE: Final = 500
SILENCE: Final = "silence"

Refusal = Callable[[VersionRecord], Any]
"""Why a version may not start now (awaitable; an error or None): the dispatcher's own question."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of an active workflow."""

    record: WorkflowRecord
    version: VersionRecord
    settings: Settings
    schedules: Mapping[str, Schedule] = field(default_factory=dict)


class Skips:
    """A dispatcher for the scheduler, which remembers why starts were skipped."""

    def __init__(self, dispatcher: Dispatches) -> None:
        self._dispatcher = dispatcher
        self.reasons: OrderedDict[str, str] = OrderedDict()

    async def dispatch(self, command: StartCommand) -> Dispatched:
        dispatched = await self._dispatcher.dispatch(command)
        if dispatched.verdict == "skipped" and command.dedupe_key is not None:
            self.reasons[f"{command.workflow_id}:{command.dedupe_key}"] = dispatched.reason
            if len(self.reasons) > MOST_REMEMBERED:
                self.reasons.popitem(last=False)
        return dispatched


class Expectations:
    def __init__(
        self,
        *,
        tenant: str,
        store: ExpectationStore,
        schedules: ScheduleStore,
        journal: Journal,
        blobs: Blobs,
        skips: Skips,
        clock_for_account: Callable[[str], Clock],
        refuses: Refusal | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` is the wall's clock; `clock_for_account` raises for an account that is not there."""
        self._tenant = tenant
        self._store = store
        self._schedules = schedules
        self._journal = journal
        self._blobs = blobs
        self._skips = skips
        self._clock_for_account = clock_for_account
        self._refuses = refuses
        self._now = now
        self._read: OrderedDict[str, tuple[Settings, Mapping[str, Schedule]]] = OrderedDict()
        self._up_since: dict[str, datetime] = {}
        self._moved: dict[str, tuple[datetime, datetime]] = {}
        self._suspected: set[Expectation] = set()
        self._soon = asyncio.Event()

    def look_soon(self) -> None:
        """A workflow was activated or deactivated: what is expected begins now."""
        self._soon.set()

    async def run(self) -> None:
        """At first nothing is told: the scheduler may be making up for what was missed."""
        begun = asyncio.get_running_loop().time()
        while True:
            self._soon.clear()
            try:
                await self.look(tell=asyncio.get_running_loop().time() - begun >= SETTLED_S)
            except StorageUnavailable as error:
                log.warning("runs that were expected cannot be looked at: %s", error.message)
            except Exception:
                log.exception("runs that were expected could not be looked at")
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def look(self, *, tell: bool = True) -> None:
        """Look at every expectation once, and tell what there is to tell; without `tell`, only begin those that are
        new. Raises `StorageUnavailable`."""
        kept = {(row.workflow_id, row.name): row for row in await self._store.all(self._tenant)}
        active = await self._schedules.active(self._tenant)
        for workflow_id in {key[0] for key in kept} - {record.id for record, _ in active}:
            await self._store.drop(self._tenant, workflow_id)
        for record, version in active:
            try:
                await self._workflow(record, version, kept, tell=tell)
            except StorageUnavailable:
                raise
            except TradeloomError as error:  # an account that was removed, an artefact that is gone
                log.warning("what is expected of %s cannot be told: %s", record.id, error.message)
        if tell:
            await self._late()

    async def _workflow(
        self,
        record: WorkflowRecord,
        version: VersionRecord,
        kept: Mapping[tuple[str, str], Expectation],
        *,
        tell: bool,
    ) -> None:
        settings, schedules = await self._of(version.version)
        expected = Expected(record, version, settings, schedules)
        if not schedules and settings.expect_run_every_s is None:
            return
        clock = self._clock_for_account(version.account)
        now = clock.now()
        self._up_since.setdefault(f"{version.account}@{clock.session}", now)
        for node, schedule in schedules.items():
            row = await self._row(expected, kept_node(node, clock), now, kept)
            if tell:
                await self._schedule(expected, node, schedule, clock, row)
        if settings.expect_run_every_s is not None:
            row = await self._row(expected, kept_node(SILENCE, clock), now, kept)
            if tell:
                await self._silence(expected, clock, row)

    async def _row(
        self, expected: Expected, name: str, now: datetime, kept: Mapping[tuple[str, str], Expectation]
    ) -> Expectation:
        """Where an expectation stands; one of an earlier activation, or of none, begins now."""
        record = expected.record
        known = kept.get((record.id, name))
        if known is not None and known.activated_at == record.updated_at:
            return known
        row = Expectation(
            tenant=self._tenant,
            workflow_id=record.id,
            name=name,
            activated_at=record.updated_at,
            checked_until=now,
            telling_until=now,
        )
        await self._store.keep(row)
        return row

    # -- schedules ----------------------------------------------------------------------------------------------

    async def _schedule(
        self, expected: Expected, node: str, schedule: Schedule, clock: Clock, row: Expectation
    ) -> None:
        """Tell the fire times since the last look that led to no run. What a crash kept from being noted is told again
        under the same name, which shows it once."""
        again = row.telling_until > row.checked_until
        until = row.telling_until if again else decided_until(schedule, clock.now())
        if until <= row.checked_until:
            return
        fires = list(islice(fires_between(schedule, row.checked_until, until), MOST_AT_ONCE))
        if not fires:
            return
        if len(fires) == MOST_AT_ONCE:
            until = fires[-1]
        dues = {due: f"{expected.record.id}:{start_key(node, clock, due)}" for due in fires}
        starts = await self._journal.starts(self._tenant, list(dues.values()))
        if any(key not in starts or not starts[key].began for key in dues.values()):
            if schedule.misfire != "skip" and row not in self._suspected:
                self._suspected.add(row)  # it may be about to be made up for
                return
            self._suspected.discard(row)
            missed = missed_of(
                dues,
                starts,
                skipped=self._skips.reasons,
                up_since=self._up_since[f"{expected.version.account}@{clock.session}"],
                standing=await self._standing(expected, node),
            )
            if missed and not again:
                await self._store.keep(replace(row, telling_until=until))
            if missed:
                await self._tell_missed(expected, node, missed, clock, until)
        await self._store.keep(replace(row, checked_until=until, telling_until=until))

    async def _standing(self, expected: Expected, node: str) -> str | None:
        """What keeps the workflow from running now: a schedule that was set aside, an account that was halted."""
        for fault in await self._schedules.faults(self._tenant, expected.record.id):
            if fault.node in (WHOLE_WORKFLOW, node) and fault.until is not None:
                return f"its schedule is set aside: {fault.reason}"
        refusal = None if self._refuses is None else await self._refuses(expected.version)
        return None if refusal is None else str(refusal.message)

    async def _tell_missed(
        self, expected: Expected, node: str, missed: list[Missed], clock: Clock, until: datetime
    ) -> None:
        mild = bool(clock.session) or all(each.reason.startswith(OVERLAPS) for each in missed)
        title = f"{expected.record.name} did not run" + (f" {len(missed)} times" if len(missed) > 1 else "")
        event = ("missed", expected.record.id, node, clock.session, until)
        await self._tell("warning" if mild else "error", title, told(missed), event, expected.record.id)

    # -- silence ------------------------------------------------------------------------------------------------

    async def _silence(self, expected: Expected, clock: Clock, row: Expectation) -> None:
        """Tell once of each silence that lasts longer than is expected, by the market's clock; and of a market clock
        that stands for as long."""
        assert expected.settings.expect_run_every_s is not None
        every = timedelta(seconds=expected.settings.expect_run_every_s)
        now, record = clock.now(), expected.record
        ran = await self._journal.last_as_of(self._tenant, record.id, now)
        since = max(row.checked_until, ran) if ran is not None else row.checked_until
        if now - since > every:
            why = await self._standing(expected, SILENCE)
            message = (
                f"It is expected to run at least every {every}, and last {'ran' if ran == since else 'was activated'} "
                f"at {since:%Y-%m-%d %H:%M} UTC market time." + (f" Why: {why}" if why else "")
            )
            event = ("silence", record.id, clock.session, since)
            await self._tell("error", f"{record.name} is silent", message, event, record.id)
        elif self._stands(expected.version.account, clock) > every:
            message = (
                f"The market clock of {expected.version.account} stands at {now:%Y-%m-%d %H:%M} UTC, so that nothing "
                f"that waits for market time starts. It is expected to run at least every {every}."
            )
            event = ("standing", record.id, clock.session, now)
            await self._tell("warning", f"{record.name} waits for its market", message, event, record.id)

    def _stands(self, account: str, clock: Clock) -> timedelta:
        """For how long an account's market clock has not moved, as far as this process saw."""
        now, wall = clock.now(), self._now()
        before = self._moved.get(account)
        if before is None or before[0] != now:
            self._moved[account] = (now, wall)
            return timedelta()
        return wall - before[1]

    # -- executions that do not end -----------------------------------------------------------------------------

    async def _late(self) -> None:
        """Tell once of each execution that takes longer than its workflow expects."""
        for status in sorted(ACTIVE):
            which = ExecutionFilter(tenant=self._tenant, status=status, limit=MOST_LATE)
            rows, total = await self._journal.executions(which)
            if total > MOST_LATE:  # the oldest are the late ones
                rows, _ = await self._journal.executions(replace(which, offset=total - MOST_LATE))
            for row in rows:
                await self._look_at(row)

    async def _look_at(self, row: Execution) -> None:
        try:
            settings, _ = await self._of(row.version)
        except StorageUnavailable:
            raise
        except TradeloomError:
            return
        within = settings.expect_end_within_s
        begun = row.started_at or row.created_at
        if within is None or self._now() - begun <= timedelta(seconds=within):
            return
        what = "is still running" if row.status == "RUNNING" else "has not begun"
        message = (
            f"The execution was started at {begun:%Y-%m-%d %H:%M:%S} UTC and {what}; it is expected to end within "
            f"{within} s. Nothing was stopped: look at it, and stop it if it hangs."
        )
        await self._tell("warning", "An execution takes too long", message, ("late", row.id), row.workflow_id, row.id)

    # -- what is common -----------------------------------------------------------------------------------------

    async def _of(self, version: str) -> tuple[Settings, Mapping[str, Schedule]]:
        """A version's settings and schedules that can be read, by node."""
        known = self._read.get(version)
        if known is None:
            artefact = await asyncio.to_thread(self._blobs.artefact, version)
            drawn = artefact["document"]
            known = self._read[version] = (
                Settings.model_validate(drawn.get("settings") or {}),
                _schedules([node for node in drawn["nodes"] if is_schedule(node)]),
            )
            if len(self._read) > 2_048:
                self._read.popitem(last=False)
        return known

    async def _tell(
        self,
        level: Level,
        title: str,
        message: str,
        event: tuple[object, ...],
        workflow_id: str,
        execution_id: str = "",
    ) -> None:
        """Returns when it is durable. The same event is shown once, however often it is told."""
        self._journal.record(
            notice(
                "expected",
                self._tenant,
                *event,
                tenant=self._tenant,
                at=self._now(),
                level=level,
                title=title,
                message=message,
                workflow_id=workflow_id,
                execution_id=execution_id,
            )
        )
        await self._journal.barrier(execution_id)


def _schedules(nodes: list[dict[str, Any]]) -> dict[str, Schedule]:
    found = {}
    for node in nodes:
        try:
            found[node["id"]] = ScheduleTrigger.schedule(node.get("config") or {})
        except TradeloomError as error:  # saved by a release that understood more: the scheduler sets it aside
            log.debug("the schedule %s cannot be read: %s", node["id"], error.message)
    return found
