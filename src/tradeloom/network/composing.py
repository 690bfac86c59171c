"""From a node's configuration to a request: URL, headers, body and credential, checked field by field. Pure."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from tradeloom.errors import BadResponse, CredentialProblem, NodeConfigError
from tradeloom.network.messages import MAX_REQUEST_BYTES, HttpAnswer
from tradeloom.network.urls import InvalidUrl, parse_url

MAX_HEADERS = 50
MAX_HEADER_VALUE = 8_192
TIMESTAMP_HEADER = "X-Tradeloom-Timestamp"
SIGNATURE_HEADER = "X-Tradeloom-Signature"
MAX_NUMBER = 10**100
"""Beyond it a number is a mistake, and Python itself writes only so many digits."""

MAX_DEPTH = 64
HTTP_KINDS = ("http_bearer", "http_basic", "http_header")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_CHARSET = re.compile(
    r"charset=\"?(utf-8|utf-16(?:[lb]e)?|us-ascii|latin-?1|iso-8859-(?:[1-9]|1[013456])|windows-125[0-8]|koi8-[ru]|shift_jis"
    r"|euc-jp|euc-kr|gbk|gb2312|gb18030|big5)\"?\s*(?:;|$)"
)
"""Python knows more codecs by name, some of them slow and some of them no charsets at all."""

_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"}
    | {"proxy-authorization", "proxy-connection", "accept-encoding"}
)
"""Headers that say how a request travels: the client's own."""


class Credential(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, str]: ...


def checked_url(url: str, query: Mapping[str, Any] | None = None, *, field: str = "config.url") -> str:
    """The URL with `query` behind what it has already. Raises `NodeConfigError`."""
    try:
        parse_url(url)
        if query:
            bare = url.partition("#")[0]
            joint = "&" if "?" in bare else "?"
            pairs = [(name, _scalar(value, f"config.query.{name}")) for name, value in _flat(query)]
            url = bare + joint + urlencode(pairs, quote_via=quote, errors="replace")
            parse_url(url)
    except InvalidUrl as error:
        raise NodeConfigError(error.message, field=field, hint=error.hint) from error
    return url


def checked_headers(headers: Mapping[str, Any], *, field: str = "config.headers") -> dict[str, str]:
    """Raises `NodeConfigError` for a name or value that is none, or that would change how the request is framed."""
    if len(headers) > MAX_HEADERS:
        raise NodeConfigError(f"There are {len(headers)} headers; {MAX_HEADERS} are the most.", field=field)
    made: dict[str, str] = {}
    for name, value in headers.items():
        where = f"{field}.{name}"
        if _NAME.fullmatch(name) is None:
            raise NodeConfigError("This is no name of a header.", field=field)
        if name.lower() in _OURS:
            raise NodeConfigError(f"{name} says how the request travels and cannot be set.", field=where)
        if name.lower() in {each.lower() for each in made}:
            raise NodeConfigError(f"{name} is there twice.", field=where)
        text = _scalar(value, where).strip(" \t")
        if len(text) > MAX_HEADER_VALUE or any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in text):
            raise NodeConfigError(
                "The value holds a line break or another control character, or is too long.", field=where
            )
        made[name] = encodable(text)
    return made


def encoded_json(value: Any, *, field: str = "config.body") -> bytes:
    """Compact JSON in UTF-8. Raises `NodeConfigError` for NaN, infinity and what JSON has no word for."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise NodeConfigError(
            f"This cannot be sent as JSON: {error}.", field=field, hint="JSON has no NaN and no infinity."
        ) from error
    return bounded(encodable(text).encode(), field)


def encoded_form(value: Any, *, field: str = "config.body") -> bytes:
    """`application/x-www-form-urlencoded`. Raises `NodeConfigError` for anything but an object of plain values."""
    if not isinstance(value, Mapping):
        raise NodeConfigError("A form is an object of names and plain values.", field=field)
    pairs = [(name, _scalar(each, f"{field}.{name}")) for name, each in _flat(value)]
    return bounded(urlencode(pairs, errors="replace").encode(), field)


def encoded_text(value: Any, *, field: str = "config.body") -> bytes:
    return bounded(encodable(_scalar(value, field)).encode(), field)


def bounded(content: bytes, field: str) -> bytes:
    if len(content) > MAX_REQUEST_BYTES:
        raise NodeConfigError(
            f"The body takes {len(content):,} bytes; {MAX_REQUEST_BYTES:,} are the most.", field=field
        )
    return content


def encodable(text: str) -> str:
    """The text with a question mark for every half of a surrogate pair, which no encoding can carry."""
    return text.encode("utf-8", "replace").decode()


def authorization(credential: Credential) -> dict[str, str]:
    """The header that a credential is sent in. Raises `CredentialProblem` for one of another kind."""
    fields = require(credential, *HTTP_KINDS).fields
    match credential.kind:
        case "http_bearer":
            return {"Authorization": f"Bearer {fields['token']}"}
        case "http_basic":
            pair = f"{fields['username']}:{fields['password']}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {fields["header"]: fields["value"]}


def signature(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """HMAC-SHA256 in hex over `timestamp.body`: whoever has the secret can tell that the message is ours and fresh."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: f"sha256={digest}"}


def require(credential: Credential, *kinds: str, field: str = "config.credential") -> Credential:
    if credential.kind not in kinds:
        raise CredentialProblem(
            f"The credential is of the kind {credential.kind}; this node takes {' or '.join(kinds)}.",
            field=field,
        )
    return credential


def text_of(answer: HttpAnswer) -> str:
    """The body in the answer's own charset where it is one of the web's, else UTF-8; what cannot be read becomes
    U+FFFD."""
    found = _CHARSET.search(answer.headers.get("content-type", "").lower())
    return answer.body.decode(found[1] if found else "utf-8", "replace")


def json_of(answer: HttpAnswer, host: str) -> Any:
    """Raises `BadResponse` for what is no JSON, holds NaN or infinity, which are none, or is nested too deeply."""
    try:
        return _shallow(json.loads(answer.body, parse_constant=_no_constant, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise BadResponse(f"What {host} answered is no JSON: {error}.", sent=True) from error


def is_json(answer: HttpAnswer) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def host_of(url: str) -> str:
    return parse_url(url).host


def _flat(values: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """A list is the same name several times, as in `?id=1&id=2`."""
    return [
        (name, each)
        for name, value in values.items()
        if value is not None
        for each in (value if isinstance(value, list) else [value])
    ]


def _scalar(value: Any, field: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        # NaN compares with nothing, and infinity is larger.
        case int() | float() if abs(value) < MAX_NUMBER:
            return str(value)
    raise NodeConfigError("A text, a number or true/false belongs here.", field=field)


def _shallow(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shallow(inner, depth + 1)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise ValueError("a number is too large")
    return number
