"""Quotes and bars of a feed: the quote model, aggregation, and no look at what is to come."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge.paper.bars import BarSeries, load_bars
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.feed import Feed, Quote
from mt5_bridge.paper.rates import History
from mt5_bridge.paper.timeframes import bar_end
from tradeloom.errors import DataFileError
from tradeloom.trading.timeframes import Timeframe

SAMPLE = Path(__file__).parents[4] / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"
HOUR = 3_600
FRIDAY_20H = int(datetime(2024, 1, 12, 20, tzinfo=UTC).timestamp())
SUNDAY_22H = int(datetime(2024, 1, 14, 22, tzinfo=UTC).timestamp())


def symbol(price: str = "bid", spread: int = 10, digits: int = 5) -> SymbolConfig:
    return SymbolConfig.model_validate(
        {
            "name": "EURUSD",
            "digits": digits,
            "currency_base": "EUR",
            "currency_profit": "USD",
            "currency_margin": "EUR",
            "spread_points": spread,
            "data": {"path": "x.csv", "timeframe": "H1", "price": price},
        }
    )


def series(times: list[int], bars: list[tuple[float, float, float, float]], volume: float = 50.0) -> BarSeries:
    opened = np.array(times, dtype=np.int64)
    opens, highs, lows, closes = np.array(bars, dtype=float).T
    volumes = np.full(len(times), volume)
    ended = bar_end(opened, Timeframe.H1)
    return BarSeries(Path("x.csv"), Timeframe.H1, opened, ended, opens, highs, lows, closes, volumes)


@pytest.fixture
def weekend() -> Feed:
    """Two hours on Friday evening, one on Sunday night."""
    times = [FRIDAY_20H, FRIDAY_20H + HOUR, SUNDAY_22H]
    bars = [(1.1, 1.12, 1.09, 1.11), (1.11, 1.13, 1.10, 1.12), (1.15, 1.16, 1.14, 1.155)]
    return Feed(symbol(), series(times, bars))


def test_the_open_stands_until_the_bars_last_millisecond(weekend: Feed) -> None:
    start, end = FRIDAY_20H * 1_000, (FRIDAY_20H + HOUR) * 1_000
    assert weekend.quote_at(start) == Quote(110_000, 110_010, start)
    assert weekend.quote_at(end - 2) == Quote(110_000, 110_010, end - 2)
    assert weekend.quote_at(end - 1) == Quote(111_000, 111_010, end - 1)
    assert weekend.quote_at(start - 1) is None


def test_over_the_weekend_the_market_is_closed_and_the_quote_grows_old(weekend: Feed) -> None:
    closing = (FRIDAY_20H + 2 * HOUR) * 1_000
    assert weekend.is_open(closing - 1)
    assert not weekend.is_open(closing)
    assert weekend.quote_at(closing + 86_400_000) == Quote(112_000, 112_010, closing - 1)
    assert weekend.next_change(closing - 1) == closing
    assert weekend.next_change(closing) == SUNDAY_22H * 1_000
    assert weekend.next_change(SUNDAY_22H * 1_000) == (SUNDAY_22H + HOUR) * 1_000 - 1
    assert weekend.next_change((SUNDAY_22H + HOUR) * 1_000) is None


def test_a_file_of_asks_gives_bids_one_spread_lower() -> None:
    feed = Feed(symbol("ask", spread=12), series([FRIDAY_20H], [(1.1, 1.12, 1.09, 1.11)]))
    assert feed.quote_at(FRIDAY_20H * 1_000) == Quote(109_988, 110_000, FRIDAY_20H * 1_000)
    bar = History(feed).rates(Timeframe.H1)
    assert bar is not None
    assert bar.cut((FRIDAY_20H + HOUR) * 1_000, 0, 1)[0].tolist() == (
        FRIDAY_20H,
        1.09988,
        1.11988,
        1.08988,
        1.10988,
        50,
        12,
        0,
    )


def test_prices_finer_than_the_symbol_are_refused() -> None:
    with pytest.raises(DataFileError, match="line 2, column open: finer than the 4 digits"):
        Feed(symbol(digits=4), series([FRIDAY_20H], [(1.10001, 1.12, 1.09, 1.11)]))
    with pytest.raises(DataFileError, match="no positive bid"):
        Feed(symbol("ask", spread=200_000), series([FRIDAY_20H], [(1.1, 1.12, 1.09, 1.11)]))


def test_the_forming_bar_shows_only_what_has_happened(weekend: Feed) -> None:
    rates = History(weekend).rates(Timeframe.H1)
    assert rates is not None
    start, end = FRIDAY_20H * 1_000, (FRIDAY_20H + HOUR) * 1_000
    assert len(rates.times(start - 1)) == 0
    for moment in (start, end - 2):
        assert rates.cut(moment, 0, 1)[0].tolist() == (FRIDAY_20H, 1.1, 1.1, 1.1, 1.1, 1, 10, 0)
    assert rates.cut(end - 1, 0, 1)[0].tolist() == (FRIDAY_20H, 1.1, 1.12, 1.09, 1.11, 50, 10, 0)


def test_higher_timeframes_are_aggregated(weekend: Feed) -> None:
    history = History(weekend)
    hours2, weeks, days = (history.rates(frame) for frame in (Timeframe.H2, Timeframe.W1, Timeframe.D1))
    assert hours2 is not None
    assert weeks is not None
    assert days is not None
    late = (SUNDAY_22H + HOUR) * 1_000
    assert hours2.cut(late, 0, 1)[0].tolist() == (FRIDAY_20H, 1.1, 1.13, 1.09, 1.12, 100, 10, 0)
    assert weeks.times(late).tolist() == [FRIDAY_20H - 20 * HOUR - 5 * 86_400, SUNDAY_22H - 22 * HOUR]
    forming = days.cut((FRIDAY_20H + HOUR) * 1_000, 0, 1)[0]
    assert forming.tolist() == (FRIDAY_20H - 20 * HOUR, 1.1, 1.12, 1.09, 1.11, 51, 10, 0)
    assert history.rates(Timeframe.M30) is None


def test_ticks_are_the_opens_and_closes_that_came(weekend: Feed) -> None:
    ticks = History(weekend).ticks()
    seen = ticks.between((FRIDAY_20H + HOUR) * 1_000 - 2, 0, 2**50)
    assert [tuple(tick)[:3] for tick in seen] == [(FRIDAY_20H, 1.1, 1.1001)]
    assert len(ticks.between(2**50, 0, 2**50)) == 6
    assert len(ticks.between(2**50, 2**50, 0)) == 0


@pytest.fixture(scope="module")
def sample() -> BarSeries:
    return load_bars(SAMPLE, Timeframe.H1)


def truncated(whole: BarSeries, count: int) -> BarSeries:
    columns = (getattr(whole, name)[:count] for name in ("open", "high", "low", "close", "volume"))
    return BarSeries(whole.path, whole.timeframe, whole.open_time[:count], whole.end_time[:count], *columns)


@settings(max_examples=60, deadline=None)
@given(
    bar=st.integers(1, 6_000),
    offset_ms=st.integers(0, HOUR * 1_000 - 2),
    timeframe=st.sampled_from([Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.W1, Timeframe.MN1]),
)
def test_nothing_depends_on_what_comes_after(sample: BarSeries, bar: int, offset_ms: int, timeframe: Timeframe) -> None:
    """At T, while bar `bar` runs, all is as if the file ended there and that bar had no high, low or close."""
    now = int(sample.open_time[bar]) * 1_000 + offset_ms
    whole = Feed(symbol("ask"), sample)
    cut = truncated(sample, bar + 1)
    for name in ("high", "low", "close"):
        column = getattr(cut, name).copy()
        column[-1] = cut.open[-1]
        cut = BarSeries(**{n: getattr(cut, n) for n in BarSeries.__slots__} | {name: column})
    blind = Feed(symbol("ask"), cut)
    assert whole.quote_at(now) == blind.quote_at(now)
    assert whole.is_open(now) == blind.is_open(now)
    seen = []
    for feed in (whole, blind):
        rates = History(feed).rates(timeframe)
        assert rates is not None
        count = len(rates.times(now))
        seen.append((rates.cut(now, 0, count), History(feed).ticks().between(now, 0, 2**60)))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    np.testing.assert_array_equal(seen[0][1], seen[1][1])
