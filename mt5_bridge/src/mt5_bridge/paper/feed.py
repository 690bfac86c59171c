"""One symbol's replayed quotes.

The quote model of bar replay: at a bar's opening the quote is its open, and stands (its time moving with the market
clock) until the bar completes at its last millisecond, when high and low are accounted for and the close becomes the
quote. Outside every bar's span the market is closed and the last quote keeps its time. Nothing here ever answers with
more than what had happened by the time it is asked about.

Prices are integers in points. A file of asks gives bids one spread lower, and the other way round; with files of both
sides the spread is theirs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mt5_bridge.paper.bars import BarSeries
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.spreads import sides_of

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Quote:
    """Bid and ask in points; `time_msc` is milliseconds of server time."""

    bid: int
    ask: int
    time_msc: int


@dataclass(frozen=True, slots=True)
class BarRange:
    """A completed bar's bids in points, with the spread at its open, its low and its high."""

    open: int
    high: int
    low: int
    close: int
    spread: int
    low_spread: int
    high_spread: int


class Feed:
    """The bars of `series`, and of `counter` on the other side, as quotes of `symbol`. Raises `DataFileError`."""

    def __init__(self, symbol: SymbolConfig, series: BarSeries, counter: BarSeries | None = None) -> None:
        sides = sides_of(symbol, series, counter)
        self.symbol = symbol
        self.timeframe = series.timeframe
        self.open_time = series.open_time
        self.open_msc = series.open_time * 1_000
        self.end_msc = series.end_time * 1_000
        self.open, self.high, self.low, self.close = (sides.bids[column] for column in ("open", "high", "low", "close"))
        self.spread, self.close_spread = sides.spreads["open"], sides.spreads["close"]
        self._high_spread, self._low_spread = sides.spreads["high"], sides.spreads["low"]
        self.volume = np.rint(series.volume).astype(np.uint64)
        self.event_msc = np.column_stack((self.open_msc, self.end_msc - 1)).ravel()
        """Times of all events: bar i opens at event 2i and completes at event 2i + 1."""

    def __len__(self) -> int:
        return len(self.open_msc)

    def events_until(self, now_msc: int) -> int:
        """How many events have happened by `now_msc` (that moment included)."""
        return int(np.searchsorted(self.event_msc, now_msc, side="right"))

    def is_open(self, now_msc: int) -> bool:
        """Whether `now_msc` lies within a bar."""
        bar = self._bar_at(now_msc)
        return bar >= 0 and now_msc < int(self.end_msc[bar])

    def price_after(self, events: int) -> tuple[int, int] | None:
        """Bid and ask once `events` events have happened; None before the first."""
        if events == 0:
            return None
        bar, completes = divmod(events - 1, 2)
        bids, spreads = (self.close, self.close_spread) if completes else (self.open, self.spread)
        bid = int(bids[bar])
        return bid, bid + int(spreads[bar])

    def quote_at(self, now_msc: int) -> Quote | None:
        """The quote standing at `now_msc`; None before the first bar."""
        events = self.events_until(now_msc)
        price = self.price_after(events)
        if price is None:
            return None
        time_msc = now_msc if self.is_open(now_msc) else int(self.event_msc[events - 1])
        return Quote(*price, time_msc)

    def range_of(self, bar: int) -> BarRange:
        return BarRange(
            int(self.open[bar]),
            int(self.high[bar]),
            int(self.low[bar]),
            int(self.close[bar]),
            int(self.spread[bar]),
            int(self._low_spread[bar]),
            int(self._high_spread[bar]),
        )

    def next_change(self, now_msc: int) -> int | None:
        """The next moment after `now_msc` at which the quote changes or the market closes; None after the last."""
        bar = self._bar_at(now_msc)
        closing = int(self.end_msc[bar]) if bar >= 0 else now_msc
        events = self.events_until(now_msc)
        event = int(self.event_msc[events]) if events < len(self.event_msc) else None
        moments = [moment for moment in (closing, event) if moment is not None and moment > now_msc]
        return min(moments, default=None)

    def _bar_at(self, now_msc: int) -> int:
        """Index of the last bar opened by `now_msc`, -1 before the first."""
        return int(np.searchsorted(self.open_msc, now_msc, side="right")) - 1
