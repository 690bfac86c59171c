"""risk.daily_loss: no more trades today once the day has lost enough."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from tradeloom.errors import Conflict, ExecutionStopped, InvalidInput, NodeConfigError, NotANumber, StorageUnavailable
from tradeloom.nodes.base import Effect, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, setting
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting
from tradeloom.nodes.risk._money import finite, floating
from tradeloom.nodes.trading_days import TradingDays, day_start_setting, time_zone_setting
from tradeloom.nodes.variables import account_scope, update
from tradeloom.trading.exact import exact

_CENT = Decimal("0.01")


class DailyLossConfig(NodeConfig):
    limit_type: Literal["percent", "money"] = setting(
        "percent",
        title="Limit in",
        help="A share of the balance the day began with, or an amount.",
        widget="select",
    )
    limit: float = setting(
        3.0,
        title="Limit",
        help="The day may lose less than this: percent, or the account's currency.",
        widget="number",
        gt=0,
        le=1e12,
    )
    time_zone: str = time_zone_setting()
    day_start: str = day_start_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        TradingDays.of(self.time_zone, self.day_start)
        if self.limit_type == "percent" and self.limit > 100:
            raise ValueError("a limit in percent is at most 100")
        return self


class DailyLossOutput(NodeOutput):
    can_trade: bool = Field(description="Whether the day has lost less than the limit so far, at every look.")
    loss_today: float = Field(description="What the day has lost so far; 0 when it has won.")
    result_today: float = Field(description="Closed and floating together; negative for a loss.")
    closed_today: float = Field(
        description="What trading moved the balance by today: profit and swap of what was closed, and every commission "
        "paid, that of opening what is still open too."
    )
    floating: float = Field(description="What open positions have won or lost so far, swap included.")
    limit_amount: float = Field(description="The limit in the account's currency.")
    remaining: float = Field(description="What may still be lost; 0 once the limit was reached.")
    latched: bool = Field(description="Whether the limit was reached earlier today, so that a recovery does not count.")
    resets_at: AwareDatetime = Field(description="When the next trading day begins.")
    currency: str = Field(description="The account's currency.")


class DailyLoss(Node):
    type = "risk.daily_loss"
    title = "Daily loss limit"
    description = "Stops trading for the day once closed and floating losses reach a limit."
    help = (
        "Adds what trading moved the balance by since the trading day began (whoever traded: profit, swap and every "
        "commission, that of opening what is still open too) to what open positions have won or lost so far. When that "
        "is a loss of the limit or more, the node goes out by *no*, and stays there until the next trading day even if "
        "the market comes back: a day that is over stays over.\n\n"
        "A limit in percent is a share of the balance the day began with or, where there was none, of what the account "
        "was funded with today. Deposits and withdrawals are neither losses nor gains. The day begins in the time zone "
        "and at the hour you set; New York's 17:00 is what most brokers and funding firms count by. The node judges "
        "when it runs; the bridge's own limits guard every order besides."
    )
    icon = "calendar-x"
    effects = frozenset({Effect.READS_STATE, Effect.WRITES})
    ports = (Port("yes", "May trade"), Port("no", "Limit reached"))
    errors = (NotANumber, NodeConfigError, InvalidInput, Conflict, ExecutionStopped, StorageUnavailable, *READ_ERRORS)
    timeout_s = 30
    example = Example(
        title="Three percent a day, by New York's clock",
        config={"limit_type": "percent", "limit": 3, "time_zone": "America/New_York", "day_start": "17:00"},
    )
    Config = DailyLossConfig
    Output = DailyLossOutput

    def run(self, config: DailyLossConfig, context: NodeContext) -> Emit:
        broker = context.broker(config.account)
        days, now = TradingDays.of(config.time_zone, config.day_start), broker.market_time()
        began, account = days.start(now), broker.account()
        booked = broker.booked(began, now)
        closed, paid_in = booked.traded + booked.charged, booked.paid_in
        open_now = floating(account)
        limit = _limit(config, finite(account.balance, "balance") - closed - paid_in, paid_in)
        result = closed + open_now
        reached = -result >= limit
        latched = _remember(context, broker.account_name, began, days.next_start(now), -result, reached=reached)
        output = DailyLossOutput(
            can_trade=not (reached or latched),
            loss_today=float(max(-result, Decimal(0))),
            result_today=float(result),
            closed_today=float(closed),
            floating=float(open_now),
            limit_amount=float(limit),
            remaining=0.0 if reached or latched else float(limit + min(result, Decimal(0))),
            latched=latched,
            resets_at=days.next_start(now),
            currency=account.currency,
        )
        if not output.can_trade:
            context.log(f"the day has lost {output.loss_today:.2f} {account.currency}: no more trades", level="warning")
        return Emit("yes" if output.can_trade else "no", output)


def _limit(config: DailyLossConfig, balance_before: Decimal, paid_in: Decimal) -> Decimal:
    """In the account's currency. An account that was empty when the day began is judged by what funded it since."""
    if config.limit_type == "money":
        return exact(config.limit)
    if balance_before <= 0:
        balance_before += paid_in
    if balance_before <= 0:
        raise NotANumber(
            f"the day began with a balance of {balance_before:.2f}: a share of that is no limit",
            field="config.limit_type",
            hint="set the limit in money",
        )
    return (balance_before * exact(config.limit) / 100).quantize(_CENT)


def _remember(
    context: NodeContext, account: str, began: datetime, next_day: datetime, loss: Decimal, *, reached: bool
) -> bool:
    """Keep the day's worst look; whether the limit was reached at an earlier one."""
    key, day = f"daily_loss/{context.workflow_id}/{context.node_id}", began.isoformat()
    following = next_day.isoformat()

    def change(known: Any) -> dict[str, Any]:
        if isinstance(known, dict) and known.get("day") == following:
            return known  # by a run that overtook this one at midnight: its day is the one that counts
        before = known if isinstance(known, dict) and known.get("day") == day else {}
        worst = max(float(loss), float(before.get("worst", float(loss))))
        return {"day": day, "worst": worst, "reached": reached or bool(before.get("reached"))}

    context.before_acting()
    written = update(context.variables, account_scope(account), key, change)
    before = written.previous
    return bool(isinstance(before, dict) and before.get("day") == day and before.get("reached"))
