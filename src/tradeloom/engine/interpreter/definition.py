"""State machines as this interpreter knows them: parsed once, checked wholly, refused where unknown.

The subset is what the compiler emits: JSONata machines of Pass, Task (`lambda:invoke`), Choice, Wait, Parallel, Map
(inline, one at a time), Succeed and Fail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tradeloom.engine.interpreter.template import Template


@dataclass(frozen=True, slots=True)
class Retrier:
    """Intervals and the cap are seconds; `jitter` spreads each pause evenly between 0 and its length."""

    errors: tuple[str, ...]
    interval_s: int
    backoff_rate: float
    max_attempts: int
    max_delay_s: int | None
    jitter: bool

    def delay_s(self, retry: int) -> float:
        """The pause before the retry with this number, counted from 0, without jitter."""
        delay = float(min(self.interval_s * self.backoff_rate**retry, 1e9))
        return delay if self.max_delay_s is None else min(delay, self.max_delay_s)


@dataclass(frozen=True, slots=True)
class Catcher:
    errors: tuple[str, ...]
    next: str
    assign: Template | None
    output: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`next` is None where the state ends its region; `path_name` is the name as it stands in addresses."""

    name: str
    path_name: str
    next: str | None = None
    assign: Template | None = None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(State):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed(State):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(State):
    error: Template | None
    cause: Template | None


@dataclass(frozen=True, slots=True)
class Rule:
    condition: Template
    next: str
    assign: Template | None
    output: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(State):
    """`assign` and `output` of the state itself count when no rule matched."""

    rules: tuple[Rule, ...]
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(State):
    """Exactly one of `seconds` and `timestamp` is set."""

    seconds: Template | None
    timestamp: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted(State):
    """A state that can be tried again and whose errors can be caught."""

    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Attempted):
    function: Template
    payload: Template | None
    timeout_s: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Attempted):
    branches: tuple["Region", ...]
    arguments: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Attempted):
    items: Template | None
    selector: Template | None
    body: "Region"


@dataclass(frozen=True, slots=True)
class Region:
    """States that run one after another: a machine, a branch of a Parallel, the body of a Map."""

    start_at: str
    states: Mapping[str, State]

    def all_states(self) -> Iterator[State]:
        """Every state, those of nested regions included."""
        for state in self.states.values():
            yield state
            inner = state.branches if isinstance(state, Parallel) else (state.body,) if isinstance(state, Map) else ()
            for region in inner:
                yield from region.all_states()


@dataclass(frozen=True, slots=True)
class Machine:
    """`timeout_s` is None where the machine sets none."""

    region: Region
    timeout_s: int | None
    comment: str

    @property
    def functions(self) -> set[str]:
        """The functions its tasks name outright."""
        nothing: dict[str, Any] = {}
        return {
            str(state.function.render(nothing))
            for state in self.region.all_states()
            if isinstance(state, Task) and state.function.constant
        }
