"""Fires the market triggers of active workflows: prices, indicators, closed bars, order events; each event once.

One task per account looks at its market when the bridge has news of it, at everything that happens in a replay, and
once a second in any case, and shows what it sees to every trigger of that account it concerns. What a trigger has seen
is kept among the variables, with the events that are to start something, before they do; the dispatcher's dedupe key
does the rest. So a restart neither loses an event nor starts one twice.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from tradeloom.engine.active import active_nodes, active_workflows
from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import Dispatcher, StartCommand
from tradeloom.engine.market_look import MarketLook
from tradeloom.engine.market_news import Bell, MarketWait, News, NewsThread
from tradeloom.engine.stores import Blobs, VariableStore, WorkflowRecord, WorkflowStore
from tradeloom.errors import BrokerError, Conflict, StorageUnavailable, TradeloomError
from tradeloom.nodes.trigger._observing import Happening, Look, MarketTrigger, Observation, moment, told
from tradeloom.trading.broker import Broker

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
RETRY_S: Final = 1.0
STALE: Final = timedelta(seconds=90)
"""An event that came while nobody watched and is older than this was missed: the trigger says what to do with it."""
KEEP_EVERY: Final = timedelta(seconds=60)
"""How much market time may pass before what only changed a little (the last price) is kept as well."""
KEEP_WALL_S: Final = 5.0
"""And no oftener than this by the wall: a replay's hours pass in no time."""
_LITTLE: Final = frozenset({"at", "value", "mark"})


@dataclass(eq=False)
class _Watch:
    """One trigger node. `state` is what its last look left, `revision` that of the variable it is kept in."""

    tenant: str
    workflow_id: str
    node: str
    account: str
    trigger: type[MarketTrigger]
    config: Any
    key: str
    state: dict[str, Any] | None = None
    revision: int = 0
    due: list[Happening] = field(default_factory=list)
    kept_at: datetime | None = None
    kept_wall: float = 0.0
    behind: bool = True
    ended: bool = False
    complaint: str = ""

    @property
    def symbol(self) -> str | None:
        return self.trigger.watches(self.config)

    @property
    def scope(self) -> str:
        return f"trigger/{self.workflow_id}/{self.node}"


class Watcher:
    """Two watchers may run on one database: the state's revision lets one of them take an event."""

    def __init__(
        self,
        *,
        workflows: WorkflowStore,
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
    ) -> None:
        """`next_event` tells when a replay next has something to show; None for a market that goes by itself.
        `wait_for_market` brings news as they come; without it the market is looked at every `look_s`. These and the
        markets are asked in threads. `heard` is told the market's time as a look found it."""
        self._workflows = workflows
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
        self._watches: list[_Watch] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, Bell] = {}
        self._news: dict[str, NewsThread] = {}
        self._free: dict[str, asyncio.Event] = {}
        self._resting: dict[str, datetime | None] = {}
        self._failing: set[str] = set()

    async def start(self) -> None:
        """Watch every active workflow, from where the last process stopped."""
        async for workflow in active_workflows(self._workflows, self._tenant):
            await self._watch(workflow, fresh=False)

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        """A workflow was activated, deactivated, changed or deleted. Nothing from before counts any more."""
        for watch in self._of(tenant, workflow_id):
            self._drop(watch)
            await self._erase(watch)
        try:
            workflow = await self._workflows.workflow(tenant, workflow_id)
        except TradeloomError:
            return
        if workflow.active:
            await self._watch(workflow, fresh=True)

    async def close(self) -> None:
        for thread in self._news.values():
            thread.close()
        self._news.clear()
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

    def _of(self, tenant: str, workflow_id: str) -> list[_Watch]:
        return [each for each in self._watches if (each.tenant, each.workflow_id) == (tenant, workflow_id)]

    def _drop(self, watch: _Watch) -> None:
        watch.ended = True
        self._watches.remove(watch)
        self._wait_for(watch.account)

    async def _erase(self, watch: _Watch) -> None:
        with suppress(StorageUnavailable):
            await self._variables.write(watch.tenant, watch.scope, watch.key, None)

    async def _watch(self, workflow: WorkflowRecord, *, fresh: bool) -> None:
        account, nodes = await active_nodes(workflow, self._workflows, self._blobs)
        for node in nodes:
            trigger = self._triggers.get(node["type"])
            if trigger is None:
                continue
            try:
                config = trigger.Config.model_validate(node.get("config") or {})
                session = self._clock_for_account(account).session
            except (ValidationError, TradeloomError) as error:
                # Saved by a release that took it, or for an account that was removed: the others go on.
                log.error("the trigger %s of workflow %s cannot be watched: %s", node["id"], workflow.id, error)
                continue
            watch = _Watch(
                tenant=workflow.tenant,
                workflow_id=workflow.id,
                node=node["id"],
                account=account,
                trigger=trigger,
                config=config,
                key=f"state@{session}" if session else "state",
                behind=not fresh,
            )
            await self._recall(watch, fresh=fresh)
            self._watches.append(watch)
            self._follow(watch.account)

    async def _recall(self, watch: _Watch, *, fresh: bool) -> None:
        kept = await self._variables.read(watch.tenant, watch.scope, watch.key)
        if fresh and kept.value is not None:
            kept = await self._variables.write(watch.tenant, watch.scope, watch.key, None)
        watch.revision = kept.revision
        watch.state, watch.due = None, []
        if isinstance(kept.value, dict):
            watch.state = kept.value["seen"]
            watch.due = [Happening(each["key"], moment(each["at"]), each["payload"]) for each in kept.value["due"]]

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

    async def _look(self, account: str, watches: list[_Watch]) -> datetime | None:
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
        self, account: str, watches: list[_Watch]
    ) -> tuple[list[tuple[_Watch, Observation | Exception]], datetime, datetime | None]:
        """In a thread: blocking."""
        due = self._next_event(account)  # first: what happens while we look is then not slept through
        look = MarketLook(self._market_for_account(account))
        return [(watch, _observed(watch, look)) for watch in watches], look.now, due

    async def _take(self, watch: _Watch, found: Observation, now: datetime) -> None:
        """Keep what was seen and what follows from it, then start that."""
        if watch.ended:
            return
        due = watch.due + (_not_too_late(watch, found.happenings, now) if watch.behind else list(found.happenings))
        rested = time.monotonic() - watch.kept_wall >= KEEP_WALL_S
        moved = watch.kept_at is None or (rested and now - watch.kept_at >= KEEP_EVERY)
        if due or moved or _essence(found.state) != _essence(watch.state):
            kept = {"seen": found.state, "due": [_as_json(each) for each in due]}
            try:
                written = await self._variables.write(
                    watch.tenant, watch.scope, watch.key, kept, expected=watch.revision
                )
            except Conflict:  # another watcher took it, or the workflow was changed meanwhile
                if not watch.ended:
                    await self._recall(watch, fresh=False)
                return
            except StorageUnavailable as error:
                log.warning("the trigger %s waits for storage: %s", watch.node, error)
                return  # nothing was taken: the next look sees it again
            watch.revision, watch.kept_at, watch.kept_wall = written.revision, now, time.monotonic()
        watch.state, watch.due, watch.behind = found.state, due, False
        await self._start(watch)

    async def _start(self, watch: _Watch) -> None:
        session = self._clock_for_account(watch.account).session
        while watch.due and not watch.ended:
            event = watch.due[0]
            command = StartCommand(
                tenant=watch.tenant,
                workflow_id=watch.workflow_id,
                trigger=watch.node,
                payload=event.payload,
                dedupe_key=f"event:{watch.node}:{session + ':' if session else ''}{event.key}",
                overlap=watch.config.overlap,
            )
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


def _observed(watch: _Watch, look: Look) -> Observation | Exception:
    try:
        return watch.trigger.observe(watch.config, watch.state, look, watch.workflow_id)
    except BrokerError as error:
        watch.behind = True
        return error
    except TradeloomError as error:
        return error
    except Exception as error:
        return error  # logged once, and the other triggers are looked after


def _not_too_late(watch: _Watch, found: Iterable[Happening], now: datetime) -> list[Happening]:
    happenings = list(found)
    late = [each for each in happenings if now - each.at > STALE]
    kept = late if watch.config.missed == "all" else late[-1:] if watch.config.missed == "once" else []
    return [each for each in happenings if each in kept or each not in late]


def _essence(state: Mapping[str, Any] | None) -> Any:
    """A state without what changes at every look and may be a little old after a restart."""
    if state is None:
        return None
    plain = {name: value for name, value in state.items() if name not in _LITTLE}
    edge = plain.get("edge")
    return plain if edge is None else {**plain, "edge": {n: v for n, v in edge.items() if n not in _LITTLE}}


def _as_json(event: Happening) -> dict[str, Any]:
    return {"key": event.key, "at": told(event.at), "payload": event.payload}
