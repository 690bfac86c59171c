"""The trading week: sessions in their own time zones, the daily rollover, holidays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tradeloom.nodes.trading_days import TradingDays

ROLLOVER = TradingDays("America/New_York", time(17))
"""The currency market's day ends at 17:00 in New York: swaps are charged, spreads widen. Its week ends there on Friday
and begins there on Sunday."""
FRIDAY, SUNDAY = 4, 6


@dataclass(frozen=True, slots=True)
class Session:
    """Hours of the clock in a zone, on weekdays of its own (Monday is 0). `closes` at or before `opens` is of the next
    day."""

    name: str
    zone: str
    opens: time
    closes: time
    days: frozenset[int] = frozenset(range(5))

    def around(self, moment: datetime) -> "list[tuple[datetime, datetime]]":
        """Its openings and closings, in UTC, that could hold `moment` or be the next: those of ten local days."""
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(self.zone)
        today = moment.astimezone(zone).date()
        found = []
        for offset in range(-2, 9):
            day = today + timedelta(days=offset)
            if day.weekday() in self.days:
                end = day if self.closes > self.opens else day + timedelta(days=1)
                found.append((_at(day, self.opens, zone), _at(end, self.closes, zone)))
        return [(opens, closes) for opens, closes in found if opens < closes]

    def date_of(self, opening: datetime) -> date:
        """The local date on which an opening of it falls."""
        from zoneinfo import ZoneInfo

        return opening.astimezone(ZoneInfo(self.zone)).date()


SESSIONS = {
    session.name: session
    for session in (
        Session("sydney", "Australia/Sydney", time(7), time(16)),
        Session("tokyo", "Asia/Tokyo", time(9), time(18)),
        Session("london", "Europe/London", time(8), time(17)),
        Session("new_york", "America/New_York", time(8), time(17)),
    )
}
"""The four currency sessions, by the business hours of their centres."""


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


def common_holiday(day: date) -> str | None:
    """The holiday on which hardly anybody trades, or None: New Year's Day, Good Friday, Christmas Day."""
    if (day.month, day.day) == (1, 1):
        return "New Year's Day"
    if (day.month, day.day) == (12, 25):
        return "Christmas Day"
    if day == easter(day.year) - timedelta(days=2):
        return "Good Friday"
    return None


def last_and_next_rollover(moment: datetime) -> tuple[datetime, datetime]:
    """The rollovers around a moment, in UTC: at or before it, and after it. Every day has one, weekends too."""
    return ROLLOVER.start(moment), ROLLOVER.next_start(moment)


def week_end(moment: datetime) -> tuple[datetime, datetime]:
    """When the trading week that `moment` lies in or follows ends and the next begins, in UTC."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(ROLLOVER.zone)
    local = moment.astimezone(zone)
    # Days since the Sunday on which the week began; its first hours belong to the weekend before.
    since = (local.weekday() - SUNDAY) % 7
    if since == 0 and local.time() < ROLLOVER.begins:
        since = 7
    friday = local.date() + timedelta(days=5 - since)
    return ROLLOVER.on(friday), ROLLOVER.on(friday + timedelta(days=2))


def open_spans(
    sessions: Sequence[Session], moment: datetime, holidays: Iterable[date]
) -> list[tuple[datetime, datetime, Session]]:
    """Opening, closing and session of all that are near a moment, but those that open on one of the holidays."""
    closed = frozenset(holidays)
    spans = [
        (opens, closes, session)
        for session in sessions
        for opens, closes in session.around(moment)
        if session.date_of(opens) not in closed
    ]
    return sorted(spans, key=lambda span: (span[0], span[1]))


def _at(day: date, clock: time, zone: object) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)  # type: ignore[arg-type]
