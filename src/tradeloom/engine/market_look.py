"""One look at an account's market, shared by every trigger that watches it: each question is asked once."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tradeloom.errors import NotEnoughBars
from tradeloom.trading.bars import Bars, BarsReference
from tradeloom.trading.broker import Broker, ClosedTrade, EndedOrder, PendingOrder, Position, Symbol, Tick
from tradeloom.trading.timeframes import Timeframe


class MarketLook:
    """Blocking: made and used in a thread. What failed once fails the same way for whoever asks again."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._known: dict[tuple[Any, ...], Any] = {}
        self.now = broker.market_time()

    def tick(self, symbol: str) -> Tick:
        found: Tick = self._once(("tick", symbol), lambda: self._broker.tick(symbol))
        return found

    def symbol(self, name: str) -> Symbol:
        found: Symbol = self._once(("symbol", name), lambda: self._broker.symbol(name))
        return found

    def newest(self, symbol: str, timeframe: Timeframe, until: datetime) -> datetime | None:
        key = "newest", symbol, timeframe, until
        try:
            bars: Bars = self._once(key, lambda: self._read(symbol, timeframe, until, 1))
        except NotEnoughBars:
            self._broker.symbol(symbol)  # an unknown symbol is a mistake, not a symbol without bars
            return None
        return datetime.fromtimestamp(int(bars.time[-1]), UTC)

    def bars(self, symbol: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        key = "bars", symbol, timeframe, until, count
        found: Bars = self._once(key, lambda: self._read(symbol, timeframe, until, count))
        return found

    def positions(self) -> list[Position]:
        found: list[Position] = self._once(("positions",), self._broker.positions)
        return found

    def orders(self) -> list[PendingOrder]:
        found: list[PendingOrder] = self._once(("orders",), self._broker.orders)
        return found

    def trades(self, since: datetime) -> list[ClosedTrade]:
        found: list[ClosedTrade] = self._once(("trades", since), lambda: self._broker.trades(since, self.now))
        return found

    def ended(self, since: datetime, tickets: Sequence[int]) -> list[EndedOrder]:
        key = "ended", since, tuple(sorted(tickets))
        found: list[EndedOrder] = self._once(key, lambda: self._broker.ended_orders(since, self.now, key[2]))
        return found

    def _read(self, symbol: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        """As many as there are: one is wanted, the others are its warm-up."""
        return self._broker.bars(
            BarsReference(
                account=self._broker.account_name,
                symbol=symbol,
                timeframe=timeframe,
                to=until,
                count=1,
                warmup=count - 1,
            )
        )

    def _once(self, key: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
        if key not in self._known:
            try:
                self._known[key] = ask()
            except Exception as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, Exception):
            raise known
        return known
