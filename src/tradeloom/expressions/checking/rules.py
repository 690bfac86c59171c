"""The typing rules of operators, for two types that are no unions, and of calls."""

from itertools import product
from math import prod

from tradeloom.expressions.library import Function
from tradeloom.expressions.types import (
    BOOL,
    DURATION,
    DYN,
    NUMBER,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    UnionType,
    accepts,
    members_of,
    union,
    weight,
)

MAX_COMBINATIONS = 256
_MAX_WEIGHT = 200
"""Parts of a type built by literals; past it the type is widened, or nested literals could make it grow without end."""


def arithmetic(operator: str, left: Type, right: Type) -> Type | None:
    """The result's type, or None where the operator is not defined."""
    if left == NUMBER and right == NUMBER:
        return NUMBER
    if DYN in (left, right):
        return _with_unknown(operator, right if left == DYN else left)
    match operator, left, right:
        case "+", StringType(), StringType():
            return STRING
        case "+", ListType(element=a), ListType(element=b):
            return ListType(union((a, b)))
    return _of_times(operator, left, right)


def _of_times(operator: str, left: Type, right: Type) -> Type | None:
    if operator not in ("+", "-"):
        return None
    if left == DURATION and right == DURATION:
        return DURATION
    if left == TIMESTAMP and right == DURATION:
        return TIMESTAMP
    if operator == "+" and left == DURATION and right == TIMESTAMP:
        return TIMESTAMP
    return DURATION if operator == "-" and left == right == TIMESTAMP else None


def _with_unknown(operator: str, known: Type) -> Type | None:
    if known == NUMBER or (operator in ("*", "/", "%") and known == DYN):
        return NUMBER
    if operator == "+" and isinstance(known, StringType):
        return STRING
    if operator == "+" and isinstance(known, ListType):
        return ListType(DYN)
    return DYN if operator in ("+", "-") and known in (DYN, TIMESTAMP, DURATION) else None


def ordering(left: Type, right: Type) -> Type | None:
    """`BOOL`, or None where the two have no order."""
    if isinstance(left, StringType) and isinstance(right, StringType):
        return BOOL
    ordered = all(type_ in (NUMBER, BOOL, TIMESTAMP, DURATION, DYN) or _is_text(type_) for type_ in (left, right))
    return BOOL if ordered and (left == right or DYN in (left, right)) else None


def _is_text(type_: Type) -> bool:
    return isinstance(type_, StringType)


def can_equal(left: Type, right: Type) -> bool:
    """Whether some value of one can equal some value of the other, as far as their kinds and closed sets tell."""
    match left, right:
        case StringType(values=a), StringType(values=b):
            return not (a and b) or not set(a).isdisjoint(b)
        case ListType(), ListType():
            return True
        case ((MapType() | ObjectType()), (MapType() | ObjectType())):
            return True
        case _:
            return left == right or DYN in (left, right)


def element_type(container: Type, index: Type) -> Type | None:
    """The type of `container[index]`, or None where it cannot be taken."""
    match container:
        case ListType(element=element) if index in (NUMBER, DYN):
            return element
        case MapType(value=value) if index == DYN or isinstance(index, StringType):
            return value
        case ObjectType(fields=fields, extra=extra) if index == DYN or isinstance(index, StringType):
            keys = index.values if isinstance(index, StringType) and index.values else tuple(fields)
            found = [fields.get(key, extra) for key in keys]
            return union([part for part in found if part] + ([extra] if extra else []))
        case _ if container == DYN and (index in (NUMBER, DYN) or isinstance(index, StringType)):
            return DYN
        case _:
            return None


def looped_type(container: Type) -> Type | None:
    """The type of a macro's variable: an element of a list, a key of a map; None for what is neither."""
    match container:
        case ListType(element=element):
            return element
        case MapType():
            return STRING
        case ObjectType(fields=fields, extra=extra):
            return STRING if extra or not fields else StringType(tuple(sorted(fields)))
        case _:
            return DYN if container == DYN else None


def call_type(function: Function, types: list[Type]) -> Type | None:
    """The call's type over every combination of its arguments' possible types; None if one is not allowed."""
    count = prod(len(members_of(type_)) for type_ in types)
    spread = product(*(members_of(type_) for type_ in types)) if count <= MAX_COMBINATIONS else [types]
    results: list[Type] = []
    for arguments in spread:
        fitting = [
            overload.result
            for overload in function.overloads
            if overload.takes(len(arguments))
            and all(accepts(overload.parameter(i), argument) for i, argument in enumerate(arguments))
        ]
        if not fitting:
            return None
        results += fitting
    return union(results)


def widened(type_: Type) -> Type:
    """The type itself while it is small; a larger one without its details."""
    if weight(type_, _MAX_WEIGHT) <= _MAX_WEIGHT:
        return type_
    match type_:
        case ListType():
            return ListType(DYN)
        case ObjectType() | MapType():
            return MapType(DYN)
        case UnionType():
            return DYN
        case _:
            return type_
