"""What the property tests draw: syntax trees, types with values, and expressions over them."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.support.exam import sized
from tradeloom.expressions import FUNCTIONS, MACROS
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
    NULL,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    StringType,
    Type,
    members_of,
    union,
)
from tradeloom.expressions.words import LITERAL_WORDS, RESERVED_WORDS


def examples(count: int) -> settings:
    """So many examples, ten times as many in an exam."""
    return settings(max_examples=sized(count, 10 * count), deadline=None)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
doubles = st.floats(allow_nan=False, allow_infinity=False)
identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True).filter(
    lambda word: word not in LITERAL_WORDS
)
names = identifiers.filter(lambda word: word not in RESERVED_WORDS)
OPERATORS = ["||", "&&", "<", "<=", ">", ">=", "==", "!=", "in", "+", "-", "*", "/", "%"]

# Syntax trees of any kind


def _leaves(free_names: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Number, st.floats(min_value=0, allow_infinity=False)),
        st.builds(Number, st.integers(0, 100).map(float)),
        st.builds(Text, texts),
        st.builds(Boolean, st.booleans()),
        st.builds(Null),
        st.builds(Name, free_names),
    )


@st.composite
def _calls(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> Node:
    function = draw(st.sampled_from(sorted(FUNCTIONS.values(), key=lambda function: function.name)))
    count = draw(st.sampled_from([len(overload.parameters) for overload in function.overloads]))
    arguments = [draw(inner) for _ in range(count)]
    as_method = function.method and (not function.plain or draw(st.booleans()))
    return Call(function.name, tuple(arguments[as_method:]), arguments[0] if as_method else None)


@st.composite
def _macros(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> Node:
    macro = draw(st.sampled_from(sorted(MACROS)))
    count = draw(st.sampled_from(MACROS[macro])) - 1
    return Macro(macro, draw(inner), draw(names), tuple(draw(inner) for _ in range(count)))


def _larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Select, inner, identifiers),
        st.builds(Index, inner, inner),
        st.builds(Has, inner, identifiers),
        st.builds(ListLiteral, several),
        st.builds(MapLiteral, st.lists(st.tuples(inner, inner), max_size=3).map(tuple)),
        st.builds(Unary, st.sampled_from("!-"), inner),
        st.builds(Binary, st.sampled_from(OPERATORS), inner, inner),
        st.builds(Conditional, inner, inner, inner),
        _calls(inner),
        _macros(inner),
    )


def trees_over(free_names: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    """Trees whose names come from the strategy; well formed, mostly senseless."""
    return st.recursive(_leaves(free_names), _larger, max_leaves=25)


trees = trees_over(names)

# Types and their values

_FIELDS = st.sampled_from(["a", "b", "c", "value"])
_primitives = st.one_of(
    st.just(NUMBER),
    st.just(NUMBER),
    st.just(BOOL),
    st.just(STRING),
    st.just(NULL),
    st.sets(st.sampled_from(["up", "down", "flat"]), min_size=1).map(lambda values: StringType(tuple(sorted(values)))),
)


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Type]) -> Type:
    fields = draw(st.dictionaries(_FIELDS, inner, max_size=3))
    optional = draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    return ObjectType(fields, frozenset(optional), draw(st.none() | inner) if draw(st.integers(0, 4)) == 0 else None)


types: st.SearchStrategy[Type] = st.recursive(
    _primitives,
    lambda inner: st.one_of(
        st.builds(ListType, inner),
        st.builds(MapType, inner),
        _objects(inner),
        _objects(inner),
        st.lists(inner, min_size=1, max_size=3).map(union),
    ),
    max_leaves=8,
)

_numbers = st.one_of(st.integers(-3, 5), st.floats(-10, 10), doubles, st.integers(-(2**60), 2**60))


def values_of(type_: Type) -> st.SearchStrategy[Any]:
    """Values of the type, as a node's output would hold them."""
    match type_:
        case StringType(values=closed):
            return st.sampled_from(closed) if closed else st.one_of(texts, st.sampled_from(_TELLING_TEXTS))
        case ListType(element=element):
            return st.lists(values_of(element), max_size=3)
        case MapType(value=value):
            return st.dictionaries(st.one_of(_FIELDS, texts), values_of(value), max_size=3)
        case ObjectType():
            return _values_of_object(type_)
        case _:
            return _values_of_plain(type_)


_TELLING_TEXTS = ["12.5", "7", "true", "2026-11-22T14:30:00Z", "1h30m", "Europe/London", "a", "value"]


def _values_of_plain(type_: Type) -> st.SearchStrategy[Any]:
    if type_ == NUMBER:
        return _numbers
    if type_ == BOOL:
        return st.booleans()
    if type_ == NULL:
        return st.none()
    return st.one_of([values_of(member) for member in members_of(type_)])


@st.composite
def _values_of_object(draw: st.DrawFn, type_: ObjectType) -> dict[str, Any]:
    given = {name: draw(values_of(field)) for name, field in type_.fields.items() if name not in type_.optional}
    for name in sorted(type_.optional):
        if draw(st.booleans()):
            given[name] = draw(values_of(type_.fields[name]))
    if type_.extra is not None and draw(st.booleans()):
        given.setdefault("extra", draw(values_of(type_.extra)))
    return given


# Expressions over a scope, mostly well typed

Scope = dict[str, Type]


class Writer:
    """Draws expressions of a wanted kind over names of known types; now and then of another kind, on purpose."""

    def __init__(self, draw: st.DrawFn, scope: Scope) -> None:
        self.draw = draw
        self.scope = scope

    def one_of(self, *choices: Callable[[], Node]) -> Node:
        return self.draw(st.sampled_from(choices))()

    def anything(self, depth: int) -> Node:
        return self.one_of(
            *(lambda kind=kind: kind(depth) for kind in (self.number, self.text, self.truth, self.items))
        )

    def wanted(self, kind: Callable[[int], Node], depth: int) -> Node:
        return self.anything(depth) if self.draw(st.integers(0, 15)) == 0 else kind(depth)

    def path(self, fits: Callable[[Type], bool]) -> Node | None:
        """A path into the scope whose type fits, guarded if it may be null or missing."""
        found = [(node, type_) for node, type_ in _paths(self.scope) if any(fits(m) for m in members_of(type_))]
        if not found:
            return None
        node, type_ = self.draw(st.sampled_from(found))
        if all(fits(member) for member in members_of(type_)) or self.draw(st.integers(0, 3)) == 0:
            return node
        test = Binary("!=", node, Null())
        if isinstance(node, Select) and self.draw(st.booleans()):
            test = Binary("&&", Has(node.operand, node.field), test)
        return Conditional(test, node, node if self.draw(st.booleans()) else Number(1.0))

    def number(self, depth: int) -> Node:
        literal = st.sampled_from([0.0, 1.0, 2.0, 0.5, 7.0, 1e308])
        leaf = self.path(lambda type_: type_ == NUMBER) or Number(self.draw(literal))
        if depth <= 0:
            return leaf if self.draw(st.booleans()) else Number(self.draw(literal))
        number, text, list_ = (
            lambda kind=kind: self.wanted(kind, depth - 1) for kind in (self.number, self.text, self.items)
        )
        return self.one_of(
            lambda: leaf,
            lambda: Binary(self.draw(st.sampled_from("+-*/%")), number(), number()),
            lambda: Unary("-", number()),
            lambda: Conditional(self.wanted(self.truth, depth - 1), number(), number()),
            lambda: Index(list_(), number()),
            lambda: Call("size", (self.anything(depth - 1),)),
            lambda: Call(self.draw(st.sampled_from(["abs", "floor", "round", "sqrt", "int"])), (number(),)),
            lambda: Call(self.draw(st.sampled_from(["min", "max", "pow"])), (number(), number())),
            lambda: Call(self.draw(st.sampled_from(["min", "sum", "avg"])), (list_(),)),
            lambda: Call(self.draw(st.sampled_from(["double", "int"])), (text(),)),
            lambda: Call("getHours", (), self.time(depth - 1)),
            lambda: Call("getMinutes", (text(),), self.time(depth - 1)),
        )

    def text(self, depth: int) -> Node:
        leaf = self.path(lambda type_: isinstance(type_, StringType)) or Text("a")
        if depth <= 0:
            return leaf if self.draw(st.booleans()) else Text(self.draw(st.sampled_from(["up", "a", "7", "value"])))
        text = self.wanted
        return self.one_of(
            lambda: leaf,
            lambda: Binary("+", text(self.text, depth - 1), text(self.text, depth - 1)),
            lambda: Call("upper", (), text(self.text, depth - 1)),
            lambda: Call("string", (self.anything(depth - 1),)),
            lambda: Conditional(text(self.truth, depth - 1), text(self.text, depth - 1), text(self.text, depth - 1)),
            lambda: Call("string", (self.time(depth - 1),)),
        )

    def time(self, depth: int) -> Node:
        return self.one_of(
            lambda: Call("now", ()),
            lambda: Call("timestamp", (self.wanted(self.text if depth else self.number, max(depth - 1, 0)),)),
            lambda: Binary("-", Call("now", ()), Call("duration", (Text("1h30m"),))),
            lambda: Binary("-", Call("now", ()), Call("timestamp", (Number(0.0),))),
            lambda: Call("duration", (self.wanted(self.text, max(depth - 1, 0)),)),
        )

    def truth(self, depth: int) -> Node:
        leaf = self.path(lambda type_: type_ == BOOL) or Boolean(self.draw(st.booleans()))
        if depth <= 0:
            return leaf
        wanted = self.wanted
        operator = self.draw(st.sampled_from(["<", "<=", ">", ">="]))
        return self.one_of(
            lambda: leaf,
            lambda: Binary(operator, wanted(self.number, depth - 1), wanted(self.number, depth - 1)),
            lambda: Binary(operator, wanted(self.text, depth - 1), wanted(self.text, depth - 1)),
            lambda: Binary(operator, self.time(depth - 1), self.time(depth - 1)),
            lambda: Binary(
                self.draw(st.sampled_from(["==", "!="])), self.anything(depth - 1), self.anything(depth - 1)
            ),
            lambda: Binary(
                self.draw(st.sampled_from(["&&", "||"])), wanted(self.truth, depth - 1), wanted(self.truth, depth - 1)
            ),
            lambda: Unary("!", wanted(self.truth, depth - 1)),
            lambda: Binary("in", self.anything(depth - 1), wanted(self.items, depth - 1)),
            lambda: Call("contains", (wanted(self.text, depth - 1),), wanted(self.text, depth - 1)),
            lambda: Call("cross_above", (wanted(self.items, depth - 1), wanted(self.number, depth - 1))),
            lambda: self.loop(["all", "exists", "exists_one"], self.truth, depth - 1),
            lambda: self.presence(),
        )

    def presence(self) -> Node:
        paths = [node for node, _ in _paths(self.scope) if isinstance(node, Select)]
        if not paths:
            return Boolean(True)
        chosen = self.draw(st.sampled_from(paths))
        return Has(chosen.operand, chosen.field)

    def items(self, depth: int) -> Node:
        leaf = self.path(lambda type_: isinstance(type_, ListType | MapType | ObjectType)) or ListLiteral(())
        if depth <= 0:
            return leaf
        return self.one_of(
            lambda: leaf,
            lambda: ListLiteral(tuple(self.anything(depth - 1) for _ in range(self.draw(st.integers(0, 3))))),
            lambda: ListLiteral(tuple(self.number(depth - 1) for _ in range(self.draw(st.integers(0, 3))))),
            lambda: MapLiteral(((Text("a"), self.anything(depth - 1)), (Text("b"), self.anything(depth - 1)))),
            lambda: Binary("+", self.wanted(self.items, depth - 1), self.wanted(self.items, depth - 1)),
            lambda: self.loop(["filter"], self.truth, depth - 1),
            lambda: self.loop(["map"], self.anything, depth - 1),
        )

    def loop(self, macros: list[str], body: Callable[[int], Node], depth: int) -> Node:
        target = self.wanted(self.items, depth)
        variable = self.draw(st.sampled_from(["x", "y", "first"]))
        element = _element_of(target, self.scope)
        outer, self.scope = self.scope, self.scope | {variable: element}
        written = body(depth)
        self.scope = outer
        return Macro(self.draw(st.sampled_from(macros)), target, variable, (written,))


def _element_of(target: Node, scope: Scope) -> Type:
    """A guess at what the macro's variable is; a wrong one makes an expression the checker has to refuse."""
    for node, type_ in _paths(scope):
        if node == target:
            elements = [m.element if isinstance(m, ListType) else STRING for m in members_of(type_)]
            return union(elements)
    return NUMBER


def _paths(scope: Scope) -> list[tuple[Node, Type]]:
    found: list[tuple[Node, Type]] = [(Name(name), type_) for name, type_ in scope.items()]
    for node, type_ in found:
        if len(found) < 40:
            for member in members_of(type_):
                if isinstance(member, ObjectType):
                    found += [(Select(node, name), field) for name, field in member.fields.items()]
    return found


@st.composite
def typed_cases(draw: st.DrawFn) -> tuple[Node, Scope, dict[str, Any]]:
    """An expression, the types of its names, and values of those types."""
    count = draw(st.integers(1, 4))
    scope = {name: draw(types) for name in ["first", "second", "third", "fourth"][:count]}
    writer = Writer(draw, scope)
    tree = writer.one_of(
        *(lambda kind=kind: kind(3) for kind in (writer.number, writer.text, writer.truth, writer.items))
    )
    return tree, scope, {name: draw(values_of(type_)) for name, type_ in scope.items()}
