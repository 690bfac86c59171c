"""News of an account's market as they come: one long call for all triggers of an account, and what it says is new.

News only say where to look. Whoever has none, because the bridge is old, busy or away, looks once a second and misses
nothing: every tick since the last look is gone through in any case.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tradeloom.errors import InvalidInput, TradeloomError
from tradeloom.trading.methods import MAX_WATCHED, MarketChange

log: Final = logging.getLogger(__name__)

WAIT_S: Final = 5.0
"""How long one call waits, and so how long a symbol just added goes by looks alone."""
RETRY_S: Final = 1.0
TOO_OLD_RETRY_S: Final = 60.0

MarketWait = Callable[[str, Sequence[str], str | None, float], MarketChange]
"""Account, symbols, cursor, seconds: blocks until one of the symbols has news, or the account's orders. Raises
`BrokerUnavailable`, `BrokerTimeout`, and `InvalidInput` from a bridge too old for it."""


@dataclass(frozen=True, slots=True)
class News:
    symbols: frozenset[str] = frozenset()
    orders: bool = False
    everything: bool = False

    def concern(self, symbol: str | None) -> bool:
        """Whether what a trigger watches may have changed: a symbol's quotes, or with None the orders."""
        return self.everything or (self.orders if symbol is None else symbol in self.symbols)


class Bell:
    """What is to be looked at next, collected until somebody takes it. For one event loop."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self._news = News(everything=True)

    def ring(self, news: News) -> None:
        known = self._news
        self._news = News(
            known.symbols | news.symbols, known.orders or news.orders, known.everything or news.everything
        )
        self.rung.set()

    def take(self) -> News:
        taken, self._news = self._news, News()
        self.rung.clear()
        return taken


class NewsThread:
    """Waits at the bridge for one account in a thread of its own, which a pool could not lend for so long. `tell` is
    called there. Not to be joined: after `close` it ends with its call."""

    def __init__(self, account: str, wait: MarketWait, tell: Callable[[News], None]) -> None:
        self._account = account
        self._wait = wait
        self._tell = tell
        self._symbols: tuple[str, ...] = ()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"news-{account}", daemon=True)
        self._complaint = ""

    def start(self) -> None:
        self._thread.start()

    def follow(self, symbols: Iterable[str]) -> None:
        """What is waited for from the next call on; those there is no room for go by looks."""
        self._symbols = tuple(sorted(symbols)[:MAX_WATCHED])

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        cursor: str | None = None
        while not self._closed.is_set():
            try:
                change = self._wait(self._account, self._symbols, cursor, WAIT_S)
            except TradeloomError as error:
                cursor = None
                self._rest(error)
            except Exception:
                log.exception("waiting for news of %s failed", self._account)
                cursor = None
                self._closed.wait(RETRY_S)
            else:
                self._complaint, cursor = "", change.cursor
                if change.unsure or change.orders or change.symbols:
                    self._say(News(frozenset(change.symbols), change.orders, change.unsure))

    def _rest(self, error: TradeloomError) -> None:
        too_old = isinstance(error, InvalidInput)
        if error.message != self._complaint and not self._closed.is_set():
            log.info("the market of %s is looked at once a second for now: %s", self._account, error.message)
        self._complaint = error.message
        self._closed.wait(TOO_OLD_RETRY_S if too_old else RETRY_S)

    def _say(self, news: News) -> None:
        if not self._closed.is_set():
            self._tell(news)
