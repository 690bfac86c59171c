"""Laws: printing and parsing undo each other; what the checker accepts, the evaluator can do."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.unit.expressions.strategies import doubles, examples, trees, typed_cases, types, values_of
from tradeloom.errors import ExpressionError
from tradeloom.expressions import Expression, check_all, evaluate, parse, to_source
from tradeloom.expressions.parser import MAX_DEPTH, MAX_SOURCE
from tradeloom.expressions.references import names_in
from tradeloom.expressions.syntax import Node, walk
from tradeloom.expressions.types import (
    BOOL,
    DURATION,
    DYN,
    NULL,
    NUMBER,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    UnionType,
    accepts,
    assignable,
    union,
)
from tradeloom.expressions.values import number_text

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@given(trees)
@examples(200)
def test_parsing_undoes_printing(tree: Node) -> None:
    source = to_source(tree)
    assume(len(source) <= MAX_SOURCE and max(depth for _, depth in walk(tree)) <= MAX_DEPTH)
    expression = parse(source)
    assert expression.root == tree
    assert to_source(expression) == source


@given(doubles)
@examples(300)
def test_number_text_is_exact_json(value: float) -> None:
    text = number_text(value)
    assert float(text) == value
    assert float(json.loads(text)) == value


@given(types, st.data())
@examples(100)
def test_any_json_passes_through_unchanged(type_: Type, data: st.DataObject) -> None:
    value = data.draw(values_of(type_))
    result = evaluate(parse("x"), {"x": value})
    assert result == value
    assert json.loads(json.dumps(result)) == value
    assert evaluate(parse("x == y && [x] == [y] && x in [y] && {'k': x} == {'k': y}"), {"x": value, "y": value}) is True


# What may go wrong in a well typed expression: its values, never its types.
VALUE_ERRORS = re.compile(
    r"Division by zero\.|The result of .* is too large for a double\.|There is no field \"[^\"]*\"\.|There is no key .*"
    r"|The list has \d+ elements; there is none at .*|The place in a list is a whole number\."
    r"|\w+ of an empty list has no value\.|\w+ cannot read .*|\w+ needs at least two values .*"
    r"|round takes a whole number .*|There is no square root .*|pow has no real result .*"
    r"|\".*\" is not a (timestamp|duration)\.|The (timestamp|duration) .*is out of range.*|There is no time zone .*"
    r"|The map has the same key twice\.",
    re.DOTALL,
)


def conforms(value: Any, type_: Type) -> bool:
    match type_:
        case UnionType(members=members):
            return any(conforms(value, member) for member in members)
        case StringType(values=values):
            return type(value) is str and (not values or value in values)
        case ListType(element=element):
            return type(value) is list and all(conforms(item, element) for item in value)
        case MapType(value=part):
            return type(value) is dict and all(conforms(item, part) for item in value.values())
        case ObjectType(fields=fields, optional=optional, extra=extra):
            return (
                type(value) is dict
                and all(name in value for name in fields if name not in optional)
                and all(conforms(item, fields.get(name, extra or NULL)) for name, item in value.items())
            )
    kinds: dict[Type, tuple[type, ...]] = {
        NUMBER: (int, float),
        BOOL: (bool,),
        NULL: (type(None),),
        TIMESTAMP: (str,),
        DURATION: (str,),
    }
    return type_ == DYN or type(value) in kinds[type_]


@given(typed_cases())
@settings(examples(200), suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_what_the_checker_accepts_never_fails_for_its_types(case: tuple[Node, dict[str, Type], dict[str, Any]]) -> None:
    tree, scope, values = case
    expression = parse(to_source(tree))
    type_, problems = check_all(expression, scope)
    event("well typed" if not problems else "refused")
    assume(not problems)
    result = outcome(expression, values)
    if isinstance(result, ExpressionError):
        event("value error")
        assert VALUE_ERRORS.fullmatch(result.message), f"{expression.source}: {result.message}"
    else:
        assert conforms(result, type_), f"{expression.source} is {result!r}, not {type_!r}"


@given(typed_cases())
@settings(examples(100), suppress_health_check=[HealthCheck.too_slow])
def test_an_expression_reads_no_names_but_its_own(case: tuple[Node, dict[str, Type], dict[str, Any]]) -> None:
    """Taking away every name that is not referred to changes nothing."""
    tree, _, values = case
    expression = parse(to_source(tree))
    mentioned = {path[0] for path in names_in(expression)}
    fewer = {name: value for name, value in values.items() if name in mentioned}
    assert repr(outcome(expression, values)) == repr(outcome(expression, fewer))


def outcome(expression: Expression, values: dict[str, Any]) -> Any:
    """The value, or the error."""
    try:
        return evaluate(expression, values, now=NOW)
    except ExpressionError as error:
        return error


@given(types, types, types)
@examples(200)
def test_unions_hold_their_members(a: Type, b: Type, c: Type) -> None:
    both = union((a, b))
    assert accepts(both, a)
    assert accepts(both, b)
    assert assignable(both, c) == (assignable(a, c) and assignable(b, c))
    assert union((both, b)) == both


@given(types, st.data())
@examples(60)
def test_what_is_assignable_without_doubt_conforms(source: Type, data: st.DataObject) -> None:
    """Where no value has to tell (closed sets of texts, unknown types), every value of the source fits the target."""
    target = data.draw(st.one_of(types, types.map(lambda other: union((source, other)))))
    assume(assignable(source, target))
    value = data.draw(values_of(source))
    assert conforms(value, _without_closed_texts(target))


def _without_closed_texts(type_: Type) -> Type:
    match type_:
        case StringType():
            return StringType()
        case ListType(element=element):
            return ListType(_without_closed_texts(element))
        case MapType(value=value):
            return MapType(_without_closed_texts(value))
        case ObjectType(fields=fields, optional=optional):
            # Fields beyond those asked for are let through.
            return ObjectType({n: _without_closed_texts(f) for n, f in fields.items()}, optional, extra=DYN)
        case UnionType(members=members):
            return union(_without_closed_texts(member) for member in members)
        case _:
            return type_
