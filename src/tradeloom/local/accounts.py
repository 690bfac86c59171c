"""The API's accounts on the local bridge and engine: the kill switch, and its reach into what runs."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tradeloom.api.models.accounts import AccountDetail, AccountPage, Flatten, Kill, Killed, Resume, WorkflowKilled
from tradeloom.errors import BrokerTimeout, BrokerUnavailable, Conflict, NotFound, TradeloomError
from tradeloom.local.bridging import OnLoop
from tradeloom.local.halts import Halts
from tradeloom.trading.flattening import FlattenReport
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_client import BridgeClient, MT5Broker
from tradeloom.trading.risk import AccountState

log: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often the bridge is asked: a halt may also come from the risk gate itself."""

TERMINAL_S: Final = 2.0
"""How long a terminal that hangs may keep an account from being told of."""

_UNREACHABLE: Final = (BrokerUnavailable, BrokerTimeout)


@dataclass(frozen=True)
class _Order:
    """A kill that is to reach one account's bridge. Its id makes repetitions one flatten."""

    account: str
    wanted: Kill
    by: str
    flatten_id: str = field(default_factory=lambda: secrets.token_hex(16))


class LocalAccounts:
    """`sweep` stops what a halt reaches and counts it; `kill_workflow` deactivates one and stops what runs of it.

    `open` reads the states once, `follow` keeps them for ever and carries out what the bridge was not there for.
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
        look_s: float = LOOK_S,
    ) -> None:
        self._on_loop = on_loop
        self._bridge = bridge
        self._accounts = accounts
        self._halts = halts
        self._sweep = sweep
        self._kill_workflow = kill_workflow
        self._look_s = look_s
        self._undone: dict[str, _Order] = {}

    def page(self, tenant: str) -> AccountPage:
        return self._on_loop(self._page())

    def get(self, tenant: str, account: str) -> AccountDetail:
        self._known(account)
        return self._on_loop(self._detail(account))

    def kill(self, tenant: str, user: str, account: str | None, wanted: Kill) -> Killed:
        """Stop one account, or all. Raises `NotFound`, `Conflict` for a looser mode, `BrokerUnavailable`: then what
        runs was stopped, and the bridge is told as soon as it answers."""
        accounts = self._accounts if account is None else [self._known(account)]
        return self._on_loop(self._kill([_Order(name, wanted, user) for name in accounts]))

    def resume(self, tenant: str, user: str, account: str, wanted: Resume) -> AccountDetail:
        return self._on_loop(self._resume(self._known(account), user, wanted))

    def kill_workflow(self, tenant: str, user: str, workflow_id: str) -> WorkflowKilled:
        stopped = self._on_loop(self._kill_workflow(tenant, workflow_id, f"the workflow was stopped by {user}"))
        return WorkflowKilled(id=workflow_id, stopped=stopped)

    # -- on the loop --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Know the states before anything runs: what was halted is halted after a restart."""
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
        await asyncio.gather(*[self._read(account) for account in self._accounts if account not in self._undone])

    async def _read(self, account: str) -> None:
        try:
            status = await asyncio.to_thread(self._broker(account).state)
        except TradeloomError as error:
            log.debug("the state of account %s cannot be read: %s", account, error.message)
            return
        if account not in self._undone and self._halts.take(account, status):
            log.warning("account %s is %s (by %s: %s)", account, status.state, status.by, status.reason)

    async def _carry_out(self) -> None:
        """Kills the bridge was not there for."""
        for account, order in list(self._undone.items()):
            try:
                status = await asyncio.to_thread(self._tell, order)
            except TradeloomError as error:
                if not isinstance(error, _UNREACHABLE):
                    log.error("account %s could not be stopped: %s", account, error.message)
                    self._undone.pop(account, None)
                continue
            if self._undone.pop(account, None) is order:
                self._halts.take(account, status)
                log.warning("account %s is %s now, as %s wished", account, status.state, order.by)

    async def _kill(self, orders: Sequence[_Order]) -> Killed:
        told = await asyncio.gather(*[asyncio.to_thread(self._tell, order) for order in orders], return_exceptions=True)
        failures: dict[str, TradeloomError] = {}
        for order, status in zip(orders, told, strict=True):
            if isinstance(status, AccountStatus):
                self._undone.pop(order.account, None)
                self._halts.take(order.account, status)
            elif isinstance(status, _UNREACHABLE):
                failures[order.account] = status
                await self._assume(order)
            elif isinstance(status, Conflict) and len(orders) > 1:
                await self._read(order.account)  # it is stopped more strictly already
            elif isinstance(status, TradeloomError):
                failures[order.account] = status
            else:
                raise status
        stopped = await self._sweep()
        if failures:
            raise _incomplete(failures, stopped, of=len(orders))
        details = await asyncio.gather(*[self._detail(order.account) for order in orders])
        return Killed(items=details, stopped=stopped)

    async def _assume(self, order: _Order) -> None:
        """As if the bridge had been told: it will be."""
        self._undone[order.account] = order
        self._halts.assume(order.account, _state(order.wanted), reason=order.wanted.reason, by=order.by)

    def _tell(self, order: _Order) -> AccountStatus:
        """Blocking. The gate is closed when it returns."""
        broker, wanted = self._broker(order.account), order.wanted
        if wanted.mode == "flatten":
            broker.flatten(order.flatten_id, reason=wanted.reason, by=order.by)
            return broker.state()
        return broker.set_state(_state(wanted), reason=wanted.reason, by=order.by)

    async def _resume(self, account: str, user: str, wanted: Resume) -> AccountDetail:
        if wanted.workflow_id is not None:
            await asyncio.to_thread(self._broker(account).unthrottle, wanted.workflow_id, reason=wanted.reason, by=user)
            log.warning(
                "workflow %s may open on %s again (by %s: %s)", wanted.workflow_id, account, user, wanted.reason
            )
            return await self._detail(account)
        status = await asyncio.to_thread(
            self._broker(account).set_state, AccountState.ACTIVE, reason=wanted.reason, by=user, clear=True
        )
        self._undone.pop(account, None)
        self._halts.take(account, status)
        log.warning("account %s may trade again (by %s: %s)", account, user, wanted.reason)
        return await self._detail(account)

    async def _page(self) -> AccountPage:
        return AccountPage(items=await asyncio.gather(*[self._detail(account) for account in self._accounts]))

    async def _detail(self, account: str) -> AccountDetail:
        broker = self._broker(account)
        parts = await asyncio.gather(
            asyncio.to_thread(_front, broker),
            asyncio.to_thread(_worker, broker),
            _soon(asyncio.to_thread(_terminal, broker)),
            return_exceptions=True,
        )
        found: dict[str, Any] = {"name": account, "available": True}
        troubles: list[str] = []
        for part in parts:
            if isinstance(part, TradeloomError):
                found["available"] = False
                troubles.append(part.message)
            elif isinstance(part, BaseException):
                raise part
            else:
                found |= part
        return AccountDetail(**found, detail=" ".join(dict.fromkeys(troubles)))

    def _broker(self, account: str) -> MT5Broker:
        return self._bridge.account(account)

    def _known(self, account: str) -> str:
        if account not in self._accounts:
            hint = f"Known are {', '.join(self._accounts)}."
            raise NotFound(f"There is no account {account!r} on this machine.", field="account", hint=hint)
        return account


def _state(wanted: Kill) -> AccountState:
    return AccountState.REDUCING if wanted.mode == "reduce" else AccountState.HALTED


def _front(broker: MT5Broker) -> dict[str, Any]:
    """What the bridge's front tells, also while the worker hangs."""
    status, flatten = broker.state(), broker.flattened()
    return {
        "state": status.state.value,
        "state_reason": status.reason,
        "state_by": status.by,
        "state_since": status.changed_at,
        "limits": status.limits.model_dump(mode="json"),
        "throttled": [each.model_dump(mode="json") for each in status.throttled],
        "flatten": None if flatten is None else flatten_of(flatten),
    }


def _worker(broker: MT5Broker) -> dict[str, Any]:
    health = broker.health()
    return {"worker": health.get("status"), "unsettled": health.get("unsettled"), "guards": health.get("guards")}


def _terminal(broker: MT5Broker) -> dict[str, Any]:
    account = broker.account()
    return {
        "trade_mode": account.trade_mode,
        "currency": account.currency,
        "balance": account.balance,
        "equity": account.equity,
        "positions": len(broker.positions()),
        "orders": len(broker.orders()),
    }


async def _soon(told: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TERMINAL_S):
            return await told
    except TimeoutError as error:
        raise BrokerTimeout("The account's terminal does not answer at the moment.") from error


def flatten_of(report: FlattenReport) -> Flatten:
    told = report.model_dump(mode="json")
    return Flatten(id=told.pop("flatten_id"), **told)


def _incomplete(failures: dict[str, TradeloomError], stopped: int, *, of: int) -> TradeloomError:
    """The first failure, with what was done all the same."""
    first = next(iter(failures.values()))
    names = ", ".join(failures)
    if isinstance(first, Conflict):
        hint = "It is stopped more strictly than that. Resume it first, once you know why it was."
        return Conflict(f"{names}: {first.message}.", field="mode", hint=hint)
    if not isinstance(first, _UNREACHABLE):
        done = f" The other {of - len(failures)} are stopped." if of > len(failures) else ""
        return type(first)(f"{names}: {first.message}.{done}", field=first.field, hint=first.hint)
    return type(first)(
        f"The bridge could not be told to stop {names}: {first.message}",
        hint=f"{stopped} executions were stopped here, and the bridge is told as soon as it answers. "
        "Orders and positions at the broker are as they were: look there.",
    )
