"""How a trigger that watches the market is asked what has happened: one look after another, with a memory between.

The watcher (`engine/watcher.py`) calls `observe`; what happened becomes an execution's payload, from which the node's
`run` makes its output.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import Kind, Node, NodeOutput, setting
from tradeloom.trading.timeframes import Timeframe
from tradeloom.workflow.schedules import Misfire, Overlap

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars
    from tradeloom.trading.broker import ClosedTrade, EndedOrder, PendingOrder, Position, Symbol, Tick
    from tradeloom.trading.ticks import Ticks


class Look(Protocol):
    """One look at an account's market: every question is asked of the broker once, whoever else asks it too.

    Each may raise `BrokerUnavailable`, `BrokerTimeout`, and `NotFound` for an unknown symbol.
    """

    @property
    def now(self) -> datetime: ...
    def tick(self, symbol: str) -> "Tick": ...
    def symbol(self, name: str) -> "Symbol": ...
    def ticks(self, symbol: str, since: datetime, skip: int) -> "Ticks | None":
        """Every quote from the millisecond `since` on without the first `skip` in it; None where the broker cannot tell
        them, or there are too many to go through."""
        ...

    def newest(self, symbol: str, timeframe: Timeframe, until: datetime) -> datetime | None:
        """When the last bar opened that was closed by `until`, by the first tick of the next one; None where there is
        none."""
        ...

    def forming(self, symbol: str, timeframe: Timeframe, until: datetime) -> datetime | None:
        """When the last bar opened that had begun by `until`: its first tick closed the one before."""
        ...

    def bars(self, symbol: str, timeframe: Timeframe, until: datetime, count: int) -> "Bars":
        """The last bars closed by `until`: `count`, or as many as there are."""
        ...

    def once[T](self, key: tuple[Hashable, ...], work: Callable[[], T]) -> T:
        """What `work` gives, done once in a look for all that ask under the same key; what it raises, too."""
        ...

    def positions(self) -> "list[Position]": ...
    def orders(self) -> "list[PendingOrder]": ...
    def trades(self, since: datetime) -> "list[ClosedTrade]":
        """Closed since then, that moment included."""
        ...

    def ended(self, since: datetime, tickets: "Sequence[int]") -> "list[EndedOrder]":
        """Orders that left the book since then, that moment included, and those of the tickets whenever they did."""
        ...


@dataclass(frozen=True, slots=True)
class Happening:
    """Something a trigger waits for. `key` names it among all the node ever sees; `at` is market time."""

    key: str
    at: datetime
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """The next memory (JSON) and what happened since the last look, the earliest first."""

    state: dict[str, Any]
    happenings: tuple[Happening, ...] = ()


class MarketTrigger(Node):
    """A trigger that the market fires."""

    kind = Kind.TRIGGER

    @classmethod
    def watches(cls, config: Any) -> str | None:
        """The symbol whose quotes decide; None for one that waits for orders."""
        symbol: str = config.symbol
        return symbol

    @classmethod
    def observe(cls, config: Any, state: Mapping[str, Any] | None, look: Look, workflow_id: str) -> Observation:
        """What happened since the look that left `state`; None at the first one after the workflow was activated,
        when nothing from before counts."""
        raise NotImplementedError(f"{cls.type} watches nothing")


def delivered[T: NodeOutput](output: type[T], payload: Mapping[str, Any]) -> T:
    """The output a payload holds, times in UTC. Raises `NodeConfigError` naming the part that is wrong."""
    try:
        made = output.model_validate(dict(payload))
        return made.model_copy(update={
            name: value.astimezone(UTC) for name, value in made if isinstance(value, datetime)
        })  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NodeConfigError(
            f"The payload is no event of this trigger: {where}: {first['msg']}.",
            field=f"payload.{where}",
            hint="Start it without a payload for a sample from the market.",
        ) from error
    except OverflowError as error:
        raise NodeConfigError("The payload holds a time that is out of range.", field="payload") from error


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def told(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as payloads and memories hold times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def closing_of(opening: datetime, timeframe: Timeframe) -> datetime:
    """When a bar that opened then is over. A month is a calendar month."""
    if timeframe is Timeframe.MN1:
        return opening.replace(year=opening.year + opening.month // 12, month=opening.month % 12 + 1)
    return datetime.fromtimestamp(opening.timestamp() + timeframe.seconds, UTC)


def closed_at(bars: "Bars", row: int, timeframe: Timeframe, following: datetime | None) -> datetime:
    """When a bar was closed: by the first tick of the next row, and the last one by that of the bar `following`."""
    after = bars.bar(row + 1).time if row + 1 < len(bars) else following
    nominal = closing_of(bars.bar(row).time, timeframe)
    return nominal if after is None else max(nominal, after)


def unseen(look: Look, symbol: str, timeframe: Timeframe, seen: datetime, until: datetime, before: int) -> "Bars":
    """Bars closed by `until` with at least `before` rows ahead of the first that opened after `seen`, where there are
    that many; at most `MOST_UNSEEN` after it."""
    fitting = int((until - seen).total_seconds() // timeframe.seconds) + 1
    return look.bars(symbol, timeframe, until, min(max(fitting, 1), MOST_UNSEEN) + before)


MOST_UNSEEN = 500
"""Bars looked back over after nobody watched for long; what lies further back is not started any more."""


def symbol_setting() -> Any:
    return setting(
        title="Symbol",
        help="The instrument, spelled as your broker spells it.",
        widget="symbol",
        static=True,
        examples=["EURUSD"],
        min_length=1,
        max_length=29,
    )


def timeframe_setting(help: str) -> Any:
    return setting(Timeframe.H1, title="Timeframe", help=help, widget="select", static=True)


def missed_setting(default: Misfire) -> Any:
    return setting(
        default,
        title="Missed events",
        help="What to do with events from more than 90 seconds before that came while nobody watched: skip them, start "
        "once for the last of them, or start for all.",
        widget="select",
        static=True,
        advanced=True,
    )


def overlap_setting(default: Overlap) -> Any:
    return setting(
        default,
        title="While one is running",
        help="What to do when the last execution has not ended: skip the event, queue behind it, or allow both.",
        widget="select",
        static=True,
        advanced=True,
    )


def hysteresis_setting(unit: str) -> Any:
    return setting(
        0.0,
        title="Hysteresis",
        help=f"How far the other side of the level it has to go, in {unit}, before the trigger is armed again.",
        widget="number",
        static=True,
        ge=0,
        le=1e9,
        advanced=True,
    )


def cooldown_setting() -> Any:
    return setting(
        0.0,
        title="Cooldown",
        help="For so long after it fired, nothing fires; what happens meanwhile is left out. In market time.",
        unit="s",
        widget="duration",
        static=True,
        ge=0,
        le=31_536_000,
        advanced=True,
    )
