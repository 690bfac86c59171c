"""What a price did since the last look: every tick the terminal has, without ticks the bars and the standing quote.

A mark says which ticks were seen: all up to a millisecond, and so many of those in it. It is JSON, part of a trigger's
memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tradeloom.errors import BrokerError
from tradeloom.nodes.trigger._observing import Look, closing_of, moment, told, unseen
from tradeloom.trading.ticks import QuoteSide
from tradeloom.trading.timeframes import Timeframe

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars
    from tradeloom.trading.broker import Tick
    from tradeloom.trading.ticks import Ticks

UNWATCHED = timedelta(seconds=120)
"""After so long without a look, and without ticks of that time, the bars that came in between are gone through."""
FINEST = (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4, Timeframe.D1)
LAST_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A price and its time. `key` names it among all of a symbol."""

    key: str
    at: datetime
    price: float


@dataclass(frozen=True, slots=True)
class Movement:
    """What came since the last look, the earliest first, and the mark up to which it goes; None without ticks."""

    points: list[Point]
    mark: dict[str, Any] | None


def movement(symbol: str, side: QuoteSide, state: Mapping[str, Any] | None, look: Look) -> Movement:
    """`state` has `at`, the time of the last look, `mark`, what this gave then, and `edge` with the `value` last seen;
    None begins with the quote as it stands."""
    quote = look.tick(symbol)
    marked = state.get("mark") if state else None
    if state is None or marked is None:
        points = [] if state is None else list(_from_bars(symbol, side, moment(state["at"]), look))
        return Movement(_and_quote(points, quote, side), _mark(look, quote))
    since, seen = moment(marked["at"]), int(marked["seen"])
    ticks = look.ticks(symbol, since, seen)
    if ticks is None:
        points = list(_from_bars(symbol, side, moment(state["at"]), look))
        return Movement(_and_quote(points, quote, side), _mark(look, quote))
    if len(ticks):
        points, mark = _from_ticks(ticks, side, since, seen)
        return Movement(points, mark)
    if quote.time > since and price_of(quote, side) != state["edge"]["value"]:
        # A terminal whose ticks lag behind its quote: what stands is not waited for.
        return Movement(_and_quote([], quote, side), {"at": told(quote.time), "seen": 0})
    return Movement([], dict(marked))


def price_of(tick: "Tick", side: QuoteSide) -> float | None:
    price = tick.bid if side == "bid" else tick.ask if side == "ask" else tick.last
    return price if price is not None and price > 0 else None


def _from_ticks(ticks: "Ticks", side: QuoteSide, since: datetime, seen: int) -> tuple[list[Point], dict[str, Any]]:
    points, last, nth = [], since, seen
    for at, price in ticks.prices(side):
        nth = nth + 1 if at == last else 1
        last = at
        if price > 0:
            points.append(Point(told(at) if nth == 1 else f"{told(at)}+{nth}", at, price))
    return points, {"at": told(last), "seen": nth}


def _mark(look: Look, quote: "Tick") -> dict[str, Any] | None:
    """The ticks up to the quote count as seen."""
    ticks = look.ticks(quote.symbol, quote.time, 0)
    if ticks is None:
        return None
    return {"at": told(quote.time), "seen": sum(1 for at, _ in ticks.prices("bid") if at == quote.time)}


def _and_quote(points: list[Point], quote: "Tick", side: QuoteSide) -> list[Point]:
    price = price_of(quote, side)
    if price is not None and (not points or quote.time >= points[-1].at):
        return [*points, Point(told(quote.time), quote.time, price)]
    return points


def _from_bars(symbol: str, side: QuoteSide, seen: datetime, look: Look) -> Iterator[Point]:
    """What the bars show of the time since the last look, where that is long ago. Trades (`last`) leave no bars."""
    if look.now - seen <= UNWATCHED or side == "last":
        return
    timeframe = next((each for each in FINEST if _has_bars(symbol, each, look)), None)
    if timeframe is None:
        return
    bars = unseen(look, symbol, timeframe, seen, look.now, before=1)
    point = float(look.symbol(symbol).point)
    for row in range(len(bars)):
        opening = bars.bar(row).time
        closing = closing_of(opening, timeframe)
        if closing > seen:
            # Of a bar whose opening was seen, only its close is sure to have come afterwards.
            path = _path(bars, row, opening, closing)[0 if opening > seen else -1 :]
            spread = int(bars.spread[row]) * point if side == "ask" else 0.0
            yield from (Point(told(at), at, bid + spread) for at, bid in path)


def _has_bars(symbol: str, timeframe: Timeframe, look: Look) -> bool:
    try:
        return look.newest(symbol, timeframe, look.now) is not None
    except BrokerError as error:
        if error.retryable:
            raise
        return False  # a replay of hours has no minutes


def _path(bars: "Bars", row: int, opening: datetime, closing: datetime) -> list[tuple[datetime, float]]:
    bar, third = bars.bar(row), (closing - opening) / 3
    extremes = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    return [
        (opening, bar.open),
        (opening + third, extremes[0]),
        (opening + 2 * third, extremes[1]),
        (closing - LAST_MOMENT, bar.close),
    ]
