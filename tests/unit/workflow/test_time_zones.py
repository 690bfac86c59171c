"""Time zones' names: IANA's, and nothing that only this machine knows."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.workflow.time_zones import iana, time_zones


def test_every_name_is_a_zone_that_can_be_loaded() -> None:
    assert {"UTC", "Europe/London", "America/Argentina/Buenos_Aires"} <= time_zones()
    for name in time_zones():
        assert ZoneInfo(iana(name)).key == name


@pytest.mark.parametrize("name", ["", "localtime", "posixrules", "posix/UTC", "right/UTC", "utc", "../UTC", "Europe"])
def test_names_of_files_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="no IANA time zone; examples"):
        iana(name)


@given(st.text())
def test_any_text_is_a_name_or_refused(text: str) -> None:
    if text not in time_zones():
        with pytest.raises(ValueError, match="no IANA time zone"):
            iana(text)
