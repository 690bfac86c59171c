"""The trade ledger: what became of each position that was closed, or part of one, and what they add up to."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model
from tradeloom.trading.intents import Side
from tradeloom.trading.trade_ledger import ExitReason, GuardName


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeQuery:
    """Which trades; unset parts match all. `since` and `until` are closing times, both included."""

    account: str | None = None
    workflow_id: str | None = None
    version: str | None = None
    symbol: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Trade(Model):
    """A closed position, or the closed part of one. Money is in `currency`, costs negative."""

    account: str
    replay: str = Field(description="Tells the replays of a paper account apart; empty for a broker's account.")
    symbol: str
    side: Side = Field(description="The position's.")
    volume: float = Field(description="Lots that were closed.")
    held: float | None = Field(description="Lots open before; null where the history does not reach back.")
    left: float | None = Field(description="Lots still open after; above zero for a part.")
    opened_at: AwareDatetime | None
    closed_at: AwareDatetime
    duration_s: float | None
    price_open: float | None = Field(description="Mean entry price, as the broker reckons it.")
    price_close: float
    reason: ExitReason = Field(description="How it ended.")
    guard: GuardName | None = Field(description="The guard that closed it, or had moved the stop that did.")
    currency: str
    gross: float = Field(description="Profit by prices alone.")
    commission: float = Field(description="Of closing, and the share of opening.")
    swap: float
    fee: float
    net: float = Field(description="What the trade changed the balance by, all costs counted.")
    stop_loss: float | None = Field(description="The stop it was opened with.")
    r_multiple: float | None = Field(description="(exit - entry) / (entry - stop), by prices, before costs.")
    workflow_id: str | None = Field(description="Whose order opened it; null for anyone else's.")
    workflow_name: str | None = Field(description="Its name when the trade was kept.")
    version: str | None
    execution_id: str | None
    entry_node: str | None
    exit_workflow_id: str | None
    exit_execution_id: str | None
    exit_node: str | None = Field(description="The node that closed it, or had set the guard that did.")
    mixed: bool = Field(description="Whether orders of others than this workflow added to the position.")
    position: int
    deal: int = Field(description="The closing deal's ticket.")
    exit_order: int
    entry_orders: list[int]
    entry_deals: list[int]
    entries: int = Field(description="Deals that opened it; the lists name at most 100.")
    entry_requested: float | None = Field(description="Lots the first order asked for: more than it got if it was cut.")
    exit_requested: float | None
    entry_client_order_ids: list[str]
    exit_client_order_id: str | None


class TradePage(Model):
    items: list[Trade] = Field(description="The last closed first.")
    total: int


class EquityPoint(Model):
    """After a trade that was closed."""

    at: AwareDatetime
    net: float = Field(description="Of all trades up to it.")
    drawdown: float = Field(description="How far that is below its highest so far, which begins at zero.")


class TradeSummaryItem(Model):
    """Statistics over trades of one account, replay and currency. Every closing counts as a trade; it is won or lost by
    its net."""

    account: str
    replay: str
    currency: str
    workflow_id: str | None = Field(description="Null for what no workflow opened, or where all are added up.")
    workflow_name: str | None
    version: str | None
    count: int
    wins: int
    losses: int
    net: float
    gross_profit: float = Field(description="Sum of the nets above zero.")
    gross_loss: float = Field(description="Sum of the nets below zero, as a positive amount.")
    win_rate: float | None = Field(description="Percent of all trades, breakeven ones included; null without trades.")
    profit_factor: float | None = Field(description="Gross profit over gross loss; null without losses.")
    expectancy: float | None = Field(description="Net over count.")
    average_win: float | None
    average_loss: float | None = Field(description="A positive amount.")
    average_r: float | None = Field(description="Over the trades that were opened with a stop.")
    r_count: int = Field(description="How many those are.")
    max_drawdown: float = Field(description="The deepest fall of the running net below its highest point so far.")
    first_closed_at: AwareDatetime | None
    last_closed_at: AwareDatetime | None
    curve: list[EquityPoint] = Field(
        default_factory=list,
        description="The running net, if asked for; thinned so that its end, its extremes and its deepest drawdown "
        "stay the true ones. Open positions are not in it.",
    )


class TradeSummaryList(Model):
    items: list[TradeSummaryItem]
