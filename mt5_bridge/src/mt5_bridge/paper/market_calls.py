"""The calls that read the market: symbols, quotes, bars, ticks, depth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mt5_bridge.paper import arguments, constants
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.errors import TerminalFailure
from mt5_bridge.paper.rates import TICKS_DTYPE, RateSeries, Records
from mt5_bridge.paper.session import Session, terminal_call
from mt5_bridge.paper.structs import BookInfo, SymbolInfo, Tick
from mt5_bridge.paper.symbol_view import symbol_struct
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.timeframes import BY_CODE
from mt5_bridge.paper.views import MAX_BARS, tick_struct
from tradeloom.trading.timeframes import Timeframe

_TICK_REQUESTS = (constants.COPY_TICKS_ALL, constants.COPY_TICKS_INFO, constants.COPY_TICKS_TRADE)
_TWO_DAYS = 2


class MarketCalls:
    """Functions of the package that read prices. Signatures and failures are the package's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @terminal_call(None)
    def symbols_total(self, terminal: PaperTerminal) -> int:
        return len(terminal.symbols)

    @terminal_call(None)
    def symbols_get(self, terminal: PaperTerminal, *unnamed: Any, **filters: Any) -> tuple[SymbolInfo, ...]:
        group = arguments.text(unnamed[0]) if unnamed else arguments.named(filters, "group", str, "*")
        return tuple(
            self._info(terminal, symbol)
            for symbol in terminal.symbols.values()
            if arguments.matches_group(symbol.name, group)
        )

    @terminal_call(None)
    def symbol_info(self, terminal: PaperTerminal, symbol: str, /) -> SymbolInfo:
        return self._info(terminal, _symbol(terminal, symbol, _not_found))

    @terminal_call(None)
    def symbol_info_tick(self, terminal: PaperTerminal, symbol: str, /) -> Tick:
        config = _symbol(terminal, symbol, _not_found)
        return tick_struct(terminal.market.quote(config.name), config.digits)

    @terminal_call(False)
    def symbol_select(self, terminal: PaperTerminal, symbol: str, enable: bool = True, /) -> bool:
        """Symbols with positions or orders cannot be hidden."""
        config = _symbol(terminal, symbol, _no_data)
        if enable:
            terminal.selected.add(config.name)
            return True
        if terminal.account.positions_in(config.name) or terminal.account.orders_in(config.name):
            raise _no_data()
        terminal.selected.discard(config.name)
        return True

    @terminal_call(None)
    def copy_rates_from(
        self, terminal: PaperTerminal, symbol: str, timeframe: int, date_from: Any, count: int, /
    ) -> Records:
        """`count` bars up to the one that opens at or before `date_from`."""
        rates, now = self._series(terminal, symbol, timeframe), terminal.market.now_msc
        moment = arguments.seconds(date_from, 3)
        stop = int(np.searchsorted(rates.times(now), moment, side="right"))
        return rates.cut(now, max(0, stop - _count(count, 4)), stop)

    @terminal_call(None)
    def copy_rates_from_pos(
        self, terminal: PaperTerminal, symbol: str, timeframe: int, start_pos: int, count: int, /
    ) -> Records:
        """`count` bars up to position `start_pos`, where 0 is the forming bar."""
        rates, now = self._series(terminal, symbol, timeframe), terminal.market.now_msc
        skipped = arguments.integer(start_pos, 3)
        stop = len(rates.times(now)) - skipped
        if skipped < 0:
            raise arguments.invalid()
        if stop <= 0:
            raise _no_data()
        return rates.cut(now, max(0, stop - _count(count, 4)), stop)

    @terminal_call(None)
    def copy_rates_range(
        self, terminal: PaperTerminal, symbol: str, timeframe: int, date_from: Any, date_to: Any, /
    ) -> Records:
        """Bars that open from `date_from` to `date_to`, both included; no more calendar than `MAX_BARS` bars fill."""
        rates, now = self._series(terminal, symbol, timeframe), terminal.market.now_msc
        first, last = arguments.seconds(date_from, 3), arguments.seconds(date_to, 4)
        if last - first > MAX_BARS * BY_CODE[timeframe].seconds:
            raise arguments.invalid()
        times = rates.times(now)
        start = int(np.searchsorted(times, first, side="left"))
        stop = int(np.searchsorted(times, last, side="right"))
        return rates.cut(now, start, max(start, stop))

    @terminal_call(None)
    def copy_ticks_from(
        self, terminal: PaperTerminal, symbol: str, date_from: Any, count: int, flags: int, /
    ) -> Records:
        """`count` ticks from `date_from` on."""
        moment, most = arguments.seconds(date_from, 2), arguments.integer(count, 3)
        if most <= 0:
            raise arguments.invalid()
        now = terminal.market.now_msc
        return self._tick_series(terminal, symbol, flags, moment * 1_000, now)[:most].copy()

    @terminal_call(None)
    def copy_ticks_range(
        self, terminal: PaperTerminal, symbol: str, date_from: Any, date_to: Any, flags: int, /
    ) -> Records:
        """Ticks from `date_from` to `date_to`, both included."""
        first, last = arguments.seconds(date_from, 2), arguments.seconds(date_to, 3)
        return self._tick_series(terminal, symbol, flags, first * 1_000, last * 1_000).copy()

    @terminal_call(False)
    def market_book_add(self, terminal: PaperTerminal, symbol: str, /) -> bool:
        """No symbol of a paper terminal has a market depth."""
        _symbol(terminal, symbol, _no_data)
        raise _no_data()

    @terminal_call(None)
    def market_book_get(self, terminal: PaperTerminal, symbol: str, /) -> tuple[BookInfo, ...]:
        _symbol(terminal, symbol, _no_data)
        raise _no_data()

    @terminal_call(False)
    def market_book_release(self, terminal: PaperTerminal, symbol: str, /) -> bool:
        _symbol(terminal, symbol, _no_data)
        raise _no_data()

    def _info(self, terminal: PaperTerminal, symbol: SymbolConfig) -> SymbolInfo:
        rates = terminal.history[symbol.name].rates(Timeframe.D1)
        now = terminal.market.now_msc
        days = None
        if rates is not None:
            count = len(rates.times(now))
            days = rates.cut(now, max(0, count - _TWO_DAYS), count)
        quote = terminal.market.quote(symbol.name)
        return symbol_struct(terminal.account, symbol, quote, days, selected=symbol.name in terminal.selected)

    def _series(self, terminal: PaperTerminal, symbol: Any, timeframe: Any) -> RateSeries:
        """Bars of a timeframe the data can build; for a finer one the terminal answers as for missing history."""
        config = _symbol(terminal, symbol, _no_data)
        target = BY_CODE.get(arguments.integer(timeframe, 2))
        if target is None:
            raise arguments.invalid()
        rates = terminal.history[config.name].rates(target)
        if rates is None:
            raise _no_data()
        return rates

    def _tick_series(self, terminal: PaperTerminal, symbol: Any, flags: Any, from_msc: int, to_msc: int) -> Records:
        config = _symbol(terminal, symbol, _no_data)
        if arguments.integer(flags, 4) not in _TICK_REQUESTS:
            raise arguments.invalid()
        if flags == constants.COPY_TICKS_TRADE:  # quotes only: nothing is traded on an exchange here
            return np.empty(0, dtype=TICKS_DTYPE)
        return terminal.history[config.name].ticks().between(terminal.market.now_msc, from_msc, to_msc)


def _no_data() -> TerminalFailure:
    return TerminalFailure(constants.RES_E_FAIL, "Terminal: Call failed")


def _not_found() -> TerminalFailure:
    return TerminalFailure(constants.RES_E_NOT_FOUND, "Terminal: Not found")


def _symbol(terminal: PaperTerminal, name: Any, missing: Callable[[], TerminalFailure]) -> SymbolConfig:
    symbol = terminal.symbols.get(arguments.text(name))
    if symbol is None:
        raise missing()
    return symbol


def _count(value: Any, position: int) -> int:
    """A number of bars: at least one, and fewer than the terminal keeps."""
    count = arguments.integer(value, position)
    if not 0 < count < MAX_BARS:
        raise arguments.invalid()
    return count
