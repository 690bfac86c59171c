"""risk.limits: rules of the house, asked before a trade: how many, how much, how soon, how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import InvalidInput, NodeConfigError, NotANumber
from tradeloom.nodes.base import Effect, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, setting
from tradeloom.nodes.market._broker import READ_ERRORS, SYMBOL_LENGTH, account_setting
from tradeloom.nodes.market._trades import Totals
from tradeloom.nodes.risk._exposure import currency_exposure
from tradeloom.nodes.risk._money import finite
from tradeloom.nodes.trading_days import TradingDays, day_start_setting, time_zone_setting
from tradeloom.trading.broker import Broker, ClosedTrade, PendingOrder, Position
from tradeloom.trading.exact import exact

Rule = Literal["positions", "symbol_positions", "exposure", "cooldown", "loss_streak", "trades_today"]
LIMITS = (
    "max_positions",
    "max_symbol_positions",
    "max_exposure_pct",
    "cooldown_s",
    "max_loss_streak",
    "max_trades",
)


class LimitsConfig(NodeConfig):
    scope: Literal["own", "all"] = setting(
        "all",
        title="Whose trades",
        help="This workflow's own, or everything on the account, what was opened by hand included.",
        widget="select",
    )
    symbol: str | None = setting(
        None,
        title="Symbol",
        help="The instrument that is to be traded: for the limits on one symbol.",
        widget="symbol",
        examples=["EURUSD"],
        min_length=1,
        max_length=SYMBOL_LENGTH,
    )
    max_positions: int | None = setting(
        None,
        title="Most positions",
        help="Open positions and pending orders together stay at or below this after one more.",
        widget="number",
        examples=[5],
        ge=1,
        le=10_000,
    )
    max_symbol_positions: int | None = setting(
        None,
        title="Most in the symbol",
        help="The same for the symbol above.",
        widget="number",
        examples=[1],
        ge=1,
        le=10_000,
    )
    max_exposure_pct: float | None = setting(
        None,
        title="Most in a currency",
        help="Net holding of any one currency or instrument, as a share of equity.",
        unit="%",
        widget="number",
        examples=[500],
        gt=0,
        le=1_000_000,
    )
    cooldown_s: float | None = setting(
        None,
        title="Cooldown",
        help="How long to wait after the last trade, by the market's clock.",
        unit="s",
        widget="duration",
        examples=[3_600],
        gt=0,
        le=30 * 86_400,
        advanced=True,
    )
    cooldown_after: Literal["loss", "any"] = setting(
        "loss",
        title="Cooldown after",
        help="After a trade closed with a loss, or after any that was opened or closed.",
        widget="select",
        advanced=True,
    )
    max_loss_streak: int | None = setting(
        None,
        title="Losses in a row",
        help="After so many in a row no more today, even if a position that was still open wins.",
        widget="number",
        examples=[3],
        ge=1,
        le=1_000,
    )
    max_trades: int | None = setting(
        None,
        title="Trades a day",
        help="Positions opened in the trading day, closed since or not, stay at or below this after one more.",
        widget="number",
        examples=[10],
        ge=1,
        le=10_000,
    )
    time_zone: str = time_zone_setting()
    day_start: str = day_start_setting()
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        TradingDays.of(self.time_zone, self.day_start)
        if all(getattr(self, limit) is None for limit in LIMITS):
            raise ValueError("no limit is set, so nothing would be checked: set at least one")
        if self.max_symbol_positions is not None and self.symbol is None:
            raise ValueError("a limit on one symbol needs the symbol")
        return self


class Check(BaseModel):
    """One rule, and how it stands."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    rule: Rule = Field(description="Which limit.")
    value: float = Field(description="How much of it is used: a count, percent, or seconds since the last trade.")
    limit: float = Field(description="The limit.")
    passed: bool = Field(description="Whether one more trade keeps to it.")
    reason: str = Field(description="In words.")


class LimitsOutput(NodeOutput):
    allowed: bool = Field(description="Whether one more trade keeps to every limit that is set.")
    reasons: list[str] = Field(description="Why not, a sentence each; empty when allowed.")
    checks: list[Check] = Field(description="Every limit that is set, and how it stands.")
    next_at: AwareDatetime | None = Field(
        description="When waiting alone lifts the last refusal; null when it does not."
    )


class Limits(Node):
    type = "risk.limits"
    title = "Trading limits"
    description = "Checks positions, currency exposure, cooldown, losing streak and trades a day before a trade."
    help = (
        "Put it before an entry. Every limit you set is checked, and `reasons` names all that stand against one more "
        "trade; what is not set is not checked, and at least one must be.\n\n"
        "**Most in a currency** nets positions: a buy of EURUSD and a sell of EURJPY leave dollars and yen, hardly any "
        "euros. It is a share of equity and judges what is open now. **Cooldown** counts from the latest close: a "
        "loss, or any trade. **Losses in a row** and **trades a day** count in the trading day, which begins in the "
        "zone and at the hour you set; a position closed in parts is one of the day's trades.\n\n"
        "Two workflows that ask at the same moment may both be allowed: the bridge's own limits are the last word."
    )
    icon = "shield-check"
    effects = frozenset({Effect.READS_STATE})
    ports = (Port("yes", "Allowed"), Port("no", "Not now"))
    errors = (NotANumber, NodeConfigError, InvalidInput, *READ_ERRORS)
    timeout_s = 30
    example = Example(
        title="One position a symbol, five in all, ten trades a day",
        config={"symbol": "EURUSD", "max_symbol_positions": 1, "max_positions": 5, "max_trades": 10},
    )
    Config = LimitsConfig
    Output = LimitsOutput

    def run(self, config: LimitsConfig, context: NodeContext) -> Emit:
        book = _Book(config, context.broker(config.account), context.workflow_id)
        checks = [check for make in _CHECKS if (check := make(config, book)) is not None]
        refused = [check for check in checks if not check.passed]
        output = LimitsOutput(
            allowed=not refused,
            reasons=[check.reason for check in refused],
            checks=checks,
            next_at=_next_at(config, book, refused),
        )
        for reason in output.reasons:
            context.log(reason)
        return Emit("yes" if output.allowed else "no", output)


@dataclass
class _Book:
    """What is open and what was closed, read when a rule asks for it."""

    config: LimitsConfig
    broker: Broker
    workflow_id: str

    def _mine(self, workflow_id: str | None) -> bool:
        return self.config.scope == "all" or workflow_id == self.workflow_id

    @cached_property
    def now(self) -> datetime:
        return self.broker.market_time()

    @cached_property
    def days(self) -> TradingDays:
        return TradingDays.of(self.config.time_zone, self.config.day_start)

    @cached_property
    def positions(self) -> list[Position]:
        return [each for each in self.broker.positions() if self._mine(each.workflow_id)]

    @cached_property
    def orders(self) -> list[PendingOrder]:
        return [each for each in self.broker.orders() if self._mine(each.workflow_id)]

    @cached_property
    def today(self) -> list[ClosedTrade]:
        return self.closed(self.days.start(self.now))

    def closed(self, since: datetime) -> list[ClosedTrade]:
        return [each for each in self.broker.trades(since, self.now) if self._mine(each.workflow_id)]


def _positions(config: LimitsConfig, book: _Book) -> Check | None:
    if config.max_positions is None:
        return None
    count = len(book.positions) + len(book.orders)
    return _count("positions", count, config.max_positions, f"{count} positions and pending orders are open")


def _symbol_positions(config: LimitsConfig, book: _Book) -> Check | None:
    if config.max_symbol_positions is None:
        return None
    if config.symbol is not None:
        book.broker.symbol(config.symbol)  # "none open" must not hide a symbol that does not exist
    symbols = [each.symbol for each in book.positions] + [each.symbol for each in book.orders]
    count = symbols.count(str(config.symbol))
    told = f"{count} positions and pending orders are open in {config.symbol}"
    return _count("symbol_positions", count, config.max_symbol_positions, told)


def _trades_today(config: LimitsConfig, book: _Book) -> Check | None:
    if config.max_trades is None:
        return None
    began = book.days.start(book.now)
    opened = {each.ticket for each in book.positions if each.opened_at >= began}
    opened |= {each.position for each in book.today if each.opened_at is None or each.opened_at >= began}
    return _count("trades_today", len(opened), config.max_trades, f"{len(opened)} positions were opened today")


def _loss_streak(config: LimitsConfig, book: _Book) -> Check | None:
    if config.max_loss_streak is None:
        return None
    # The day's longest: a win of what was open already does not begin a day anew that had ended.
    streak = Totals.of(book.today).longest_loss_streak
    passed = streak < config.max_loss_streak
    reason = f"{streak} losses in a row today; {config.max_loss_streak} end the day"
    return Check(rule="loss_streak", value=streak, limit=config.max_loss_streak, passed=passed, reason=reason)


def _exposure(config: LimitsConfig, book: _Book) -> Check | None:
    if config.max_exposure_pct is None:
        return None
    equity = finite(book.broker.account().equity, "equity")
    if equity <= 0:
        raise NotANumber(f"equity is {equity:.2f}: no share of it can be told")
    held = currency_exposure(book.broker, book.positions)
    most = max(held, key=lambda name: abs(held[name]), default=None)
    share = 100 * abs(held[most]) / equity if most is not None else Decimal(0)
    reason = f"{most or 'no currency'} is held for {share:.1f} % of equity; {config.max_exposure_pct:g} % is the limit"
    passed = share < exact(config.max_exposure_pct)
    return Check(rule="exposure", value=float(share), limit=config.max_exposure_pct, passed=passed, reason=reason)


def _cooldown(config: LimitsConfig, book: _Book) -> Check | None:
    if config.cooldown_s is None:
        return None
    last = _last_trade(config, book)
    passed_s = config.cooldown_s if last is None else (book.now - last).total_seconds()
    what = "loss" if config.cooldown_after == "loss" else "trade"
    reason = f"the last {what} was {passed_s:.0f} s ago; {config.cooldown_s:g} s must pass"
    return Check(
        rule="cooldown", value=passed_s, limit=config.cooldown_s, passed=passed_s >= config.cooldown_s, reason=reason
    )


def _last_trade(config: LimitsConfig, book: _Book) -> datetime | None:
    """The moment the cooldown counts from, if it lies within the cooldown."""
    closed = book.closed(book.now - timedelta(seconds=config.cooldown_s or 0))
    if config.cooldown_after == "loss":
        return max((each.closed_at for each in closed if each.net_profit < 0), default=None)
    moments: Sequence[datetime] = [each.closed_at for each in closed]
    return max([*moments, *(each.opened_at for each in book.positions)], default=None)


def _count(rule: Rule, count: int, limit: int, told: str) -> Check:
    return Check(rule=rule, value=count, limit=limit, passed=count < limit, reason=f"{told}; {limit} is the limit")


def _next_at(config: LimitsConfig, book: _Book, refused: list[Check]) -> datetime | None:
    """When the last of the refusals ends by itself, or None where one of them does not."""
    ends: list[datetime] = []
    for check in refused:
        if check.rule == "cooldown":
            ends.append(book.now + timedelta(seconds=check.limit - check.value))
        elif check.rule in ("loss_streak", "trades_today"):
            ends.append(book.days.next_start(book.now))
        else:
            return None
    return max(ends, default=None)


_CHECKS = (_positions, _symbol_positions, _exposure, _cooldown, _loss_streak, _trades_today)
