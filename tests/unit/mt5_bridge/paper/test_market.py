from pathlib import Path

import numpy as np

from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.feed import Feed
from mt5_bridge.paper.market import Market
from tradeloom.trading.timeframes import Timeframe

HOUR = 3_600


def feed(name: str, opens: list[int], price: float = 1.1) -> Feed:
    symbol = SymbolConfig.model_validate(
        {
            "name": name,
            "digits": 5,
            "currency_base": name[:3],
            "currency_profit": name[3:],
            "currency_margin": name[:3],
            "spread_points": 10,
            "data": {"path": "x.csv", "timeframe": "H1", "price": "bid"},
        }
    )
    times = np.array(opens, dtype=np.int64)
    prices = np.array([price + number / 100 for number in range(len(opens))])
    return Feed(symbol, BarSeries(Path("x"), Timeframe.H1, times, times + HOUR, prices, prices, prices, prices, prices))


def test_events_come_in_time_order_and_at_one_moment_in_the_configurations() -> None:
    market = Market([feed("EURUSD", [3 * HOUR]), feed("GBPUSD", [HOUR, 3 * HOUR])], 0)
    seen = []
    while event := market.peek(10**9):
        seen.append((event.time_msc, event.symbol, event.range is not None))
        market.apply(event)
    hour = HOUR * 1_000
    assert seen == [
        (hour, "GBPUSD", False),
        (2 * hour - 1, "GBPUSD", True),
        (3 * hour, "EURUSD", False),
        (3 * hour, "GBPUSD", False),
        (4 * hour - 1, "EURUSD", True),
        (4 * hour - 1, "GBPUSD", True),
    ]


def test_a_jump_lands_where_the_steps_lead() -> None:
    opens = [HOUR, 2 * HOUR, 5 * HOUR]
    for moment in (0, HOUR * 1_000, 2 * HOUR * 1_000 - 1, 4 * HOUR * 1_000, 99 * HOUR * 1_000):
        jumped, stepped = (Market([feed("EURUSD", opens)], 0) for _ in range(2))
        jumped.jump(moment)
        while event := stepped.peek(moment):
            stepped.apply(event)
        assert jumped.price("EURUSD") == stepped.price("EURUSD")
        assert jumped.peek(10**9) == stepped.peek(10**9)


def test_the_next_change_is_the_nearest_of_all_symbols() -> None:
    market = Market([feed("EURUSD", [3 * HOUR]), feed("GBPUSD", [HOUR])], 0)
    assert market.next_change() == HOUR * 1_000
    market.jump(4 * HOUR * 1_000)
    assert market.next_change() is None
