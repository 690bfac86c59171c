"""How a fill changes positions: in netting accounts one position a symbol, in hedging accounts one a fill.

Netting: more on the same side moves the open price to the volume-weighted average; less on the other side closes a part
at no change of price; more on the other side reverses in one deal (`DEAL_ENTRY_INOUT`), with a new ticket and the old
identifier. Stop levels named by the order replace the position's, levels it leaves at zero stay. An order filled in
parts adds to the position its first part opened.
"""

from dataclasses import dataclass
from decimal import Decimal

from mt5_bridge.paper import constants
from mt5_bridge.paper.account import Account
from mt5_bridge.paper.records import ZERO, Order, Position

_AVERAGE_STEP = Decimal("1e-8")
"""Average open prices are kept to this fraction of a point."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fill did: the deal's entry, the position it belongs to, and what was realised."""

    entry: int
    position_id: int
    profit: Decimal = ZERO
    swap: Decimal = ZERO


def apply_fill(account: Account, order: Order, volume: Decimal, price: int, closes: Position | None) -> Effect:
    """Books `volume` lots of `order` at `price` (points), against the position it `closes` if it names one."""
    if closes is not None:
        return settle(account, closes, volume, Decimal(price))
    own = account.positions.get(order.ticket)
    if account.is_hedging and own is not None:  # an order filled in parts makes one position
        return _increase(account, own, order, volume, price)
    held = account.positions_in(order.symbol)
    if account.is_hedging or not held:
        return _open(account, order, volume, price, identifier=order.ticket)
    position = held[0]
    if position.is_long == order.is_buy:
        return _increase(account, position, order, volume, price)
    if volume <= position.volume:
        return settle(account, position, volume, Decimal(price))
    rest = volume - position.volume
    realised = settle(account, position, position.volume, Decimal(price))
    _open(account, order, rest, price, identifier=position.identifier)
    return Effect(constants.DEAL_ENTRY_INOUT, position.identifier, realised.profit, realised.swap)


def settle(
    account: Account, position: Position, volume: Decimal, price: Decimal, entry: int = constants.DEAL_ENTRY_OUT
) -> Effect:
    """Closes `volume` lots of a position at `price` (points); the swap goes with the share that is closed."""
    symbol = account.symbols[position.symbol]
    profit = account.valuation.profit(symbol, position.sign, volume, position.price, price)
    whole = volume == position.volume
    swap = position.swap if whole else account.valuation.money(position.swap * volume / position.volume)
    if whole:
        account.drop_position(position)
    else:
        position.volume -= volume
        position.swap -= swap
        position.time_update_msc = account.market.now_msc
        account.put_position(position)
    return Effect(entry, position.identifier, profit, swap)


def _open(account: Account, order: Order, volume: Decimal, price: int, *, identifier: int) -> Effect:
    side = constants.POSITION_TYPE_BUY if order.is_buy else constants.POSITION_TYPE_SELL
    now = account.market.now_msc
    position = Position(
        login=account.login,
        ticket=order.ticket,
        identifier=identifier,
        symbol=order.symbol,
        digits=order.digits,
        type=side,
        volume=volume,
        price=Decimal(price),
        sl=order.sl,
        tp=order.tp,
        margin_per_lot=account.valuation.margin_per_lot(account.symbols[order.symbol], price),
        reason=order.reason,
        comment=order.comment,
        time_msc=now,
        time_update_msc=now,
        magic=order.magic,
    )
    account.put_position(position)
    return Effect(constants.DEAL_ENTRY_IN, identifier)


def _increase(account: Account, position: Position, order: Order, volume: Decimal, price: int) -> Effect:
    total = position.volume + volume
    per_lot = account.valuation.margin_per_lot(account.symbols[position.symbol], price)
    average = (position.price * position.volume + price * volume) / total
    position.price = average.quantize(_AVERAGE_STEP)
    position.margin_per_lot = (position.margin_per_lot * position.volume + per_lot * volume) / total
    position.volume = total
    if (
        not account.is_hedging
    ):  # there it is the rest of the position's own order, whose levels it has, or has since changed
        position.sl = order.sl or position.sl
        position.tp = order.tp or position.tp
    position.time_update_msc = account.market.now_msc
    account.put_position(position)
    return Effect(constants.DEAL_ENTRY_IN, position.identifier)
