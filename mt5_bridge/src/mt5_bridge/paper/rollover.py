"""The nightly swap: at the server's midnight each open position earns or pays its symbol's swap, from Monday's night to
Friday's, three times over on the symbol's triple day (which settles the weekend).

Modes as MetaTrader's help gives them: points; an amount a lot in the base, margin or deposit currency; or an annual
interest in percent of the position's value, at the price that would close it or at the one it opened at, over a year of
360 days.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

from mt5_bridge.paper.account import Account
from mt5_bridge.paper.config import WEEKDAYS, SymbolConfig
from mt5_bridge.paper.records import Position
from mt5_bridge.paper.timeframes import DAY_S

DAY_MSC = DAY_S * 1_000
_WEEKEND = ("saturday", "sunday")
_TRIPLE = 3
_YEAR_PERCENT = Decimal(360 * 100)


def next_midnight(now_msc: int) -> int:
    """The first midnight after `now_msc` (server time)."""
    return (now_msc // DAY_MSC + 1) * DAY_MSC


def bears_swap(account: Account) -> bool:
    symbols = (account.symbols[position.symbol] for position in account.positions.values())
    return any(symbol.swap_long or symbol.swap_short for symbol in symbols)


def charge_night(account: Account, midnight_msc: int) -> None:
    """Adds the swap of the day that ends at `midnight_msc` to every position."""
    ended = datetime.fromtimestamp(midnight_msc / 1_000 - DAY_S, tz=UTC)
    day = WEEKDAYS[ended.isoweekday() % 7]
    for position in list(account.positions.values()):
        symbol = account.symbols[position.symbol]
        rate = symbol.swap_long if position.is_long else symbol.swap_short
        nights = nights_of(symbol, day)
        if rate and nights:
            amount, currency = _night(account, symbol, position, rate)
            position.swap += account.valuation.money(account.valuation.convert(amount * nights, currency))
            account.put_position(position)


def _night(account: Account, symbol: SymbolConfig, position: Position, rate: Decimal) -> tuple[Decimal, str]:
    """What one night is worth, and in which currency."""
    units = symbol.contract_size * position.volume
    match symbol.swap_mode:
        case "points":
            return symbol.price(rate) * units, symbol.currency_profit
        case "interest_current" | "interest_open":
            price = position.price if symbol.swap_mode == "interest_open" else account.closing_price(position)
            return symbol.price(price) * units * rate / _YEAR_PERCENT, symbol.currency_profit
        case "currency_base":
            return rate * position.volume, symbol.currency_base
        case "currency_margin":
            return rate * position.volume, symbol.currency_margin
        case "currency_deposit":
            return rate * position.volume, account.config.currency
        case _:
            assert_never(symbol.swap_mode)


def nights_of(symbol: SymbolConfig, day: str) -> Decimal:
    """How many nights' swap the night of a weekday counts for."""
    if day in _WEEKEND:
        return Decimal(0)
    return Decimal(_TRIPLE if day == symbol.swap_triple_day else 1)
