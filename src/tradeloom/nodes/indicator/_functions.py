"""TA-Lib's functions as plain facts, from `_functions.json`: known without loading TA-Lib, which costs numpy.

The file is what the installed TA-Lib says of itself (`tests/support/talib_table.py` writes and holds it).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

AVERAGES = {
    "SMA": 0,
    "EMA": 1,
    "WMA": 2,
    "DEMA": 3,
    "TEMA": 4,
    "TRIMA": 5,
    "KAMA": 6,
    "MAMA": 7,
    "T3": 8,
    "HMA": 9,
    "ZLEMA": 12,
    "RMA": 13,
}
"""TA-Lib's numbers of its moving averages. Its two others mean none and the function's own."""

MAX_PERIOD = 2_000
"""Most bars a period may span; TA-Lib itself would take 100,000, more than any reference holds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A function's option. `default`, `least` and `most` are numbers; an average is given by its name."""

    name: str
    title: str
    hint: str
    kind: Literal["integer", "real", "average"]
    default: float | str
    least: float = -math.inf
    most: float = math.inf

    def checked(self, value: Any) -> float | str:
        """The value as TA-Lib takes it (an average still by its name). Raises `ValueError` with a sentence."""
        if self.kind == "average":
            return self._average(value)
        number = _number(value)
        if number is None:
            raise ValueError(f"{self.name} must be a number, not {value!r:.40}")
        if self.kind == "integer" and not number.is_integer():
            raise ValueError(f"{self.name} counts bars, so it must be a whole number, not {number:g}")
        if not self.least <= number <= self.most:
            raise ValueError(f"{self.name} must be {self.range}, not {number:g}")
        return int(number) if self.kind == "integer" else number

    @property
    def range(self) -> str:
        if self.kind == "average":
            return f"one of {', '.join(AVERAGES)}"
        if abs(self.least) > 1e30:
            return "a number"
        return f"at least {self.least:g}" if self.most > 1e30 else f"{self.least:g} to {self.most:g}"

    def _average(self, value: Any) -> str:
        if isinstance(value, str) and value.upper() in AVERAGES:
            return value.upper()
        close = get_close_matches(str(value).upper(), AVERAGES, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{self.name} must be {self.range}, not {value!r:.40}{meant}")


@dataclass(frozen=True, slots=True)
class Function:
    """`inputs` are bar columns by name, or `price`, `price0`, `price1` where the user chooses the column.

    `lookback` is the first row with a value under the default parameters. A `path_dependent` function adds up, or
    follows a trail, from the first bar it is given.
    """

    name: str
    title: str
    group: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    lookback: int
    unstable: bool
    path_dependent: bool

    @property
    def chooses_price(self) -> bool:
        return "price" in self.inputs or "price0" in self.inputs

    @property
    def takes_two(self) -> bool:
        return "price1" in self.inputs

    def checked(self, given: Mapping[str, Any]) -> dict[str, float | str]:
        """Every parameter with its value, the defaults filled in. Raises `ValueError` with a sentence."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise ValueError(self._unknown(str(name), known))
        return {
            name: parameter.checked(given[name]) if name in given else parameter.default
            for name, parameter in known.items()
        }

    def _unknown(self, name: str, known: Mapping[str, Parameter]) -> str:
        if not known:
            return f"{self.name} takes no parameters, so not {name!r:.40}"
        close = get_close_matches(name.lower().replace(" ", ""), known, n=1)
        meant = f"did you mean {close[0]}?" if close else f"it takes {', '.join(known)}"
        return f"{self.name} has no parameter {name!r:.40}; {meant}"


@cache
def functions() -> Mapping[str, Function]:
    """Every function by its name, sorted."""
    table = json.loads(Path(__file__).with_name("_functions.json").read_text())
    return {name: _function(name, told) for name, told in table.items()}


def known_function(name: str) -> str:
    """`name` where TA-Lib has it. Raises `ValueError` that says which one may be meant."""
    if name in functions():
        return name
    if name.upper().startswith("CDL"):
        raise ValueError(f"{name!r:.40} is a candlestick pattern; the Pattern node (ml.pattern) finds those")
    close = get_close_matches(name.upper(), functions(), n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"TA-Lib has no function {name!r:.40} over bars{meant}")


def _function(name: str, told: Mapping[str, Any]) -> Function:
    return Function(
        name=name,
        title=told["title"],
        group=told["group"],
        inputs=tuple(told["inputs"]),
        parameters=tuple(_parameter(each) for each in told["parameters"]),
        outputs=tuple(told["outputs"]),
        lookback=told["lookback"],
        unstable=told["unstable"],
        path_dependent=told["path_dependent"],
    )


def _parameter(told: Mapping[str, Any]) -> Parameter:
    kind = told["kind"]
    if kind == "average":
        numbers = {number: name for name, number in AVERAGES.items()}
        return Parameter(told["name"], told["title"], told["hint"], kind, numbers[told["default"]])
    most = min(told["max"], MAX_PERIOD) if kind == "integer" else told["max"]
    return Parameter(told["name"], told["title"], told["hint"], kind, told["default"], told["min"], most)


def _number(value: Any) -> float | None:
    """A finite number, also one written as text (a form's key-value fields hold texts); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
