"""market.trades: what was closed in a period, and what it adds up to."""

from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import InvalidInput, NodeConfigError
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, Tier, setting
from tradeloom.nodes.market._broker import READ_ERRORS, SYMBOL_LENGTH, account_setting
from tradeloom.nodes.market._trades import Totals
from tradeloom.nodes.trading_days import TradingDays
from tradeloom.trading.broker import Broker, ClosedTrade, CloseReason
from tradeloom.trading.intents import Side
from tradeloom.workflow.time_zones import iana

Period = Literal["today", "week", "month", "last", "between"]
MAX_LISTED = 1_000
_CALENDAR = ["today", "week", "month"]
_LONGEST_S = 3_660 * 86_400


class TradesConfig(NodeConfig):
    period: Period = setting(
        "today",
        title="Period",
        help="Since midnight, since Monday, since the first of the month, the last so long, or between two moments.",
        widget="select",
    )
    time_zone: Annotated[str, AfterValidator(iana)] = setting(
        "UTC",
        title="Time zone",
        help="The IANA zone whose midnight begins the day, week or month.",
        widget="text",
        show_if={"period": _CALENDAR},
        examples=["America/New_York", "Europe/London", "UTC"],
        min_length=1,
        max_length=64,
    )
    last_s: float | None = setting(
        None,
        title="The last",
        help="How far to look back, by the market's clock.",
        unit="s",
        widget="duration",
        show_if={"period": ["last"]},
        examples=[86_400],
        gt=0,
        le=_LONGEST_S,
    )
    since: AwareDatetime | None = setting(
        None,
        title="Since",
        help="The period's first moment, included, with its offset.",
        widget="expression",
        show_if={"period": ["between"]},
        examples=["2026-01-01T00:00:00Z"],
    )
    until: AwareDatetime | None = setting(
        None,
        title="Until",
        help="The period's last moment, included; now when left empty.",
        widget="expression",
        show_if={"period": ["between"]},
        examples=["2026-02-01T00:00:00Z"],
    )
    symbol: str | None = setting(
        None,
        title="Symbol",
        help="Only trades in this instrument; all when left empty.",
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
    )
    side: Literal["any", "buy", "sell"] = setting(
        "any", title="Side", help="Only positions that were bought or only sold ones.", widget="select"
    )
    own_only: bool = setting(
        False,
        title="This workflow's only",
        help="Leave out what others opened, by hand or not.",
        widget="toggle",
        advanced=True,
    )
    limit: int = setting(
        100,
        title="Most listed",
        help="How many of the latest trades to list. The totals count all of them.",
        widget="number",
        ge=0,
        le=MAX_LISTED,
    )
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _period_is_whole(self) -> Self:
        if self.period == "last" and self.last_s is None:
            raise ValueError("say how far to look back")
        if self.period == "between" and self.since is None:
            raise ValueError("say since when")
        if self.period != "last" and self.last_s is not None:
            raise ValueError("a length of time is given, but the period is chosen another way: choose one")
        if self.period != "between" and (self.since is not None or self.until is not None):
            raise ValueError("a first or last moment is given, but the period is chosen another way: choose one")
        return self

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The period at a moment of market time."""
        if self.period == "between" and self.since is not None:
            return self.since, self.until or now
        if self.period == "last" and self.last_s is not None:
            return now - timedelta(seconds=self.last_s), now
        begins = TradingDays(self.time_zone, time(0))
        match self.period:
            case "week" | "month" as period:
                return begins.start(now, period), now
            case _:
                return begins.start(now), now


class PastTrade(BaseModel):
    """One closed trade, as an output shows it. A position closed in parts is one for each part."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    position: int = Field(description="The position's ticket.")
    deal: int = Field(description="Ticket of the deal that closed it.")
    symbol: str = Field(description="The instrument.")
    side: Side = Field(description="buy or sell: the position's, not the closing deal's.")
    volume: float = Field(description="Lots closed.")
    price_open: float | None = Field(description="Average opening price; null where history does not reach back.")
    price_close: float = Field(description="Closing price.")
    opened_at: AwareDatetime | None = Field(description="When it was opened; null likewise.")
    closed_at: AwareDatetime = Field(description="When it was closed.")
    profit: float = Field(description="Profit before swap and commission.")
    swap: float = Field(description="Swap, negative when paid.")
    commission: float = Field(description="Commission of closing and its share of opening, negative when paid.")
    net_profit: float = Field(description="Profit with swap and commission.")
    reason: CloseReason = Field(description="Who closed it: expert (programs, us too), client, stop_loss, and so on.")
    own: bool = Field(description="Whether this workflow's order opened it.")
    workflow_id: str | None = Field(description="The workflow whose order opened it; null for anyone else's.")


class TradesOutput(NodeOutput):
    trades: list[PastTrade] = Field(description="The latest trades of the period, the earliest closed first.")
    count: int = Field(description="How many trades there are in the period, listed or not.")
    wins: int = Field(description="Trades with a net profit above zero.")
    losses: int = Field(description="Trades with one below zero.")
    win_rate: float | None = Field(description="Wins in percent of all; null without trades.")
    profit: float = Field(description="Their profit before swap and commission.")
    swap: float = Field(description="Their swap.")
    commission: float = Field(description="Their commission.")
    net_profit: float = Field(description="Their profit with swap and commission: what they moved the balance by.")
    gross_profit: float = Field(description="The net profits of the wins.")
    gross_loss: float = Field(description="The net losses of the losses, as a positive amount.")
    profit_factor: float | None = Field(description="Gross profit over gross loss; null without losses.")
    average_win: float | None = Field(description="Gross profit a win; null without wins.")
    average_loss: float | None = Field(description="Gross loss a loss, positive; null without losses.")
    best: float | None = Field(description="Largest net profit of one trade; null without trades.")
    worst: float | None = Field(description="Smallest net profit of one trade; null without trades.")
    streak: int = Field(description="Wins in a row up to the last trade; negative for losses in a row.")
    longest_win_streak: int = Field(description="Most wins in a row in the period.")
    longest_loss_streak: int = Field(description="Most losses in a row in the period.")
    since: AwareDatetime = Field(description="The period's first moment.")
    until: AwareDatetime = Field(description="The period's last moment.")


class Trades(Node):
    type = "market.trades"
    title = "Closed trades"
    description = "The trades closed in a period, with win rate, profit factor, net profit and streak."
    help = (
        "Lists what was closed on the account, whoever closed it: stop losses, take profits, stop-outs and closes by "
        "hand as well as by workflows. A position that was closed in parts counts once for each part. Profit, swap and "
        "commission are the broker's own figures in the account's currency; a trade's commission holds its share of "
        "what opening the position cost.\n\n"
        "The totals judge trades by their net profit and count every trade of the period, also those that are not "
        "listed. `= nodes.trades.streak <= -3` stops after three losses in a row; `win_rate` and `profit_factor` are "
        "null where they have no meaning, so guard them with `count` and `losses`. What is still open is not in here: "
        "see Open positions."
    )
    icon = "history"
    tier = Tier.BASIC
    effects = frozenset({Effect.READS_STATE})
    errors = (NodeConfigError, *READ_ERRORS)
    timeout_s = 30
    example = Example(
        title="What this workflow closed in the last week",
        config={"period": "last", "last_s": 604_800, "own_only": True},
    )
    Config = TradesConfig
    Output = TradesOutput

    def run(self, config: TradesConfig, context: NodeContext) -> TradesOutput:
        broker = context.broker(config.account)
        since, until = _bounds(config, broker.market_time())
        found = [
            trade
            for trade in _read(broker, since, until, config.symbol)
            if config.side in ("any", trade.side.value)
            and (not config.own_only or trade.workflow_id == context.workflow_id)
        ]
        listed = found[max(len(found) - config.limit, 0) :]
        return TradesOutput(
            trades=[_shown(trade, context.workflow_id) for trade in listed],
            since=since.astimezone(UTC),
            until=until.astimezone(UTC),
            **asdict(Totals.of(found)),
        )


def _bounds(config: TradesConfig, now: datetime) -> tuple[datetime, datetime]:
    """Raises `NodeConfigError` for a period that ends before it begins, or is longer than the broker is asked for."""
    since, until = config.bounds(now)
    until = min(until, now)
    if until < since:
        told = f"before it begins at {since.isoformat()}"
        field = "config.since" if config.until is None or since > now else "config.until"
        raise NodeConfigError(f"the period would end at {until.isoformat()}, {told}", field=field)
    if (until - since).total_seconds() > _LONGEST_S:
        raise NodeConfigError(f"the period is longer than {_LONGEST_S // 86_400} days", field="config.since")
    return since, until


def _read(broker: Broker, since: datetime, until: datetime, symbol: str | None) -> list[ClosedTrade]:
    try:
        found = broker.trades(since, until, symbol)
    except InvalidInput as error:
        raise NodeConfigError(error.message, field="config.period", hint=error.hint) from error
    if symbol is not None and not found:
        broker.symbol(symbol)  # raises NotFound: "nothing closed" would hide a symbol that does not exist
    return found


def _shown(trade: ClosedTrade, workflow_id: str) -> PastTrade:
    facts = trade.model_dump(include=set(PastTrade.model_fields), exclude={"volume"})
    return PastTrade(
        volume=float(trade.volume),
        net_profit=trade.net_profit,
        own=trade.workflow_id == workflow_id,
        **facts,
    )
