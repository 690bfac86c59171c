"""Candlesticks: TA-Lib's own, all of them, by name."""

import inspect

import numpy as np
import pytest
import talib
from talib import abstract

from tests.support.random_walks import random_walk
from tests.support.series import Columns, bars_from, eurusd_h1
from tests.unit.nodes.indicator.cases import random_bars
from tradeloom.nodes.ml._candles import CANDLESTICKS, LOOKBACK, candlesticks
from tradeloom.nodes.ml._pattern_rates import pattern_rates


def _gapping(seed: int) -> Columns:
    """Bars on a coarse grid with gaps: doji, equal lows and gap patterns that smooth walks never show."""
    return random_bars(seed, 4000, price=100.0, tick=0.02)


EURUSD = {name: column[-4000:] for name, column in eurusd_h1().items()}
MARKETS = {"eurusd": EURUSD, "walk": random_walk(np.random.default_rng(1), 4000), "gapping": _gapping(2)}


def test_all_of_talibs_and_no_other() -> None:
    theirs = talib.get_function_groups()["Pattern Recognition"]
    assert len(theirs) == 61
    assert sorted(each.function for each in CANDLESTICKS.values()) == sorted(theirs)


def test_penetration_where_talib_takes_one_and_its_default() -> None:
    for name, each in CANDLESTICKS.items():
        described = abstract.Function(each.function)  # type: ignore[attr-defined]
        assert described.parameters.get("penetration") == each.penetration, name
        assert described.lookback <= LOOKBACK
        assert ("penetration" in inspect.signature(getattr(talib, each.function)).parameters) == bool(each.penetration)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", CANDLESTICKS)
def test_the_numbers_are_talibs(name: str, market: str) -> None:
    columns = MARKETS[market]
    bars = bars_from(columns)
    expected = getattr(talib, CANDLESTICKS[name].function)(
        *(columns[part] for part in ("open", "high", "low", "close"))
    )
    assert dict(candlesticks(bars, name, 0, len(bars))) == {
        int(row): int(expected[row]) for row in np.flatnonzero(expected)
    }


@pytest.mark.parametrize("name", [name for name, each in CANDLESTICKS.items() if each.penetration is not None])
@pytest.mark.parametrize("penetration", [0.0, 0.1, 0.9])
def test_the_penetration_reaches_talib(name: str, penetration: float) -> None:
    columns = MARKETS["gapping"]
    bars = bars_from(columns)
    expected = getattr(talib, CANDLESTICKS[name].function)(
        *(columns[part] for part in ("open", "high", "low", "close")), penetration=penetration
    )
    found = [at for at, _ in candlesticks(bars, name, 0, len(bars), penetration)]
    assert found == np.flatnonzero(expected).tolist()


def test_positions_count_in_the_whole_series() -> None:
    bars = bars_from(MARKETS["eurusd"])
    whole = dict(candlesticks(bars, "engulfing", 0, len(bars)))
    part = dict(candlesticks(bars, "engulfing", 1000, 2000))
    assert part
    assert {at: number for at, number in part.items() if at >= 1000 + LOOKBACK} == {
        at: number for at, number in whole.items() if 1000 + LOOKBACK <= at < 2000
    }


def test_undirected_ones_are_those_whose_sign_talib_gives_no_sense() -> None:
    undirected = {name for name, each in CANDLESTICKS.items() if not each.directed}
    assert undirected == {
        "doji",
        "dragonfly_doji",
        "gravestone_doji",
        "high_wave",
        "long_legged_doji",
        "rickshaw_man",
        "short_line",
        "spinning_top",
        "takuri",
    }


def test_each_has_its_rate_by_chance() -> None:
    for name in CANDLESTICKS:
        ((quality, rate),) = pattern_rates()[name]
        assert quality == 0
        assert rate > 0


def test_fresh_walks_show_them_at_that_rate() -> None:
    counts = dict.fromkeys(CANDLESTICKS, 0)
    noise = np.random.default_rng(31)
    thousands = 60
    for _ in range(thousands):
        bars = bars_from(random_walk(noise, 1000 + LOOKBACK))
        for name in CANDLESTICKS:
            counts[name] += sum(at >= LOOKBACK for at, _ in candlesticks(bars, name, 0, len(bars)))
    for name, count in counts.items():
        promised = pattern_rates()[name][0][1] * thousands
        assert abs(count - promised) <= 6 * promised**0.5 + 3, name
