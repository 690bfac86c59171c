"""Fires the market triggers of active workflows: prices, indicators, closed bars, order events; each event once.

One task per account looks at its market when the bridge has news of it, at everything that happens in a replay, and
once a second in any case, and shows what it sees to every trigger of that account it concerns. What a trigger has seen
is kept among the variables, with the events that are to start something, before they do; the dispatcher's dedupe key
does the rest. So a restart neither loses an event nor starts one twice.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import INACTIVE, SUPERSEDED, Dispatcher
from tradeloom.engine.market_look import MarketLook
from tradeloom.engine.market_news import Bell, MarketWait, News, NewsThread
from tradeloom.engine.schedules import ScheduleStore
from tradeloom.engine.stores import Blobs, VariableStore, VersionRecord, WorkflowStore
from tradeloom.engine.watched_trigger import WatchedTrigger, market_nodes, start_of, triggers_of
from tradeloom.errors import Conflict, NotFound, StorageUnavailable, TradeloomError
from tradeloom.nodes.trigger._observing import MarketTrigger, Observation
from tradeloom.trading.broker import Broker

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
RETRY_S: Final = 1.0
REREAD_S: Final = 10.0
"""How often is looked for workflows that were activated, changed or switched off elsewhere."""
KEEP_EVERY: Final = timedelta(seconds=60)
"""How much market time may pass before what only changed a little (the last price) is kept as well."""
KEEP_WALL_S: Final = 5.0
"""And no oftener than this by the wall: a replay's hours pass in no time."""

Workflow = tuple[str, str]


class Watcher:
    """Two watchers may run on one database: the state's revision lets one of them take an event."""

    def __init__(
        self,
        *,
        workflows: WorkflowStore,
        schedules: ScheduleStore,
        variables: VariableStore,
        blobs: Blobs,
        dispatcher: Dispatcher,
        triggers: Mapping[str, type[MarketTrigger]],
        clock_for_account: Callable[[str], Clock],
        market_for_account: Callable[[str], Broker],
        next_event: Callable[[str], datetime | None] = lambda account: None,
        wait_for_market: MarketWait | None = None,
        heard: Callable[[str, datetime], None] = lambda account, now: None,
        tenant: str = "local",
        look_s: float = LOOK_S,
        reread_s: float = REREAD_S,
    ) -> None:
        """`next_event` tells when a replay next has something to show; None for a market that goes by itself.
        `wait_for_market` brings news as they come; without it the market is looked at every `look_s`. These and the
        markets are asked in threads. `heard` is told the market's time as a look found it. `schedules` tells which
        versions are active, and is asked every `reread_s`."""
        self._workflows = workflows
        self._schedules = schedules
        self._variables = variables
        self._blobs = blobs
        self._dispatcher = dispatcher
        self._triggers = triggers
        self._clock_for_account = clock_for_account
        self._market_for_account = market_for_account
        self._next_event = next_event
        self._wait_for_market = wait_for_market
        self._heard = heard
        self._tenant = tenant
        self._look_s = look_s
        self._reread_s = reread_s
        self._watches: list[WatchedTrigger] = []
        self._versions: dict[Workflow, str] = {}
        self._afresh: set[Workflow] = set()
        self._unread: dict[Workflow, str] = {}
        self._changing = asyncio.Lock()
        self._reread_now = asyncio.Event()
        self._rereading: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, Bell] = {}
        self._news: dict[str, NewsThread] = {}
        self._free: dict[str, asyncio.Event] = {}
        self._resting: dict[str, datetime | None] = {}
        self._failing: set[str] = set()

    async def start(self) -> None:
        """Watch every active workflow, from where the last process stopped, and from then on what is activated
        elsewhere. Raises `StorageUnavailable`."""
        async with self._changing:
            for _, version in await self._schedules.active(self._tenant):
                await self._try_to_watch(version)
        self._rereading = asyncio.ensure_future(self._keep_rereading())

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        """A workflow was activated, deactivated, changed or deleted. Nothing from before counts any more. What storage
        keeps from being watched is found by the next `reread`."""
        key = (tenant, workflow_id)
        async with self._changing:
            self._afresh.add(key)
            for watch in self._forget(key):
                await self._erase(watch)
            try:
                workflow = await self._workflows.workflow(tenant, workflow_id)
                if workflow.active_version is not None:
                    await self._try_to_watch(await self._workflows.version(*key, workflow.active_version))
                else:
                    self._afresh.discard(key)
            except NotFound:
                self._afresh.discard(key)
            except StorageUnavailable as error:
                log.warning("the triggers of workflow %s wait for storage: %s", workflow_id, error)

    async def reread(self) -> None:
        """Find what was activated, replaced or switched off by others, or could not be watched before. Raises
        `StorageUnavailable`."""
        async with self._changing:
            active = await self._schedules.active_versions(self._tenant)
            for key in {*self._versions, *(watch.workflow for watch in self._watches)}:
                if key not in self._versions or self._versions[key] != active.get(key[1]):
                    for watch in self._forget(key):
                        await self._erase(watch, expected=watch.revision)
            for workflow_id, version in active.items():
                key = (self._tenant, workflow_id)
                if key not in self._versions:
                    with suppress(NotFound):  # deleted or replaced since
                        await self._try_to_watch(await self._workflows.version(*key, version))

    async def close(self) -> None:
        for thread in self._news.values():
            thread.close()
        self._news.clear()
        if self._rereading is not None:
            self._rereading.cancel()
            await asyncio.gather(self._rereading, return_exceptions=True)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    def busy(self, account: str) -> bool:
        """Whether a look is going on or due: a replay that stands should not be moved past it."""
        if account not in self._tasks or not any(watch.account == account for watch in self._watches):
            return False
        if account not in self._resting or self._bells[account].rung.is_set():
            return True
        due = self._resting[account]
        return due is not None and self._clock_for_account(account).now() >= due

    def hold(self, account: str) -> None:
        """Begin no look until `release`: whoever moves the market wants none to see it half moved."""
        self._free.setdefault(account, _set()).clear()

    def release(self, account: str) -> None:
        self._free.setdefault(account, _set()).set()

    @property
    def watched(self) -> list[tuple[str, str]]:
        """(workflow, node) of every trigger that is watched."""
        return [(watch.workflow_id, watch.node) for watch in self._watches]

    # -- which triggers there are -------------------------------------------------------------------------------------

    async def _keep_rereading(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._reread_s):
                    await self._reread_now.wait()
            self._reread_now.clear()
            try:
                await self.reread()
            except StorageUnavailable as error:
                log.warning("active workflows cannot be looked for: %s", error)
            except Exception:
                log.exception("active workflows cannot be looked for")

    def _forget(self, key: Workflow) -> list[WatchedTrigger]:
        """Watch a workflow no more; what was watched of it."""
        self._versions.pop(key, None)
        gone = [each for each in self._watches if each.workflow == key]
        for watch in gone:
            watch.ended = True
            self._watches.remove(watch)
            self._wait_for(watch.account)
        return gone

    def _outdated(self, watch: WatchedTrigger) -> None:
        """Its version is not the active one, or was activated anew: look which one is."""
        if not watch.ended:
            watch.ended = True
            self._versions.pop(watch.workflow, None)
            self._reread_now.set()

    async def _erase(self, watch: WatchedTrigger, expected: int | None = None) -> None:
        """With `expected`, unless another watcher has written there since."""
        with suppress(StorageUnavailable, Conflict):
            await self._variables.write(watch.tenant, watch.scope, watch.key, None, expected=expected)

    async def _try_to_watch(self, version: VersionRecord) -> None:
        """One that cannot be watched is told once and tried again at every `reread`; the others go on."""
        key = (version.tenant, version.workflow_id)
        try:
            watches = await self._triggers_of(version, fresh=key in self._afresh)
        except Exception as error:
            if self._unread.get(key) != (said := f"{type(error).__name__}: {error}"):
                unforeseen = None if isinstance(error, TradeloomError) else error
                log.error("the triggers of workflow %s cannot be watched: %s", key[1], said, exc_info=unforeseen)
            self._unread[key] = said
            return
        self._unread.pop(key, None)
        self._afresh.discard(key)
        self._versions[key] = version.version
        for watch in watches:
            self._watches.append(watch)
            self._follow(watch.account)

    async def _triggers_of(self, version: VersionRecord, *, fresh: bool) -> list[WatchedTrigger]:
        nodes = market_nodes(await asyncio.to_thread(self._blobs.artefact, version.version), self._triggers)
        session = self._clock_for_account(version.account).session if nodes else ""
        watches = list(triggers_of(version, nodes, session, behind=not fresh))
        for watch in watches:
            await self._recall(watch, fresh=fresh)
        return watches

    async def _recall(self, watch: WatchedTrigger, *, fresh: bool) -> bool:
        """Go on from what is kept; False where there is nothing of this version."""
        kept = await self._variables.read(watch.tenant, watch.scope, watch.key)
        if fresh and kept.value is not None:
            kept = await self._variables.write(watch.tenant, watch.scope, watch.key, None)
        watch.revision = kept.revision
        return watch.recall(kept.value)

    def _follow(self, account: str) -> None:
        self._bells.setdefault(account, Bell()).ring(News(everything=True))
        if account not in self._tasks:
            self._tasks[account] = asyncio.ensure_future(self._keep_looking(account))
        self._wait_for(account)

    def _wait_for(self, account: str) -> None:
        """One call at the bridge waits for all that the account's triggers watch; for nothing, none does."""
        watched = [watch.symbol for watch in self._watches if watch.account == account]
        if not watched and account in self._news:
            self._news.pop(account).close()
        elif watched and self._wait_for_market is not None:
            if account not in self._news:
                self._news[account] = NewsThread(account, self._wait_for_market, self._teller(account))
                self._news[account].follow({symbol for symbol in watched if symbol is not None})
                self._news[account].start()
            self._news[account].follow({symbol for symbol in watched if symbol is not None})

    def _teller(self, account: str) -> Callable[[News], None]:
        loop, bell = asyncio.get_running_loop(), self._bells[account]

        def tell(news: News) -> None:
            with suppress(RuntimeError):  # the loop has ended, and the thread is about to
                loop.call_soon_threadsafe(bell.ring, news)

        return tell

    # -- looking ------------------------------------------------------------------------------------------------------

    async def _keep_looking(self, account: str) -> None:
        due: datetime | None = None  # news that concern nobody leave what is waited for as it was
        while True:
            await self._free.setdefault(account, _set()).wait()
            self._resting.pop(account, None)
            news = self._bells[account].take()
            every = [each for each in self._watches if each.account == account]
            every.sort(key=lambda each: (each.workflow_id, each.node))
            watches = [each for each in every if news.concern(each.symbol)]
            due = due if every else None
            try:
                if watches:
                    due = await self._look(account, watches)
            except Exception:
                due = None
                log.exception("the market of %s could not be looked at", account)
            await self._rest(account, due)

    async def _look(self, account: str, watches: list[WatchedTrigger]) -> datetime | None:
        """Show the market to every trigger; when there is something to see next."""
        try:
            seen, now, due = await asyncio.to_thread(self._see, account, watches)
        except TradeloomError as error:
            if account not in self._failing:
                log.warning("the market of %s cannot be watched: %s", account, error)
            self._failing.add(account)
            for watch in self._watches:
                watch.behind |= watch.account == account
            return None
        self._failing.discard(account)
        self._heard(account, now)
        # What starts something goes first: keeping what others have seen can wait.
        for watch, found in sorted(seen, key=lambda each: not getattr(each[1], "happenings", ())):
            if isinstance(found, Observation):
                watch.complaint = ""
                await self._take(watch, found, now)
            elif str(found) != watch.complaint:
                watch.complaint = str(found)
                unforeseen = None if isinstance(found, TradeloomError) else found
                what = "the trigger %s of workflow %s cannot be watched: %s"
                log.error(what, watch.node, watch.workflow_id, found, exc_info=unforeseen)
        return due

    def _see(
        self, account: str, watches: list[WatchedTrigger]
    ) -> tuple[list[tuple[WatchedTrigger, Observation | Exception]], datetime, datetime | None]:
        """In a thread: blocking."""
        due = self._next_event(account)  # first: what happens while we look is then not slept through
        look = MarketLook(self._market_for_account(account))
        return [(watch, watch.observed(look)) for watch in watches], look.now, due

    async def _take(self, watch: WatchedTrigger, found: Observation, now: datetime) -> None:
        """Keep what was seen and what follows from it, then start that."""
        if watch.ended:
            return
        due = watch.due + watch.follows(found.happenings, now)
        rested = time.monotonic() - watch.kept_wall >= KEEP_WALL_S
        moved = watch.kept_at is None or (rested and now - watch.kept_at >= KEEP_EVERY)
        if due or moved or watch.news(found.state):
            kept = watch.kept(found.state, due)
            try:
                written = await self._variables.write(
                    watch.tenant, watch.scope, watch.key, kept, expected=watch.revision
                )
            except Conflict:  # another watcher took it, or the workflow was changed meanwhile
                if not watch.ended and not await self._recall(watch, fresh=False):
                    self._outdated(watch)
                return
            except StorageUnavailable as error:
                log.warning("the trigger %s waits for storage: %s", watch.node, error)
                return  # nothing was taken: the next look sees it again
            watch.revision, watch.kept_at, watch.kept_wall = written.revision, now, time.monotonic()
        watch.state, watch.due, watch.behind = found.state, due, False
        await self._start(watch)

    async def _start(self, watch: WatchedTrigger) -> None:
        while watch.due and not watch.ended:
            command = start_of(watch, watch.due[0])
            try:
                dispatched = await self._dispatcher.dispatch(command)
            except StorageUnavailable as error:
                log.warning("the trigger %s waits for storage: %s", watch.node, error)
                await asyncio.sleep(RETRY_S)
                continue
            except TradeloomError as error:
                log.error("the trigger %s did not start %s: %s", watch.node, watch.workflow_id, error)
            else:
                if dispatched.verdict == "skipped":
                    why = dispatched.reason
                    log.info("the trigger %s did not start %s: %s", watch.node, watch.workflow_id, why)
                if dispatched.reason in (SUPERSEDED, INACTIVE):  # by another engine, or this very moment
                    self._outdated(watch)
                    return
            watch.due.pop(0)

    async def _rest(self, account: str, due: datetime | None) -> None:
        """Until there is news, the replay's next event, a change of what is watched, or a second has passed."""
        bell = self._bells[account]
        waiting: list[asyncio.Task[Any]] = [asyncio.ensure_future(bell.rung.wait())]
        if due is not None:
            waiting.append(asyncio.ensure_future(self._clock_for_account(account).sleep_until(due)))
        try:
            await asyncio.sleep(0)  # the clock knows of the sleeper before anybody may move it
            self._resting[account] = due
            await asyncio.wait(waiting, timeout=self._look_s, return_when=asyncio.FIRST_COMPLETED)
            if not waiting[0].done():
                bell.ring(News(everything=True))
        finally:
            self._resting.pop(account, None)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
