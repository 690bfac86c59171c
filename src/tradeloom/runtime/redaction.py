"""Keeps secrets out of what leaves: every text is searched for the values of the credentials in use.

A value is found as it is, reversed, and as base64 (standard and URL-safe, alone or at any place of a longer text), in
hexadecimal, URL-encoded, and escaped for JSON, Python, HTML and XML. Of a value of 16 characters or more its first and
last twelve are found too, so that a message that quotes half of it does not give that away. Numbers are left as they
are, and so are other transformations, such as compression or another case: no search by value can find those.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tradeloom.errors import TradeloomError

MARK: Final = "•••"
LEAST: Final = 4
"""A shorter value is found where it stands alone only: blotting out every `ab` would leave no text readable."""
_PART: Final = 12
_PART_FROM: Final = 16
_LEAST_LINE: Final = 8
_LEAST_BASE64: Final = 6

LOG_WORDS: Final = frozenset({"level", "execution_id", "node", "iteration"})
NOTIFICATION_WORDS: Final = frozenset({"id", "execution_id", "workflow_id", "node_id", "level"})
ANSWER_WORDS: Final = frozenset({"state", "port"})
"""Keys of what a task sends that hold ids and words of ours, never a text."""
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Redactor:
    """Knows the secrets of one task or execution. One that knows none gives everything back as it is."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._forms: list[str] = []
        self._long: list[str] = []
        self._short: re.Pattern[str] | None = None
        self.remember(secrets)

    @property
    def knows_any(self) -> bool:
        return bool(self._known)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._known)} secrets>"

    def remember(self, secrets: Iterable[str]) -> None:
        """Redact these too from now on."""
        new = {each for secret in secrets for each in _pieces(secret)} - self._known
        if not new:
            return
        forms = {*self._forms}.union(*(_forms(each) for each in new if len(each) >= LEAST))
        known = self._known | new
        short = sorted(re.escape(each) for each in known if len(each) < LEAST)
        # Longest first: what holds another is replaced whole. Each is exchanged at once: other threads may read it.
        self._forms = sorted(forms, key=len, reverse=True)
        self._long = [each for each in known if len(each) >= _PART_FROM and not _holds_one_of(each, known)]
        self._short = re.compile(rf"(?<!\w)(?:{'|'.join(short)})(?!\w)") if short else None
        self._known = known

    def forget(self) -> None:
        self._known, self._forms, self._long, self._short = set(), [], [], None

    def text(self, text: str) -> str:
        """The text with every known secret replaced by `•••`."""
        if not self._known:
            return text
        text = self._without_forms(text)
        return text if self._short is None else self._short.sub(MARK, text)

    def raw(self, content: bytes) -> bytes:
        """Bytes that are kept as they are: JSON, text, or anything else. Short values are left, as they may be any."""
        if not self._known:
            return content
        return self._without_forms(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _without_forms(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, MARK)
        for secret in self._long:
            text = _without_parts(text, secret)
        return text

    def value(self, value: Any) -> Any:
        """JSON with every text in it redacted, keys too; all else is the same value, of the same type."""
        if not self._known or value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key) if isinstance(key, str) else key: self.value(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        told = str(value)  # no JSON: whoever writes it out would write it like this
        redacted = self.text(told)
        return value if redacted == told else redacted

    def record(self, record: Mapping[str, Any], words: frozenset[str]) -> dict[str, Any]:
        """A log record, a notification or a handler's answer; what stands under `words` stays."""
        kept = {key: value for key, value in record.items() if key in words and _is_word(value)}
        return {**self.value({key: value for key, value in record.items() if key not in kept}), **kept}

    def error(self, error: Exception) -> Exception:
        """The error itself where nothing that can be printed of it tells a secret, else one of the same name that does
        not: a `TradeloomError` with its texts redacted, of any other only the name and the redacted message."""
        if not self._known:
            return error
        from traceback import format_exception

        printed = "".join(format_exception(error)) + repr(vars(error))
        if self.text(printed) == printed:
            return error
        trace = error.__traceback__
        if isinstance(error, TradeloomError):
            error.args = tuple(self.value(each) for each in error.args)
            for name, held in list(vars(error).items()):
                setattr(error, name, self.value(held))
            error.__cause__ = error.__context__ = None
            return error
        told: Exception = type(type(error).__name__, (Exception,), {})(self.text(str(error)))
        return told.with_traceback(trace)


def _pieces(secret: str) -> set[str]:
    """A secret, without its white space at both ends, and each longer line of one that has several."""
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= _LEAST_LINE}
    return {each for each in {secret, secret.strip()} | lines if each}


def _holds_one_of(secret: str, known: Iterable[str]) -> bool:
    """Whether it is another secret with something around it that is none: a user's name, an address."""
    return any(len(other) >= LEAST and other in secret and other != secret for other in known)


def _without_parts(text: str, secret: str) -> str:
    """The text without what begins or ends like a long secret, as far as it goes on like that."""
    at = text.find(secret[:_PART])
    while at >= 0:
        length = _PART
        while length < len(secret) and text[at + length : at + length + 1] == secret[length]:
            length += 1
        text = f"{text[:at]}{MARK}{text[at + length :]}"
        at = text.find(secret[:_PART])
    at = text.find(secret[-_PART:])
    while at >= 0:
        length = _PART
        while length < len(secret) and at and text[at - 1] == secret[-length - 1]:
            at, length = at - 1, length + 1
        text = f"{text[:at]}{MARK}{text[at + length :]}"
        at = text.find(secret[-_PART:])
    return text


def _forms(secret: str) -> set[str]:
    """What a secret of at least `LEAST` characters looks like on its ways."""
    import base64
    import html
    import json
    from urllib.parse import quote, quote_plus

    content = secret.encode("utf-8", "surrogatepass")
    percent = {quote(content, safe=""), quote(content), quote_plus(content), quote(content, safe="!*'();:@&=+$,/?#[]")}
    percent.add("".join(f"%{byte:02X}" for byte in content))
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    escaped |= {write(each)[1:-1] for each in set(escaped) for write in (json.dumps, repr)}
    escaped |= {repr(content)[2:-1], secret.replace("/", "\\/"), html.escape(secret), html.escape(secret, quote=False)}
    found = {secret, secret[::-1], content.hex(), content.hex().upper(), content.hex(" "), content.hex(":")}
    found |= percent | {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), each) for each in percent} | escaped
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(content).decode()
        found |= {whole, whole.rstrip("=")}
        found |= {core for core in _inside_base64(content, encode) if len(core) >= _LEAST_BASE64}
    return {form for form in found if len(form) >= LEAST}


def _inside_base64(content: bytes, encode: Any) -> Iterable[str]:
    """The characters that are the secret's alone where it stands in a longer encoded text, at each of the three
    places a group of three bytes can have."""
    for before in range(3):
        length = before + len(content)
        encoded = encode(b"\0" * before + content).decode().rstrip("=")
        first = 0 if before == 0 else before + 1
        yield encoded[first : length * 8 // 6]


def _is_word(value: Any) -> bool:
    return not isinstance(value, str) or _WORD.fullmatch(value) is not None
