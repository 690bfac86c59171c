"""Syntax tree to source text: one canonical spelling, with no parentheses but those needed."""

from tradeloom.expressions.expression import Expression
from tradeloom.expressions.parser import PRECEDENCE
from tradeloom.expressions.string_literals import write_string
from tradeloom.expressions.syntax import (
    Binary,
    Boolean,
    Call,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Macro,
    MapLiteral,
    Name,
    Node,
    Null,
    Number,
    Select,
    Text,
    Unary,
)
from tradeloom.expressions.values import number_text

_CONDITIONAL, _UNARY, _MEMBER = 0, 6, 7


def to_source(expression: Expression | Node) -> str:
    """The expression written canonically; parsing it gives an equal expression."""
    return _written(expression.root if isinstance(expression, Expression) else expression)


def _binding(node: Node) -> int:
    """How tightly the node's spelling holds together: 0 for `?:`, 1 to 5 for operators, 7 for the rest."""
    match node:
        case Conditional():
            return _CONDITIONAL
        case Binary(operator=operator):
            return PRECEDENCE[operator]
        case Unary():
            return _UNARY
        case _:
            return _MEMBER


def _within(node: Node, loosest: int) -> str:
    written = _written(node)
    return written if _binding(node) >= loosest else f"({written})"


def _operand(node: Node) -> str:
    """What stands before a dot or a bracket; a number there would run into the dot."""
    return f"({_written(node)})" if isinstance(node, Number) else _within(node, _MEMBER)


def _listed(nodes: tuple[Node, ...]) -> str:
    return ", ".join(_written(node) for node in nodes)


def _written(node: Node) -> str:
    match node:
        case Binary(operator=operator, left=left, right=right):
            level = PRECEDENCE[operator]
            return f"{_within(left, level)} {operator} {_within(right, level + 1)}"
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return f"{_within(condition, 1)} ? {_within(then, 1)} : {_written(otherwise)}"
        case Unary(operator=operator, operand=operand):
            repeats = isinstance(operand, Unary) and operand.operator == operator
            return operator + _within(operand, _UNARY if repeats else _MEMBER)
        case ListLiteral(items=items):
            return f"[{_listed(items)}]"
        case MapLiteral(entries=entries):
            return "{" + ", ".join(f"{_written(key)}: {_written(value)}" for key, value in entries) + "}"
        case _:
            return _written_member(node)


def _written_member(node: Node) -> str:
    match node:
        case Number(value=value):
            return number_text(value)
        case Text(value=value):
            return write_string(value)
        case Boolean(value=value):
            return "true" if value else "false"
        case Null():
            return "null"
        case Name(name=name):
            return name
        case Select(operand=operand, field=field):
            return f"{_operand(operand)}.{field}"
        case Index(operand=operand, index=index):
            return f"{_operand(operand)}[{_written(index)}]"
        case Has(operand=operand, field=field):
            return f"has({_operand(operand)}.{field})"
        case Call(function=function, arguments=arguments, target=target):
            dotted = "" if target is None else f"{_operand(target)}."
            return f"{dotted}{function}({_listed(arguments)})"
        case Macro(macro=macro, target=target, variable=variable, arguments=arguments):
            return f"{_operand(target)}.{macro}({variable}, {_listed(arguments)})"
    raise TypeError(f"not a syntax node: {node!r}")
