"""What the bridge counts of itself, and the one picture of it that status page and metrics are drawn from.

Counters begin at zero with the process. Labels are bounded: methods of the whitelist, names of error classes, accounts
of the configuration, the gate's rules; nothing that a peer made up becomes one.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from mt5_bridge import tally
from tradeloom.trading.methods import METHODS

_log = logging.getLogger(__name__)

BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histograms, in seconds; what takes longer falls into one more."""
OTHER_METHOD: Final = "other"


@dataclass
class Histogram:
    """How often something took how long. `counts` has one entry more than there are bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)

    def at_most(self, share: float) -> float | None:
        """The bound within which this share of all fell; infinite beyond the last, None where there is nothing."""
        needed, seen = share * self.count, 0
        for bound, count in zip((*BUCKETS_S, float("inf")), self.counts, strict=True):
            seen += count
            if count and seen >= needed:
                return bound
        return None

    def copy(self) -> "Histogram":
        return Histogram(list(self.counts), self.sum_s)


@dataclass
class AccountFigures:
    """What an account's workers have counted since the bridge started. `connected` is what was last seen of the
    terminal's trade server, `looked_at` monotonic time of it."""

    order_send: Histogram = field(default_factory=Histogram)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    connected: bool | None = None
    looked_at: float = 0.0

    def copy(self) -> "AccountFigures":
        return AccountFigures(
            self.order_send.copy(), Counter(self.outcomes), Counter(self.refusals), self.connected, self.looked_at
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """A moment's copy of everything counted. `calls` is by (method, outcome), an outcome being `ok` or an error."""

    calls: Counter[tuple[str, str]]
    latency: dict[str, Histogram]
    accounts: dict[str, AccountFigures]


class Metrics:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._latency: dict[str, Histogram] = {}
        self._accounts: dict[str, AccountFigures] = {}

    def called(self, method: Any, outcome: str, seconds: float) -> None:
        """A call ended. `method` may be anything a peer sent."""
        name = method if isinstance(method, str) and method in METHODS else OTHER_METHOD
        with self._lock:
            self._calls[name, outcome] += 1
            latency = self._latency.get(name)
            if latency is None:
                latency = self._latency[name] = Histogram()
            latency.observe(seconds)

    def told(self, account: str, increments: bytes) -> None:
        """What the account's worker counted since its last answer. Figures that make no sense are logged, no more."""
        try:
            read = tally.read(increments)
        except ValueError:
            _log.warning("account %s: the worker's figures cannot be read", account)
            return
        with self._lock:
            figures = self._accounts.setdefault(account, AccountFigures())
            for seconds in read.sent_s:
                figures.order_send.observe(seconds)
            figures.outcomes.update(read.outcomes)
            figures.refusals.update(read.refusals)
            if read.connected is not None:
                figures.connected, figures.looked_at = read.connected, time.monotonic()

    def figures(self) -> Figures:
        with self._lock:
            return Figures(
                Counter(self._calls),
                {method: histogram.copy() for method, histogram in sorted(self._latency.items())},
                {account: figures.copy() for account, figures in self._accounts.items()},
            )
