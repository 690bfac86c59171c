"""Reads a definition's JSON into a `Machine`. Whatever is unknown, misspelt or unreachable by name is refused."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter import definition as asl
from tradeloom.engine.interpreter.failures import ALL
from tradeloom.engine.interpreter.template import OPEN, Template

LAMBDA_INVOKE: Final = "arn:aws:states:::lambda:invoke"
MAX_SECONDS: Final = 99_999_999
MAX_NAME: Final = 80

_ABSENT: Any = object()


class Fields:
    """An object of the definition, taken apart field by field; `done` refuses what was not asked for."""

    def __init__(self, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            raise InvalidDefinition(f"an object is expected, not {type(value).__name__}", field=at)
        self.at = at
        self._left: dict[str, Any] = dict(value)
        self._left.pop("Comment", None)

    def fail(self, name: str, message: str) -> InvalidDefinition:
        return InvalidDefinition(f"{name} {message}", field=f"{self.at}/{name}")

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, default: Any = _ABSENT) -> Any:
        if name not in self._left and default is _ABSENT:
            raise self.fail(name, "is missing")
        return self._left.pop(name, default)

    def text(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value:
            raise self.fail(name, "must be a string that is not empty")
        return value

    def array(self, name: str, *, required: bool = False) -> list[Any]:
        value = self.take(name) if required else self.take(name, [])
        if not isinstance(value, list) or (required and not value):
            raise self.fail(name, "must be an array that is not empty" if required else "must be an array")
        return value

    def integer(self, name: str, default: int | None, least: int, most: int = MAX_SECONDS) -> int | None:
        value = self.take(name, default)
        if value is None and default is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.fail(name, f"must be a whole number from {least} to {most}")
        return value

    def template(self, name: str) -> Template | None:
        """The template in a field, None where there is none. A field that holds null is a template of null."""
        value = self.take(name, _ABSENT) if self.has(name) else _ABSENT
        return None if value is _ABSENT else Template(value, f"{self.at}/{name}")

    def assignments(self) -> Template | None:
        value = self.take("Assign", None)
        if value is None:
            return None
        if not isinstance(value, dict) or "states" in value:
            raise self.fail("Assign", "must be an object and may not name `states`")
        return Template(value, f"{self.at}/Assign")

    def done(self) -> None:
        for name in self._left:
            raise self.fail(name, "is not a field this engine knows here")


def read(value: Any) -> asl.Machine:
    """The machine of a definition. Raises `InvalidDefinition` with the path of what is wrong."""
    fields = Fields(value, "")
    if fields.take("QueryLanguage", None) != "JSONata":
        raise fields.fail("QueryLanguage", "must be JSONata")
    if fields.take("Version", "1.0") != "1.0":
        raise fields.fail("Version", "must be 1.0")
    timeout_s = fields.integer("TimeoutSeconds", None, 1)
    comment = str(value.get("Comment", ""))
    region = _region(fields, set())
    fields.done()
    return asl.Machine(region, timeout_s, comment)


def _region(fields: Fields, names: set[str]) -> asl.Region:
    start_at = fields.text("StartAt")
    raw = fields.take("States")
    if not isinstance(raw, dict) or not raw:
        raise fields.fail("States", "must be an object that is not empty")
    states: dict[str, asl.State] = {}
    for name, value in raw.items():
        at = f"{fields.at}/States/{name}"
        if not 0 < len(name) <= MAX_NAME:
            raise InvalidDefinition(f"a state's name has 1 to {MAX_NAME} characters", field=at)
        if name in names:
            raise InvalidDefinition(f"the name {name!r} is used twice in the machine", field=at)
        names.add(name)
        states[name] = _state(name, Fields(value, at), names)
    if start_at not in states:
        raise fields.fail("StartAt", f"names {start_at!r}, which is no state here")
    for state in states.values():
        for target in _targets(state):
            if target not in states:
                raise InvalidDefinition(f"{target!r} is no state here", field=f"{fields.at}/States/{state.name}")
    return asl.Region(start_at, states)


def _state(name: str, fields: Fields, names: set[str]) -> asl.State:
    kind = fields.take("Type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise fields.fail("Type", f"is {kind!r}; known are {', '.join(_READERS)}")
    if fields.take("QueryLanguage", "JSONata") != "JSONata":
        raise fields.fail("QueryLanguage", "must be JSONata")
    common: dict[str, Any] = {"name": name, "path_name": quote(name, safe="-_.")}
    if kind not in {"Choice", "Succeed", "Fail"}:
        common["next"] = _next(fields)
    if kind not in {"Succeed", "Fail"}:
        common["assign"] = fields.assignments()
    if kind != "Fail":
        common["output"] = fields.template("Output")
    state = reader(fields, common, names)
    fields.done()
    return state


def _next(fields: Fields) -> str | None:
    if fields.has("End") == fields.has("Next"):
        raise fields.fail("Next", "or End: exactly one of them is needed")
    if fields.has("Next"):
        return fields.text("Next")
    if fields.take("End") is not True:
        raise fields.fail("End", "must be true")
    return None


def _targets(state: asl.State) -> list[str]:
    targets = [] if state.next is None else [state.next]
    if isinstance(state, asl.Choice):
        targets += [rule.next for rule in state.rules]
        if state.default is not None:
            targets.append(state.default)
    if isinstance(state, asl.Attempted):
        targets += [catcher.next for catcher in state.catch]
    return targets


Reader = Callable[[Fields, dict[str, Any], set[str]], asl.State]


def _pass(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    return asl.Pass(**common)


def _succeed(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    return asl.Succeed(**common)


def _fail(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    return asl.Fail(**common, error=fields.template("Error"), cause=fields.template("Cause"))


def _choice(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    rules = []
    for index, value in enumerate(fields.array("Choices", required=True)):
        rule = Fields(value, f"{fields.at}/Choices[{index}]")
        condition = rule.text("Condition")
        if not condition.startswith(OPEN):
            raise rule.fail("Condition", "must be a JSONata expression")
        rules.append(
            asl.Rule(
                condition=Template(condition, f"{rule.at}/Condition"),
                next=rule.text("Next"),
                assign=rule.assignments(),
                output=rule.template("Output"),
            )
        )
        rule.done()
    default = fields.text("Default") if fields.has("Default") else None
    return asl.Choice(**common, rules=tuple(rules), default=default)


def _wait(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    if fields.has("Seconds") == fields.has("Timestamp"):
        raise fields.fail("Seconds", "or Timestamp: exactly one of them is needed")
    return asl.Wait(**common, seconds=fields.template("Seconds"), timestamp=fields.template("Timestamp"))


def _task(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    if fields.text("Resource") != LAMBDA_INVOKE:
        raise fields.fail("Resource", f"must be {LAMBDA_INVOKE}")
    arguments = Fields(fields.take("Arguments"), f"{fields.at}/Arguments")
    function = arguments.text("FunctionName")
    payload = arguments.template("Payload")
    arguments.done()
    return asl.Task(
        **common,
        function=Template(function, f"{arguments.at}/FunctionName"),
        payload=payload,
        timeout_s=fields.template("TimeoutSeconds"),
        retry=_retriers(fields),
        catch=_catchers(fields),
    )


def _parallel(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    branches = []
    for index, value in enumerate(fields.array("Branches", required=True)):
        branch = Fields(value, f"{fields.at}/Branches[{index}]")
        branches.append(_region(branch, names))
        branch.done()
    return asl.Parallel(
        **common,
        branches=tuple(branches),
        arguments=fields.template("Arguments"),
        retry=_retriers(fields),
        catch=_catchers(fields),
    )


def _map(fields: Fields, common: dict[str, Any], names: set[str]) -> asl.State:
    if fields.take("MaxConcurrency", 0) != 1:
        raise fields.fail("MaxConcurrency", "must be 1: iterations run one after another")
    body = Fields(fields.take("ItemProcessor"), f"{fields.at}/ItemProcessor")
    if body.take("ProcessorConfig", {"Mode": "INLINE"}) != {"Mode": "INLINE"}:
        raise body.fail("ProcessorConfig", "must be {Mode: INLINE}")
    region = _region(body, names)
    body.done()
    return asl.Map(
        **common,
        items=fields.template("Items"),
        selector=fields.template("ItemSelector"),
        body=region,
        retry=_retriers(fields),
        catch=_catchers(fields),
    )


_READERS: Final[dict[str, Reader]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Parallel": _parallel,
    "Map": _map,
    "Succeed": _succeed,
    "Fail": _fail,
}


def _error_names(fields: Fields, *, last: bool) -> tuple[str, ...]:
    names = fields.array("ErrorEquals", required=True)
    if not all(isinstance(name, str) and name for name in names):
        raise fields.fail("ErrorEquals", "must hold strings")
    if ALL in names and (len(names) > 1 or not last):
        raise fields.fail("ErrorEquals", f"may hold {ALL} only alone and in the last entry")
    return tuple(names)


def _retriers(fields: Fields) -> tuple[asl.Retrier, ...]:
    values = fields.array("Retry")
    retriers = []
    for index, value in enumerate(values):
        entry = Fields(value, f"{fields.at}/Retry[{index}]")
        interval_s = entry.integer("IntervalSeconds", 1, 1)
        max_attempts = entry.integer("MaxAttempts", 3, 0)
        max_delay_s = entry.integer("MaxDelaySeconds", None, 1, 31_622_400)
        rate = entry.take("BackoffRate", 2.0)
        jitter = entry.take("JitterStrategy", "NONE")
        if not isinstance(rate, int | float) or isinstance(rate, bool) or rate < 1:
            raise entry.fail("BackoffRate", "must be a number of at least 1")
        if jitter not in ("NONE", "FULL"):
            raise entry.fail("JitterStrategy", "must be NONE or FULL")
        if interval_s is None or max_attempts is None:
            raise entry.fail("IntervalSeconds", "and MaxAttempts may not be null")
        if max_delay_s is not None and max_delay_s <= interval_s:
            raise entry.fail("MaxDelaySeconds", "must be more than IntervalSeconds")
        errors = _error_names(entry, last=index == len(values) - 1)
        entry.done()
        retriers.append(asl.Retrier(errors, interval_s, float(rate), max_attempts, max_delay_s, jitter == "FULL"))
    return tuple(retriers)


def _catchers(fields: Fields) -> tuple[asl.Catcher, ...]:
    values = fields.array("Catch")
    catchers = []
    for index, value in enumerate(values):
        entry = Fields(value, f"{fields.at}/Catch[{index}]")
        errors = _error_names(entry, last=index == len(values) - 1)
        catchers.append(asl.Catcher(errors, entry.text("Next"), entry.assignments(), entry.template("Output")))
        entry.done()
    return tuple(catchers)
