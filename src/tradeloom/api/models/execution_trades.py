"""What an execution traded, and what came of it."""

from typing import Literal

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class TradeResult(Model):
    """Closed trades on one account, in its currency. Costs are negative."""

    account: str
    currency: str = Field(examples=["USD"])
    trades: int = Field(description="How many were closed; one closed in three parts counts three.")
    volume: float = Field(description="Lots closed.")
    gross: float = Field(description="By prices alone.")
    commission: float
    swap: float
    fee: float
    net: float = Field(description="What they moved the balance by.")
    last_closed_at: AwareDatetime


class ExecutionTrades(Model):
    """A position belongs to the execution whose order opened it, whoever closes it: its result comes when it is closed,
    perhaps long after the execution's end."""

    state: Literal["none", "pending", "open", "closed"] = Field(
        default="none",
        description="`none`: no order was executed. `pending`: it placed orders of which no closed trade is known. "
        "`open`: something it opened is not closed, or not all of it. `closed`: all is.",
    )
    orders: int = Field(default=0, description="Orders that were sent, or perhaps; changes and cancels are none.")
    executed: int = Field(default=0, description="Of them, filled at least in part.")
    volume: float = Field(default=0, description="Lots filled, by orders that open and that close.")
    trades: int = Field(default=0, description="Closed trades of what it opened.")
    profit: float | None = Field(
        default=None,
        description="Net profit or loss of what it opened and was closed so far; null while nothing was, and where it "
        "is in several currencies.",
        examples=[-12.4],
    )
    currency: str | None = Field(default=None, description="Of the profit.")
    results: list[TradeResult] = Field(default_factory=list, description="The same by account and currency.")
    closed_others: list[TradeResult] = Field(
        default_factory=list,
        description="What its orders closed of positions that it had not opened: the result belongs to who did.",
    )
