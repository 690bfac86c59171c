"""The broker as the core sees it: one port, implemented by the MT5 client that talks to the bridge."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Expiry, OrderIntent, OrderOutcome, PendingType, Side
from tradeloom.trading.ticks import MAX_TICKS, Ticks

if TYPE_CHECKING:
    from tradeloom.trading.guards import Guard, GuardReport


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class Tick(_Fact):
    """A quote. `last` is None where the venue reports no trades; `time` is UTC."""

    symbol: str
    time: AwareDatetime
    bid: float
    ask: float
    last: float | None
    volume: float


class Account(_Fact):
    """Money in `currency`. `margin_level` is in percent, None while no margin is in use. `credit` was lent by the
    broker: it is part of equity, and of neither balance nor profit."""

    name: str
    login: int
    trade_mode: Literal["paper", "demo", "live"]
    margin_mode: Literal["netting", "hedging"]
    currency: str
    leverage: int
    balance: float
    equity: float
    margin: float
    free_margin: float
    margin_level: float | None
    profit: float
    credit: float = 0.0


class Position(_Fact):
    """An open position. `ticket` identifies it; `magic` is that of the order that opened it; volume in lots.

    `workflow_id` names the workflow whose order opened it, by the bridge's journal; None for anyone else's.
    """

    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    price_open: float
    price_current: float
    stop_loss: float | None
    take_profit: float | None
    profit: float
    swap: float
    magic: int
    comment: str
    opened_at: AwareDatetime
    workflow_id: str | None = None


class PendingOrder(_Fact):
    """An order resting at the broker. `volume` was asked for, `remaining` of it is not filled; `price` is where it
    waits, `limit_price` the limit a stop-limit places there; `price_current` is the market's on its side.

    `workflow_id` as a position's.
    """

    ticket: int
    symbol: str
    type: PendingType
    side: Side
    volume: Decimal
    remaining: Decimal
    price: float
    limit_price: float | None
    price_current: float
    stop_loss: float | None
    take_profit: float | None
    expiry: Expiry
    expires_at: AwareDatetime | None
    placed_at: AwareDatetime
    magic: int
    comment: str
    workflow_id: str | None = None


class EndedOrder(_Fact):
    """An order that left the broker's book. `volume` was asked for, `filled` of it was filled; `price` is where it
    waited. `pending` tells one that waited from one at market; `workflow_id` as a position's."""

    ticket: int
    symbol: str
    side: Side
    pending: bool
    volume: Decimal
    filled: Decimal
    price: float
    how: Literal["filled", "cancelled", "expired", "rejected"]
    placed_at: AwareDatetime
    ended_at: AwareDatetime
    magic: int
    comment: str
    workflow_id: str | None = None


CloseReason = Literal[
    "client",
    "mobile",
    "web",
    "expert",
    "stop_loss",
    "take_profit",
    "stop_out",
    "rollover",
    "variation_margin",
    "split",
    "other",
]
"""Who or what closed: by hand in the terminal, the phone or the web, a program (us too), or the broker itself."""


class ClosedTrade(_Fact):
    """A deal that closed a position, or the part `volume` of it. `side` is the position's.

    `profit`, `swap` and `commission` are the broker's figures in the account's currency, costs negative; the
    commission is the closing deal's and the share of the opening's. Opening price and time are None where the broker's
    history does not reach back to them. `magic` and `workflow_id` are those of the order that opened the position.
    """

    deal: int
    position: int
    symbol: str
    side: Side
    volume: Decimal
    price_open: float | None
    price_close: float
    opened_at: AwareDatetime | None
    closed_at: AwareDatetime
    profit: float
    swap: float
    commission: float
    reason: CloseReason
    magic: int
    comment: str
    workflow_id: str | None = None

    @property
    def net_profit(self) -> float:
        """What the trade changed the balance by."""
        return float(sum(exact(amount) for amount in (self.profit, self.swap, self.commission)))


FlowKind = Literal["balance", "credit", "charge", "correction", "bonus", "commission", "interest", "dividend", "tax"]


class CashFlow(_Fact):
    """A change of the balance that is no trade. `amount` in the account's currency, negative when it was taken.

    `balance` is a deposit or withdrawal.
    """

    deal: int
    time: AwareDatetime
    kind: FlowKind
    amount: float
    comment: str

    @property
    def is_capital(self) -> bool:
        """Whether it was paid in or out, rather than earned or spent by trading."""
        return self.kind in ("balance", "credit", "correction", "bonus")


class Booked(_Fact):
    """What the deals of a period moved the balance by, exactly, in the account's currency.

    `traded` is profit, swap, commission and fee of every deal that opened or closed something, so what opening a
    position cost counts when it was paid; `charged` is what was earned or spent otherwise (interest, fees); `paid_in`
    are deposits less withdrawals. Credit is no part of the balance.
    """

    traded: Decimal
    charged: Decimal
    paid_in: Decimal


class Symbol(_Fact):
    """What the broker says of a symbol. `point` is the smallest quoted unit, `tick_size` the smallest price step,
    `stops_level` the least distance of stops in points, `contract_size` the units in one lot."""

    name: str
    digits: int
    point: Decimal
    tick_size: Decimal
    contract_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    stops_level: int
    freeze_level: int
    spread: int
    currency_base: str
    currency_profit: str
    currency_margin: str

    @property
    def pip(self) -> Decimal:
        """Ten points on 3- and 5-digit quotes, one point otherwise."""
        return self.point * 10 if self.digits in (3, 5) else self.point


class Broker(Protocol):
    """One account at one broker. Every method may raise `BrokerUnavailable` or `BrokerTimeout`.

    `send` returns an outcome for whatever was decided, UNKNOWN included; it raises only when it is certain that
    nothing was sent. Sending an intent again returns the outcome already recorded.
    """

    @property
    def account_name(self) -> str: ...

    def market_time(self) -> datetime: ...
    def account(self) -> Account: ...
    def symbol(self, name: str) -> Symbol: ...
    def tick(self, symbol: str) -> Tick: ...
    def bars(self, reference: BarsReference) -> Bars: ...
    def ticks(self, symbol: str, since: datetime, skip: int = 0, limit: int = MAX_TICKS) -> Ticks:
        """Every quote from the millisecond `since` on, without the first `skip` of exactly that millisecond; when there
        are `limit`, more may follow. Raises `InvalidInput` from a bridge too old to tell."""
        ...

    def positions(self, symbol: str | None = None) -> list[Position]: ...
    def orders(self, symbol: str | None = None) -> list[PendingOrder]: ...
    def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
        """Closed between two moments, both included, the earliest first.

        Raises `InvalidInput` for a period that is too long or holds too many, as `cash_flows` does.
        """
        ...

    def ended_orders(self, since: datetime, until: datetime, tickets: Sequence[int] = ()) -> list[EndedOrder]:
        """Those that left the book between two moments, both included, and those of the tickets whenever they did, the
        earliest first. Raises `InvalidInput` as `trades` does, and for more than 500 tickets."""
        ...

    def cash_flows(self, since: datetime, until: datetime) -> list[CashFlow]:
        """Deposits, withdrawals and every other change of the balance that is no trade, the earliest first."""
        ...

    def booked(self, since: datetime, until: datetime) -> Booked:
        """What moved the balance between two moments, both included. Raises `InvalidInput` as `trades` does."""
        ...

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        """The broker's own calculation, in the account's currency."""
        ...

    def margin(self, symbol: str, side: Side, volume: Decimal, price: float) -> float:
        """Margin the broker would hold, in the account's currency."""
        ...

    def send(self, intent: OrderIntent) -> OrderOutcome: ...
    def outcome(self, client_order_id: str) -> OrderOutcome | None: ...
    def guard(self, guard: "Guard") -> "GuardReport":
        """Sets a guard, which from then on is watched beside the terminal, and tells how it stands after one look.

        The same guard again is one guard. Raises `NotFound` for a position that is not open.
        """
        ...

    def guards(
        self, *, active_only: bool = True, symbol: str | None = None, position: int | None = None
    ) -> "list[GuardReport]": ...
    def unguard(self, guard_id: str) -> "GuardReport":
        """Takes a guard away; what it did stays done. Raises `NotFound`."""
        ...
