"""Golden arithmetic of profit and margin, checked by hand."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.config import AccountConfig, SymbolConfig
from mt5_bridge.paper.errors import NoConversion
from mt5_bridge.paper.feed import Feed
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.valuation import Valuation
from tradeloom.trading.timeframes import Timeframe

D = Decimal


def pair(name: str, digits: int, **changes: object) -> SymbolConfig:
    return SymbolConfig.model_validate(
        {
            "name": name,
            "digits": digits,
            "currency_base": name[:3],
            "currency_profit": name[3:],
            "currency_margin": name[:3],
            "spread_points": 20,
            "data": {"path": "x.csv", "timeframe": "H1", "price": "bid"},
        }
        | changes
    )


def one_bar(times: NDArray[np.int64], prices: NDArray[np.float64]) -> BarSeries:
    return BarSeries(Path("x"), Timeframe.H1, times, times + 3_600, prices, prices, prices, prices, prices)


def valuation(bids: Mapping[SymbolConfig, float], currency: str = "USD", digits: int = 2) -> Valuation:
    """Every symbol stands at its bid, 20 points of spread above it the ask."""
    feeds = []
    for symbol, bid in bids.items():
        prices = np.array([bid])
        times = np.array([0], dtype=np.int64)
        feeds.append(Feed(symbol, one_bar(times, prices)))
    market = Market(feeds, 0)
    account = AccountConfig(login=1, currency=currency, currency_digits=digits, leverage=100)
    return Valuation(account, {symbol.name: symbol for symbol in bids}, market)


EURUSD, USDJPY, GBPJPY, GBPUSD = pair("EURUSD", 5), pair("USDJPY", 3), pair("GBPJPY", 3), pair("GBPUSD", 5)


def test_a_pair_quoted_in_the_accounts_currency() -> None:
    books = valuation({EURUSD: 1.10000})
    assert books.profit(EURUSD, 1, D("0.1"), 110_000, 110_150) == D("15.00")
    assert books.profit(EURUSD, -1, D("0.1"), 110_000, 110_150) == D("-15.00")
    # A quarter point average: 0.37 lots x 12.25 points x 1 USD
    assert books.profit(EURUSD, 1, D("0.37"), D("110000.25"), D("110012.5")) == D("4.53")
    # 0.1 lots x 100,000 x 1.0991 / 100: the example in MetaTrader's documentation
    assert books.margin_per_lot(EURUSD, 109_910) * D("0.1") == D("109.91")
    assert books.tick_value(EURUSD, 1) == 1


def test_a_pair_based_in_the_accounts_currency() -> None:
    """What is won in yen is sold into dollars at the ask of USDJPY, what is lost is bought at the bid."""
    books = valuation({USDJPY: 150.000})
    assert books.profit(USDJPY, 1, D(1), 150_000, 150_500) == D("333.29")  # 50,000 / 150.02
    assert books.profit(USDJPY, -1, D(1), 150_000, 150_500) == D("-333.33")  # 50,000 / 150.00
    assert books.margin_per_lot(USDJPY, 150_020) == 1_000


def test_a_cross_converts_through_another_symbol() -> None:
    books = valuation({GBPJPY: 190.000, USDJPY: 150.000, GBPUSD: 1.25000})
    assert books.profit(GBPJPY, 1, D(1), 190_000, 190_500) == D("333.29")
    assert books.margin_per_lot(GBPJPY, 190_020) == 1_000 * D("1.25020")  # pounds bought at the ask


def test_conversion_finds_a_way_over_several_symbols() -> None:
    books = valuation({GBPJPY: 190.000, USDJPY: 150.000})
    assert books.margin_per_lot(GBPJPY, 190_020) == 1_000 * D("190.020") / D("150.000")


def test_gold_and_contracts_for_difference() -> None:
    gold = pair("XAUUSD", 2, contract_size=100)
    index = pair("US500X", 1, contract_size=1, currency_base="USD", currency_profit="USD", currency_margin="USD")
    leveraged = index.model_copy(update={"calc_mode": "cfd_leverage"})
    plain = index.model_copy(update={"calc_mode": "cfd"})
    books = valuation({gold: 2_000.00, leveraged: 5_000.0})
    assert books.profit(gold, -1, D("0.5"), 200_000, 199_000) == D("500.00")
    assert books.margin_per_lot(gold, 200_020) == D("2000.20")
    assert books.margin_per_lot(leveraged, 50_000) == 50
    assert books.margin_per_lot(plain, 50_000) == 5_000


def test_money_is_rounded_to_the_accounts_digits_halves_away_from_zero() -> None:
    assert valuation({EURUSD: 1.1}).money(D("2.345")) == D("2.35")
    assert valuation({EURUSD: 1.1}).money(D("-2.345")) == D("-2.35")
    assert valuation({USDJPY: 150.0}, "JPY", 0).money(D("10000000000000000000000000000.5")) == D(10**28 + 1)


def test_without_a_way_to_convert_nothing_is_valued() -> None:
    books = valuation({GBPJPY: 190.000, EURUSD: 1.1})
    with pytest.raises(NoConversion, match="no symbol converts JPY to USD"):
        books.profit(GBPJPY, 1, D(1), 190_000, 190_500)
    with pytest.raises(NoConversion, match="GBP"):
        books.margin_per_lot(GBPJPY, 190_000)


def test_a_symbol_without_a_quote_yet_converts_nothing() -> None:
    times = np.array([7_200], dtype=np.int64)
    prices = np.array([150.0])
    late = Feed(USDJPY, one_bar(times, prices))
    account = AccountConfig(login=1, currency="USD")
    books = Valuation(account, {"USDJPY": USDJPY}, Market([late], 0))
    with pytest.raises(NoConversion, match="no quote yet"):
        books.profit(USDJPY, 1, D(1), 150_000, 150_500)
