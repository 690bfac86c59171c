"""The package's market functions: what they take, what they answer, and how they fail."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from mt5_bridge.paper import constants as mt5

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
START = 1_704_672_000
HOURS = [(1.1 + n / 1_000, 1.105 + n / 1_000, 1.095 + n / 1_000, 1.101 + n / 1_000) for n in range(50)]
BARS = [tuple(round(price, 5) for price in bar) for bar in HOURS]
H1, H4 = mt5.TIMEFRAME_H1, mt5.TIMEFRAME_H4


def opens(rates: Any) -> list[int]:
    """Hours after the first bar at which the bars open."""
    return [(int(time) - START) // 3_600 for time in rates["time"]]


def test_bars_by_position_count_back_from_the_forming_one(make_paper: MakePaper) -> None:
    market = make_paper(BARS).to(10).market
    assert opens(market.copy_rates_from_pos("EURUSD", H1, 0, 3)) == [8, 9, 10]
    assert opens(market.copy_rates_from_pos("EURUSD", H1, 1, 3)) == [7, 8, 9]
    assert opens(market.copy_rates_from_pos("EURUSD", H1, 0, 500)) == list(range(11))
    assert opens(market.copy_rates_from_pos("EURUSD", H4, 0, 2)) == [4, 8]
    assert market.copy_rates_from_pos("EURUSD", H1, 11, 1) is None
    assert market.session.error == (-1, "Terminal: Call failed")


def test_bars_from_a_date_end_with_the_one_that_holds_it(make_paper: MakePaper) -> None:
    market = make_paper(BARS).to(10).market
    assert opens(market.copy_rates_from("EURUSD", H1, START + 5 * 3_600, 2)) == [4, 5]
    assert opens(market.copy_rates_from("EURUSD", H1, START + 5 * 3_600 - 1, 2)) == [3, 4]
    assert opens(market.copy_rates_from("EURUSD", H1, datetime(2024, 1, 8, 5, tzinfo=UTC), 1)) == [5]
    assert opens(market.copy_rates_from("EURUSD", H1, float(START) + 3_600.9, 1)) == [1]
    assert opens(market.copy_rates_from("EURUSD", H1, 2**40, 2)) == [9, 10]
    assert opens(market.copy_rates_from("EURUSD", H1, START - 1, 5)) == []


def test_bars_of_a_range_include_both_ends(make_paper: MakePaper) -> None:
    market = make_paper(BARS).to(10).market
    assert opens(market.copy_rates_range("EURUSD", H1, START + 3_600, START + 3 * 3_600)) == [1, 2, 3]
    assert opens(market.copy_rates_range("EURUSD", H1, START + 3_601, START + 3 * 3_600 - 1)) == [2]
    assert opens(market.copy_rates_range("EURUSD", H1, START + 9 * 3_600, START + 99 * 3_600)) == [9, 10]
    assert opens(market.copy_rates_range("EURUSD", H1, START + 3_600, START)) == []
    assert market.copy_rates_range("EURUSD", H1, 0, START) is None  # more calendar than the terminal keeps bars
    assert market.session.error == (-2, "Terminal: Invalid params")


def test_what_is_handed_out_is_a_copy(make_paper: MakePaper) -> None:
    market = make_paper(BARS).to(10).market
    ticks = "EURUSD", START, START + 86_400, mt5.COPY_TICKS_ALL
    for read, arguments in ((market.copy_rates_from_pos, ("EURUSD", H1, 0, 5)), (market.copy_ticks_range, ticks)):
        before = read(*arguments).copy()
        read(*arguments)["time"] = 0
        np.testing.assert_array_equal(read(*arguments), before)


def test_ticks(make_paper: MakePaper) -> None:
    market = make_paper(BARS).to(2).market
    ticks = market.copy_ticks_from("EURUSD", START, 3, mt5.COPY_TICKS_ALL)
    assert ticks["time_msc"].tolist() == [START * 1_000, START * 1_000 + 3_599_999, START * 1_000 + 3_600_000]
    assert ticks["bid"].tolist() == [1.1, 1.101, 1.101]
    assert ticks["ask"].tolist() == [1.1001, 1.1011, 1.1011]
    assert set(ticks["flags"]) == {mt5.TICK_FLAG_BID | mt5.TICK_FLAG_ASK}
    assert len(market.copy_ticks_from("EURUSD", START, 100, mt5.COPY_TICKS_INFO)) == 5
    assert len(market.copy_ticks_range("EURUSD", START, START + 3_600, mt5.COPY_TICKS_ALL)) == 3
    assert len(market.copy_ticks_range("EURUSD", START, START + 3_600, mt5.COPY_TICKS_TRADE)) == 0


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        ("copy_rates_from_pos", ("EURUSD", H1, 0, 0), (-2, "Terminal: Invalid params")),
        ("copy_rates_from_pos", ("EURUSD", H1, 0, 100_000), (-2, "Terminal: Invalid params")),
        ("copy_rates_from_pos", ("EURUSD", H1, -1, 5), (-2, "Terminal: Invalid params")),
        ("copy_rates_from_pos", ("EURUSD", 7, 0, 5), (-2, "Terminal: Invalid params")),
        ("copy_rates_from_pos", ("EURUSD", mt5.TIMEFRAME_M30, 0, 5), (-1, "Terminal: Call failed")),
        ("copy_rates_from_pos", ("NONE", H1, 0, 5), (-1, "Terminal: Call failed")),
        ("copy_rates_from_pos", (b"EURUSD", H1, 0, 5), (-2, "Invalid 1st unnamed argument")),
        ("copy_rates_from_pos", ("EURUSD", "H1", 0, 5), (-2, "Invalid 2nd unnamed argument")),
        ("copy_rates_from_pos", ("EURUSD", H1, 0.0, 5), (-2, "Invalid 3rd unnamed argument")),
        ("copy_rates_from_pos", ("EURUSD", H1, 0, np.int64(5)), (-2, "Invalid 4th unnamed argument")),
        ("copy_rates_from", ("EURUSD", H1, "2024-01-08", 5), (-2, "Invalid 3rd unnamed argument")),
        ("copy_rates_from", ("EURUSD", H1, float("nan"), 5), (-2, "Invalid 3rd unnamed argument")),
        ("copy_ticks_from", ("EURUSD", 0, 0, -1), (-2, "Terminal: Invalid params")),
        ("copy_ticks_from", ("EURUSD", 0, 5, 99), (-2, "Terminal: Invalid params")),
        ("symbol_info", ("NONE",), (-4, "Terminal: Not found")),
        ("symbol_info_tick", ("NONE",), (-4, "Terminal: Not found")),
        ("symbol_info", (1,), (-2, "Invalid 1st unnamed argument")),
        ("market_book_get", ("EURUSD",), (-1, "Terminal: Call failed")),
    ],
)
def test_failures_are_none_and_last_error(
    make_paper: MakePaper, function: str, arguments: tuple[Any, ...], error: tuple[int, str]
) -> None:
    paper = make_paper(BARS)
    assert getattr(paper.market, function)(*arguments) is None
    assert paper.connection.last_error() == error
    assert paper.market.symbols_total() == 1
    assert paper.connection.last_error() == (1, "Success")


def test_there_is_no_market_depth(make_paper: MakePaper) -> None:
    market = make_paper(BARS).market
    assert market.market_book_add("EURUSD") is False
    assert market.market_book_release("EURUSD") is False


def test_symbols_can_be_listed_by_group_and_hidden(make_paper: MakePaper) -> None:
    others: list[Any] = [("GBPUSD", BARS, {}), ("USDJPY", BARS, {}), ("EURJPY", BARS, {})]
    paper = make_paper(BARS, others=others)
    market = paper.market

    def names(*unnamed: str, **filters: str) -> list[str]:
        return [info.name for info in market.symbols_get(*unnamed, **filters)]

    assert names() == ["EURUSD", "GBPUSD", "USDJPY", "EURJPY"]
    assert names(group="EUR*") == names("EUR*") == ["EURUSD", "EURJPY"]
    assert names(group="*USD*, !USD*") == ["EURUSD", "GBPUSD"]
    assert names(group="*,!*JPY,!EUR*") == ["GBPUSD"]
    assert names(group="GBPUSD") == ["GBPUSD"]
    assert market.symbol_select("GBPUSD", False) is True
    assert market.symbol_info("GBPUSD").select is False
    paper.deal(BUY)
    assert market.symbol_select("EURUSD", False) is False
    assert market.symbol_select("NONE") is False
    assert market.symbol_select("GBPUSD") is True


def test_symbol_info_tells_the_day_so_far(make_paper: MakePaper) -> None:
    info = make_paper(BARS).to(26).market.symbol_info("EURUSD")
    assert (info.session_open, info.bidhigh, info.bidlow) == (1.124, 1.13, 1.119)
    assert info.session_close == 1.124
    assert info.price_change == round((1.126 / 1.124 - 1) * 100, 4)
    assert (info.bid, info.ask, info.spread, info.time) == (1.126, 1.1261, 10, START + 26 * 3_600)
    assert (info.filling_mode, info.trade_tick_value, info.point) == (3, 1.0, 1e-5)


def test_before_the_first_bar_there_is_no_price(make_paper: MakePaper) -> None:
    paper = make_paper(BARS, clock={"start": "2024-01-07T23:00:00Z"})
    assert paper.market.symbol_info_tick("EURUSD") == (0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)
    assert paper.market.copy_rates_from_pos("EURUSD", H1, 0, 1) is None
    assert paper.market.symbol_info("EURUSD").bid == 0.0
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1}
    assert paper.send(**request).retcode == mt5.TRADE_RETCODE_MARKET_CLOSED
