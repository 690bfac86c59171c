"""Functions on texts, and conversion to text."""

from collections.abc import Callable
from typing import Any

from tradeloom.expressions.failures import failure
from tradeloom.expressions.library.function import Function, Overload
from tradeloom.expressions.limits import Run
from tradeloom.expressions.times import Duration, Timestamp, format_duration, format_timestamp
from tradeloom.expressions.types import BOOL, DURATION, NUMBER, STRING, TIMESTAMP
from tradeloom.expressions.values import a_kind, admit, as_text, number_text


def _test(name: str, holds: Callable[[str, str], bool]) -> Callable[[Run, Any, Any], bool]:
    def evaluate(run: Run, value: Any, part: Any) -> bool:
        text, sought = as_text(value, name), as_text(part, name)
        run.spend_text(len(text) + len(sought))
        return holds(text, sought)

    return evaluate


def _change(name: str, change: Callable[[str], str]) -> Callable[[Run, Any], str]:
    def evaluate(run: Run, value: Any) -> str:
        text = as_text(value, name)
        run.spend_text(len(text))
        return change(text)

    return evaluate


def _string(run: Run, value: Any) -> str:
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    run.spend(8)
    if kind is Timestamp:
        return format_timestamp(value)
    if kind is Duration:
        return format_duration(value)
    if kind is float or kind is int:
        return number_text(admit(value))
    raise failure(f"string takes a number, string, bool, timestamp or duration, not {a_kind(value)}.")


def _method(name: str, help_: str, overload: Overload, evaluate: Callable[..., Any]) -> Function:
    return Function(name, help_, (overload,), evaluate, method=True, plain=False)


_TEST = Overload((STRING, STRING), BOOL)
_CHANGE = Overload((STRING,), STRING)

FUNCTIONS = (
    _method(
        "contains",
        "Whether the text contains another.",
        _TEST,
        _test("contains", lambda text, part: part in text),
    ),
    _method("startsWith", "Whether the text starts with another.", _TEST, _test("startsWith", str.startswith)),
    _method("endsWith", "Whether the text ends with another.", _TEST, _test("endsWith", str.endswith)),
    _method("lower", "The text in lower case.", _CHANGE, _change("lower", str.lower)),
    _method("upper", "The text in upper case.", _CHANGE, _change("upper", str.upper)),
    Function(
        "string",
        "The value as text.",
        tuple(Overload((type_,), STRING) for type_ in (NUMBER, STRING, BOOL, TIMESTAMP, DURATION)),
        _string,
    ),
)
