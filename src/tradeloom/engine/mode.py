"""How an execution departs from a plain run: outcomes given instead of running, nodes left out, pauses for a person.

All of it is decided before the execution starts and is kept in its row, so a resumed one departs in the same way.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from tradeloom.engine import codec
from tradeloom.errors import InvalidInput

Source = Literal["pinned", "recorded", "by_hand"]
"""Where an outcome comes from that no handler gave: a pin, another execution's record, a person at a pause."""


class Pausing(BaseModel):
    """When a debugged execution pauses: before every node (`stepping`), or at breakpoints, or once before `run_to`.

    `revision` counts the changes, so that the newest is known among several that were written down.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    stepping: bool = True
    breakpoints: frozenset[str] = frozenset()
    run_to: str | None = None
    revision: int = 0

    def before(self, node: str) -> bool:
        return self.stepping or node in self.breakpoints or node == self.run_to

    def changed(self, **changes: Any) -> "Pausing":
        return self.model_copy(update=changes | {"revision": self.revision + 1})

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json") | {"breakpoints": sorted(self.breakpoints)}


class Mode(BaseModel):
    """`given` is the sha256 of a blob of `GivenOutcome`s; `left_out` are nodes that count as skipped; `pinned` those
    whose given outcome is a pin; `debug` is how a debugged execution begins. The others tell where it came from."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    given: str | None = None
    left_out: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    debug: Pausing | None = None
    replay_of: str | None = None
    from_node: str | None = None
    until: str | None = None

    def check(self, *, test_mode: bool) -> None:
        """Raises `InvalidInput` for pins outside test mode: no real order may rest on made-up data."""
        if self.pinned and not test_mode:
            raise InvalidInput(
                f"{self.pinned[0]!r} is pinned, and pins count in test mode only.",
                field="pinned",
                hint="Run it in test mode, or without pins.",
            )

    def as_json(self) -> dict[str, Any] | None:
        """None for a plain run."""
        if self == Mode():
            return None
        return self.model_dump(mode="json") | {"debug": None if self.debug is None else self.debug.as_json()}


class GivenOutcome(BaseModel):
    """What a node's task gave, or when its wait was entered, instead of running it. `iteration` None is every one.

    One of `record` (a node record), `error` (`{name, cause}`) and `entered` (RFC 3339) is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    node: str
    source: Source
    iteration: tuple[int, ...] | None = None
    record: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    entered: str | None = None


Outcomes = Mapping[tuple[str, tuple[int, ...] | None, bool], GivenOutcome]


@dataclass(frozen=True, slots=True)
class Departures:
    """A mode made ready for looking up."""

    mode: Mode
    outcomes: Outcomes

    def task(self, node: str, iteration: tuple[int, ...]) -> GivenOutcome | None:
        return self.outcomes.get((node, iteration, False)) or self.outcomes.get((node, None, False))

    def wait(self, node: str, iteration: tuple[int, ...]) -> GivenOutcome | None:
        return self.outcomes.get((node, iteration, True))

    def leaves_out(self, node: str) -> bool:
        return node in self.mode.left_out


PLAIN: Final = Departures(Mode(), {})


def pack(outcomes: Iterable[GivenOutcome]) -> bytes:
    """A blob's content."""
    return codec.dumps([outcome.model_dump(mode="json", exclude_none=True) for outcome in outcomes]).encode("ascii")


def unpack(mode: Mode, content: bytes | None) -> Departures:
    given = [] if content is None else [GivenOutcome.model_validate(each) for each in json.loads(content)]
    keyed = {(each.node, each.iteration, each.entered is not None): each for each in given}
    return Departures(mode, keyed)


def skipped_record(as_of: str) -> dict[str, Any]:
    """What the task of a node that is left out answers: nothing behind it is live. What a loop or a delay reads of its
    own task is there, so that the one has no items and the other no time to wait."""
    return {"state": "skipped", "port": None, "output": {"items": [], "seconds": 0, "timestamp": as_of}}
