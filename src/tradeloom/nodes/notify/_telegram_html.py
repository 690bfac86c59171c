"""Telegram's HTML: the tags it knows kept where they fit together, all else made plain text.

Values put into a message between braces may hold `<` or `&`, which Telegram would refuse; a message about an order must
not be lost to that. The tags are those of the Bot API, "HTML style".
"""

import re
from collections.abc import Iterator

TAGS = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "tg-spoiler", "blockquote", "a"}
)
_TAG = re.compile(r"<(/?)([a-z-]{1,10})(?: href=\"(https?://[^\"<>\s]{1,2000})\")?>")
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot)|#([0-9]{1,7}));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


def telegram_html(text: str, most: int) -> tuple[str, bool]:
    """Well-formed for Telegram, whatever comes in, and whether it had to be cut to `most` UTF-16 code units of what is
    shown, as Telegram counts. Tags left open are closed at the end."""
    made: list[str] = []
    unclosed: list[str] = []
    pieces = list(_pieces(text))
    cut = sum(units(piece) for tag, piece in pieces if tag is None) > most
    room = most - 1 if cut else most
    for tag, piece in pieces:
        if tag is None and units(piece) > room:
            made.append(_escaped(_beginning(piece, room)) + "…")
            break
        if tag is None:
            made.append(_escaped(piece))
            room -= units(piece)
        elif not tag.startswith("/"):
            made.append(piece)
            unclosed.append(tag)
        else:
            made.append(piece)
            unclosed.pop()
    made += [f"</{name}>" for name in reversed(unclosed)]
    return "".join(made), cut


def fitted(text: str, most: int) -> tuple[str, bool]:
    """At most `most` UTF-16 code units of a text, with an ellipsis where it was cut, which is told."""
    if units(text) <= most:
        return text, False
    return _beginning(text, most - 1) + "…", True


def _beginning(text: str, most: int) -> str:
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _pieces(text: str) -> Iterator[tuple[str | None, str]]:
    """Tags that fit as `(name, text)` or `(/name, text)`, and the plain text between them as `(None, text)`."""
    unclosed: list[str] = []
    plain = 0
    for found in _TAG.finditer(text):
        closing, name, link = found[1] == "/", found[2], found[3]
        if closing:
            fits = link is None and bool(unclosed) and unclosed[-1] == name
        else:
            fits = name in TAGS and (link is not None) == (name == "a")
        if not fits:
            continue
        if found.start() > plain:
            yield None, _shown(text[plain : found.start()])
        plain = found.end()
        if closing:
            unclosed.pop()
            yield f"/{name}", found[0]
        else:
            unclosed.append(name)
            yield name, found[0]
    if plain < len(text):
        yield None, _shown(text[plain:])


def _shown(text: str) -> str:
    """Text with its entities replaced by what they stand for."""
    return _ENTITY.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return _NAMED[found[1]]
    code = int(found[2])
    printable = 0x20 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if printable else found[0]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
