"""Broker accounts: whether each may trade, who decided so, and how far a flatten has come."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from tradeloom.api.models.base import Model

AccountStateName = Literal["active", "reducing", "halted"]
KillMode = Literal["pause", "reduce", "flatten"]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def live_phrase(account: str) -> str:
    """What a person types to let an account trade real money."""
    return f"trade live money on {account}"


class Kill(Model):
    """How to stop an account, and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"mode": "flatten", "reason": "the news went wrong"}]}
    )

    mode: KillMode = Field(
        default="pause",
        description="`pause`: nothing opens, and workflows that trade on the account are stopped. `reduce`: nothing "
        "opens, and workflows may go on as far as they only reduce. `flatten`: a pause, then every pending order is "
        "cancelled and every position closed, also those opened by hand.",
    )
    reason: Reason = Field(description="Kept with the account's state and in its journal.")


class Resume(Model):
    """Why an account may trade again. What was stopped stays stopped; triggers start workflows from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "looked at it, fine again"}]})

    reason: Reason = Field(description="Kept with the account's state and in its journal.")
    workflow_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Only lets this workflow open orders again, which the account's risk gate throttled. The account's "
        "own state stays as it is.",
    )
    acknowledgement: str | None = Field(
        default=None,
        max_length=200,
        description="Where the account trades real money: what its `acknowledgement` says, typed by a person.",
    )


class Throttled(Model):
    """A workflow that repeated itself too often: it opens nothing on the account until a person resumes it."""

    workflow_id: str
    symbol: str
    side: Literal["buy", "sell"]
    at: AwareDatetime = Field(description="By the market's clock.")
    message: str


class Day(Model):
    """What an account has lost, in its currency, as its risk gate counts: deposits and withdrawals are not in it. What
    needs the equity is null while the terminal does not answer."""

    began: AwareDatetime = Field(description="When the account's day began.")
    baseline: float = Field(description="The equity it began with.")
    loss: float | None = Field(default=None, description="Lost today; a loss that broke the limit stays.")
    loss_pct: float | None = Field(default=None, description="In percent of the baseline.")
    peak: float = Field(description="The highest equity ever seen.")
    drawdown: float | None = Field(default=None, description="How far the equity is below the peak.")
    drawdown_pct: float | None = Field(default=None, description="In percent of the peak.")


class StillThere(Model):
    """A position or pending order that is still on the account, and why."""

    kind: Literal["position", "order"]
    ticket: int
    symbol: str
    side: Literal["buy", "sell"]
    volume: Decimal = Field(description="In lots.")
    trouble: str | None = None


class Flatten(Model):
    """How far a flatten has come. It goes on by itself until the account is flat or a person resumes it."""

    id: str
    status: Literal["running", "flat", "replaced", "abandoned"]
    reason: str
    by: str
    requested_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    closed: int = Field(description="Positions that went by its orders.")
    cancelled: int = Field(description="Pending orders that went by its orders.")
    left: int | None = Field(default=None, description="What is still there; null until the account was looked at.")
    remaining: list[StillThere] = Field(default_factory=list, description="What is still there, at most 200 of it.")
    trouble: str | None = None


class UndeliveredKill(Model):
    """A kill the account's bridge could not be told yet. It is told as soon as it answers; a resume withdraws it."""

    mode: KillMode
    reason: str
    by: str
    wished_at: AwareDatetime


class AccountDetail(Model):
    """A broker account. What only the terminal can tell is null while it does not answer; `detail` says why."""

    name: str = Field(examples=["paper"])
    available: bool = Field(description="Whether the account's terminal answers.")
    detail: str = ""
    state: AccountStateName | None = Field(default=None, description="Whether it may trade.")
    state_reason: str | None = None
    state_by: str | None = Field(default=None, description="Who decided so.")
    state_since: AwareDatetime | None = None
    limits: dict[str, Any] | None = Field(default=None, description="The risk gate's limits in force.")
    throttled: list[Throttled] = Field(default_factory=list, description="Workflows that may open nothing.")
    day: Day | None = Field(default=None, description="What it has lost; null before its risk gate's first look.")
    worker: str | None = Field(default=None, description="How the bridge's worker of the account stands.")
    unsettled: int | None = Field(default=None, description="Orders whose outcome is not known yet.")
    guards: int | None = Field(default=None, description="Trailing stops and other guards at work.")
    trade_mode: Literal["paper", "demo", "live"] | None = None
    acknowledgement: str | None = Field(
        default=None, description="What a person must type to resume it; null where the money is not real."
    )
    currency: str | None = None
    balance: float | None = None
    equity: float | None = None
    positions: int | None = Field(default=None, description="Open positions.")
    orders: int | None = Field(default=None, description="Pending orders.")
    undelivered: UndeliveredKill | None = Field(
        default=None, description="A kill that waits for the bridge; nothing starts on the account meanwhile."
    )
    flatten: Flatten | None = Field(default=None, description="The latest flatten, if there ever was one.")


class AccountPage(Model):
    items: list[AccountDetail]


class Killed(Model):
    """Accounts as they stand after the command, and how many executions were stopped by it."""

    items: list[AccountDetail]
    stopped: int = Field(description="Executions, queued and waiting ones too, that are ended by it.")


class WorkflowKilled(Model):
    """A workflow that no trigger starts any more."""

    id: str
    stopped: int = Field(description="Executions that were ended by it.")
