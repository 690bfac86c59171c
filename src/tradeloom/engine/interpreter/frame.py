"""What is in scope while the states of a region run: variables, `$states`, and the address of the current state."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tradeloom.engine.interpreter.definition import State
from tradeloom.engine.interpreter.failures import RUNTIME, StatesError
from tradeloom.engine.interpreter.template import Template
from tradeloom.engine.interpreter.times import timestamp

_NO_ITEM: Any = object()


class Frame:
    """One region's run. A branch or iteration has a frame of its own: it reads outer variables, and assigns its own.

    `time` is when the last thing this strand saw from outside happened: the same in a replay.
    """

    __slots__ = (
        "_context",
        "_item",
        "_outer",
        "_prefix",
        "_visits",
        "attempt",
        "input",
        "iteration",
        "path",
        "state",
        "states",
        "time",
        "variables",
    )

    def __init__(self, context: Mapping[str, Any], time: datetime) -> None:
        self._context = context
        self._outer: Mapping[str, Any] = {}
        self._prefix = ""
        self._visits: dict[str, int] = {}
        self._item: tuple[int, Any] = (0, _NO_ITEM)
        self.iteration: tuple[int, ...] = ()
        self.variables: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.input: Any = None
        self.attempt = 0
        self.time = time

    def inner(self, index: int, *, item: Any = _NO_ITEM) -> "Frame":
        """The frame of a branch, or with `item` of an iteration, of the current state."""
        frame = Frame(self._context, self.time)
        frame._outer = self.variables
        retried = f"!{self.attempt}" if self.attempt else ""
        frame._prefix = f"{self.path}{retried}[{index}]/"
        frame.variables = dict(self.variables)
        frame._item = self._item if item is _NO_ITEM else (index, item)
        frame.iteration = self.iteration if item is _NO_ITEM else (*self.iteration, index)
        return frame

    def enter(self, state: State, value: Any) -> None:
        """Begin a state. Its address is its name behind those around it, with a number from its second visit on."""
        visit = self._visits.get(state.name, 0) + 1
        self._visits[state.name] = visit
        self.path = f"{self._prefix}{state.path_name}" if visit == 1 else f"{self._prefix}{state.path_name}:{visit}"
        self.state = state
        self.attempt = 0
        self.input = value
        self.states = self.variables["states"] = {"input": value}

    def result(self, value: Any) -> None:
        self.states["result"] = value

    def failed(self, error: StatesError) -> None:
        self.states.pop("result", None)
        self.states["errorOutput"] = error.as_output()

    def render(self, template: Template) -> Any:
        """The template's value with this frame's variables. Raises `StatesError`."""
        if template.uses_context:
            self.states["context"] = self.context()
        return template.render(self.variables)

    def render_in(self, outer: "Frame", template: Template) -> Any:
        """As `outer.render`, with this iteration's item in the context."""
        kept = outer._item
        outer._item = self._item
        try:
            return outer.render(template)
        finally:
            outer._item = kept

    def context(self) -> dict[str, Any]:
        """`$states.context`."""
        state = {"Name": self.state.name, "EnteredTime": timestamp(self.time), "RetryCount": self.attempt}
        context = {**self._context, "State": state}
        index, item = self._item
        if item is not _NO_ITEM:
            context["Map"] = {"Item": {"Index": index, "Value": item}}
        return context

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables of this frame. An outer one may be read and not set."""
        for name in values:
            if name in self._outer:
                raise StatesError(RUNTIME, f"The variable {name} belongs to an outer scope.")
        self.variables.update(values)
