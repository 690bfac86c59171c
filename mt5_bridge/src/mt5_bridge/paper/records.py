"""What the broker keeps: positions, orders and deals, each a row of the terminal's database.

Prices are in points of the symbol (with the digits kept beside them where history must outlive the configuration),
volumes in lots, money in the account's currency, times in milliseconds of server time, kinds as MetaTrader's numbers.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from mt5_bridge.paper import constants

ZERO = Decimal(0)

_UNSIGNED = {"sql": "TEXT"}
"""Magic numbers use all 64 bits, SQLite's integers 63."""


@dataclass(slots=True)
class Position:
    """`margin_per_lot` is fixed when the position opens (averaged when it grows): paper margin does not float.
    `ticket` is that of the order that opened it; a netting reversal gives a new ticket and keeps `identifier`."""

    table: ClassVar[str] = "positions"

    login: int
    ticket: int
    identifier: int
    symbol: str
    digits: int
    type: int
    volume: Decimal
    price: Decimal
    sl: int
    tp: int
    margin_per_lot: Decimal
    reason: int
    comment: str
    time_msc: int
    time_update_msc: int
    swap: Decimal = ZERO
    magic: int = field(default=0, metadata=_UNSIGNED)

    @property
    def is_long(self) -> bool:
        return self.type == constants.POSITION_TYPE_BUY

    @property
    def sign(self) -> int:
        return 1 if self.is_long else -1


@dataclass(slots=True)
class Order:
    """A pending order while `time_done_msc` is 0, history after. `expiration` is seconds of server time, 0 for none."""

    table: ClassVar[str] = "orders"

    login: int
    ticket: int
    symbol: str
    digits: int
    type: int
    state: int
    reason: int
    volume_initial: Decimal
    volume_current: Decimal
    price: int
    time_setup_msc: int
    comment: str = ""
    stoplimit: int = 0
    sl: int = 0
    tp: int = 0
    type_time: int = constants.ORDER_TIME_GTC
    type_filling: int = constants.ORDER_FILLING_FOK
    expiration: int = 0
    position_id: int = 0
    position_by_id: int = 0
    price_current: int = 0
    time_done_msc: int = 0
    magic: int = field(default=0, metadata=_UNSIGNED)

    @property
    def is_buy(self) -> bool:
        return self.type in BUY_ORDERS

    @property
    def is_triggered(self) -> bool:
        """Whether it waits for more to be had, not for a price: what is left of a market order, or a stop order."""
        return self.state == constants.ORDER_STATE_PARTIAL and self.type not in LIMIT_ORDERS


@dataclass(frozen=True, slots=True)
class Deal:
    """Every change of a balance is a deal: balance = sum of profit + commission + swap over all of an account's."""

    table: ClassVar[str] = "deals"

    login: int
    ticket: int
    order_ticket: int
    symbol: str
    digits: int
    type: int
    entry: int
    reason: int
    volume: Decimal
    price: Decimal
    commission: Decimal
    swap: Decimal
    profit: Decimal
    position_id: int
    comment: str
    time_msc: int
    magic: int = field(default=0, metadata=_UNSIGNED)


BUY_ORDERS = frozenset(
    {
        constants.ORDER_TYPE_BUY,
        constants.ORDER_TYPE_BUY_LIMIT,
        constants.ORDER_TYPE_BUY_STOP,
        constants.ORDER_TYPE_BUY_STOP_LIMIT,
    }
)
LIMIT_ORDERS = frozenset({constants.ORDER_TYPE_BUY_LIMIT, constants.ORDER_TYPE_SELL_LIMIT})
STOP_ORDERS = frozenset({constants.ORDER_TYPE_BUY_STOP, constants.ORDER_TYPE_SELL_STOP})
STOP_LIMIT_ORDERS = frozenset({constants.ORDER_TYPE_BUY_STOP_LIMIT, constants.ORDER_TYPE_SELL_STOP_LIMIT})
PENDING_ORDERS = LIMIT_ORDERS | STOP_ORDERS | STOP_LIMIT_ORDERS
