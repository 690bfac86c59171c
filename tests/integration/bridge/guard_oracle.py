"""Where a trailing stop must stand, by brute force over the bars: written apart from the product, in whole points."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradeloom.trading.intents import Side

SPREAD = 10
ALMOST_AN_HOUR = timedelta(hours=1) - timedelta(milliseconds=1)


@dataclass(frozen=True)
class Bar:
    """Bids in points."""

    opens: datetime
    open: int
    high: int
    low: int
    close: int


def read_bars(path: Path) -> list[Bar]:
    """Hourly asks in the file: the bid is the spread below."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [
        Bar(
            datetime.fromisoformat(row["time"]).astimezone(UTC),
            *(round(float(row[name]) * 100_000) - SPREAD for name in ("open", "high", "low", "close")),
        )
        for row in rows
    ]


@dataclass
class Trail:
    """A position with a trailing stop, bar by bar. `stops` holds each moment at which the stop moved, and where to;
    `closed` the moment and price (points) at which it was hit."""

    side: Side
    distance: int
    step: int = 1
    activation: int | None = None
    entry: int = 0

    def __post_init__(self) -> None:
        self.stop: int | None = None
        self.stops: list[tuple[datetime, int]] = []
        self.closed: tuple[datetime, int] | None = None
        self.sign = 1 if self.side is Side.BUY else -1

    def run(self, bars: list[Bar], start: datetime, end: datetime) -> "Trail":
        """From `start`, at which a bar opens, through everything up to `end`."""
        for bar in bars:
            if self.closed is None and start <= bar.opens <= end:
                if bar.opens > start:
                    self._hit(bar.opens, bar.open, gap=True)
                self._follow(bar.opens, bar.open)
            completes = bar.opens + ALMOST_AN_HOUR
            if self.closed is None and start <= bar.opens and completes <= end:
                self._hit(completes, bar.low if self.side is Side.BUY else bar.high, gap=False)
                self._follow(completes, bar.close)
        return self

    def at(self, moment: datetime) -> int | None:
        """Where the stop stood."""
        return next((stop for when, stop in reversed(self.stops) if when <= moment), None)

    def _exit(self, bid: int) -> int:
        return bid if self.side is Side.BUY else bid + SPREAD

    def _hit(self, moment: datetime, bid: int, *, gap: bool) -> None:
        price = self._exit(bid)
        if self.stop is not None and (price - self.stop) * self.sign <= 0:
            self.closed = moment, price if gap else self.stop

    def _follow(self, moment: datetime, bid: int) -> None:
        if self.closed is not None:
            return
        price = self._exit(bid)
        if self.activation is not None:
            if (price - self.entry) * self.sign < self.activation:
                return
            self.activation = None
        stop = price - self.sign * self.distance
        if self.stop is None or (stop - self.stop) * self.sign >= self.step:
            self.stop = stop
            self.stops.append((moment, stop))
