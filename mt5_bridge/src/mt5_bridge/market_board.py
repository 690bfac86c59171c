"""The front's side of the market's news: who waits for which symbol, and what the worker told last.

The worker tells by a pipe of its own, one way, so that whoever waits here is in the way of no call. What is told is
only that something is new; what it is, is asked like anything else. Losing a message, or a whole worker, therefore
costs a look and never a tick.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterable

from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.methods import MarketChange, MarketWaitParams

LEASE_S = 60.0
"""How long a symbol is watched after somebody last waited for it."""
MOST_WATCHED = 400


class MarketBoard:
    """One account's news. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._quoted: dict[str, int] = {}
        """The number of each symbol's last news."""
        self._traded = 0
        self._leases: dict[str, float] = {}
        self._told: frozenset[str] | None = None
        """What the worker watches; None when a new one does not know yet."""
        self._closed = False

    def wanted(self, symbols: Iterable[str]) -> frozenset[str] | None:
        """What the worker must be told to watch now that somebody waits for these; None when it does already. Raises
        `BrokerUnavailable` for more symbols than one account may have watched."""
        now = time.monotonic()
        with self._changed:
            self._leases |= dict.fromkeys(symbols, now + LEASE_S)
            self._leases = {name: until for name, until in self._leases.items() if until > now}
            watched = frozenset(self._leases)
            if len(watched) > MOST_WATCHED:
                raise BrokerUnavailable(f"more than {MOST_WATCHED} symbols of the account would be watched")
            return None if watched == self._told else watched

    def watching(self, symbols: frozenset[str], epoch: str) -> None:
        """The worker of that epoch was told."""
        with self._changed:
            if epoch == self._epoch:
                self._told = symbols

    @property
    def epoch(self) -> str:
        return self._epoch

    def hear(self, message: bytes | None) -> None:
        """What a worker says: symbols, and whether orders may have changed. None: it is gone."""
        with self._changed:
            self._number += 1
            if message is None:
                self._epoch, self._told = secrets.token_hex(4), None
                self._quoted.clear()
            else:
                symbols, orders = json.loads(message)
                self._quoted |= dict.fromkeys(symbols, self._number)
                self._traded = self._number if orders else self._traded
            self._changed.notify_all()

    def wait(self, asked: MarketWaitParams, give_up: float) -> MarketChange:
        """What is new since the cursor, waited for until monotonic time `give_up`; nothing new is an answer too. Raises
        `BrokerUnavailable` when the bridge stops."""
        after = self._number_in(asked.after)
        with self._changed:
            while not self._closed:
                if after is None or after[0] != self._epoch:
                    return MarketChange(cursor=self._cursor(), unsure=True)
                symbols = tuple(name for name in asked.symbols if self._quoted.get(name, 0) > after[1])
                orders = self._traded > after[1]
                left = give_up - time.monotonic()
                if symbols or orders or left <= 0:
                    return MarketChange(cursor=self._cursor(), symbols=symbols, orders=orders)
                self._changed.wait(left)
        raise BrokerUnavailable("the bridge is stopping")

    def close(self) -> None:
        """Whoever waits is answered at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _cursor(self) -> str:
        return f"{self._epoch}:{self._number}"

    def _number_in(self, cursor: str | None) -> tuple[str, int] | None:
        epoch, _, number = (cursor or "").partition(":")
        return (epoch, int(number)) if number.isascii() and number.isdigit() else None
