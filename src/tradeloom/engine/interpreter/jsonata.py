"""JSONata expressions: parsed once, evaluated on variables bound by reference.

Most expressions the compiler writes are paths, comparisons and the like; `quick` turns those into closures, and the
rest goes through jsonata-python. Both give the same values: a test holds them together.

Values are canonical JSON (see `codec`), null is None and undefined is `UNDEFINED`.
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonata import Jsonata
from jsonata.parser import Parser
from jsonata.utils import Utils

from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter import quick
from tradeloom.engine.interpreter.failures import QUERY_EVALUATION, StatesError
from tradeloom.engine.interpreter.quick import UNDEFINED

# A replay must see what the first run saw, and the machine must mean the same elsewhere.
REFUSED = frozenset({"now", "millis", "random", "shuffle", "eval", "uuid", "hash", "parse", "partition", "range"})

_EXACT = 2.0**53


class Expression:
    """One parsed expression. `names` are the variables it may read."""

    __slots__ = ("_parsed", "_quick", "names", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            parsed = Jsonata(text)
        except Exception as error:  # the parser raises its own and Python's errors on bad text
            raise InvalidDefinition(f"not JSONata: {text!r}: {error}") from error
        parsed.set_validate_input(False)
        parsed.set_output_convert_nulls(False)
        self._parsed = parsed
        self.names = frozenset(_variables(parsed.ast))
        refused = sorted(self.names & REFUSED)
        if refused:
            raise InvalidDefinition(f"${refused[0]} gives another value when an execution is resumed: {text!r}")
        if self.names & {"", "$"}:
            raise InvalidDefinition(f"$ and $$ mean nothing in a state machine: {text!r}")
        self._quick = quick.build(parsed.ast)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value, or `UNDEFINED`. Raises `StatesError`."""
        if self._quick is not None:
            try:
                return self._quick(variables)
            except quick.NotQuickError:
                pass
        return self.evaluate_fully(variables)

    def evaluate_fully(self, variables: Mapping[str, Any]) -> Any:
        """As `evaluate`, always by jsonata-python."""
        bound = {}
        for name in self.names:
            value = variables.get(name, UNDEFINED)
            if value is not UNDEFINED:
                bound[name] = Utils.NULL_VALUE if value is None else value
        try:
            return _plain(self._parsed.evaluate(None, bound))
        except Exception as error:  # library code: any failure is the expression's
            raise StatesError(
                QUERY_EVALUATION, f"The JSONata expression '{self.text}' could not be evaluated: {error}"
            ) from error


@lru_cache(maxsize=16_384)
def parse(text: str) -> Expression:
    """The parsed expression, shared by all machines that use the same text. Raises `InvalidDefinition`."""
    return Expression(text)


def _symbols(node: Any) -> Iterator[Any]:
    """A parse tree's symbols. The parser links symbols to their like, so each is visited once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Parser.Symbol):
            if id(item) not in seen:
                seen.add(id(item))
                yield item
                waiting.extend(vars(item).values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)


def _variables(tree: Any) -> set[str]:
    return {str(symbol.value) for symbol in _symbols(tree) if symbol.type == "variable"}


def _plain(value: Any) -> Any:
    """jsonata-python's value as plain JSON."""
    if value is None:
        return UNDEFINED
    return _json(value)


def _json(value: Any) -> Any:
    if value is None or value is Utils.NULL_VALUE:
        return None
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a JSON number")
        whole = int(value)
        return whole if whole == value and abs(value) <= _EXACT else value
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, Utils.RangeList):
        return [value.a + step for step in range(value.size)]
    if isinstance(value, list):
        return [_json(item) for item in value]
    raise ValueError("the result is not JSON data")
