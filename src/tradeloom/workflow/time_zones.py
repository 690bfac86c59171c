"""Which time zones there are: IANA's names as the tzdata package lists them, the same on every machine."""

from functools import cache
from importlib.resources import files


@cache
def time_zones() -> frozenset[str]:
    """Not `zoneinfo.available_timezones`, which reads each file of the machine's own database, 20 ms a call, and takes
    `localtime` for a name."""
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())


def iana(name: str) -> str:
    """The name itself. Raises `ValueError` where no zone is called so."""
    if name not in time_zones():
        raise ValueError(f"{name[:64]!r} is no IANA time zone; examples: UTC, Europe/London, America/New_York")
    return name
