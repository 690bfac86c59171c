"""What a schedule is to start next, given what it last started and what the clock shows. A pure rule: every scheduler
that asks it, after whatever restart, comes to the same answer."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeloom.workflow.schedules import Schedule, missed_fires, next_fires

FRESH = timedelta(seconds=90)
"""A start that could not be made within this time is missed: a stale signal does not trade."""


@dataclass(frozen=True, slots=True)
class Fire:
    """A start to make. `due` is the fire time and names it; `at` is when to start, later than `due` in a flexible
    window; after `until` it is too late. `missed` ones are made up for, until they are too old for that."""

    due: datetime
    at: datetime
    until: datetime
    missed: bool = False


def next_fire(schedule: Schedule, last: datetime, now: datetime, key: str) -> Fire | None:
    """The first start after `last`, the last fire time that was seen to; None where there is none any more.

    What is later than `FRESH`, and past its flexible window, was missed: the misfire policy says which of it is made
    up for, oldest first. `key` names the schedule: its place in a window follows from that and the fire time.
    """
    window = timedelta(minutes=schedule.flexible_window_min or 0)
    fresh_from = now - FRESH - window
    age = timedelta(minutes=schedule.max_age_min)
    missed = missed_fires(schedule, max(last, now - age), fresh_from)
    if missed:
        return Fire(missed[0], now, missed[0] + age, missed=True)
    found = next_fires(schedule, max(last, fresh_from), 1)
    if not found:
        return None
    due = found[0]
    return Fire(due, due + _delay(window, key, due), due + window + FRESH)


def _delay(window: timedelta, key: str, due: datetime) -> timedelta:
    """A whole number of seconds below the window."""
    seconds = int(window.total_seconds())
    if seconds == 0:
        return timedelta()
    digest = hashlib.sha256(f"{key}\x1f{due.isoformat()}".encode("utf-8", "surrogatepass")).digest()
    return timedelta(seconds=int.from_bytes(digest[:8]) % seconds)
