"""An account's limits, and a change of some of them."""

from typing import Annotated, TypedDict

from pydantic import ConfigDict, Field, field_validator

from tradeloom.api.models.accounts import Reason
from tradeloom.api.models.base import Model
from tradeloom.trading.risk_limits import Amount, Count, MarginLevel, Percent, RiskLimits, Seconds, Symbols, WorkflowId


class AccountLimits(Model):
    """The limits in force. Money is in the account's currency, volume in lots, `_pct` in percent."""

    account: str = Field(examples=["paper"])
    limits: RiskLimits


class WorkflowLimitsChange(TypedDict, total=False):
    """Those of a workflow's limits that are to be others."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    max_lot: Amount
    max_notional: Amount
    max_exposure: Amount
    max_orders_per_minute: Count
    max_daily_loss_pct: Percent


class LimitsChange(TypedDict, total=False):
    """Those of an account's limits that are to be others; what is not named stays.

    `workflows` has, by id, what holds for one workflow in place of `workflow`; null takes its own limits away.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    max_lot: Amount
    max_notional: Amount
    max_symbol_exposure: Amount
    max_exposure: Amount
    min_margin_level_pct: MarginLevel
    max_price_distance_pct: Percent
    max_price_age_s: Seconds
    max_orders_per_minute: Count
    max_repeats: Count
    repeat_window_s: Seconds
    max_daily_loss_pct: Percent
    max_drawdown_pct: Percent
    symbols: Symbols
    workflow: WorkflowLimitsChange
    workflows: Annotated[dict[WorkflowId, WorkflowLimitsChange | None], Field(max_length=1_000)]


class ChangeLimits(Model):
    """What to change of an account's limits, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"limits": {"max_lot": 0.5, "workflow": {"max_lot": 0.2}}, "reason": "smaller for a while"}]
        },
    )

    limits: LimitsChange
    reason: Reason = Field(description="Kept in the account's journal, with who changed them.")
    clear: bool = Field(
        default=False,
        description="A person's word that the limits may allow more than before. Without it none may be loosened.",
    )

    @field_validator("limits")
    @classmethod
    def _names_one(cls, limits: LimitsChange) -> LimitsChange:
        if not limits:
            raise ValueError("name at least one limit")
        return limits
