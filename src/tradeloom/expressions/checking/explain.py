"""The checker's problems in words."""

from collections.abc import Iterable, Mapping

from tradeloom.errors import ExpressionError
from tradeloom.expressions.checking.facts import path_of
from tradeloom.expressions.failures import did_you_mean, failure, quoted
from tradeloom.expressions.library import Function
from tradeloom.expressions.syntax import Binary, Call, Index, Macro, Name, Node, Select, Text, Unary
from tradeloom.expressions.types import (
    DYN,
    NULL,
    TIMESTAMP,
    MapType,
    ObjectType,
    StringType,
    Type,
    field_of,
    members_of,
)

_SHOWN_FIELDS = 8


def a(type_: Type) -> str:
    """The type in a sentence: "a number", "a number or null"."""
    words = dict.fromkeys(_word(member) for member in members_of(type_))
    return " or ".join(words) or "nothing"


def _word(type_: Type) -> str:
    if isinstance(type_, StringType):
        return "a string"
    name = str(type_)
    return name if type_ in (NULL, DYN) else f"an {name}" if name == "object" else f"a {name}"


def unknown_name(node: Name, names: Mapping[str, Type], variables: Iterable[str]) -> ExpressionError:
    nodes = names.get("nodes")
    if isinstance(nodes, ObjectType) and node.name in nodes.fields:
        hint: str | None = f"Did you mean nodes.{node.name}?"
    else:
        hint = did_you_mean(node.name, [*variables, *names])
    if hint is None and names:
        hint = f"There are {', '.join([*variables, *names][:_SHOWN_FIELDS])}."
    return failure(f"There is no {quoted(node.name)} here.", node.position, hint)


def no_field(node: Select | Index, operand: Type, name: str) -> ExpressionError:
    spelled = _spelled(node.operand)
    lacking = [member for member in members_of(operand) if field_of(member, name) is None]
    if NULL in lacking:
        return failure(f"{spelled} can be null, which has no fields.", node.position, _null_hint(node.operand))
    others = [member for member in lacking if not isinstance(member, ObjectType)]
    if others:
        return failure(f"{spelled} is {a(others[0])}, which has no field {quoted(name)}.", node.position)
    if len(lacking) < len(members_of(operand)):
        message = f"{spelled} does not always have the field {quoted(name)}: not every possible source does."
        return failure(message, node.position, "Where it may be missing, test for it with has(…) first.")
    fields = [field for member in lacking if isinstance(member, ObjectType) for field in member.fields]
    hint = did_you_mean(name, fields)
    if hint is None and fields:
        shown = ", ".join(fields[:_SHOWN_FIELDS]) + (", …" if len(fields) > _SHOWN_FIELDS else "")
        hint = f"It has {shown}."
    return failure(f"There is no field {quoted(name)} in {spelled}.", node.position, hint)


def bad_index(node: Index, operand: Type, index: Type) -> ExpressionError:
    if NULL in members_of(operand):
        message = f"{_spelled(node.operand)} can be null, which has no elements."
        return failure(message, node.position, _null_hint(node.operand))
    message = f"{a(operand)} cannot be indexed by {a(index)}."
    return failure(_sentence(message), node.position, "Lists take a number from 0, maps a string.")


def bad_key(key: Node, type_: Type) -> ExpressionError:
    return failure(f"The keys of a map are strings, not {a(type_)}.", key.position)


def doubled_key(key: Text) -> ExpressionError:
    return failure(f"The map has the key {quoted(key.value)} twice.", key.position)


def bad_operand(node: Unary, wanted: Type, operand: Type) -> ExpressionError:
    message = f"{node.operator} takes {a(wanted)}, not {a(operand)}."
    return failure(message, node.position, _null_hint(node.operand) if NULL in members_of(operand) else None)


def bad_operands(node: Binary, left: Type, right: Type) -> ExpressionError:
    verb = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "take the remainder of"}
    doing = verb.get(node.operator, "compare")
    message = f"{node.operator} cannot {doing} {a(left)} and {a(right)}."
    return failure(message, node.position, _pair_hint(node, left, right))


def never_equal(node: Binary, left: Type, right: Type) -> ExpressionError:
    for value, closed in ((left, right), (right, left)):
        if isinstance(value, StringType) and isinstance(closed, StringType) and len(value.values) == 1:
            hint = did_you_mean(value.values[0], closed.values) or f"It can be {_listed(closed.values)}."
            return failure(f"It is never {quoted(value.values[0])}.", node.position, hint)
    message = f"{a(left)} and {a(right)} are never equal."
    return failure(_sentence(message), node.position, _pair_hint(node, left, right))


def not_a_container(node: Binary, right: Type) -> ExpressionError:
    is_text = any(isinstance(member, StringType) for member in members_of(right))
    hint = "For a text inside a text write text.contains(part)." if is_text else None
    if NULL in members_of(right):
        hint = _null_hint(node.right)
    return failure(f"in looks into a list or a map, not into {a(right)}.", node.position, hint)


def not_bool(node: Node, what: str, type_: Type) -> ExpressionError:
    hint = _null_hint(node) if NULL in members_of(type_) else None
    return failure(f"{what} must be true or false, not {a(type_)}.", node.position, hint)


def not_loopable(node: Macro, target: Type) -> ExpressionError:
    hint = _null_hint(node.target) if NULL in members_of(target) else None
    return failure(f"{node.macro} goes through a list or a map, not {a(target)}.", node.position, hint)


def bad_arguments(node: Call, function: Function, types: list[Type]) -> ExpressionError:
    possible = [overload.parameters for overload in function.overloads if overload.takes(len(types))]
    wanted = " or ".join(dict.fromkeys("(" + ", ".join(map(_parameter, types)) + ")" for types in possible))
    given = "(" + ", ".join(a(type_) for type_ in types) + ")"
    hint = None
    if any(TIMESTAMP in parameters for parameters in possible) and isinstance(types[0], StringType):
        hint = f"Write timestamp(text).{function.name}(…)."
    elif any(NULL in members_of(type_) for type_ in types):
        hint = _null_hint(node)
    return failure(f"{function.name} takes {wanted}, not {given}.", node.position, hint)


def _parameter(type_: Type) -> str:
    return "a map" if isinstance(type_, MapType) else a(type_)


def _pair_hint(node: Binary, left: Type, right: Type) -> str | None:
    texts = [any(isinstance(member, StringType) for member in members_of(type_)) for type_ in (left, right)]
    if NULL in members_of(left):
        return _null_hint(node.left)
    if NULL in members_of(right):
        return _null_hint(node.right)
    if any(texts) and TIMESTAMP in (left, right):
        return "Turn the text into a point in time with timestamp(text)."
    if any(texts) and node.operator == "+":
        return "Turn the other into text with string(value)."
    return "Turn the text into a number with double(text)." if any(texts) and not all(texts) else None


def _null_hint(node: Node) -> str:
    return f"Where it can be null, test first: {_spelled(node, 'value')} != null && …"


def _spelled(node: Node, otherwise: str = "It") -> str:
    path = path_of(node)
    return ".".join(path) if path and len(path) <= 6 else otherwise


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(quoted(value) for value in values[:_SHOWN_FIELDS])


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]
