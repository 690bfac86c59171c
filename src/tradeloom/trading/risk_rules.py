"""The risk gate's rules: pure functions of limits, account state and the facts of one order.

They are evaluated by the bridge, in the process that calls `order_send`, right before every attempt. Whoever
evaluates them elsewhere only explains earlier what the gate will say. A rule bears the name of its limit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from tradeloom.trading.exact import exact
from tradeloom.trading.exposure import Projected
from tradeloom.trading.risk import AccountState, Action
from tradeloom.trading.risk_limits import RiskLimits

RATE_WINDOW_S = 60.0
"""The minute of `max_orders_per_minute`: the last sixty seconds of market time."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What every order is judged by. `volume` in lots as it would be sent, for a change that of what is changed;
    `price_time` is None when the broker gave no quote; `prices` are those the order names to open at, `deviation` the
    slippage it allows, both in units of the price."""

    action: Action
    symbol: str
    volume: Decimal
    bid: float
    ask: float
    price_time: datetime | None
    now: datetime
    deadline: datetime
    prices: tuple[float, ...] = ()
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class Activity:
    """What a workflow has sent lately: opening orders of the last minute, of the whole account and its own, and those
    in the same symbol and direction within the window, the one to be judged left out. `throttled` says why it is."""

    workflow_id: str
    orders: int
    workflow_orders: int
    repeats: int
    throttled: str | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """Percent: of the equity the day began with, of the highest equity, and what the workflow's trades have lost of
    the former. Gains are zero."""

    workflow_id: str
    day_pct: Decimal
    drawdown_pct: Decimal
    workflow_day_pct: Decimal


@dataclass(frozen=True, slots=True)
class Projection:
    """Money in the account's currency with the order and every working order filled. `notional` is the order's own
    worth, `margin` what the account would have in use."""

    workflow_id: str
    symbol: str
    volume: Decimal
    notional: Decimal
    in_symbol: Projected
    in_all: Projected
    of_workflow: Projected
    equity: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gate refused: the rule's name, the outcome's `reason`, and a sentence for a person."""

    rule: str
    reason: Literal["risk", "deadline"]
    message: str


def refusal(limits: RiskLimits, state: AccountState, facts: OrderFacts) -> Refusal | None:
    """The first rule about the order itself that forbids it, or None.

    What reduces risk passes whatever the state, list, lot limit, quote's age and price: leaving the market must stay
    possible. Its deadline and the soundness of its numbers are judged as any other's. A cancel needs no quote.
    """
    for rule, reason, judge in _RULES:
        message = judge(limits, state, facts)
        if message is not None:
            return Refusal(rule, reason, message)
    return None


def lot_refusal(limits: RiskLimits, workflow_id: str, volume: Decimal) -> Refusal | None:
    """Whether an opening order is larger than its workflow's may be."""
    most = limits.of_workflow(workflow_id).max_lot
    if volume <= most:
        return None
    return _risk("workflow.max_lot", f"{volume} lots exceed the workflow's limit of {most} per order")


def activity_refusal(limits: RiskLimits, activity: Activity) -> Refusal | None:
    """Whether an opening order comes too soon after others. `max_repeats` also throttles the workflow."""
    if activity.throttled is not None:
        return _risk("throttled", f"workflow {activity.workflow_id} is throttled until a person clears it: "
                                  f"{activity.throttled}")  # fmt: skip
    if activity.orders >= limits.max_orders_per_minute:
        return _risk(
            "max_orders_per_minute",
            f"the account has sent {activity.orders} opening orders within a minute; its limit is "
            f"{limits.max_orders_per_minute}",
        )
    own = limits.of_workflow(activity.workflow_id).max_orders_per_minute
    if activity.workflow_orders >= own:
        return _risk(
            "workflow.max_orders_per_minute",
            f"the workflow has sent {activity.workflow_orders} opening orders within a minute; its limit is {own}",
        )
    if activity.repeats >= limits.max_repeats:
        return _risk(
            "max_repeats",
            f"the workflow has sent {activity.repeats} orders in the same symbol and direction within "
            f"{limits.repeat_window_s:g} s, as many as the limit allows",
        )
    return None


def loss_refusal(limits: RiskLimits, losses: Losses) -> Refusal | None:
    """Whether so much is lost that nothing may be opened or widened. A limit is reached, not only passed."""
    own = limits.of_workflow(losses.workflow_id).max_daily_loss_pct
    for rule, lost, limit, told in (
        ("max_drawdown_pct", losses.drawdown_pct, limits.max_drawdown_pct, "equity is {} % below its highest"),
        ("max_daily_loss_pct", losses.day_pct, limits.max_daily_loss_pct, "the account's day has lost {} %"),
        ("workflow.max_daily_loss_pct", losses.workflow_day_pct, own, "the workflow has lost {} % of equity today"),
    ):
        if lost >= exact(limit):
            return _risk(rule, f"{told.format(round(lost, 2))}; the limit is {limit:g} %")
    return None


def exposure_refusal(limits: RiskLimits, projection: Projection) -> Refusal | None:
    """Whether the account would hold too much, or have too little left for its margin."""
    own = limits.of_workflow(projection.workflow_id)
    for rule, limit, whose in (
        ("max_notional", limits.max_notional, "account"),
        ("workflow.max_notional", own.max_notional, "workflow"),
    ):
        if projection.notional > limit:
            worth = _money(projection.notional)
            return _risk(rule, f"{projection.volume} lots are worth {worth}, more than the {whose}'s limit of {limit}")
    for rule, projected, limit, where in (
        ("max_symbol_exposure", projection.in_symbol, limits.max_symbol_exposure, f"in {projection.symbol}"),
        ("max_exposure", projection.in_all, limits.max_exposure, "in all symbols"),
        ("workflow.max_exposure", projection.of_workflow, own.max_exposure, "by the workflow"),
    ):
        if projected.breaks(limit):
            return _risk(rule, f"{_money(projected.after)} would be held {where}, working orders counted; the limit is "
                               f"{limit}")  # fmt: skip
    return _margin_refusal(limits, projection)


def _margin_refusal(limits: RiskLimits, projection: Projection) -> Refusal | None:
    if projection.margin <= 0:
        return None
    level = projection.equity / projection.margin * 100
    if level >= exact(limits.min_margin_level_pct):
        return None
    return _risk(
        "min_margin_level_pct",
        f"the margin level would be {round(level, 1)} %, working orders counted; the limit is "
        f"{limits.min_margin_level_pct:g} %",
    )


def _risk(rule: str, message: str) -> Refusal:
    return Refusal(rule, "risk", message)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def deadline_refusal(now: datetime, deadline: datetime) -> Refusal | None:
    """Whether it is too late to send an order."""
    if now <= deadline:
        return None
    late = (now - deadline).total_seconds()
    message = f"the order's deadline {_utc(deadline)} passed {late:.1f} s ago: too late to send it"
    return Refusal("deadline", "deadline", message)


def state_refusal(state: AccountState) -> Refusal | None:
    """Whether nothing that adds risk may be sent."""
    if state is AccountState.ACTIVE:
        return None
    return _risk("account_state", f"the account is {state}: only what reduces risk passes")


def _deadline(_limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    refused = deadline_refusal(facts.now, facts.deadline)
    return None if refused is None else refused.message


def _sound_numbers(_limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    if not (facts.volume.is_finite() and facts.volume > 0):
        return f"the volume {facts.volume} is not a positive number"
    if facts.action is Action.CANCEL:
        return None
    if facts.price_time is None:
        return f"the broker gives no quote for {facts.symbol}"
    for name, price in (("bid", facts.bid), ("ask", facts.ask)):
        if not (math.isfinite(price) and price > 0):
            return f"the {name} of {facts.symbol} is {price}: no price to trade at"
    if facts.ask < facts.bid:
        return f"the quote of {facts.symbol} is crossed: bid {facts.bid}, ask {facts.ask}"
    return None


def _account_state(_limits: RiskLimits, state: AccountState, facts: OrderFacts) -> str | None:
    refused = None if facts.action.reduces else state_refusal(state)
    return None if refused is None else refused.message


def _allowed_symbol(limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    if facts.action.reduces or facts.symbol in limits.symbols:
        return None
    return f"{facts.symbol} is not among the symbols this account may trade ({', '.join(limits.symbols)})"


def _max_lot(limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    if facts.action is not Action.OPEN or facts.volume <= limits.max_lot:
        return None
    return f"{facts.volume} lots exceed the account's limit of {limits.max_lot} per order"


def _fresh_price(limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    if facts.action.reduces or facts.price_time is None:
        return None
    age = (facts.now - facts.price_time).total_seconds()
    if age > limits.max_price_age_s:
        return f"the quote of {facts.symbol} is {age:.1f} s old; the account's limit is {limits.max_price_age_s:g} s"
    if age < -limits.max_price_age_s:
        # A quote from the future means the server's time zone is declared wrongly, so no age can be trusted.
        return f"the quote of {facts.symbol} is {-age:.0f} s in the future: check the account's server time zone"
    return None


def _price_collar(limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    """Distances from the nearer side of the quote, as a share of it."""
    if facts.action.reduces:
        return None
    most, bid, ask = exact(limits.max_price_distance_pct), exact(facts.bid), exact(facts.ask)
    for price in facts.prices:
        if not (math.isfinite(price) and price > 0):
            return f"the price {price} is no price to trade at"
        away = 100 * max((exact(price) - ask) / ask, (bid - exact(price)) / bid)
        if away > most:
            return (
                f"the price {price:.10g} lies {away:.2f} % from the quote of {bid} to {ask}; the limit is "
                f"{limits.max_price_distance_pct:g} %"
            )
    if not math.isfinite(facts.deviation) or 100 * exact(facts.deviation) > most * bid:
        return (
            f"a slippage of {facts.deviation:.10g} is allowed at a price of {bid}; the limit is "
            f"{limits.max_price_distance_pct:g} %"
        )
    return None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


type _Rule = Callable[[RiskLimits, AccountState, OrderFacts], str | None]

_RULES: tuple[tuple[str, Literal["risk", "deadline"], _Rule], ...] = (
    ("deadline", "deadline", _deadline),
    ("sound_numbers", "risk", _sound_numbers),
    ("account_state", "risk", _account_state),
    ("symbols", "risk", _allowed_symbol),
    ("max_lot", "risk", _max_lot),
    ("max_price_age_s", "risk", _fresh_price),
    ("max_price_distance_pct", "risk", _price_collar),
)
