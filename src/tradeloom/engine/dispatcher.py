"""The one door for starts: whatever wants a workflow to run comes through here; one event starts at most one run."""

import asyncio
import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from tradeloom.accounts.quotas import QuotaGate
from tradeloom.engine.clock import Clock, WallClock
from tradeloom.engine.engine import Engine, StartRequest
from tradeloom.engine.errors import AlreadyStarted
from tradeloom.engine.journal import Execution, Journal
from tradeloom.engine.mode import Mode
from tradeloom.engine.permission import ActiveVersions
from tradeloom.engine.stores import VersionRecord, WorkflowRecord, WorkflowStore
from tradeloom.engine.versions import KnownVersions
from tradeloom.errors import AccountHalted, QuotaExceeded, StorageUnavailable, TradeloomError
from tradeloom.runtime.envelope import RunInfo

Overlap = Literal["skip", "queue", "allow"]
Verdict = Literal["started", "duplicate", "skipped"]

Refuses = Callable[[VersionRecord], Awaitable[AccountHalted | None]]
Gate = Callable[["StartCommand"], AbstractAsyncContextManager[None]]
"""Entered before a start is decided and left after; may keep it waiting."""
OnSkip = Callable[[VersionRecord], None]
"""Told of a version that a trigger would have started on a halted account."""

ID_LENGTH: Final = 32
INACTIVE: Final = "the workflow is not active"
LATE: Final = "it came too late"
SUPERSEDED: Final = "another version of the workflow is active"

log: Final = logging.getLogger(__name__)

__all__ = ["ActiveVersions", "Dispatched", "Dispatcher", "Overlap", "StartCommand", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCommand:
    """A wish to run a workflow. `trigger` is the id of the trigger node that fired, `payload` what it brings; `account`
    the one whose market's time or events fired it, empty for what comes from outside.

    A `dedupe_key` names the event: the same key of the same workflow starts once, ever. `manual` starts run the newest
    saved version (or the one given), active or not; all others run the active version or nothing, and with a `version`
    given that one or nothing.
    After `expires`, on the account's market clock, it is too late to start, and after `start_by` to begin: an execution
    whose turn comes later is stopped. Unless it is queued behind another, `start_by` is `expires` where it is not
    given. `parent` is the execution that calls this workflow, on behalf of the workflows in `called_by`.
    `mode` is how it departs from a plain run; `as_of` another time than now, for a replay; `unsaved` a version to run
    that was never saved.
    """

    workflow_id: str
    trigger: str
    account: str = ""
    tenant: str = "local"
    user_id: str = "local"
    payload: dict[str, Any] = field(default_factory=dict)
    dedupe_key: str | None = None
    manual: bool = False
    version: str | None = None
    test_mode: bool = False
    overlap: Overlap = "allow"
    expires: datetime | None = None
    start_by: datetime | None = None
    parent: str | None = None
    called_by: tuple[str, ...] = ()
    mode: Mode = field(default_factory=Mode)
    as_of: datetime | None = None
    unsaved: VersionRecord | None = None


@dataclass(frozen=True, slots=True)
class Dispatched:
    """`execution_id` is that of the execution started, or of the earlier one the command is a duplicate of."""

    verdict: Verdict
    execution_id: str | None = None
    reason: str = ""
    refused: QuotaExceeded | None = None


class Dispatches(Protocol):
    """What those who fire triggers need of the dispatcher."""

    async def dispatch(self, command: StartCommand) -> Dispatched: ...


class Dispatcher:
    def __init__(
        self,
        *,
        engine: Engine,
        journal: Journal,
        workflows: WorkflowStore,
        clock_for_account: Callable[[str], Clock],
        clock: Clock | None = None,
        refuses: Refuses | None = None,
        on_skip: OnSkip | None = None,
        quota: QuotaGate | None = None,
    ) -> None:
        """`clock_for_account` gives an account's market clock; `clock` is the wall's; `refuses` says why a version may
        not start now, as on an account that was halted."""
        self._refuses = refuses
        self._on_skip = on_skip
        self._quota = quota
        self._engine = engine
        self._journal = journal
        self._workflows = workflows
        self._versions = KnownVersions(workflows)
        self._clock_for_account = clock_for_account
        self._clock = clock or WallClock()
        self._deciding: dict[tuple[str, str], asyncio.Lock] = {}
        self.gate: Gate = _open

    async def dispatch(self, command: StartCommand) -> Dispatched:
        """Decide about one start, once the gate lets it pass.

        Raises `NotFound`, `JournalRefused`, `EngineClosed`, `InvalidDefinition`, and `AccountHalted` and
        `QuotaExceeded` to a person or a calling workflow (a trigger's start is skipped).
        """
        async with self.gate(command):
            return await self._decide(command)

    async def _decide(self, command: StartCommand) -> Dispatched:
        workflow = await self._workflows.workflow(command.tenant, command.workflow_id)
        wanted = _version(command, workflow)
        if wanted is None:
            return Dispatched("skipped", reason=INACTIVE)
        if not command.manual and command.version not in (None, wanted):
            return Dispatched("skipped", reason=SUPERSEDED)
        version = command.unsaved or await self._versions.of(workflow, wanted)
        halted = None if self._refuses is None else await self._refuses(version)
        if halted is not None:
            if command.manual or command.parent is not None:
                raise halted
            log.warning("workflow %s was not started: %s", command.workflow_id, halted.message)
            if self._on_skip is not None:
                self._on_skip(version)
            return Dispatched("skipped", reason=f"{halted.name}: {halted.message}")
        as_of = self._clock_for_account(version.account).now()
        if command.expires is not None and as_of > command.expires:
            return Dispatched("skipped", reason=LATE)
        try:
            return await self._in_turn(command, version, as_of)
        except QuotaExceeded as error:
            if command.manual or self._quota is None:
                raise
            if self._quota.on_refused is not None:
                self._quota.on_refused(command.tenant, command.workflow_id, error)
            return Dispatched("skipped", reason=f"{error.name}: {error.message}", refused=error)

    async def _in_turn(self, command: StartCommand, version: VersionRecord, as_of: datetime) -> Dispatched:
        """Start it as the overlap policy allows."""
        if command.overlap == "allow":
            return await self._start(command, version, as_of)
        key = (command.tenant, command.workflow_id)
        async with self._deciding.setdefault(key, asyncio.Lock()):
            active = [each for each in await self._journal.active(*key) if each.test_mode == command.test_mode]
            refused = _overlaps(command.overlap, active)
            return refused or await self._start(command, version, as_of)

    async def _start(self, command: StartCommand, version: VersionRecord, as_of: datetime) -> Dispatched:
        key = None if command.dedupe_key is None else f"{command.workflow_id}:{command.dedupe_key}"
        run = RunInfo(
            execution_id=execution_id(command.tenant, key),
            tenant=command.tenant,
            workflow_id=command.workflow_id,
            version=version.version,
            trigger=command.trigger,
            payload=command.payload,
            as_of=command.as_of or as_of,
            started_at=self._clock.now(),
            account=version.account,
            test_mode=command.test_mode,
            user_id=command.user_id,
            parent=command.parent,
            called_by=command.called_by,
        )
        request = StartRequest(
            run=run,
            definition=version.definition,
            dedupe_key=key,
            manual=command.manual,
            exclusive=command.overlap != "allow",  # another engine may have started one at the same moment
            mode=command.mode,
            start_by=command.start_by or (None if command.overlap == "queue" else command.expires),
        )
        counted = await self._counted(run)
        try:
            started = await self._engine.start(request)
        except StorageUnavailable:  # it may have been made: the same start again counts no second time
            raise
        except TradeloomError as error:
            if counted and self._quota is not None:
                await self._quota.quotas.give_back(run.tenant, run.execution_id)
            if isinstance(error, AlreadyStarted):
                return Dispatched("duplicate", error.execution_id, "the same event started it before")
            raise
        if command.unsaved is None:
            self._versions.keep(version)
        return Dispatched("started", started)

    async def _counted(self, run: RunInfo) -> bool:
        if self._quota is None:
            return False
        return await self._quota.take(run.tenant, run.workflow_id, run.execution_id, run.started_at)


def _open(command: StartCommand) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def execution_id(tenant: str, dedupe_key: str | None) -> str:
    """The same for the same key; without one, never the same."""
    named = uuid.uuid4().hex if dedupe_key is None else f"{tenant}\x1f{dedupe_key}"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def _version(command: StartCommand, workflow: WorkflowRecord) -> str | None:
    if command.manual:
        return command.version or workflow.version
    return workflow.active_version


def _overlaps(policy: Overlap, active: list[Execution]) -> Dispatched | None:
    """`skip` starts nothing beside a running execution; `queue` lets one wait for it."""
    if policy == "skip" and active:
        return Dispatched("skipped", reason="an execution of the workflow is still running")
    if policy == "queue" and len(active) > 1:
        return Dispatched("skipped", reason="an execution of the workflow is waiting already")
    return None
