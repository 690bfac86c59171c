"""risk.drawdown: how far equity has fallen from its peak."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError, model_validator

from tradeloom.errors import Conflict, ExecutionStopped, InvalidInput, NotANumber, StorageUnavailable
from tradeloom.nodes.base import Effect, Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, setting
from tradeloom.nodes.market._broker import READ_ERRORS, account_setting
from tradeloom.nodes.risk._money import finite
from tradeloom.nodes.trading_days import TradingDays, day_start_setting, time_zone_setting
from tradeloom.nodes.variables import account_scope, update
from tradeloom.trading.broker import Broker
from tradeloom.trading.exact import exact

_CLOCK = {"period": ["day", "week", "month"]}
_SLACK = timedelta(days=1)
"""How far before the last look deposits are read again: the one at that very moment is told by its deal's number."""


class DrawdownConfig(NodeConfig):
    threshold_pct: float = setting(
        10.0,
        title="Threshold",
        help="From this drawdown on the node goes out by Exceeded.",
        unit="%",
        widget="number",
        gt=0,
        le=100,
    )
    period: Literal["all", "day", "week", "month"] = setting(
        "all", title="Peak of", help="The highest equity ever seen, or since the period began.", widget="select"
    )
    reset: bool = setting(
        False,
        title="Start over",
        help="Forget the peak and count from now on. Give an expression to do so now and then.",
        widget="toggle",
    )
    time_zone: str = time_zone_setting(show_if=_CLOCK)
    day_start: str = day_start_setting(show_if=_CLOCK)
    account: str | None = account_setting()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        TradingDays.of(self.time_zone, self.day_start)
        return self


class DrawdownOutput(NodeOutput):
    drawdown_pct: float = Field(description="How far equity is below the peak, in percent of the peak.")
    drawdown: float = Field(description="The same in the account's currency.")
    peak: float = Field(description="The highest equity seen, moved by what was paid in and out since.")
    peak_at: AwareDatetime = Field(description="When it was seen.")
    equity: float = Field(description="Equity now: balance, floating profit and swap.")
    alert: bool = Field(description="Whether the threshold is reached.")
    paid_in: float = Field(description="Deposits less withdrawals since the last look, by which the peak was moved.")
    currency: str = Field(description="The account's currency.")


class Drawdown(Node):
    type = "risk.drawdown"
    title = "Drawdown"
    description = "How far equity has fallen from its peak, and whether that is too far."
    help = (
        "Equity holds everything: balance, floating profit, swap and commission. The node keeps the highest equity it "
        "has seen on the account, from run to run, and tells how far below it equity is now. A deposit or withdrawal "
        "moves the peak by the same amount, so that paying in does not hide a loss and paying out is none.\n\n"
        "It sees equity when it runs: put it behind a schedule that suits how fast the account moves. The first look "
        "starts from the larger of balance and equity. With a period the peak starts afresh with each trading day, "
        "week (Monday) or month. Equity at or below zero is a drawdown of 100 percent."
    )
    icon = "trending-down"
    effects = frozenset({Effect.READS_STATE, Effect.WRITES})
    ports = (Port("ok", "Within"), Port("exceeded", "Exceeded"))
    errors = (NotANumber, InvalidInput, Conflict, ExecutionStopped, StorageUnavailable, *READ_ERRORS)
    timeout_s = 30
    example = Example(title="Ten percent below the highest equity", config={"threshold_pct": 10})
    Config = DrawdownConfig
    Output = DrawdownOutput

    def run(self, config: DrawdownConfig, context: NodeContext) -> Emit:
        broker = context.broker(config.account)
        now, account = broker.market_time(), broker.account()
        equity, balance = finite(account.equity, "equity"), finite(account.balance, "balance")
        days = TradingDays.of(config.time_zone, config.day_start)
        began = None if config.period == "all" else days.start(now, config.period)
        made: list[tuple[Peak, Decimal]] = []

        def change(known: Any) -> dict[str, Any]:
            before = None if config.reset else Peak.read(known)
            if before is not None and before.began != began:
                before = None
            peak, paid_in = _next_peak(before, broker, now, equity, max(equity, balance), began)
            made.append((peak, paid_in))
            return peak.as_json()

        context.before_acting()
        key = f"drawdown/{context.workflow_id}/{context.node_id}"
        update(context.variables, account_scope(broker.account_name), key, change)
        peak, paid_in = made[-1]
        fallen = max(peak.equity - equity, Decimal(0))
        share = min(100 * fallen / peak.equity, Decimal(100)) if peak.equity > 0 else Decimal(100)
        output = DrawdownOutput(
            drawdown_pct=float(share),
            drawdown=float(fallen),
            peak=float(peak.equity),
            peak_at=peak.at,
            equity=float(equity),
            alert=share >= exact(config.threshold_pct),
            paid_in=float(paid_in),
            currency=account.currency,
        )
        if output.alert:
            context.log(f"equity is {output.drawdown_pct:.2f} % below its peak of {output.peak:.2f}", level="warning")
        return Emit("exceeded" if output.alert else "ok", output)


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest equity seen. `began` is when its period did, None for all time; `seen` is the last look, `flow` the
    number of the last deposit or withdrawal counted in."""

    equity: Decimal
    at: datetime
    began: datetime | None
    seen: datetime
    flow: int

    @classmethod
    def read(cls, value: Any) -> "Peak | None":
        """What was kept, or None where nothing that can be read was."""
        if not isinstance(value, Mapping):
            return None
        try:
            began = value.get("began")
            return cls(
                equity=exact(float(value["equity"])),
                at=_moment.validate_python(value["at"]),
                began=None if began is None else _moment.validate_python(began),
                seen=_moment.validate_python(value["seen"]),
                flow=int(value["flow"]),
            )
        except (KeyError, TypeError, ValueError, ArithmeticError, ValidationError):
            return None

    def as_json(self) -> dict[str, Any]:
        return {
            "equity": float(self.equity),
            "at": self.at.astimezone(UTC).isoformat(),
            "began": None if self.began is None else self.began.isoformat(),
            "seen": self.seen.astimezone(UTC).isoformat(),
            "flow": self.flow,
        }


_moment = TypeAdapter[AwareDatetime](AwareDatetime)


def _next_peak(
    before: Peak | None, broker: Broker, now: datetime, equity: Decimal, first: Decimal, began: datetime | None
) -> tuple[Peak, Decimal]:
    """The peak after this look, and what was paid in since the one before."""
    since = (now if before is None else before.seen) - _SLACK
    flows = [flow for flow in broker.cash_flows(since, now) if flow.is_capital]
    last = max((flow.deal for flow in flows), default=0 if before is None else before.flow)
    if before is None:
        return Peak(first, now, began, now, last), Decimal(0)
    paid_in = sum((exact(flow.amount) for flow in flows if flow.deal > before.flow), Decimal(0))
    moved = before.equity + paid_in
    if equity > moved:
        return Peak(equity, now, began, now, max(last, before.flow)), paid_in
    return Peak(moved, before.at, began, now, max(last, before.flow)), paid_in
