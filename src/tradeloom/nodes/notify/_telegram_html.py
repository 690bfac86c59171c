"""Telegram's HTML: the tags it knows kept where they fit together, all else made plain text.

Values put into a message between braces may hold `<` or `&`, which Telegram would refuse; a message about an order must
not be lost to that. The tags are those of the Bot API, "HTML style".
"""

import re

TAGS = frozenset("b strong i em u ins s strike del code pre tg-spoiler blockquote a".split())  # noqa: SIM905
_TAG = re.compile(r"<(/?)([a-z-]{1,10})(?: href=\"(https?://[^\"<>\s]{1,2000})\")?>")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")


def telegram_html(text: str) -> str:
    """Well-formed for Telegram, whatever comes in; tags left open are closed at the end."""
    made: list[str] = []
    unclosed: list[str] = []
    position = 0
    for found in _TAG.finditer(text):
        closing, name, link = found[1] == "/", found[2], found[3]
        fits = name in TAGS and (name == "a" or link is None) and not (name == "a" and not closing and link is None)
        if closing:
            fits = fits and link is None and bool(unclosed) and unclosed[-1] == name
        made.append(_plain(text[position : found.start()]))
        position = found.end()
        if not fits:
            made.append(_plain(found[0]))
            continue
        made.append(found[0])
        if closing:
            unclosed.pop()
        else:
            unclosed.append(name)
    made.append(_plain(text[position:]))
    made += [f"</{name}>" for name in reversed(unclosed)]
    return "".join(made)


def without_tags(text: str) -> str:
    """How long Telegram takes the message to be: what is shown of it."""
    shown = _TAG.sub(lambda found: "" if found[2] in TAGS else found[0], text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _plain(text: str) -> str:
    """Text with `<`, `>` and each `&` that begins no entity escaped."""
    made: list[str] = []
    position = 0
    for found in _ENTITY.finditer(text):
        made += [_escaped(text[position : found.start()]), found[0]]
        position = found.end()
    return "".join([*made, _escaped(text[position:])])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
