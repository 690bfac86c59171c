"""CEL's string literals: quoted once or thrice, raw or with escapes; and the canonical way to write one."""

import re

from tradeloom.errors import ExpressionError
from tradeloom.expressions.failures import failure

_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\?\"'`])|(?P<octal>[0-3][0-7][0-7])"
    r"|[xX](?P<byte>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_WRITTEN = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def read_string(source: str, position: int, prefix: str, quotes: str) -> tuple[str, int]:
    """The value of the literal at `position`, and where it ends. Raises `ExpressionError`."""
    if prefix.lower() not in ("", "r"):
        kind = "Bytes are" if "b" in prefix.lower() else f"The prefix {prefix} is"
        raise failure(f"{kind} not part of the language: only plain and raw (r) strings are.", position)
    start = position + len(prefix) + len(quotes)
    end = _closing(source, start, quotes, raw=bool(prefix))
    if end is None:
        raise failure("The string is not closed.", position)
    body = source[start:end]
    return body if prefix else _unescaped(body, start), end + len(quotes)


def _closing(source: str, start: int, quotes: str, *, raw: bool) -> int | None:
    """Where the closing quotes stand. In a raw string a backslash is a character like any other."""
    at = start
    while at < len(source):
        if source.startswith(quotes, at):
            return at
        if source[at] in "\r\n" and len(quotes) == 1:
            return None
        at += 2 if source[at] == "\\" and not raw else 1
    return None


def _unescaped(body: str, start: int) -> str:
    if "\\" not in body:
        return body
    pieces: list[str] = []
    at = 0
    while (slash := body.find("\\", at)) >= 0:
        found = _ESCAPE.match(body, slash)
        if found is None:
            raise _bad_escape(body, slash, start)
        pieces += (body[at:slash], _character(found, start + slash))
        at = found.end()
    text = "".join(pieces) + body[at:]
    try:
        # Two \u escapes may spell one character as a surrogate pair; a lone half is no character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise failure("An escape spells half of a surrogate pair, which is not a character.", start) from None


def _character(found: re.Match[str], position: int) -> str:
    if simple := found["simple"]:
        return _SIMPLE[simple]
    if octal := found["octal"]:
        return chr(int(octal, 8))
    code = int(found["byte"] or found["short"] or found["long"], 16)
    if code > 0x10FFFF or (found["long"] and 0xD800 <= code <= 0xDFFF):
        raise failure(f"There is no character U+{code:X}.", position)
    return chr(code)


def _bad_escape(body: str, slash: int, start: int) -> ExpressionError:
    escape = body[slash : slash + 2]
    return failure(f"The escape {escape} is not known.", start + slash, "A backslash itself is written \\\\.")


def write_string(value: str) -> str:
    """The literal in double quotes; whatever does not print as itself is escaped."""
    return '"' + "".join(_WRITTEN.get(c) or (c if c.isprintable() else _escaped(c)) for c in value) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
