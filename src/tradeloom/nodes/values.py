"""Values as nodes take them from each other: there or missing, a number or not, and shown to people."""

import json
import math
from typing import Any

from tradeloom.errors import MissingInput, NotANumber


def number(value: Any, name: str) -> float:
    """`value` as a finite float. Raises `MissingInput` where there is none, `NotANumber` for anything else.

    `name` is the config field, such as `a` or `values.2`.
    """
    present(value, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotANumber(f"{name} is {shown(value)}, not a number.", field=f"config.{name}")
    try:
        made = float(value)
    except OverflowError:
        made = math.inf
    if not math.isfinite(made):
        raise NotANumber(f"{name} is not a finite number.", field=f"config.{name}")
    return made


def present(value: Any, name: str) -> Any:
    """`value`, or `MissingInput` where it is null."""
    if value is None:
        raise MissingInput(f"{name} has no value.", field=f"config.{name}")
    return value


def shown(value: Any) -> str:
    """A value for people: numbers to ten digits, texts in quotes, what is long cut short."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            try:
                return f"{value:.10g}"
            except OverflowError:
                return "a number too large for any use"
        case dict():
            return "an object"
        case list():
            return f"a list of {len(value)}"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= 60 else text[:58] + '…"'
