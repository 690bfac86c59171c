"""A moment as a person writes it on the command line."""

from datetime import UTC, datetime

from tradeloom.errors import InvalidInput


def moment(text: str, field: str) -> datetime:
    """ISO 8601, told in UTC; what names no offset is UTC. Raises `InvalidInput` that names the option."""
    try:
        read = datetime.fromisoformat(text)
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{text!r} is no moment.", field=field, hint="Such as 2026-11-01 or 2026-11-01T12:00Z."
        ) from error
