"""The limits an account and its workflows trade under. None has a default: what nobody set must not pass as unlimited.

Money is in the account's currency, volume in lots, `_pct` in percent, time in seconds of market time.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 18, allow_inf_nan=False)]
Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400, allow_inf_nan=False)]
MarginLevel = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Symbols = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(min_length=1, max_length=1_000)
]
WorkflowId = Annotated[str, Field(min_length=1, max_length=128)]


class _Limits(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class WorkflowLimits(_Limits):
    """What one workflow may do of what its account may.

    `max_lot` and `max_notional` bound one order; `max_exposure` what the workflow's positions and working orders are
    worth together; `max_orders_per_minute` its opening orders; `max_daily_loss_pct` what its trades may lose in the
    account's day, as a share of the equity the account's day began with.
    """

    max_lot: Amount
    max_notional: Amount
    max_exposure: Amount
    max_orders_per_minute: Count
    max_daily_loss_pct: Percent


class RiskLimits(_Limits):
    """An account's limits.

    One order: `max_lot`; `max_notional`, its worth; `max_price_distance_pct`, how far the prices it names (and the
    slippage it allows) may lie from the quote; `max_price_age_s`, the oldest quote an opening order may be based on;
    `symbols`, the only ones that may be opened, as the broker spells them.

    The account once the order and every working order on its side are filled: `max_symbol_exposure` in the order's
    symbol, `max_exposure` in all symbols (gross); `min_margin_level_pct`, the least equity in percent of margin.

    Activity: `max_orders_per_minute`; `max_repeats` opening orders of one workflow in one symbol and direction within
    `repeat_window_s`, after which that workflow is throttled until a person clears it.

    Losses: `max_daily_loss_pct` of the equity the account's day began with; `max_drawdown_pct` of the highest equity.

    `workflow` holds for every workflow that `workflows` does not name by its id; the account's limits hold besides.
    """

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
    workflow: WorkflowLimits
    workflows: dict[WorkflowId, WorkflowLimits] = Field(default_factory=dict, max_length=1_000)

    def of_workflow(self, workflow_id: str) -> WorkflowLimits:
        return self.workflows.get(workflow_id, self.workflow)

    @classmethod
    def for_paper(cls, symbols: Sequence[str], *, max_lot: Decimal, max_price_age_s: float, **others: Any) -> Self:
        """Complete limits for an account without real money: wide enough in any currency for a strategy that is not
        running away, and for a replay whose clock stands while many orders are sent. `others` replaces any of them."""
        workflow = WorkflowLimits(
            max_lot=max_lot,
            max_notional=Decimal(10) ** 12,
            max_exposure=Decimal(10) ** 13,
            max_orders_per_minute=1_000,
            max_daily_loss_pct=50,
        )
        values: dict[str, Any] = {
            **workflow.model_dump(),
            "max_symbol_exposure": workflow.max_exposure,
            "min_margin_level_pct": 100,
            "max_price_distance_pct": 50,
            "max_price_age_s": max_price_age_s,
            "max_repeats": 1_000,
            "repeat_window_s": 60,
            "max_drawdown_pct": 90,
            "symbols": tuple(symbols),
            "workflow": workflow,
        }
        return cls(**values | others)


def loosened(now: RiskLimits, then: RiskLimits) -> list[str]:
    """The fields by which `then` allows more than `now`, as `workflow.max_lot` or `workflows.wf-1.max_lot` names them.

    A workflow that gets limits of its own, or loses them, is held against what held for it before.
    """
    found = _looser(now, then, "")
    for name, left, right in (
        ("workflow", now.workflow, then.workflow),
        *(
            (f"workflows.{each}", now.of_workflow(each), then.of_workflow(each))
            for each in sorted({*now.workflows, *then.workflows})
        ),
    ):
        found += _looser(left, right, f"{name}.")
    return found


def _looser(now: _Limits, then: _Limits, prefix: str) -> list[str]:
    found = []
    for name in type(now).model_fields:
        left, right = getattr(now, name), getattr(then, name)
        if name == "symbols":
            looser = not set(right) <= set(left)
        elif name in ("workflow", "workflows"):
            continue
        elif name in ("min_margin_level_pct", "repeat_window_s"):
            looser = right < left
        else:
            looser = right > left
        if looser:
            found.append(prefix + name)
    return found
