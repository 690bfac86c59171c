"""The replay: carries market and accounts from one moment to a later one, event by event.

At the same moment swaps come first, then expiries, then bars that complete or open, symbols in the order of the
configuration. While nobody has a position or a pending order nothing in between can matter, and the market jumps.
"""

from collections.abc import Callable, Sequence

from mt5_bridge.paper.market import Market, MarketEvent
from mt5_bridge.paper.matching import Matcher
from mt5_bridge.paper.rollover import bears_swap, charge_night, next_midnight


class Replay:
    """Moves `market` and matches every account on the way."""

    def __init__(self, market: Market, matchers: Sequence[Matcher]) -> None:
        self._market = market
        self._matchers = matchers

    @property
    def is_exposed(self) -> bool:
        return any(matcher.execution.account.is_exposed for matcher in self._matchers)

    def run(self, to_msc: int, stop: Callable[[], bool]) -> bool:
        """All events after the market's time up to and including `to_msc`, or up to the first moment after which
        `stop` says so; then True. A moment is never cut in two."""
        while self.is_exposed:
            event = self._market.peek(to_msc)
            timed = self._next_timed()
            limit = to_msc if event is None else event.time_msc
            if timed is not None and timed <= limit:
                self._let_time_pass(timed)
            elif event is not None:
                self._let_happen(event)
            else:
                break
            if self._market.peek(self._market.now_msc) is None and stop():
                return True
        self._market.jump(to_msc)
        return False

    def next_timed(self) -> int | None:
        """The next moment at which time alone does something: an expiry or a night's swap."""
        return self._next_timed()

    def _next_timed(self) -> int | None:
        accounts = [matcher.execution.account for matcher in self._matchers]
        due = [o.expiration * 1_000 for a in accounts for o in a.orders.values() if o.expiration]
        if any(bears_swap(account) for account in accounts):
            due.append(next_midnight(self._market.now_msc))
        return min(due, default=None)

    def _let_time_pass(self, moment_msc: int) -> None:
        self._market.now_msc = moment_msc
        for matcher in self._matchers:
            if next_midnight(moment_msc - 1) == moment_msc:
                charge_night(matcher.execution.account, moment_msc)
            matcher.expire(moment_msc)

    def _let_happen(self, event: MarketEvent) -> None:
        if event.range is not None:
            self._market.now_msc = event.time_msc
            for matcher in self._matchers:
                self._market.set_price(event.symbol, event.range.open, event.range.open + event.range.spread)
                matcher.on_range(event.symbol, event.range)
        self._market.apply(event)
        for matcher in self._matchers:
            matcher.on_quote(event.symbol, is_open=event.range is None)
