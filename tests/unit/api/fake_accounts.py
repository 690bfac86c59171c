"""Accounts and the replays of their market, in memory."""

from decimal import Decimal
from typing import Any

from tests.unit.api.fake_workflows import NOW
from tradeloom.api.models.accounts import AccountDetail, AccountPage, Kill, Killed, Resume, WorkflowKilled
from tradeloom.api.models.holdings import Holdings
from tradeloom.api.models.limits import AccountLimits, ChangeLimits
from tradeloom.api.models.market_replays import MarketReplay, StartMarketReplay
from tradeloom.errors import Conflict, InvalidInput, NotFound, TradeloomError
from tradeloom.trading.limit_changes import changed
from tradeloom.trading.risk_limits import RiskLimits


class FakeAccounts:
    """Two accounts whose state is what was last asked for. `answer` is raised instead, when a test sets it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: TradeloomError | None = None
        self.in_force = RiskLimits.for_paper(("EURUSD",), max_lot=Decimal(1), max_price_age_s=60)
        self._accounts = {name: self._account(name) for name in ("paper", "paper-test")}

    def page(self, tenant: str) -> AccountPage:
        return AccountPage(items=list(self._accounts.values()))

    def get(self, tenant: str, account: str) -> AccountDetail:
        if account not in self._accounts:
            raise NotFound(f"There is no account {account!r}.", field="account")
        return self._accounts[account]

    def holdings(self, tenant: str, account: str) -> Holdings:
        return Holdings(
            account=self.get(tenant, account).name, currency="USD", positions=[], orders=[], exposure=[], worth=0.0
        )

    def kill(self, tenant: str, user: str, account: str | None, wanted: Kill) -> Killed:
        names = list(self._accounts) if account is None else [self.get(tenant, account).name]
        state = "reducing" if wanted.mode == "reduce" else "halted"
        return Killed(items=[self._set(name, state, user, wanted.reason, wanted) for name in names], stopped=2)

    def resume(self, tenant: str, user: str, account: str, wanted: Resume) -> AccountDetail:
        return self._set(self.get(tenant, account).name, "active", user, wanted.reason, wanted)

    def limits(self, tenant: str, account: str) -> AccountLimits:
        return AccountLimits(account=self.get(tenant, account).name, limits=self.in_force)

    def change_limits(self, tenant: str, user: str, account: str, wanted: ChangeLimits) -> AccountLimits:
        self.get(tenant, account)
        self.asked.append((account, user, wanted))
        if self.answer is not None:
            raise self.answer
        self.in_force = changed(self.in_force, wanted.limits)
        return self.limits(tenant, account)

    def kill_workflow(self, tenant: str, user: str, workflow_id: str) -> WorkflowKilled:
        self.asked.append((tenant, user, workflow_id))
        return WorkflowKilled(id=workflow_id, stopped=1)

    def _set(self, name: str, state: str, user: str, reason: str, wanted: Any) -> AccountDetail:
        self.asked.append((name, user, wanted))
        if self.answer is not None:
            raise self.answer
        told = {"state": state, "state_by": user, "state_reason": reason}
        self._accounts[name] = AccountDetail.model_validate(self._accounts[name].model_dump() | told)
        return self._accounts[name]

    @staticmethod
    def _account(name: str) -> AccountDetail:
        return AccountDetail(
            name=name, available=True, state="active", state_reason="first start", state_by="bridge", state_since=NOW,
            limits={"max_lot": "1"}, worker="ready", unsettled=0, guards=0, trade_mode="paper", currency="USD",
            balance=10_000.0, equity=10_042.5, positions=1, orders=0,
        )  # fmt: skip


class FakeMarketReplays:
    """One account, `paper`, whose market stands at `NOW`."""

    def __init__(self) -> None:
        self.replay: MarketReplay | None = None

    def start(self, tenant: str, account: str, wanted: StartMarketReplay) -> MarketReplay:
        self._known(account)
        if self.replay is not None and self.replay.state in ("running", "paused"):
            raise Conflict("A replay is running already.", hint="Stop it, or wait for its end.")
        if wanted.to <= NOW:
            raise InvalidInput("The market is there already.", field="to")
        self.replay = MarketReplay(
            account=account,
            state="running",
            began_at=NOW,
            to=wanted.to,
            now=NOW,
            speed=wanted.speed,
            done=0.0,
            executions=0,
        )
        return self.replay

    def get(self, tenant: str, account: str) -> MarketReplay:
        self._known(account)
        if self.replay is None:
            raise NotFound(f"No replay was started on {account}.")
        return self.replay

    def pause(self, tenant: str, account: str) -> MarketReplay:
        return self._changed(account, state="paused")

    def resume(self, tenant: str, account: str, speed: float | None) -> MarketReplay:
        return self._changed(account, state="running", **({} if speed is None else {"speed": speed}))

    def stop(self, tenant: str, account: str) -> MarketReplay:
        return self._changed(account, state="stopped")

    def _changed(self, account: str, **parts: Any) -> MarketReplay:
        self._known(account)
        if self.replay is None or self.replay.state not in ("running", "paused"):
            raise Conflict("No replay is running.", hint="Start one.")
        self.replay = self.replay.model_copy(update=parts)
        return self.replay

    def _known(self, account: str) -> None:
        if account != "paper":
            raise NotFound(f"There is no account {account!r}.")
