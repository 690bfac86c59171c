"""The broker as the core sees it: one port, implemented by the MT5 client that talks to the bridge."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.intents import OrderIntent, OrderOutcome, Side


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tick(_Fact):
    """A quote. `last` is None where the venue reports no trades; `time` is UTC."""

    symbol: str
    time: AwareDatetime
    bid: float
    ask: float
    last: float | None
    volume: float


class Account(_Fact):
    """Money in `currency`. `margin_level` is in percent, None while no margin is in use."""

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
    def positions(self, symbol: str | None = None) -> list[Position]: ...
    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        """The broker's own calculation, in the account's currency."""
        ...

    def margin(self, symbol: str, side: Side, volume: Decimal, price: float) -> float:
        """Margin the broker would hold, in the account's currency."""
        ...

    def send(self, intent: OrderIntent) -> OrderOutcome: ...
    def outcome(self, client_order_id: str) -> OrderOutcome | None: ...
