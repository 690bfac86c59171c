"""What the bridge can be asked: its methods, their parameters, and what it tells of clocks and accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.trading.account_day import DayFigures
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.guards import Guard
from tradeloom.trading.intents import OrderIntent, Side
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.ticks import MAX_TICKS


class Effect(StrEnum):
    """READ may be repeated freely; TRADE sends an order; CONTROL changes the account's state or a paper clock."""

    READ = "read"
    TRADE = "trade"
    CONTROL = "control"


class Params(BaseModel):
    """A method's parameters; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class NoParams(Params):
    pass


_SymbolName = Annotated[str, Field(min_length=1, max_length=29)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class SymbolParams(Params):
    symbol: _SymbolName


class BarsParams(Params):
    reference: BarsReference


class PositionsParams(Params):
    symbol: _SymbolName | None = None


class PeriodParams(Params):
    since: AwareDatetime
    until: AwareDatetime


class EndedOrdersParams(PeriodParams):
    """Orders that left the book in a period; those of `tickets` whenever they did."""

    tickets: Annotated[tuple[Annotated[int, Field(gt=0, lt=2**63)], ...], Field(max_length=500)] = ()


class TradesParams(PeriodParams):
    symbol: _SymbolName | None = None


class TradeLedgerParams(TradesParams):
    """A page of the trade ledger: the first `limit` records, of those at the moment `since` only the ones behind
    `after_deal`. The last record's closing time and deal ask for the next page."""

    workflow_id: str | None = Field(default=None, max_length=500)
    after_deal: int = Field(default=0, ge=0, lt=2**63)
    limit: int = Field(default=200, ge=1, le=500)


class TicksParams(Params):
    """Ticks from the millisecond `since` on, without the first `skip` of those in exactly that one: what a reader who
    has seen so many of them has not seen yet."""

    symbol: _SymbolName
    since: AwareDatetime
    skip: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_TICKS)] = MAX_TICKS


MAX_WATCHED = 100
MAX_MARKET_WAIT_S = 30.0


class MarketWaitParams(Params):
    """Waits for something new in one of the symbols, or in the account's orders, since the answer whose cursor `after`
    is; without one the answer comes at once."""

    symbols: Annotated[tuple[_SymbolName, ...], Field(max_length=MAX_WATCHED)]
    after: str | None = Field(default=None, max_length=64)
    timeout_s: Annotated[float, Field(ge=0, le=MAX_MARKET_WAIT_S, allow_inf_nan=False)] = 5.0


class ProfitParams(Params):
    symbol: _SymbolName
    side: Side
    volume: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    price_open: _Finite
    price_close: _Finite


class MarginParams(Params):
    symbol: _SymbolName
    side: Side
    volume: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
    price: _Finite


class SendParams(Params):
    intent: OrderIntent


class OutcomeParams(Params):
    client_order_id: str = Field(pattern=r"^[0-9a-f]{32}$")


ManualDecision = Literal["not_sent", "order", "deal", "position"]


class SettleParams(Params):
    """A person's word on an order nobody else can settle: it was not sent, or the ticket of what it became."""

    client_order_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    decision: ManualDecision
    ticket: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    by: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _names_what_it_was(self) -> Self:
        if (self.decision == "not_sent") != (self.ticket is None):
            raise ValueError("a ticket is given for an order, deal or position, and only then")
        return self


class GuardParams(Params):
    guard: Guard


class GuardsParams(Params):
    """Which guards to list: those that ended too, in one symbol, of one position (by ticket)."""

    active_only: bool = True
    symbol: _SymbolName | None = None
    position: Annotated[int, Field(gt=0, lt=2**63)] | None = None


class UnguardParams(Params):
    guard_id: str = Field(pattern=r"^[0-9a-f]{32}$")


class StateParams(Params):
    """`by` names who asks; `clear` is a person's word that a stop may be lifted."""

    state: AccountState
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=200)
    clear: bool = False


class FlattenParams(Params):
    """Halts the account and takes everything off it. The same id again is the same flatten."""

    flatten_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=200)


class FlattenedParams(Params):
    """Which flatten to tell of; the latest when no id is given."""

    flatten_id: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


class LimitsParams(Params):
    """The whole set of limits that is to hold; `clear` is a person's word that they may allow more than before.
    `expected` is the set that was changed: when another has come into force since, nothing is done."""

    limits: RiskLimits
    expected: RiskLimits | None = None
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=200)
    clear: bool = False


class UnthrottleParams(Params):
    """A person's word that a throttled workflow may open orders again."""

    workflow_id: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=200)


class AdvanceParams(Params):
    to: AwareDatetime


class SpeedParams(Params):
    speed: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MarketClock(BaseModel):
    """An account's market clock. `speed` is market seconds per second: 1 live, 0 for a replay that stands still."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    time: AwareDatetime
    speed: float
    paper: bool


class MarketChange(BaseModel):
    """Which of the symbols waited for have new quotes, and whether orders or positions may have changed. `unsure`: the
    cursor was another worker's, or none, so that anything may have happened since."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    cursor: str
    symbols: tuple[str, ...] = ()
    orders: bool = False
    unsure: bool = False


class Throttle(BaseModel):
    """A workflow that repeated itself too often: it opens nothing until a person clears it. `at` is market time."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    workflow_id: str
    symbol: str
    side: Side
    at: AwareDatetime
    message: str


class AccountStatus(BaseModel):
    """Whether an account may trade, who decided so and when (wall time), the limits in force, and the workflows that
    are throttled. Only `state` tells the account's `day`, as its gate saw it last; None before its first look."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: AccountState
    reason: str
    by: str
    changed_at: AwareDatetime
    limits: RiskLimits
    throttled: tuple[Throttle, ...] = ()
    day: DayFigures | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the whitelist. `front` methods are answered by the front, without the account's worker."""

    effect: Effect
    params: type[Params]
    front: bool = False


METHODS: Mapping[str, Method] = {
    "health": Method(Effect.READ, NoParams, front=True),
    "market_clock": Method(Effect.READ, NoParams),
    "account": Method(Effect.READ, NoParams),
    "symbol": Method(Effect.READ, SymbolParams),
    "tick": Method(Effect.READ, SymbolParams),
    "bars": Method(Effect.READ, BarsParams),
    "ticks": Method(Effect.READ, TicksParams),
    "market_wait": Method(Effect.READ, MarketWaitParams, front=True),
    "positions": Method(Effect.READ, PositionsParams),
    "orders": Method(Effect.READ, PositionsParams),
    "trades": Method(Effect.READ, TradesParams),
    "ended_orders": Method(Effect.READ, EndedOrdersParams),
    "trade_ledger": Method(Effect.READ, TradeLedgerParams),
    "cash_flows": Method(Effect.READ, PeriodParams),
    "booked": Method(Effect.READ, PeriodParams),
    "profit": Method(Effect.READ, ProfitParams),
    "margin": Method(Effect.READ, MarginParams),
    "send": Method(Effect.TRADE, SendParams),
    "outcome": Method(Effect.READ, OutcomeParams),
    "settle_manual": Method(Effect.CONTROL, SettleParams),
    "guard": Method(Effect.TRADE, GuardParams),
    "guards": Method(Effect.READ, GuardsParams, front=True),
    "unguard": Method(Effect.CONTROL, UnguardParams),
    "state": Method(Effect.READ, NoParams, front=True),
    "set_state": Method(Effect.CONTROL, StateParams, front=True),
    "set_limits": Method(Effect.CONTROL, LimitsParams, front=True),
    "unthrottle": Method(Effect.CONTROL, UnthrottleParams, front=True),
    "flatten": Method(Effect.CONTROL, FlattenParams, front=True),
    "flattened": Method(Effect.READ, FlattenedParams, front=True),
    "advance": Method(Effect.CONTROL, AdvanceParams),
    "set_speed": Method(Effect.CONTROL, SpeedParams),
    "next_event_time": Method(Effect.READ, NoParams),
}
