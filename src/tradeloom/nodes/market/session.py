"""market.session: whether now is a time to trade."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, Tier, setting
from tradeloom.nodes.market._calendar import (
    SESSIONS,
    Session,
    common_holiday,
    last_and_next_rollover,
    open_spans,
    week_end,
)
from tradeloom.nodes.trading_days import CLOCK_PATTERN
from tradeloom.workflow.time_zones import iana

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_DAYS = 9


class Hours(BaseModel):
    """Hours of your own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = setting("own", title="Name", help="What to call them.", widget="text", min_length=1, max_length=40)
    opens: str = setting(title="From", help="When they begin, such as 09:30.", widget="text", pattern=CLOCK_PATTERN)
    closes: str = setting(
        title="To",
        help="When they end; at or before the beginning is the next day's.",
        widget="text",
        pattern=CLOCK_PATTERN,
    )
    time_zone: str = setting(
        "UTC", title="Time zone", help="The IANA zone of these hours.", widget="text", examples=["Europe/Berlin"]
    )
    days: list[Weekday] = setting(
        ["mon", "tue", "wed", "thu", "fri"],
        title="Days",
        help="The days on which they begin.",
        widget="select",
        min_length=1,
        max_length=7,
    )

    @model_validator(mode="after")
    def _known_zone(self) -> Self:
        iana(self.time_zone)
        return self

    def session(self) -> Session:
        days = frozenset(_WEEKDAYS.index(day) for day in self.days)
        return Session(self.name, self.time_zone, time.fromisoformat(self.opens), time.fromisoformat(self.closes), days)


class SessionConfig(NodeConfig):
    sessions: list[Literal["sydney", "tokyo", "london", "new_york"]] = setting(
        ["london", "new_york"],
        title="Sessions",
        help="Business hours of the currency market's centres, by their own clocks. One of them is enough.",
        widget="select",
        max_length=4,
    )
    hours: list[Hours] = setting([], title="Own hours", help="Further hours in which to trade.", max_length=20)
    overlap: bool = setting(
        False,
        title="All at once",
        help="Only while all of them are open, such as London and New York.",
        widget="toggle",
        advanced=True,
    )
    before_rollover_min: int = setting(
        0,
        title="Stop before rollover",
        help="Closed for so long before 17:00 in New York, when swaps are charged and spreads widen.",
        unit="minutes",
        widget="number",
        ge=0,
        le=720,
        advanced=True,
    )
    after_rollover_min: int = setting(
        0,
        title="Wait after rollover",
        help="Closed for so long after it.",
        unit="minutes",
        widget="number",
        ge=0,
        le=720,
        advanced=True,
    )
    before_weekend_min: int = setting(
        0,
        title="Stop before the weekend",
        help="Closed for so long before Friday 17:00 in New York.",
        unit="minutes",
        widget="number",
        ge=0,
        le=5_760,
        advanced=True,
    )
    weekend: bool = setting(
        False,
        title="Weekends too",
        help="For markets that do not close: without it everything is closed from Friday to Sunday 17:00 in New York.",
        widget="toggle",
    )
    common_holidays: bool = setting(
        True,
        title="Common holidays",
        help="Closed on New Year's Day, Good Friday and Christmas Day, by each session's own date.",
        widget="toggle",
        advanced=True,
    )
    holidays: list[date] = setting(
        [],
        title="Own holidays",
        help="Further dates on which no session opens.",
        widget="text",
        examples=[["2026-07-03", "2026-11-26"]],
        max_length=1_000,
    )

    @model_validator(mode="after")
    def _something_opens(self) -> Self:
        if not self.sessions and not self.hours:
            raise ValueError("choose a session or give hours of your own")
        return self


class SessionOutput(NodeOutput):
    open: bool = Field(description="Whether now is a time to trade.")
    sessions: list[str] = Field(description="The sessions and own hours that are open by the clock.")
    reason: str = Field(description="Why it is closed, or what is open.")
    minutes_to_close: float | None = Field(description="Minutes until it closes by these rules; null while closed.")
    next_open: AwareDatetime | None = Field(
        description="When it opens next; null while open, or if not within nine days."
    )
    minutes_to_rollover: float = Field(description="Minutes until the next 17:00 in New York.")


class SessionNode(Node):
    type = "market.session"
    title = "Trading session"
    description = "Goes on only at times you trade: sessions, rollover, weekends and holidays."
    help = (
        "Compares the moment the execution stands at with the sessions of Sydney (7-16), Tokyo (9-18), London (8-17) "
        "and New York (8-17), each by its own clock, so that summer time is right on both sides of an ocean in the "
        "weeks when only one has changed. Own hours work the same way in any time zone, past midnight too.\n\n"
        "Around the rollover at 17:00 in New York, before the weekend and on holidays it is closed whatever the clock "
        "says. Half holidays are not known; list them as dates if you stay away. This is the calendar, not the word of "
        "the broker: whether a symbol can be traded now shows in the age of its quote, which price and order nodes "
        "check."
    )
    icon = "clock"
    tier = Tier.BASIC
    ports = (Port("open", "Open"), Port("closed", "Closed"))
    errors = (NodeConfigError,)
    example = Example(
        title="London or New York, but not around the rollover",
        config={"sessions": ["london", "new_york"], "before_rollover_min": 15, "after_rollover_min": 60},
    )
    Config = SessionConfig
    Output = SessionOutput

    def run(self, config: SessionConfig, context: NodeContext) -> Emit:
        now = context.as_of.astimezone(UTC)
        rules = _Rules(config)
        reason, names = rules.judge(now)
        is_open = reason is None
        change = rules.next_change(now, to_open=not is_open)
        output = SessionOutput(
            open=is_open,
            sessions=names,
            reason=reason or f"open: {', '.join(names)}",
            minutes_to_close=_minutes(change - now) if is_open and change else None,
            next_open=None if is_open else change,
            minutes_to_rollover=_minutes(last_and_next_rollover(now)[1] - now),
        )
        return Emit("open" if is_open else "closed", output)


class _Rules:
    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._sessions = [SESSIONS[name] for name in config.sessions] + [each.session() for each in config.hours]

    def judge(self, moment: datetime) -> tuple[str | None, list[str]]:
        """Why it is closed (None while open), and which sessions are open by their clocks."""
        spans = open_spans(self._sessions, moment, self._config.holidays)
        here = [session for opens, closes, session in spans if opens <= moment < closes]
        names = sorted({session.name for session in here}, key=[each.name for each in self._sessions].index)
        return self._closed(moment, here) or self._blocked(moment), names

    def _closed(self, moment: datetime, here: list[Session]) -> str | None:
        if self._config.common_holidays:
            for session in here:
                holiday = next(
                    (
                        name
                        for opens, closes in session.around(moment)
                        if opens <= moment < closes and (name := common_holiday(session.date_of(opens)))
                    ),
                    None,
                )
                if holiday:
                    return f"closed: {holiday}"
        if not here:
            return "closed: no session is open"
        missing = [each.name for each in self._sessions if each not in here]
        if self._config.overlap and missing:
            return f"closed: {', '.join(missing)} not open at the same time"
        return None

    def _blocked(self, moment: datetime) -> str | None:
        config = self._config
        last, following = last_and_next_rollover(moment)
        if moment < last + timedelta(minutes=config.after_rollover_min):
            return f"closed: {config.after_rollover_min} minutes after the rollover"
        if moment >= following - timedelta(minutes=config.before_rollover_min):
            return f"closed: {config.before_rollover_min} minutes before the rollover"
        ends, _ = week_end(moment)
        if not config.weekend and moment >= ends:
            return "closed: weekend"
        if ends - timedelta(minutes=config.before_weekend_min) <= moment < ends:
            return f"closed: {config.before_weekend_min} minutes before the weekend"
        return None

    def next_change(self, now: datetime, *, to_open: bool) -> datetime | None:
        """The first moment after now at which it is open (or closed). Rules change only at their own edges."""
        last = now + timedelta(days=_LOOK_DAYS)
        for edge in sorted(edge for edge in self._edges(now) if now < edge <= last):
            if (self.judge(edge)[0] is None) is to_open:
                return edge
        return None

    def _edges(self, now: datetime) -> set[datetime]:
        edges: set[datetime] = set()
        for offset in range(_LOOK_DAYS + 1):
            moment = now + timedelta(days=offset)
            for opens, closes, _ in open_spans(self._sessions, moment, ()):
                edges |= {opens, closes}
            _, following = last_and_next_rollover(moment)
            edges |= {
                following - timedelta(minutes=self._config.before_rollover_min),
                following,
                following + timedelta(minutes=self._config.after_rollover_min),
            }
            ends, begins = week_end(moment)
            edges |= {ends - timedelta(minutes=self._config.before_weekend_min), ends, begins}
        return edges


def _minutes(length: timedelta) -> float:
    return round(length.total_seconds() / 60, 3)
