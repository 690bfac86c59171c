"""The nightly swap: at the server's midnight each open position earns or pays its symbol's points, from Monday's night
to Friday's, three times over on the symbol's triple day (which settles the weekend)."""

from datetime import UTC, datetime
from decimal import Decimal

from mt5_bridge.paper.account import Account
from mt5_bridge.paper.config import WEEKDAYS, SymbolConfig
from mt5_bridge.paper.timeframes import DAY_S

DAY_MSC = DAY_S * 1_000
_WEEKEND = ("saturday", "sunday")
_TRIPLE = 3


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
        points = symbol.swap_long if position.is_long else symbol.swap_short
        nights = nights_of(symbol, day)
        if points and nights:
            amount = symbol.price(points) * symbol.contract_size * position.volume * nights
            position.swap += account.valuation.money(account.valuation.convert(amount, symbol.currency_profit))
            account.put_position(position)


def nights_of(symbol: SymbolConfig, day: str) -> Decimal:
    """How many nights' swap the night of a weekday counts for."""
    if day in _WEEKEND:
        return Decimal(0)
    return Decimal(_TRIPLE if day == symbol.swap_triple_day else 1)
