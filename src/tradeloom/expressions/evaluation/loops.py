"""Closures for the list macros. Each element costs what its arguments cost to evaluate, at most."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tradeloom.errors import ExpressionError, TradeloomError
from tradeloom.expressions.evaluation.logic import ABSORBING_STEPS, not_bool
from tradeloom.expressions.evaluation.paths import Closure
from tradeloom.expressions.failures import failure, located
from tradeloom.expressions.limits import Run, out_of_fuel
from tradeloom.expressions.values import a_kind, admit

Elements = Callable[[Run], Iterator[Any]]


def elements(target: Closure, name: str, slot: int, cost: int, position: int) -> Elements:
    """The elements of a list or the keys of a map, one after another put into the variable's slot and paid for."""

    def iterate(run: Run) -> Iterator[Any]:
        value = target(run)
        try:
            items = _items(run, value, name)
            for item in items:
                run.fuel -= cost
                if run.fuel < 0:
                    raise out_of_fuel(run)
                run.variables[slot] = element = admit(item)
                yield element
        except ExpressionError as error:
            raise located(error, position) from None

    return iterate


def _items(run: Run, value: Any, name: str) -> list[Any]:
    if type(value) is list:
        return value
    if not isinstance(value, Mapping):
        raise failure(f"{name} goes through a list or a map, not {a_kind(value)}.")
    run.spend(len(value))
    keys = list(value)
    if any(type(key) is not str for key in keys):
        raise failure(f"{name} cannot go through a map whose keys are not strings.")
    return keys


def decided_by(decisive: bool, each: Elements, predicate: Closure, name: str, position: int) -> Closure:
    """`all` (decided by false) and `exists` (decided by true), absorbing errors as `&&` and `||` do."""
    other = not decisive

    def evaluate(run: Run) -> bool:
        problem: TradeloomError | None = None
        for _ in each(run):
            try:
                verdict: object = predicate(run)
            except TradeloomError as error:
                run.spend(ABSORBING_STEPS)
                problem = problem or error.with_traceback(None)  # its frames would keep this one alive
                continue
            if verdict is decisive:
                return decisive
            if verdict is not other:
                run.spend(ABSORBING_STEPS)
                problem = problem or _not_verdict(name, verdict, position)
        if problem is not None:
            raise problem
        return other

    return evaluate


def exists_one(each: Elements, predicate: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> bool:
        return sum(1 for _ in each(run) if _holds(predicate(run), "exists_one", position)) == 1

    return evaluate


def filtered(each: Elements, predicate: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> list[Any]:
        return [element for element in each(run) if _holds(predicate(run), "filter", position)]

    return evaluate


def mapped(each: Elements, transform: Closure) -> Closure:
    def evaluate(run: Run) -> list[Any]:
        return [transform(run) for _ in each(run)]

    return evaluate


def mapped_where(each: Elements, predicate: Closure, transform: Closure, position: int) -> Closure:
    def evaluate(run: Run) -> list[Any]:
        return [transform(run) for _ in each(run) if _holds(predicate(run), "map", position)]

    return evaluate


def _holds(verdict: Any, name: str, position: int) -> bool:
    if verdict is True or verdict is False:
        return bool(verdict)
    raise _not_verdict(name, verdict, position)


def _not_verdict(name: str, verdict: Any, position: int) -> ExpressionError:
    return not_bool(f"The condition of {name}", verdict, position)
