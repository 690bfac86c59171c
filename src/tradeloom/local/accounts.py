"""The API's accounts on the local bridge and engine: their limits, the kill switch and its reach into what runs."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.api.models.accounts import (
    AccountDetail,
    AccountPage,
    Kill,
    Killed,
    Resume,
    UndeliveredKill,
    WorkflowKilled,
)
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.errors import Conflict, NotFound, TradeloomError
from tradeloom.local.account_facts import detail_of
from tradeloom.local.account_notices import AccountNotices
from tradeloom.local.bridging import OnLoop
from tradeloom.local.halts import Halts, Standing
from tradeloom.local.holdings import holdings_of
from tradeloom.local.kill_failures import REFUSALS, incomplete, only_withdrawn
from tradeloom.local.live_money import LiveMoney
from tradeloom.local.undelivered import Undelivered
from tradeloom.trading.limit_changes import changed
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk import AccountState

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often the bridge is asked: a halt may also come from the risk gate itself."""

PATIENCE_S: Final = 2.0
"""How long a bridge may take to hear of a kill before what runs is stopped without it."""


class LocalAccounts:
    """`sweep` stops what a halt reaches and counts it; `kill_workflow` deactivates one and stops what runs of it.

    `open` takes up what an earlier run could not deliver and reads the states once; `follow` keeps them for ever and
    carries out what the bridge was not there for.
    """

    def __init__(
        self,
        on_loop: OnLoop,
        *,
        bridge: BridgeClient,
        accounts: Sequence[str],
        halts: Halts,
        sweep: Callable[[], Awaitable[int]],
        kill_workflow: Callable[[str, str, str], Coroutine[Any, Any, int]],
        undelivered: Undelivered,
        notices: AccountNotices,
        look_s: float = LOOK_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._on_loop = on_loop
        self._bridge = bridge
        self._accounts = accounts
        self._halts = halts
        self._sweep = sweep
        self._kill_workflow = kill_workflow
        self._look_s = look_s
        self._patience_s = patience_s
        self._undelivered = undelivered
        self._notices = notices
        self._live = LiveMoney()
        self._delivering: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def page(self, tenant: str) -> AccountPage:
        return self._on_loop(self._page())

    def get(self, tenant: str, account: str) -> AccountDetail:
        self._known(account)
        return self._on_loop(self._detail(account))

    def holdings(self, tenant: str, account: str) -> Holdings:
        return holdings_of(self._known(account), self._broker(account))

    def kill(self, tenant: str, user: str, account: str | None, wanted: Kill) -> Killed:
        """Stop one account, or all. Raises `NotFound`, `Conflict` for a looser mode, `BrokerUnavailable`: then what
        runs was stopped, and the bridge is told as soon as it answers, also after a restart."""
        accounts = self._accounts if account is None else [self._known(account)]
        return self._on_loop(self._kill([_wish(tenant, user, name, wanted) for name in accounts]))

    def resume(self, tenant: str, user: str, account: str, wanted: Resume) -> AccountDetail:
        return self._on_loop(self._resume(self._known(account), user, wanted))

    def limits(self, tenant: str, account: str) -> AccountLimits:
        return self._on_loop(self._limits(self._known(account)))

    def change_limits(self, tenant: str, user: str, account: str, wanted: ChangeLimits) -> AccountLimits:
        return self._on_loop(self._change_limits(self._known(account), user, wanted))

    def kill_workflow(self, tenant: str, user: str, workflow_id: str) -> WorkflowKilled:
        stopped = self._on_loop(self._kill_workflow(tenant, workflow_id, f"the workflow was stopped by {user}"))
        return WorkflowKilled(id=workflow_id, stopped=stopped)

    # -- on the loop --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Know the states before anything runs: what was halted, or was to be, is halted after a restart. Raises
        `StorageUnavailable`."""
        for wish in await self._undelivered.open():
            log.warning("account %s is to be stopped, as %s wished: %s", wish.account, wish.by, wish.reason)
            self._assume(wish)
        await self._look()

    async def follow(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self._carry_out()
                await self._look()
                if self._halts.any:
                    await self._sweep()
            except TradeloomError as error:
                log.warning("the accounts cannot be followed: %s", error.message)
            except Exception:
                log.exception("following the accounts failed")

    async def _look(self) -> None:
        await asyncio.gather(*[self._read(account) for account in self._accounts if account not in self._undelivered])

    async def _read(self, account: str) -> None:
        try:
            status = await asyncio.to_thread(self._live.decided, account, self._broker(account))
        except TradeloomError as error:
            log.debug("the state of account %s cannot be read: %s", account, error.message)
            return
        if account not in self._undelivered and self._take(account, status):
            log.warning("account %s is %s (by %s: %s)", account, status.state, status.by, status.reason)

    async def _carry_out(self) -> None:
        """Kills the bridge was not there for. One of an account this machine has no more waits until it has."""
        waiting = [wish for wish in self._undelivered.waiting() if wish.account in self._accounts]
        await asyncio.gather(*[self._deliver(wish) for wish in waiting])

    async def _deliver(self, wish: KillWish) -> None:
        async with self._delivering[wish.account]:  # a resume waits, so that it is the last word
            if self._undelivered.of(wish.account) is not wish:
                return
            await self._undelivered.keep(wish)
            try:
                status = await asyncio.to_thread(self._tell, wish)
            except TradeloomError as error:
                if not isinstance(error, REFUSALS):
                    log.debug("account %s cannot be stopped yet: %s", wish.account, error.message)
                    return
                log.error("account %s could not be stopped: %s", wish.account, error.message)
                if not isinstance(error, Conflict):  # that is stopped more strictly already
                    self._notices.refused(wish, error.message)
                await self._undelivered.end(wish)
                return
            self._take(wish.account, status)
            log.warning("account %s is %s now, as %s wished", wish.account, status.state, wish.by)
            await self._undelivered.end(wish)

    async def _kill(self, wanted: Sequence[KillWish]) -> Killed:
        wishes = [self._undelivered.strictest(wish) for wish in wanted]
        # Beside the telling: neither a database nor a bridge that hangs holds up the other.
        keeping = asyncio.gather(*[self._undelivered.keep(wish) for wish in wishes])
        telling = [asyncio.ensure_future(asyncio.to_thread(self._tell, wish)) for wish in wishes]
        stopped = await self._stopped_meanwhile(wishes, telling)
        told = await asyncio.gather(*telling, return_exceptions=True)
        failures: dict[str, TradeloomError] = {}
        settled: list[KillWish] = []
        for wish, status in zip(wishes, told, strict=True):
            if isinstance(status, TradeloomError) and not isinstance(status, REFUSALS):
                failures[wish.account] = status
                self._wait(wish)
                continue
            settled.append(wish)
            if isinstance(status, AccountStatus):
                self._take(wish.account, status)
            elif isinstance(status, Conflict) and len(wishes) > 1:
                await self._read(wish.account)  # it is stopped more strictly already
            elif isinstance(status, TradeloomError):
                failures[wish.account] = status
            else:
                raise status
        stopped += await self._sweep()
        await keeping
        await asyncio.gather(*[self._undelivered.end(wish) for wish in settled])
        if failures:
            raise incomplete(failures, stopped, of=len(wishes))
        details = await asyncio.gather(*[self._detail(wish.account) for wish in wishes])
        return Killed(items=details, stopped=stopped)

    async def _stopped_meanwhile(self, wishes: Sequence[KillWish], telling: Sequence[asyncio.Future[Any]]) -> int:
        """How many executions had to be stopped without waiting any longer for a bridge that hangs."""
        _, hanging = await asyncio.wait(telling, timeout=self._patience_s)
        if not hanging:
            return 0
        for wish, told in zip(wishes, telling, strict=True):
            if told in hanging:
                self._wait(wish)
        return await self._sweep()

    def _wait(self, wish: KillWish) -> None:
        self._undelivered.wait(self._undelivered.strictest(wish))
        self._assume(wish)

    def _assume(self, wish: KillWish) -> None:
        """As if the bridge had been told: it will be."""
        self._halts.assume(wish.account, _state(wish), reason=wish.reason, by=wish.by, at=wish.wished_at)
        self._notices.waits(wish)

    def _take(self, account: str, status: AccountStatus) -> bool:
        """The bridge's word; whether it is another state than before."""
        before = self._halts.standing(account)
        changed = self._halts.take(account, status)
        self._notices.stands(account, before, Standing(status.state, status.reason, status.by, status.changed_at))
        return changed

    def _tell(self, wish: KillWish) -> AccountStatus:
        """Blocking. The gate is closed when it returns."""
        broker = self._broker(wish.account)
        if wish.mode == "flatten":
            broker.flatten(wish.id, reason=wish.reason, by=wish.by)
            return broker.state()
        return broker.set_state(_state(wish), reason=wish.reason, by=wish.by)

    async def _resume(self, account: str, user: str, wanted: Resume) -> AccountDetail:
        if wanted.workflow_id is not None:
            await asyncio.to_thread(self._broker(account).unthrottle, wanted.workflow_id, reason=wanted.reason, by=user)
            log.warning(
                "workflow %s may open on %s again (by %s: %s)", wanted.workflow_id, account, user, wanted.reason
            )
            return await self._detail(account)
        self._live.check_known(account, wanted.acknowledgement)
        async with self._delivering[account]:
            if account in self._undelivered:
                await asyncio.to_thread(
                    self._live.check_if_told, account, self._broker(account), wanted.acknowledgement
                )
            withdrawn = await self._undelivered.withdraw(account)
            try:
                status = await asyncio.to_thread(self._clear, account, user, wanted)
            except TradeloomError as error:
                if withdrawn is None:
                    raise
                raise only_withdrawn(withdrawn, error) from error
            self._take(account, status)
        log.warning("account %s may trade again (by %s: %s)", account, user, wanted.reason)
        return await self._detail(account)

    def _clear(self, account: str, user: str, wanted: Resume) -> AccountStatus:
        """Blocking. Nothing is loosened before the terminal has told whether the money is real."""
        broker = self._broker(account)
        self._live.check(account, broker, wanted.acknowledgement)
        return broker.set_state(AccountState.ACTIVE, reason=wanted.reason, by=user, clear=True)

    async def _limits(self, account: str) -> AccountLimits:
        status = await asyncio.to_thread(self._broker(account).state)
        return AccountLimits(account=account, limits=status.limits)

    async def _change_limits(self, account: str, user: str, wanted: ChangeLimits) -> AccountLimits:
        before = (await self._limits(account)).limits
        limits = changed(before, wanted.limits)
        status = await asyncio.to_thread(
            self._broker(account).set_limits, limits, expected=before, reason=wanted.reason, by=user, clear=wanted.clear
        )
        log.warning("the limits of account %s are changed (by %s: %s)", account, user, wanted.reason)
        return AccountLimits(account=account, limits=status.limits)

    async def _page(self) -> AccountPage:
        return AccountPage(items=await asyncio.gather(*[self._detail(account) for account in self._accounts]))

    async def _detail(self, account: str) -> AccountDetail:
        return await detail_of(account, self._broker(account), self._waiting(account))

    def _waiting(self, account: str) -> UndeliveredKill | None:
        wish = self._undelivered.of(account)
        if wish is None:
            return None
        return UndeliveredKill(mode=wish.mode, reason=wish.reason, by=wish.by, wished_at=wish.wished_at)

    def _broker(self, account: str) -> MT5Broker:
        return self._bridge.account(account)

    def _known(self, account: str) -> str:
        if account not in self._accounts:
            hint = f"Known are {', '.join(self._accounts)}."
            raise NotFound(f"There is no account {account!r} on this machine.", field="account", hint=hint)
        return account


def _wish(tenant: str, user: str, account: str, wanted: Kill) -> KillWish:
    return KillWish(
        tenant=tenant,
        account=account,
        id=secrets.token_hex(16),
        mode=wanted.mode,
        reason=wanted.reason,
        by=user,
        wished_at=datetime.now(UTC),
    )


def _state(wish: KillWish) -> AccountState:
    return AccountState.REDUCING if wish.mode == "reduce" else AccountState.HALTED
