"""The worker's side of the market's news: notices, between calls, that a watched symbol has a new quote.

The MetaTrader5 package tells nothing by itself, so a live terminal is asked for the last quote of the watched symbols,
and of no others, every few milliseconds. A replay knows when it next has something to show. Nobody waits for anything:
nothing is asked.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from mt5_bridge.clock import AccountClock
from mt5_bridge.terminal import PipeBroken, Terminal, failure
from tradeloom.errors import BrokerError, InvalidInput, TradeloomError

METHOD = "~watch"
"""Told by the front alone: no method of the network bears a name like this."""
_SOONEST_S = 0.002
_LONGEST_NAP_S = 1.0
_AFTER_TROUBLE_S = 1.0

_log = logging.getLogger(__name__)


class MarketScout:
    """`tell` gets what is new: symbols, and whether orders may have changed. `look_if_due` never raises for what the
    terminal does; `pipe_broken` says that the worker must be replaced."""

    def __init__(
        self,
        terminal: Terminal,
        clock: AccountClock,
        *,
        paper: bool,
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._clock = clock
        self._paper = paper
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._wanted = False
        self._quotes: dict[str, Any] = {}
        self._next_event: datetime | None = None
        self._due = monotonic()
        self._told: str | None = None
        self.tell: Callable[[bytes], None] = lambda message: None
        self.pipe_broken = False

    def watch(self, payload: bytes) -> None:
        """From now on these symbols and no others; a JSON list. What is quoted now is not news."""
        names = json.loads(payload)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidInput("the symbols to watch are a list of names")
        self._wanted = True
        self._quotes = {name: self._quotes.get(name) or self._quote(name) for name in names}
        self._next_event = self._clock.next_event_time() if self._paper else None
        self._due = self._monotonic()

    def patience_s(self) -> float | None:
        """How long the worker may wait for a call before `look_if_due`; None: until one comes."""
        if not self._wanted:
            return None
        if self._paper:
            return self._replay_wait_s()
        return max(self._due - self._monotonic(), 0.0) if self._quotes else None

    def look_if_due(self) -> None:
        if not self._wanted or (self._due > self._monotonic() and not self._paper):
            return
        try:
            self._look()
        except PipeBroken as error:
            self.pipe_broken = True
            self._say(error.message)
        except TradeloomError as error:
            self._say(error.message)
            self._due = self._monotonic() + _AFTER_TROUBLE_S
        else:
            self._told = None

    def orders_changed(self) -> None:
        """Something was sent, or a replay went on."""
        if self._wanted:
            self._news((), orders=True)

    def _look(self) -> None:
        if self._paper:
            coming = self._clock.next_event_time()
            if coming != self._next_event:
                self._next_event = coming
                self._news(self._quotes, orders=True)
            return
        self._due = self._monotonic() + self._interval_s
        new = {name: quote for name in self._quotes if (quote := self._quote(name)) != self._quotes[name]}
        if new:
            self._quotes |= new
            self._news(new, orders=False)

    def _replay_wait_s(self) -> float | None:
        """Until a running replay's next event; one that stands shows nothing without a call."""
        try:
            clock, coming = self._clock.reading(), self._next_event
        except TradeloomError:
            return _AFTER_TROUBLE_S
        if not clock.speed or coming is None or self._clock.is_held():
            return None
        return min(max((coming - clock.time).total_seconds() / clock.speed, _SOONEST_S), _LONGEST_NAP_S)

    def _quote(self, symbol: str) -> Any:
        """What makes a quote another than the last: its time and prices. An unknown symbol has none."""
        tick = self._terminal.symbol_info_tick(symbol)
        if tick is not None:
            return tick.time_msc, tick.bid, tick.ask, tick.last
        error = failure(self._terminal, f"reading the quote of {symbol}")
        if isinstance(error, BrokerError) and not isinstance(error, PipeBroken):
            return ()
        raise error

    def _news(self, symbols: Iterable[str], *, orders: bool) -> None:
        self.tell(json.dumps([list(symbols), orders], separators=(",", ":")).encode())

    def _say(self, message: str) -> None:
        if message != self._told:
            _log.warning("the market's news cannot be told: %s", message)
        self._told = message
