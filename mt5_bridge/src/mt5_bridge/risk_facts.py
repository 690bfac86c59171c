"""What the risk gate remembers beside the journal: keys, and the records of throttled workflows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tradeloom.trading.account_day import DayFigures
from tradeloom.trading.methods import Throttle

RISK = "risk/"
DAY = "risk/day"
"""The account's day (`AccountDay`)."""
REBASE = "risk/rebase"
"""A person let a halted account go on: if it was the drawdown that halted it, the peak begins anew."""
CONFIGURED = "configured/limits"
"""The limits as the configuration last gave them: only when it changes do they replace what was set since."""
THROTTLE = "throttle/"
"""By workflow: the last time it was throttled."""


def day_figures(record: Any) -> DayFigures | None:
    """Of the account's day; None when there is no record, or none that can be read: then nothing is opened anyway."""
    try:
        return None if record is None else DayFigures.model_validate(record)
    except ValidationError:
        return None


def throttle_record(throttle: Throttle) -> dict[str, Any]:
    return throttle.model_dump(mode="json") | {"cleared": False}


def standing_throttles(records: Mapping[str, Any]) -> tuple[Throttle, ...]:
    """Those that nobody has cleared, of the records by key."""
    return tuple(throttle for record in records.values() if (throttle := standing_throttle(record)) is not None)


def standing_throttle(record: Any) -> Throttle | None:
    if not isinstance(record, dict) or record.get("cleared"):
        return None
    return Throttle.model_validate({key: value for key, value in record.items() if key != "cleared"})


def counts_from(record: Any, since: datetime) -> datetime:
    """From when on repeats count: a throttle that was cleared begins the count anew."""
    if not isinstance(record, dict) or not record.get("cleared"):
        return since
    return max(since, datetime.fromisoformat(record["at"]))
