"""Source text to syntax tree, by CEL's grammar (recursive descent; nesting is bounded before Python's stack is)."""

from functools import lru_cache

from tradeloom.errors import ExpressionError
from tradeloom.expressions.expression import Expression
from tradeloom.expressions.failures import did_you_mean, failure, quoted
from tradeloom.expressions.lexer import Token, tokens
from tradeloom.expressions.library import FUNCTIONS
from tradeloom.expressions.syntax import (
    MACROS,
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
    walk,
)
from tradeloom.expressions.words import LITERAL_WORDS, RESERVED_WORDS

MAX_SOURCE = 4_000
"""Characters of one expression."""
MAX_NESTING = 40
"""Brackets, arguments and chained `?:` inside each other. CEL asks for at least 32."""
MAX_DEPTH = 100
"""Depth of the tree, where a chain of n operators has depth n."""
MAX_NODES = 1_500

PRECEDENCE = {
    "||": 1, "&&": 2,
    "<": 3, "<=": 3, ">": 3, ">=": 3, "==": 3, "!=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_WORD_HINTS = {"and": "Logical and is written &&.", "or": "Logical or is written ||.", "not": "Negation is written !."}


@lru_cache(maxsize=1024)
def parse(source: str) -> Expression:
    """Parse an expression (without the leading `=` of a config string).

    Raises `ExpressionError` with the position, also when the expression is longer than `MAX_SOURCE` characters, nested
    deeper than `MAX_NESTING`, or holds more than `MAX_NODES` parts.
    """
    if len(source) > MAX_SOURCE:
        raise failure(f"The expression is longer than {MAX_SOURCE:,} characters.", MAX_SOURCE)
    root = _Parser(source).whole()
    for count, (node, depth) in enumerate(walk(root), 1):
        if depth > MAX_DEPTH:
            raise failure(f"The expression is more than {MAX_DEPTH} levels deep.", node.position)
        if count > MAX_NODES:
            raise failure(f"The expression has more than {MAX_NODES:,} parts.", node.position)
    return Expression(source, root)


class _Parser:
    def __init__(self, source: str) -> None:
        self.tokens = list(tokens(source))
        self.at = 0
        self.nesting = 0

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise failure("The expression is empty.", self.token.position)
        root = self.expression()
        if self.at < len(self.tokens) - 1:
            raise self.unexpected()
        return root

    # Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def is_operator(self, text: str) -> bool:
        return self.token.kind == "operator" and self.token.text == text

    def accept(self, text: str) -> Token | None:
        return self.advance() if self.is_operator(text) else None

    def expect(self, text: str, opened: Token | None = None) -> Token:
        if token := self.accept(text):
            return token
        if opened and self.token.kind == "end":
            raise failure(f"The {opened.text} is not closed.", opened.position)
        raise self.unexpected(f"expected {text}")

    def unexpected(self, wanted: str = "") -> ExpressionError:
        token = self.token
        if token.kind == "end":
            what = "The expression ends too early"
        elif token.kind == "operator":
            what = f"Unexpected {token.text}"
        elif token.kind == "name":
            what = f"Unexpected word {quoted(token.text)}"
        else:
            what = f"Unexpected {token.kind}"
        # `a and b` stumbles over the word itself, `not a` over what follows it.
        nearby = [word.text.lower() for word in (token, self.tokens[self.at - 1]) if word.kind == "name"]
        hints = [_WORD_HINTS[word] for word in nearby if word in _WORD_HINTS]
        hint = hints[0] if hints else None
        return failure(f"{what}{', ' if wanted else ''}{wanted}.", token.position, hint)

    # Grammar, from the loosest binding to the tightest

    def expression(self) -> Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise failure(f"The expression is nested more than {MAX_NESTING} levels deep.", self.token.position)
        node = self.binary(1)
        if question := self.accept("?"):
            then = self.binary(1)
            if self.is_operator("?"):
                raise failure("Put the inner ?: in parentheses.", self.token.position)
            self.expect(":")
            node = Conditional(node, then, self.expression(), position=question.position)
        self.nesting -= 1
        return node

    def binary(self, loosest: int) -> Node:
        left = self.unary()
        while (level := self.operator_level()) >= loosest:
            operator = self.advance()
            right = self.binary(level + 1)
            left = Binary(operator.text, left, right, position=operator.position)
        return left

    def operator_level(self) -> int:
        token = self.token
        is_operator = token.kind == "operator" or (token.kind == "name" and token.text == "in")
        return PRECEDENCE.get(token.text, 0) if is_operator else 0

    def unary(self) -> Node:
        # CEL repeats one sign (`--x`) but does not mix them (`-!x`).
        sign = self.token.text if self.is_operator("!") or self.is_operator("-") else ""
        prefixes: list[Token] = []
        while sign and (token := self.accept(sign)):
            prefixes.append(token)
        node = self.member()
        for prefix in reversed(prefixes):
            node = Unary(prefix.text, node, position=prefix.position)
        return node

    def member(self) -> Node:
        node = self.primary()
        while True:
            if self.accept("."):
                node = self.after_dot(node)
            elif opened := self.accept("["):
                index = self.expression()
                self.expect("]", opened)
                node = Index(node, index, position=opened.position)
            else:
                return node

    def after_dot(self, operand: Node) -> Node:
        if self.token.kind != "name" or self.token.text in LITERAL_WORDS:
            raise self.unexpected("expected a field's name after the dot")
        name = self.advance()
        if opened := self.accept("("):
            arguments = self.listed(")", opened)
            if name.text in MACROS:
                return _macro(name, operand, arguments)
            return _call(name, arguments, operand)
        return Select(operand, name.text, position=name.position)

    def primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.advance()
            return Number(float(token.text), position=token.position)
        if token.kind == "string":
            self.advance()
            return Text(token.text, position=token.position)
        if token.kind == "name":
            return self.word()
        if opened := self.accept("("):
            node = self.expression()
            self.expect(")", opened)
            return node
        if opened := self.accept("["):
            return ListLiteral(self.listed("]", opened), position=opened.position)
        if opened := self.accept("{"):
            return self.map_literal(opened)
        raise self.unexpected()

    def word(self) -> Node:
        token = self.token
        if token.text in ("true", "false"):
            self.advance()
            return Boolean(token.text == "true", position=token.position)
        if token.text == "null":
            self.advance()
            return Null(position=token.position)
        if token.text == "in":
            raise self.unexpected()
        if token.text in RESERVED_WORDS:
            raise failure(f"{token.text} is a reserved word and cannot be a name.", token.position)
        self.advance()
        if opened := self.accept("("):
            arguments = self.listed(")", opened)
            return _has(token, arguments) if token.text == "has" else _call(token, arguments, None)
        return Name(token.text, position=token.position)

    def listed(self, closing: str, opened: Token) -> tuple[Node, ...]:
        """Expressions with commas between them, up to the closing bracket; lists allow a comma at the end."""
        items: list[Node] = []
        while not self.accept(closing):
            items.append(self.expression())
            if not self.accept(","):
                self.expect(closing, opened)
                break
            if closing == ")" and self.is_operator(")"):
                raise self.unexpected()
        return tuple(items)

    def map_literal(self, opened: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        while not self.accept("}"):
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
            if not self.accept(","):
                self.expect("}", opened)
                break
        return MapLiteral(tuple(entries), position=opened.position)


def _macro(name: Token, target: Node, arguments: tuple[Node, ...]) -> Node:
    allowed = MACROS[name.text]
    if len(arguments) not in allowed:
        wanted = " or ".join(str(count) for count in allowed)
        raise failure(f"{name.text} takes {wanted} arguments: a variable, then what to do with it.", name.position)
    variable = arguments[0]
    if not isinstance(variable, Name):
        raise failure(f"The first argument of {name.text} must be a plain variable name.", variable.position)
    return Macro(name.text, target, variable.name, arguments[1:], position=name.position)


def _has(name: Token, arguments: tuple[Node, ...]) -> Node:
    match arguments:
        case (Select(operand=operand, field=field),):
            return Has(operand, field, position=name.position)
    raise failure("has takes one field, as in has(nodes.rsi.value).", name.position)


def _call(name: Token, arguments: tuple[Node, ...], target: Node | None) -> Node:
    function = FUNCTIONS.get(name.text)
    if function is None:
        raise failure(f"There is no function {quoted(name.text)}.", name.position, _function_hint(name.text))
    if target is None and not function.plain:
        hint = f"Write text.{name.text}(…)."
        raise failure(f"{name.text} is called on a value, after a dot.", name.position, hint)
    if target is not None and not function.method:
        raise failure(f"{name.text} is not called after a dot.", name.position, f"Write {name.text}(…).")
    count = len(arguments) + (target is not None)
    if not function.takes(count):
        raise failure(f"{name.text} takes {function.arity(method=target is not None)}.", name.position)
    return Call(name.text, arguments, target, position=name.position)


def _function_hint(word: str) -> str | None:
    if word == "matches":
        return "There are no regular expressions; contains, startsWith and endsWith are there."
    if word in MACROS:
        return f"Write list.{word}(x, …)."
    return did_you_mean(word, [*FUNCTIONS, *MACROS, "has"])
