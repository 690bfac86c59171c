"""A moment as a person writes it."""

from datetime import UTC, datetime

import pytest

from tradeloom.cli.moments import moment
from tradeloom.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T12:00", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01T12:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01T12:00+02:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
    ],
)
def test_it_is_told_in_utc(text: str, read: datetime) -> None:
    found = moment(text, "--at")
    assert (found, found.tzinfo) == (read, UTC)


@pytest.mark.parametrize("text", ["", "noon", "2026-13-01", "2026-11-01T25:00", "0001-01-01T00:00+10:00", "1"])
def test_what_is_none_names_its_option(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        moment(text, "--since")
    assert (caught.value.field, text in caught.value.message) == ("--since", True)
    assert "2026-11-01T12:00Z" in (caught.value.hint or "")
