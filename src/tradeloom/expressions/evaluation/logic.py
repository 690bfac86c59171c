"""Closures for logic. `&&` and `||` absorb errors as CEL's do: the operand that decides wins over one that fails."""

from typing import Any

from tradeloom.errors import ExpressionError, TradeloomError
from tradeloom.expressions.evaluation.paths import Closure
from tradeloom.expressions.failures import failure
from tradeloom.expressions.limits import Run
from tradeloom.expressions.values import a_kind

ABSORBING_STEPS = 16
"""What an absorbed error costs: raising one takes about as long as so many ordinary steps."""


def not_bool(what: str, value: Any, position: int) -> ExpressionError:
    return failure(f"{what} must be true or false, not {a_kind(value)}.", position)


def decided_by(decisive: bool, left: Closure, right: Closure, symbol: str, position: int) -> Closure:
    """`&&` (decided by false) and `||` (decided by true)."""
    other = not decisive

    def evaluate(run: Run) -> bool:
        problem: TradeloomError | None = None
        try:
            value: object = left(run)
        except TradeloomError as error:
            run.spend(ABSORBING_STEPS)
            problem = error.with_traceback(None)  # its frames would keep this one alive
        else:
            if value is decisive:
                return decisive
            if value is not other:
                problem = not_bool(f"The left side of {symbol}", value, position)
        if problem is None:
            value = right(run)
            if isinstance(value, bool):
                return value
            raise not_bool(f"The right side of {symbol}", value, position)
        if _is(decisive, right, run):
            return decisive
        raise problem

    return evaluate


def _is(decisive: bool, operand: Closure, run: Run) -> bool:
    try:
        value = operand(run)
    except TradeloomError:
        run.spend(ABSORBING_STEPS)
        return False
    return value is decisive


def negation(operand: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> bool:
        value = operand(run)
        if value is True or value is False:
            return not value
        raise not_bool("The operand of !", value, position)

    return evaluate


def conditional(condition: Closure, then: Closure, otherwise: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> Any:
        value = condition(run)
        if value is True:
            return then(run)
        if value is False:
            return otherwise(run)
        raise not_bool("The condition of ?:", value, position)

    return evaluate
