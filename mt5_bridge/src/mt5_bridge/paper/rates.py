"""Bars and ticks as MetaTrader answers them: structured arrays built from a feed, for any timeframe it can serve.

Bars of the whole file are grouped once per timeframe. What is handed out at a moment is cut there: bars before the
forming one are complete because a later bar has begun, and the forming one is built from what has happened so far.
"""

import numpy as np
from numpy.typing import NDArray

from mt5_bridge.paper import constants
from mt5_bridge.paper.feed import Feed
from mt5_bridge.paper.timeframes import bar_open, can_build
from tradeloom.trading.timeframes import Timeframe

RATES_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
TICKS_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
QUOTE_FLAGS = constants.TICK_FLAG_BID | constants.TICK_FLAG_ASK

Records = NDArray[np.void]


class RateSeries:
    """A feed's bars in one timeframe (which the feed's own must divide: see `timeframes.can_build`)."""

    def __init__(self, feed: Feed, timeframe: Timeframe) -> None:
        self._feed = feed
        self._scale = 10.0**feed.symbol.digits
        groups = bar_open(feed.open_time, timeframe)
        self._first = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
        """Index of the first data bar of each bar of this timeframe."""
        last = np.append(self._first[1:], len(feed)) - 1
        self._bars = np.zeros(len(self._first), dtype=RATES_DTYPE)
        self._bars["time"] = groups[self._first]
        self._bars["open"] = feed.open[self._first] / self._scale
        self._bars["high"] = np.maximum.reduceat(feed.high, self._first) / self._scale
        self._bars["low"] = np.minimum.reduceat(feed.low, self._first) / self._scale
        self._bars["close"] = feed.close[last] / self._scale
        self._bars["tick_volume"] = np.add.reduceat(feed.volume, self._first)
        self._bars["spread"] = feed.spread[last]

    def times(self, now_msc: int) -> NDArray[np.int64]:
        """Opening times (seconds) of the bars begun by `now_msc`, the forming one last."""
        begun = np.searchsorted(self._feed.open_msc, now_msc, side="right")
        times: NDArray[np.int64] = self._bars["time"][: np.searchsorted(self._first, begun, side="left")]
        return times

    def cut(self, now_msc: int, start: int, stop: int) -> Records:
        """A copy of bars `start` to `stop` (exclusive, at most `len(times(now_msc))`) as they stand at `now_msc`."""
        rates = self._bars[start:stop].copy()
        if stop == len(self.times(now_msc)) and len(rates):
            rates[-1] = self._forming(stop - 1, now_msc)
        return rates

    def _forming(self, group: int, now_msc: int) -> Records:
        """The last bar begun: its complete data bars, and of the running one only the open until it completes."""
        feed = self._feed
        events = feed.events_until(now_msc)
        running, completes = divmod(events - 1, 2)
        first = int(self._first[group])
        whole = slice(first, running + 1 if completes else running)
        opens = feed.open[[running]] if not completes else feed.open[:0]
        bar = np.zeros(1, dtype=RATES_DTYPE)
        bar["time"] = self._bars["time"][group]
        bar["open"] = feed.open[first] / self._scale
        bar["high"] = np.concatenate((feed.high[whole], opens)).max() / self._scale
        bar["low"] = np.concatenate((feed.low[whole], opens)).min() / self._scale
        bar["close"] = (feed.close[running] if completes else feed.open[running]) / self._scale
        first_tick = 0 if completes else min(1, int(feed.volume[running]))
        bar["tick_volume"] = int(feed.volume[whole].sum()) + first_tick
        bar["spread"] = feed.spread[running]
        return bar[0]  # type: ignore[no-any-return]


class History:
    """All a feed has to show of the past, each view of it built when first asked for."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._rates: dict[Timeframe, RateSeries] = {}
        self._ticks: TickSeries | None = None

    def rates(self, timeframe: Timeframe) -> RateSeries | None:
        """None where the data cannot build the timeframe."""
        if timeframe not in self._rates and can_build(timeframe, self.feed.timeframe):
            self._rates[timeframe] = RateSeries(self.feed, timeframe)
        return self._rates.get(timeframe)

    def ticks(self) -> "TickSeries":
        if self._ticks is None:
            self._ticks = TickSeries(self.feed)
        return self._ticks


class TickSeries:
    """The quotes a feed gives: each bar's open at its opening and its close at its last millisecond."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        scale = 10.0**feed.symbol.digits
        bids = np.column_stack((feed.open, feed.close)).ravel()
        self._ticks = np.zeros(len(bids), dtype=TICKS_DTYPE)
        self._ticks["time"] = feed.event_msc // 1_000
        self._ticks["time_msc"] = feed.event_msc
        self._ticks["bid"] = bids / scale
        self._ticks["ask"] = (bids + np.column_stack((feed.spread, feed.close_spread)).ravel()) / scale
        self._ticks["flags"] = QUOTE_FLAGS

    def between(self, now_msc: int, from_msc: int, to_msc: int) -> Records:
        """Ticks with from_msc <= time <= to_msc that had come by `now_msc` (a view: copy before handing out)."""
        first = int(np.searchsorted(self._feed.event_msc, from_msc, side="left"))
        stop = self._feed.events_until(min(now_msc, to_msc))
        return self._ticks[first : max(first, stop)]
