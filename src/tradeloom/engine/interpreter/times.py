"""Times as a state machine writes them: RFC 3339, milliseconds, UTC."""

from datetime import UTC, datetime


def timestamp(at: datetime) -> str:
    """`2026-11-22T10:55:21.131Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime | None:
    """The time of an RFC 3339 text, None when it is none or names no zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if parsed.tzinfo is None or "T" not in text.upper() else parsed


def to_millisecond(at: datetime) -> datetime:
    """The same time, whole milliseconds: what survives being written and read."""
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
