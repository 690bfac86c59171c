"""The channels of runs: `/runs/{tenant}/{run}` for one, `/runs/{tenant}/*` for the status of all."""

import re
from dataclasses import dataclass

from tradeloom.errors import InvalidInput

_SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?"
_CHANNEL = re.compile(rf"/?runs/(?P<tenant>{_SEGMENT})/(?P<run>{_SEGMENT}|\*)/?")


@dataclass(frozen=True, slots=True)
class Channel:
    """`run` None stands for all runs of the tenant."""

    tenant: str
    run: str | None

    def __str__(self) -> str:
        return f"/runs/{self.tenant}/{self.run or '*'}"


def channel_of(name: str) -> Channel:
    """Raises `InvalidInput` for a name that is no channel of runs, in AppSync Events' terms."""
    found = _CHANNEL.fullmatch(name)
    if found is None:
        raise InvalidInput(
            "This is not a channel of runs.",
            field="channel",
            hint="Subscribe to /runs/<tenant>/<execution id>, or to /runs/<tenant>/* for the status of all.",
        )
    run = found["run"]
    return Channel(found["tenant"], None if run == "*" else run)
