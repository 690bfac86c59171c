"""Which of a schedule's runs did not happen, and why: the pure part of the dead-man alert."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tradeloom.engine.journal import KeyedStart
from tradeloom.workflow.firing import FRESH
from tradeloom.workflow.schedules import Schedule

MARGIN: Final = timedelta(seconds=30)
"""After the last moment at which a run may start, so that it is in the journal by then."""
OVERLAPS: Final = "an execution of the workflow is"
"""How the dispatcher's reasons begin where the overlap policy left a start out."""
DOWN: Final = "Tradeloom was not running"
UNKNOWN: Final = "it was not started in time"
MOST_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Missed:
    due: datetime
    reason: str


def decided_until(schedule: Schedule, now: datetime) -> datetime:
    """Up to when all is decided: a later fire may still be started, or may be waiting for its turn."""
    window = timedelta(minutes=schedule.flexible_window_min or 0)
    return now - window - FRESH - MARGIN


def missed_of(
    dues: Mapping[datetime, str],
    starts: Mapping[str, KeyedStart],
    *,
    skipped: Mapping[str, str],
    up_since: datetime,
    standing: str | None,
) -> list[Missed]:
    """Of the fire times (each with its start's dedupe key), those that led to no run, oldest first.

    `skipped` are reasons by key as the dispatcher gave them, `up_since` the market time at which this process began to
    watch, `standing` what keeps the workflow from running now.
    """
    missed = []
    for due, key in sorted(dues.items()):
        start = starts.get(key)
        if start is not None:
            if start.status == "STOPPED" and not start.began:
                missed.append(Missed(due, start.stop_reason or UNKNOWN))
            continue
        reason = skipped.get(key) or (DOWN if due <= up_since else standing or UNKNOWN)
        missed.append(Missed(due, reason))
    return missed


def told(missed: Iterable[Missed]) -> str:
    """When and why, in sentences; the reasons that came most often first."""
    every = list(missed)
    first, last = every[0].due, every[-1].due
    when = _moment(first) if first == last else f"{len(every)} times from {_moment(first)} to {_moment(last)}"
    counted = Counter(each.reason.rstrip(".") for each in every).most_common()
    reasons = [reason if len(counted) == 1 else f"{reason} ({times}×)" for reason, times in counted[:MOST_REASONS]]
    rest = sum(times for _, times in counted[MOST_REASONS:])
    if rest:
        reasons.append(f"other reasons ({rest}×)")
    return f"It should have run and did not: {when} market time. Why: {'; '.join(reasons)}."


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
