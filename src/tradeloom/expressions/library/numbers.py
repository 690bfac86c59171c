"""Functions on numbers, and conversions to number and bool."""

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from tradeloom.expressions.failures import failure, quoted
from tradeloom.expressions.library.function import Function, Overload
from tradeloom.expressions.limits import Run
from tradeloom.expressions.times import SECOND, Timestamp
from tradeloom.expressions.types import BOOL, NUMBER, STRING, TIMESTAMP
from tradeloom.expressions.values import a_kind, as_number, finite

_MAX_DIGITS = 400
_WHOLE = 2**53  # doubles from here on have no fraction
_DECIMALS = Context(prec=40)
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLS = {"true": True, "True": True, "TRUE": True, "t": True, "1": True} | {
    "false": False, "False": False, "FALSE": False, "f": False, "0": False
}  # fmt: skip


def _one(name: str, compute: Callable[[float], float]) -> Callable[[Run, Any], float]:
    def evaluate(run: Run, value: Any) -> float:
        return float(compute(as_number(value, name)))

    return evaluate


def _round(run: Run, value: Any, digits: Any = 0.0) -> float:
    """Half away from zero, on the decimal the number is shown as: round(1.005, 2) is 1.01 though a bit less."""
    number, places = as_number(value, "round"), as_number(digits, "round")
    if places not in range(16):
        raise failure("round takes a whole number of digits from 0 to 15.")
    run.spend(8)
    shown, unit = Decimal(repr(number)), Decimal(1).scaleb(-int(places), _DECIMALS)
    if shown >= _WHOLE or shown <= -_WHOLE:
        return number
    return float(shown.quantize(unit, ROUND_HALF_UP, _DECIMALS))


def _sqrt(run: Run, value: Any) -> float:
    number = as_number(value, "sqrt")
    if number < 0:
        raise failure("There is no square root of a negative number.")
    return math.sqrt(number)


def _log(run: Run, value: Any) -> float:
    number = as_number(value, "log")
    if number <= 0:
        raise failure("There is no logarithm of zero or a negative number.")
    return math.log(number)


def _exp(run: Run, value: Any) -> float:
    try:
        return finite(math.exp(as_number(value, "exp")), "exp")
    except OverflowError:
        raise failure("The result of exp is too large for a double.") from None


def _pow(run: Run, base: Any, exponent: Any) -> float:
    x, y = as_number(base, "pow"), as_number(exponent, "pow")
    try:
        return finite(math.pow(x, y), "pow")
    except OverflowError:
        raise failure("The result of pow is too large for a double.") from None
    except ValueError:
        raise failure("pow has no real result for these numbers.") from None


def _double(run: Run, value: Any) -> float:
    return _parsed(run, value, "double", _DECIMAL) if type(value) is str else as_number(value, "double")


def _int(run: Run, value: Any) -> float:
    if type(value) is str:
        return _parsed(run, value, "int", _INTEGER)
    if type(value) is Timestamp:
        return float(value.ns // SECOND)
    return float(math.trunc(as_number(value, "int")))


def _parsed(run: Run, text: str, name: str, form: re.Pattern[str]) -> float:
    run.spend_text(min(len(text), _MAX_DIGITS))
    if len(text) > _MAX_DIGITS or not form.fullmatch(text):
        raise failure(f"{name} cannot read {quoted(text)} as a number.")
    return finite(float(text), name)


def _bool(run: Run, value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is not str:
        raise failure(f"bool takes a string or a bool, not {a_kind(value)}.")
    if value not in _BOOLS:
        raise failure(f"bool cannot read {quoted(value)}.", hint="It reads true and false.")
    return _BOOLS[value]


_NUMBER_TO_NUMBER = (Overload((NUMBER,), NUMBER),)

FUNCTIONS = (
    Function("abs", "The number without its sign.", _NUMBER_TO_NUMBER, _one("abs", abs)),
    Function("floor", "The largest whole number not above it.", _NUMBER_TO_NUMBER, _one("floor", math.floor)),
    Function("ceil", "The smallest whole number not below it.", _NUMBER_TO_NUMBER, _one("ceil", math.ceil)),
    Function(
        "round",
        "The nearest whole number, or the nearest with so many digits after the point; halves go away from zero.",
        (Overload((NUMBER,), NUMBER), Overload((NUMBER, NUMBER), NUMBER)),
        _round,
    ),
    Function("sqrt", "The square root.", _NUMBER_TO_NUMBER, _sqrt),
    Function("log", "The natural logarithm.", _NUMBER_TO_NUMBER, _log),
    Function("exp", "e to the power of the number.", _NUMBER_TO_NUMBER, _exp),
    Function("pow", "The first number to the power of the second.", (Overload((NUMBER, NUMBER), NUMBER),), _pow),
    Function(
        "int",
        "The number without its fraction; a text of digits as a number; a timestamp in seconds since 1970.",
        (Overload((NUMBER,), NUMBER), Overload((STRING,), NUMBER), Overload((TIMESTAMP,), NUMBER)),
        _int,
    ),
    Function(
        "double",
        "A text as a number.",
        (Overload((NUMBER,), NUMBER), Overload((STRING,), NUMBER)),
        _double,
    ),
    Function(
        "bool",
        "The texts true and false as a bool.",
        (Overload((BOOL,), BOOL), Overload((STRING,), BOOL)),
        _bool,
    ),
)
