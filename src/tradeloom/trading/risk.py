"""The risk gate's rules: pure functions of limits, account state and the facts of one order.

They are evaluated by the bridge, in the process that calls `order_send`, right before every attempt. Whoever
evaluates them elsewhere only explains earlier what the gate will say.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tradeloom.errors import Conflict


class AccountState(StrEnum):
    """ACTIVE trades; REDUCING lets only what reduces risk through; HALTED too, and only a person clears it."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


_SEVERITY = {AccountState.ACTIVE: 0, AccountState.REDUCING: 1, AccountState.HALTED: 2}


class RiskLimits(BaseModel):
    """An account's limits. None has a default: what nobody set must not pass as unlimited.

    `max_lot` bounds one order's volume in lots; `max_price_age_s` is the oldest quote an opening order may be
    based on, in seconds of market time; `symbols` are the only ones that may be opened, as the broker spells them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_lot: Decimal = Field(gt=0, allow_inf_nan=False)
    max_price_age_s: float = Field(gt=0, allow_inf_nan=False)
    symbols: tuple[str, ...] = Field(min_length=1)


class Action(StrEnum):
    """What an intent does to the account's risk.

    OPEN: a market or pending order, new volume. WIDEN: existing volume may lose more than before, or a pending order
    opens elsewhere or later. CLOSE: names the position it closes and cannot exceed it. TIGHTEN: existing volume may
    lose no more than before. CANCEL: a pending order leaves.
    """

    OPEN = "open"
    WIDEN = "widen"
    CLOSE = "close"
    TIGHTEN = "tighten"
    CANCEL = "cancel"

    @property
    def reduces(self) -> bool:
        """Whether it must stay possible in any state of the account."""
        return self not in (Action.OPEN, Action.WIDEN)


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the gate judges. `volume` in lots as it would be sent, for a change that of what is changed; `price_time` is
    None when the broker gave no quote."""

    action: Action
    symbol: str
    volume: Decimal
    bid: float
    ask: float
    price_time: datetime | None
    now: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gate refused: the rule's name, the outcome's `reason`, and a sentence for a person."""

    rule: str
    reason: Literal["risk", "deadline"]
    message: str


def refusal(limits: RiskLimits, state: AccountState, facts: OrderFacts) -> Refusal | None:
    """The first rule that forbids the order, or None.

    What reduces risk passes whatever the state, list, lot limit and quote's age: leaving the market must stay possible.
    Its deadline and the soundness of its numbers are judged as any other's. A cancel needs no quote.
    """
    for rule, reason, judge in _RULES:
        message = judge(limits, state, facts)
        if message is not None:
            return Refusal(rule, reason, message)
    return None


def next_state(current: AccountState, wanted: AccountState, *, clear: bool) -> AccountState:
    """The state after a command. Tightening always works; loosening needs `clear`, which only a person gives.

    Raises `Conflict` when something else than a person asks for more freedom.
    """
    if _SEVERITY[wanted] < _SEVERITY[current] and not clear:
        raise Conflict(
            f"the account is {current}; only a person can set it back to {wanted}",
            field="state",
            hint="repeat the command with clear, once you know why it was stopped",
        )
    return wanted


def _deadline(_limits: RiskLimits, _state: AccountState, facts: OrderFacts) -> str | None:
    if facts.now <= facts.deadline:
        return None
    late = (facts.now - facts.deadline).total_seconds()
    return f"the order's deadline {_utc(facts.deadline)} passed {late:.1f} s ago: too late to send it"


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
    if state is AccountState.ACTIVE or facts.action.reduces:
        return None
    return f"the account is {state}: only what reduces risk passes"


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
)
