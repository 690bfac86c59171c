"""Texts as they come from feeds, tables and web services, made one kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.values import shown

MAX_TEXTS = 1_000
MAX_CHARS = 10_000

_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799
"""Seconds since the epoch of the years 1 and 9999, between which a time can be told."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text. `position` is its place in the list; `cut` says that it was longer than MAX_CHARS."""

    position: int
    text: str
    time: datetime | None
    cut: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """Under which names the elements of a list hold their parts."""

    title: str
    text: str
    time: str


def texts_of(value: Any, fields: Fields) -> list[Text]:
    """A text, a list of texts, or a list of objects with a title, a text or both, and perhaps a time.

    Raises `MissingInput` where there is none, and `NodeConfigError` for what is no text or too many.
    """
    if value is None:
        raise MissingInput("There are no texts to read.", field="config.texts")
    if isinstance(value, str | Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        hint = "Give a text, a list of texts, or a list of objects such as a query's rows."
        raise NodeConfigError(f"texts is {shown(value)}, not texts.", field="config.texts", hint=hint)
    if len(value) > MAX_TEXTS:
        hint = "Ask for fewer rows, or for the latest ones."
        raise NodeConfigError(
            f"There are {len(value)} texts; at most {MAX_TEXTS} are read at once.", field="config.texts", hint=hint
        )
    return [_one(element, position, fields) for position, element in enumerate(value)]


def _one(element: Any, position: int, fields: Fields) -> Text:
    where = f"config.texts.{position}"
    if isinstance(element, str):
        return Text(position, element[:MAX_CHARS], None, len(element) > MAX_CHARS)
    if not isinstance(element, Mapping):
        raise NodeConfigError(
            f"Text {position} is {shown(element)}, neither a text nor an object.",
            field=where,
            hint="Each element is a text, or an object with a title or a text.",
        )
    parts = [_part(element, name, where) for name in (fields.title, fields.text)]
    told = [part for part in parts if part is not None]
    if not told:
        has = ", ".join(sorted(shown(str(key)) for key in element)[:10]) or "nothing"
        raise MissingInput(
            f"Text {position} has neither {fields.title!r} nor {fields.text!r}.",
            field=where,
            hint=f"It has {has}: say in the settings which of them hold the title and the text.",
        )
    # A title is a sentence of its own, and the first one.
    text = "\n".join(told)
    return Text(position, text[:MAX_CHARS], _time(element.get(fields.time), where, fields.time), len(text) > MAX_CHARS)


def _part(element: Mapping[str, Any], name: str, where: str) -> str | None:
    part = element.get(name)
    if part is None or isinstance(part, str):
        return part
    raise NodeConfigError(f"{name} is {shown(part)}, not a text.", field=f"{where}.{name}")


def _time(value: Any, where: str, name: str) -> datetime | None:
    """RFC 3339, or seconds since the epoch. A time without a zone is UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    elif isinstance(value, int | float) and not isinstance(value, bool) and _EARLIEST <= value <= _LATEST:
        return datetime.fromtimestamp(value, tz=UTC)
    raise NodeConfigError(
        f"{name} is {shown(value)}, not a time.",
        field=f"{where}.{name}",
        hint="Times are RFC 3339, such as 2025-03-14T09:30:00Z, or seconds since 1970.",
    )
