"""What was open when the account's day began, and what it had won or lost by then: from deals and bars."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.risk_book import Unjudgeable, known
from mt5_bridge.terminal import Terminal
from tradeloom.trading.exact import exact

_RULE = "max_daily_loss_pct"
_DIGITS = 6
_TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)
_TIMEFRAMES = ("M1", "M5", "M15", "M30", "H1", "H4", "D1")
"""The finest that has a bar tells the price."""


def held_at(positions: Iterable[Any], since: Iterable[Any]) -> dict[int, Decimal]:
    """Signed lots by position identifier, those short negative: what is open now, less all deals since."""
    lots: defaultdict[int, Decimal] = defaultdict(Decimal)
    for position in positions:
        volume = known(position.volume, _RULE, f"the volume of position {position.ticket}")
        lots[position.identifier] += volume if position.type == mt5.POSITION_TYPE_BUY else -volume
    for deal in since:
        if deal.type in _TRADES:
            lots[deal.position_id] -= _signed(deal)
    return {position_id: volume for position_id, volume in lots.items() if volume}


def value_at_start(terminal: Terminal, deals: Sequence[Any], lots: Decimal, server_start: int) -> Decimal:
    """What `lots` of a position had won or lost by a second of the server's clock, by the deals before it; without the
    swap charged until then, which only the broker knows. Raises `Unjudgeable` without a price."""
    symbol = deals[0].symbol
    closed = _price_at(terminal, symbol, server_start, is_long=lots > 0)
    order_type = mt5.ORDER_TYPE_BUY if lots > 0 else mt5.ORDER_TYPE_SELL
    opened = float(_mean_price(deals))
    profit = terminal.order_calc_profit(order_type, symbol, float(abs(lots)), opened, closed)
    return round(known(profit, _RULE, f"the result of {abs(lots)} lots of {symbol} when the day began"), _DIGITS)


def _mean_price(deals: Iterable[Any]) -> Decimal:
    """The price a position was held at after its deals: adding averages, reducing does not, turning begins anew."""
    held, price = Decimal(0), Decimal(0)
    for deal in deals:
        if deal.type not in _TRADES:
            continue
        lots, at = _signed(deal), exact(deal.price)
        after = held + lots
        if held * lots >= 0 and after:
            price = (price * abs(held) + at * abs(lots)) / abs(after)
        elif held * after < 0:
            price = at
        held = after
    return price


def _price_at(terminal: Terminal, symbol: str, server_start: int, *, is_long: bool) -> float:
    """The bid, or for a short the ask, at a second of the server's clock."""
    for timeframe in _TIMEFRAMES:
        bars = terminal.copy_rates_from(symbol, mt5.TIMEFRAMES[timeframe], server_start, 1)
        if bars is None or not len(bars):
            continue
        bar = bars[-1]
        bid = float(bar["open"] if int(bar["time"]) >= server_start else bar["close"])
        info = terminal.symbol_info(symbol)
        spread = 0.0 if is_long or info is None else int(bar["spread"]) * info.point
        price = bid + spread
        if known(price, _RULE, f"the price of {symbol} when the day began") > 0:
            return price
    raise Unjudgeable(_RULE, f"there is no price of {symbol} from when the day began, so what it lost cannot be told")


def _signed(deal: Any) -> Decimal:
    volume = known(deal.volume, _RULE, f"the volume of deal {deal.ticket}")
    return volume if deal.type == mt5.DEAL_TYPE_BUY else -volume
