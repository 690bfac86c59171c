"""Money: profit and margin in the account's currency, exactly.

Forex profit = (close - open) x contract x volume in the profit currency; margin of a lot = contract / leverage in the
margin currency (`forex`), x price (`cfd_leverage`), without leverage (`cfd`), as MetaTrader's help gives them. Amounts
in another currency are converted through the quotes of available symbols, on the side that costs: what comes in is sold
at the bid, what goes out is bought at the ask.
"""

from collections import deque
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

from mt5_bridge.paper.config import AccountConfig, SymbolConfig
from mt5_bridge.paper.errors import NoConversion
from mt5_bridge.paper.market import Market

_WIDE = Context(prec=64)
"""Rounding to a currency's digits must not fail for large amounts."""

_Hop = tuple[SymbolConfig, bool]
"""A symbol on the way from one currency to another, and whether it is walked from base to profit currency."""


class Valuation:
    """Values things at the market's standing prices. Raises `NoConversion` where no symbol with a quote leads on."""

    def __init__(self, account: AccountConfig, symbols: Mapping[str, SymbolConfig], market: Market) -> None:
        self._account = account
        self._symbols = symbols
        self._market = market
        self._quantum = Decimal(1).scaleb(-account.currency_digits)
        self._paths: dict[str, list[_Hop]] = {}

    def money(self, amount: Decimal) -> Decimal:
        """Rounded to the account currency's digits, halves away from zero."""
        return amount.quantize(self._quantum, rounding=ROUND_HALF_UP, context=_WIDE)

    def convert(self, amount: Decimal, currency: str) -> Decimal:
        """An amount of `currency` in the account's currency, not rounded."""
        for symbol, direct in self._path(currency):
            bid, ask = self._price(symbol)
            # Selling what comes in meets the bid, buying what goes out the ask; an inverted pair turns the sides.
            price = symbol.price(bid if (amount >= 0) == direct else ask)
            amount = amount * price if direct else amount / price
        return amount

    def profit(
        self, symbol: SymbolConfig, sign: int, volume: Decimal, opened: Decimal | int, closed: Decimal | int
    ) -> Decimal:
        """Profit of `volume` lots from `opened` to `closed` (points), `sign` 1 for a long; rounded."""
        gain = symbol.price(Decimal(closed) - Decimal(opened)) * sign * symbol.contract_size * volume
        return self.money(self.convert(gain, symbol.currency_profit))

    def margin_per_lot(self, symbol: SymbolConfig, price: Decimal | int) -> Decimal:
        """Margin of one lot opened at `price` (points), not rounded."""
        units = symbol.contract_size
        if symbol.calc_mode != "forex":
            units *= symbol.price(price)
        if symbol.calc_mode != "cfd":
            units /= self._account.leverage
        if self._converts_itself(symbol):
            return units * symbol.price(price)
        # Margin must be bought: the negative amount takes the dearer side of each conversion.
        return -self.convert(-units, symbol.currency_margin)

    def tick_value(self, symbol: SymbolConfig, sign: int) -> Decimal:
        """What one tick of one lot is worth, won (`sign` 1) or lost (-1); not rounded."""
        tick = symbol.price(symbol.tick_points) * symbol.contract_size
        return self.convert(tick * sign, symbol.currency_profit) * sign

    def rough_rate(self, currency: str, sign: int) -> float:
        """The conversion rate of what is won (`sign` 1) or lost (-1), as a float: for screening only."""
        return float(self.convert(Decimal(sign), currency)) * sign

    def _converts_itself(self, symbol: SymbolConfig) -> bool:
        """Whether the position's own price turns its margin currency into the account's (EURUSD for a USD account)."""
        return (
            symbol.calc_mode == "forex"
            and symbol.currency_margin == symbol.currency_base != symbol.currency_profit
            and symbol.currency_profit == self._account.currency
        )

    def _price(self, symbol: SymbolConfig) -> tuple[int, int]:
        price = self._market.price(symbol.name)
        if price is None:
            raise NoConversion(f"{symbol.name} has no quote yet to convert with", field=symbol.name)
        return price

    def _path(self, currency: str) -> list[_Hop]:
        """The shortest way from `currency` to the account's currency, first symbols of the configuration first."""
        if currency not in self._paths:
            self._paths[currency] = self._search(currency)
        return self._paths[currency]

    def _search(self, currency: str) -> list[_Hop]:
        goal = self._account.currency
        ways: dict[str, list[_Hop]] = {currency: []}
        queue = deque([currency])
        while queue and goal not in ways:
            here = queue.popleft()
            for symbol in self._symbols.values():
                direct = symbol.currency_base == here
                there = symbol.currency_profit if direct else symbol.currency_base
                touches = direct or symbol.currency_profit == here
                if symbol.calc_mode == "forex" and touches and there not in ways:
                    ways[there] = [*ways[here], (symbol, direct)]
                    queue.append(there)
        if goal not in ways:
            raise NoConversion(f"no symbol converts {currency} to {goal}", field=currency)
        return ways[goal]
