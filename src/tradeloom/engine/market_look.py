"""One look at an account's market, shared by every trigger that watches it: each question is asked once."""

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tradeloom.errors import BrokerError, InvalidInput, NotEnoughBars
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.broker import Broker, ClosedTrade, EndedOrder, PendingOrder, Position, Symbol, Tick
from tradeloom.trading.ticks import MAX_TICKS, Ticks, at_ms
from tradeloom.trading.timeframes import Timeframe

MOST_PAGES: Final = 20
"""More ticks than these pages hold are not gone through one by one: the bars say enough of so long a time."""


class MarketLook:
    """Blocking: made and used in a thread. What failed once fails the same way for whoever asks again."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._known: dict[tuple[Any, ...], Any] = {}
        self.now = broker.market_time()

    def tick(self, symbol: str) -> Tick:
        return self.once(("tick", symbol), lambda: self._broker.tick(symbol))

    def symbol(self, name: str) -> Symbol:
        return self.once(("symbol", name), lambda: self._broker.symbol(name))

    def ticks(self, symbol: str, since: datetime, skip: int) -> Ticks | None:
        return self.once(("ticks", symbol, since, skip), lambda: self._all_ticks(symbol, since, skip))

    def newest(self, symbol: str, timeframe: Timeframe, until: datetime) -> datetime | None:
        begun = self._begun(symbol, timeframe, until)
        return begun[-2] if len(begun) > 1 else None

    def forming(self, symbol: str, timeframe: Timeframe, until: datetime) -> datetime | None:
        begun = self._begun(symbol, timeframe, until)
        return begun[-1] if begun else None

    def bars(self, symbol: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        return self.once(("bars", symbol, timeframe, until, count), lambda: self._read(symbol, timeframe, until, count))

    def positions(self) -> list[Position]:
        return self.once(("positions",), self._broker.positions)

    def orders(self) -> list[PendingOrder]:
        return self.once(("orders",), self._broker.orders)

    def trades(self, since: datetime) -> list[ClosedTrade]:
        return self.once(("trades", since), lambda: self._broker.trades(since, self.now))

    def ended(self, since: datetime, tickets: Sequence[int]) -> list[EndedOrder]:
        key = "ended", since, tuple(sorted(tickets))
        return self.once(key, lambda: self._broker.ended_orders(since, self.now, key[2]))

    def once[T](self, key: tuple[Hashable, ...], work: Callable[[], T]) -> T:
        if key not in self._known:
            try:
                self._known[key] = work()
            except Exception as error:
                self._known[key] = error
        known: Any = self._known[key]
        if isinstance(known, Exception):
            raise known
        found: T = known
        return found

    def _read(
        self, symbol: str, timeframe: Timeframe, until: datetime, count: int, *, closed_only: bool = True
    ) -> Bars:
        """As many as there are: one is wanted, the others are its warm-up."""
        return self._broker.bars(
            BarsReference(
                account=self._broker.account_name,
                symbol=symbol,
                timeframe=timeframe,
                to=until,
                count=1,
                warmup=count - 1,
                closed_only=closed_only,
            )
        )

    def _begun(self, symbol: str, timeframe: Timeframe, until: datetime) -> list[datetime]:
        """Openings of the last two bars begun by then, the forming one last."""
        key = "begun", symbol, timeframe, until
        try:
            bars = self.once(key, lambda: self._read(symbol, timeframe, until, 2, closed_only=False))
        except NotEnoughBars:
            self.symbol(symbol)  # an unknown symbol is a mistake, not a symbol without bars
            return []
        return [datetime.fromtimestamp(int(time), UTC) for time in bars.time]

    def _all_ticks(self, symbol: str, since: datetime, skip: int) -> Ticks | None:
        """Page by page: the next one begins behind the last tick, whose millisecond may hold more."""
        found: Ticks | None = None
        for _ in range(MOST_PAGES):
            try:
                page = self._broker.ticks(symbol, since, skip)
            except InvalidInput as error:
                if error.field != "method":
                    raise
                return None  # a bridge from before there was such a method
            except BrokerError as error:
                if error.retryable:
                    raise
                return None  # a terminal that keeps no ticks
            found = page if found is None else found.joined(page)
            if len(page) < MAX_TICKS:
                return found
            last = page.time[-1]
            same = int((page.time == last).sum())
            since, skip = at_ms(int(last)), same + (skip if since == at_ms(int(last)) else 0)
        return None
