"""Orders: what executions meant to happen at the broker, and what came of it."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from tradeloom.api.models.base import Model

OrderState = Literal[
    "intended",
    "withdrawn",
    "unknown",
    "manual",
    "done",
    "partial",
    "placed",
    "cancelled",
    "expired",
    "rejected",
    "not_sent",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which orders; unset parts match all."""

    states: tuple[OrderState, ...] = ()
    account: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None


class OrderItem(Model):
    id: str = Field(description="The client order id: one effect at the broker at most.")
    state: OrderState = Field(
        description="`unknown`: sent, and being asked about. `manual`: only a person can say what became of it. "
        "`intended`: handed over, nothing heard so far. `withdrawn`: certainly not sent so far."
    )
    what: str = Field(description="In a few words.", examples=["buy 0.10 EURUSD"])
    account: str
    workflow_id: str
    version: str
    execution_id: str
    node: str
    iteration: list[int] = Field(default_factory=list)
    test_mode: bool = False
    resend_of: str | None = Field(default=None, description="The order it stands in for, which was not sent.")
    message: str = ""
    intent: dict[str, Any] = Field(description="What was asked for.")
    outcome: dict[str, Any] | None = Field(default=None, description="What the bridge told last, tickets included.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    checks: int = Field(default=0, description="How often its outcome was asked for.")
    check_at: AwareDatetime | None = Field(default=None, description="When it is asked for again.")


class OrderPage(Model):
    items: list[OrderItem] = Field(description="Newest first.")
    total: int


class SettleOrder(Model):
    """A person's word on an order in `manual`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"decision": "not_sent", "reason": "nothing at the broker"},
                {"decision": "position", "ticket": 71204, "reason": "found in the terminal"},
            ]
        },
    )

    decision: Literal["not_sent", "order", "deal", "position"] = Field(
        description="It was not sent; or which order, deal or position it became. For a change: what it changed."
    )
    ticket: int | None = Field(default=None, gt=0, lt=2**63, description="The broker's ticket, unless it was not sent.")
    reason: str = Field(min_length=1, max_length=400, description="How you know; kept in the bridge's journal.")
