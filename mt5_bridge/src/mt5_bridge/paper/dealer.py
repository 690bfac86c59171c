"""What stands between an order and its fill: slippage, the dealer's refusals, and how much can be had at a quote."""

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import assert_never

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.conditions import FixedSlippage, RandomSlippage, RangeSlippage
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.records import ZERO

_RESTS = frozenset({mt5.ORDER_FILLING_RETURN, mt5.ORDER_FILLING_BOC})
"""Filling modes whose remainder stays in the market."""


@dataclass(frozen=True, slots=True)
class Dealer:
    """Draws from seed, ticket and attempt alone. `slippage_points` is for symbols that name no slippage."""

    market: Market
    seed: int
    slippage_points: int

    def slip(self, symbol: SymbolConfig, ticket: int, attempt: int) -> int:
        """By how many points a market or stop order is filled worse than quoted, in whole ticks."""
        model = symbol.slippage
        points = 0
        match model:
            case None:
                points = self._drawn_points(self.slippage_points, ticket, attempt)
            case RandomSlippage():
                points = self._drawn_points(model.points, ticket, attempt)
            case FixedSlippage():
                points = model.points
            case RangeSlippage():
                share = model.share * self.market.last_range(symbol.name)
                points = int(share.to_integral_value(ROUND_HALF_UP))
            case _:
                assert_never(model)
        return points - points % symbol.tick_points

    def refusal(self, symbol: SymbolConfig, ticket: int, attempt: int) -> int | None:
        """The retcode with which the dealer lets a market order pass by under instant execution: 10004 or 10021."""
        requote, price_off = symbol.requote_probability, symbol.price_off_probability
        if symbol.execution != "instant" or not (requote or price_off):
            return None
        drawn = random.Random(f"{self.seed}/dealer/{ticket}/{attempt}").random()  # noqa: S311
        if drawn < requote:
            return mt5.TRADE_RETCODE_REQUOTE
        return mt5.TRADE_RETCODE_PRICE_OFF if drawn < requote + price_off else None

    def _drawn_points(self, most: int, ticket: int, attempt: int) -> int:
        return random.Random(f"{self.seed}/{ticket}/{attempt}").randint(0, most) if most else 0  # noqa: S311


def available(symbol: SymbolConfig, wanted: Decimal, filling: int) -> Decimal:
    """Lots that one quote fills of an order for `wanted`: all or nothing under fill or kill."""
    most = symbol.liquidity_lots
    if most is None or wanted <= most:
        return wanted
    return ZERO if filling == mt5.ORDER_FILLING_FOK else most


def rests(filling: int) -> bool:
    """Whether what could not be filled waits for the next quote; else it is cancelled."""
    return filling in _RESTS
