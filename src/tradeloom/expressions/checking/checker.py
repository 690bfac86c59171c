"""Types an expression against the types of the names in scope, and reports every problem with its position."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from tradeloom.errors import ExpressionError
from tradeloom.expressions.checking import explain, rules
from tradeloom.expressions.checking.facts import NOTHING, Facts, facts_when, path_of
from tradeloom.expressions.expression import Expression
from tradeloom.expressions.library import FUNCTIONS
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
from tradeloom.expressions.types import (
    BOOL,
    DYN,
    NULL,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    accepts,
    field_of,
    members_of,
    union,
    without_null,
)

MAX_PROBLEMS = 20


def check_all(expression: Expression, scope: Mapping[str, Type]) -> tuple[Type, list[ExpressionError]]:
    """The expression's type and its problems, in order of position, at most `MAX_PROBLEMS`.

    `scope` types the names (`{"nodes": ObjectType(...), ...}`). A part with a problem counts as `DYN`. An expression
    without problems, evaluated on values of those types, fails only for the values' sake: a division by zero, an index
    out of range, an optional field that is missing, a node that did not run.
    """
    checker = _Checker(scope)
    type_ = checker.visit(expression.root, _Scope({}, NOTHING))
    return type_, sorted(checker.problems, key=lambda problem: problem.position or 0)


def check(expression: Expression, scope: Mapping[str, Type]) -> Type:
    """The expression's type. Raises the first problem, an `ExpressionError`."""
    type_, problems = check_all(expression, scope)
    if problems:
        raise problems[0]
    return type_


@dataclass(frozen=True, slots=True)
class _Scope:
    variables: dict[str, Type]
    facts: Facts

    def knowing(self, facts: Facts) -> "_Scope":
        return replace(self, facts=self.facts.also(facts))

    def binding(self, name: str, type_: Type) -> "_Scope":
        return _Scope(self.variables | {name: type_}, self.facts.without(name))


class _Checker:
    def __init__(self, names: Mapping[str, Type]) -> None:
        self.names = names
        self.problems: list[ExpressionError] = []

    def problem(self, make: Callable[..., ExpressionError], *details: Any) -> Type:
        """Record a problem (explained only while there are few) and carry on as if the part were anything."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(make(*details))
        return DYN

    def visit(self, node: Node, scope: _Scope) -> Type:
        visitor: Callable[[_Checker, Any, _Scope], Type] = _VISITORS[type(node)]
        return visitor(self, node, scope)

    # Values and names

    def literal(self, node: Node, scope: _Scope) -> Type:
        match node:
            case Text(value=value):
                return StringType((value,))
            case Number():
                return NUMBER
            case Boolean():
                return BOOL
            case _:
                return NULL

    def name(self, node: Name, scope: _Scope) -> Type:
        type_ = scope.variables.get(node.name) or self.names.get(node.name)
        if type_ is None:
            return self.problem(explain.unknown_name, node, self.names, scope.variables)
        return self.narrowed(node, type_, scope)

    def narrowed(self, node: Node, type_: Type, scope: _Scope) -> Type:
        return without_null(type_) if path_of(node) in scope.facts.not_null else type_

    def list_literal(self, node: ListLiteral, scope: _Scope) -> Type:
        return rules.widened(ListType(union([self.visit(item, scope) for item in node.items])))

    def map_literal(self, node: MapLiteral, scope: _Scope) -> Type:
        fields: dict[str, Type] = {}
        values: list[Type] = []
        for key, value in node.entries:
            key_type, value_type = self.visit(key, scope), self.visit(value, scope)
            values.append(value_type)
            if not accepts(STRING, key_type):
                self.problem(explain.bad_key, key, key_type)
            elif isinstance(key, Text) and key.value in fields:
                self.problem(explain.doubled_key, key)
            elif isinstance(key, Text):
                fields[key.value] = value_type
        if len(fields) < len(values):
            return rules.widened(MapType(union(values)))
        return rules.widened(ObjectType(fields))

    # Reaching into values

    def select(self, node: Select, scope: _Scope) -> Type:
        return self.field(node, self.visit(node.operand, scope), node.field, scope)

    def field(self, node: Select | Index, operand: Type, name: str, scope: _Scope) -> Type:
        if path_of(node) in scope.facts.present:
            operand = union([member for member in members_of(operand) if field_of(member, name) is not None])
        found = field_of(operand, name)
        if found is None:
            return self.problem(explain.no_field, node, operand, name)
        return self.narrowed(node, found, scope)

    def index(self, node: Index, scope: _Scope) -> Type:
        operand = self.visit(node.operand, scope)
        if isinstance(node.index, Text):
            return self.field(node, operand, node.index.value, scope)
        index = self.visit(node.index, scope)
        return self.combined(rules.element_type, operand, index, explain.bad_index, node)

    def has(self, node: Has, scope: _Scope) -> Type:
        self.tested(Select(node.operand, node.field, position=node.position), scope)
        return BOOL

    def tested(self, node: Node, scope: _Scope) -> Type:
        """The type of a path inside `has`, which may be missing on the way: some member having the field is enough."""
        match node:
            case Select(operand=inner, field=name) | Index(operand=inner, index=Text(value=name)):
                operand = self.tested(inner, scope)
                if not all(isinstance(part, MapType | ObjectType) or part == DYN for part in members_of(operand)):
                    return self.problem(explain.no_field, node, operand, name)
                found = [part for part in (field_of(member, name) for member in members_of(operand)) if part]
                if not found:
                    return self.problem(explain.no_field, node, operand, name)
                return self.narrowed(node, union(found), scope)
            case _:
                return self.visit(node, scope)

    # Operators

    def unary(self, node: Unary, scope: _Scope) -> Type:
        wanted = BOOL if node.operator == "!" else NUMBER
        operand = self.visit(node.operand, scope)
        if not accepts(wanted, operand):
            self.problem(explain.bad_operand, node, wanted, operand)
        return wanted

    def binary(self, node: Binary, scope: _Scope) -> Type:
        match node.operator:
            case "&&" | "||":
                return self.logic(node, scope)
            case "==" | "!=":
                return self.equality(node, scope)
            case "in":
                return self.membership(node, scope)
        left, right = self.visit(node.left, scope), self.visit(node.right, scope)
        if node.operator in ("<", "<=", ">", ">="):
            self.combined(rules.ordering, left, right, explain.bad_operands, node)
            return BOOL

        def rule(a: Type, b: Type) -> Type | None:
            return rules.arithmetic(node.operator, a, b)

        return rules.widened(self.combined(rule, left, right, explain.bad_operands, node))

    def combined(
        self,
        rule: Callable[[Type, Type], Type | None],
        left: Type,
        right: Type,
        make: Callable[..., ExpressionError],
        node: Node,
    ) -> Type:
        """The rule's result over every combination of the two sides' possible types; all must be allowed."""
        if len(members_of(left)) * len(members_of(right)) > rules.MAX_COMBINATIONS:
            return DYN
        results = [rule(a, b) for a, b in product(members_of(left), members_of(right))]
        allowed = [result for result in results if result is not None]
        return union(allowed) if len(allowed) == len(results) else self.problem(make, node, left, right)

    def logic(self, node: Binary, scope: _Scope) -> Type:
        left = self.visit(node.left, scope)
        right = self.visit(node.right, scope.knowing(facts_when(node.left, node.operator == "&&")))
        for side, type_ in ((node.left, left), (node.right, right)):
            if not accepts(BOOL, type_):
                self.problem(explain.not_bool, side, f"Each side of {node.operator}", type_)
        return BOOL

    def equality(self, node: Binary, scope: _Scope) -> Type:
        left, right = self.visit(node.left, scope), self.visit(node.right, scope)
        asks_for_null = NULL in (left, right)
        pairs = list(product(members_of(left), members_of(right)))
        if pairs and not asks_for_null and not any(rules.can_equal(a, b) for a, b in pairs):
            self.problem(explain.never_equal, node, left, right)
        return BOOL

    def membership(self, node: Binary, scope: _Scope) -> Type:
        left, right = self.visit(node.left, scope), self.visit(node.right, scope)
        for container in members_of(right):
            looked_at = rules.looped_type(container)
            if looked_at is None:
                self.problem(explain.not_a_container, node, right)
                break
            pairs = list(product(members_of(left), members_of(looked_at)))
            if pairs and not any(rules.can_equal(a, b) for a, b in pairs):
                self.problem(explain.never_equal, node, left, looked_at)
                break
        return BOOL

    def conditional(self, node: Conditional, scope: _Scope) -> Type:
        condition = self.visit(node.condition, scope)
        if not accepts(BOOL, condition):
            self.problem(explain.not_bool, node.condition, "The condition of ?:", condition)
        then = self.visit(node.then, scope.knowing(facts_when(node.condition, True)))
        otherwise = self.visit(node.otherwise, scope.knowing(facts_when(node.condition, False)))
        return rules.widened(union((then, otherwise)))

    # Calls

    def call(self, node: Call, scope: _Scope) -> Type:
        function = FUNCTIONS[node.function]
        given = node.arguments if node.target is None else (node.target, *node.arguments)
        types = [self.visit(argument, scope) for argument in given]
        found = rules.call_type(function, types)
        return found if found is not None else self.problem(explain.bad_arguments, node, function, types)

    def macro(self, node: Macro, scope: _Scope) -> Type:
        target = self.visit(node.target, scope)
        looped = [rules.looped_type(member) for member in members_of(target)]
        known = [type_ for type_ in looped if type_ is not None]
        if len(known) < len(looped):
            self.problem(explain.not_loopable, node, target)
            known = [DYN]
        element = union(known)
        inner = scope.binding(node.variable, element)
        *conditions, last = node.arguments
        if node.macro != "map":
            conditions = [last]
        for condition in conditions:
            type_ = self.visit(condition, inner)
            if not accepts(BOOL, type_):
                self.problem(explain.not_bool, condition, f"The condition of {node.macro}", type_)
            inner = inner.knowing(facts_when(condition, True))
        if node.macro == "map":
            return rules.widened(ListType(self.visit(last, inner)))
        return ListType(element) if node.macro == "filter" else BOOL


_VISITORS: dict[type[Node], Callable[[_Checker, Any, _Scope], Type]] = {
    Number: _Checker.literal,
    Text: _Checker.literal,
    Boolean: _Checker.literal,
    Null: _Checker.literal,
    Name: _Checker.name,
    Select: _Checker.select,
    Index: _Checker.index,
    Has: _Checker.has,
    ListLiteral: _Checker.list_literal,
    MapLiteral: _Checker.map_literal,
    Unary: _Checker.unary,
    Binary: _Checker.binary,
    Conditional: _Checker.conditional,
    Call: _Checker.call,
    Macro: _Checker.macro,
}
