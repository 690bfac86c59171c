"""The market of a terminal: every symbol's standing price at the market time, and the events that change it."""

from collections.abc import Iterable
from dataclasses import dataclass

from mt5_bridge.paper.feed import BarRange, Feed, Quote


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """A bar of `symbol` opens, or completes (then `range` holds what happened inside it)."""

    time_msc: int
    symbol: str
    range: BarRange | None


class Market:
    """Prices move only through `jump` (nothing depends on the way) and `peek`/`apply` (event by event, in time order,
    symbols in the order of the configuration at the same moment). Times are milliseconds of server time."""

    def __init__(self, feeds: Iterable[Feed], now_msc: int) -> None:
        self.feeds = {feed.symbol.name: feed for feed in feeds}
        self.now_msc = now_msc
        self._cursor: dict[str, int] = {}
        self._next_msc: dict[str, int | None] = {}
        self._price: dict[str, tuple[int, int] | None] = {}
        self.jump(now_msc)

    def jump(self, now_msc: int) -> None:
        """Moves to `now_msc` past whatever lies between."""
        self.now_msc = now_msc
        for name, feed in self.feeds.items():
            self._move(name, feed.events_until(now_msc))

    def peek(self, until_msc: int) -> MarketEvent | None:
        """The next event not after `until_msc`."""
        best: tuple[int, str] | None = None
        for name, time_msc in self._next_msc.items():
            if time_msc is not None and time_msc <= until_msc and (best is None or time_msc < best[0]):
                best = time_msc, name
        if best is None:
            return None
        time_msc, name = best
        bar, completes = divmod(self._cursor[name], 2)
        return MarketEvent(time_msc, name, self.feeds[name].range_of(bar) if completes else None)

    def apply(self, event: MarketEvent) -> None:
        """Lets a peeked event happen: the quote becomes the bar's open, or its close."""
        self.now_msc = event.time_msc
        self._move(event.symbol, self._cursor[event.symbol] + 1)

    def price(self, symbol: str) -> tuple[int, int] | None:
        """Bid and ask in points; None before the symbol's first bar."""
        return self._price[symbol]

    def set_price(self, symbol: str, bid: int, ask: int) -> None:
        """A price inside a bar, while it is being matched; the next event replaces it."""
        self._price[symbol] = bid, ask

    def last_range(self, symbol: str) -> int:
        """High less low, in points, of the symbol's last completed bar; 0 before the first."""
        bar = self._cursor[symbol] // 2 - 1
        feed = self.feeds[symbol]
        return int(feed.high[bar] - feed.low[bar]) if bar >= 0 else 0

    def quote(self, symbol: str) -> Quote | None:
        """The standing quote with its time, which moves with the clock while the market is open."""
        return self.feeds[symbol].quote_at(self.now_msc)

    def is_open(self, symbol: str) -> bool:
        return self.feeds[symbol].is_open(self.now_msc)

    def next_change(self) -> int | None:
        """When anything about any symbol changes next."""
        changes = (feed.next_change(self.now_msc) for feed in self.feeds.values())
        return min((change for change in changes if change is not None), default=None)

    def _move(self, name: str, cursor: int) -> None:
        feed = self.feeds[name]
        self._cursor[name] = cursor
        self._next_msc[name] = int(feed.event_msc[cursor]) if cursor < len(feed.event_msc) else None
        self._price[name] = feed.price_after(cursor)
