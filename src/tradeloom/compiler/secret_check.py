"""Secrets written straight into a configuration: every version of a workflow would keep them, readable, for ever.

What cannot be anything else (a literal Authorization header, a password in an address, a token of a known shape) keeps
the document from being saved. What only looks like one (a long random text, a field called secret) warns.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradeloom.expressions import is_expression
from tradeloom.workflow.document import Node
from tradeloom.workflow.problems import Problem

HINT: Final = "Add it under Credentials and name the credential here, so that no version, log or answer holds it."

_HEADERS: Final = frozenset(
    {"authorization", "proxyauthorization", "cookie", "xapikey", "apikey", "xauthtoken", "xaccesstoken"}
)
_FIELDS: Final = frozenset(
    {
        "password", "passwd", "passphrase", "secret", "clientsecret", "apisecret", "secretkey", "privatekey",
        "accesstoken", "refreshtoken", "bottoken", "authtoken", "bearertoken",
    }
)  # fmt: skip
_LEAST: Final = 8
_USER_INFO: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^/?#\s@:]{0,200}:[^/?#\s@]{1,500}@", re.IGNORECASE)
_IN_QUERY: Final = re.compile(
    r"[?&](?:api_?key|key|token|access_token|auth|secret|password|sig|signature)=(?!\{\{)[^&#\s]{8,}", re.IGNORECASE
)
_SHAPES: Final = (
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{30,255}"),
    re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,255}"),
    re.compile(r"\b(?:sk|pk|rk)[-_](?:live|test|ant|proj)?[-_]?[A-Za-z0-9_-]{20,255}"),
    re.compile(r"(?<![0-9])[0-9]{6,16}:[A-Za-z0-9_-]{32,80}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000}"),
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    re.compile(r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{10,200}"),
    re.compile(r"\bdiscord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{10,25}/[A-Za-z0-9_-]{10,200}"),
)
_RANDOM: Final = re.compile(r"(?=[^\s]*[0-9])(?=[^\s]*[a-z])(?=[^\s]*[A-Z])[A-Za-z0-9+/_-]{32,512}={0,2}")
_SEARCHED: Final = 20_000
"""Characters of a text that are searched: these patterns see to texts people paste, not to data."""


def secret_problems(node: Node) -> list[Problem]:
    """What in a node's configuration looks like a secret. No message repeats any of it."""
    found = []
    for field, name, text in _texts(node.config, "config", ""):
        what, certain = _judged(name, text[:_SEARCHED])
        if what:
            severity: Any = "error" if certain else "warning"
            message = f"This {'holds' if certain else 'looks like'} {what}, which every saved version would keep."
            found.append(
                Problem(
                    code="secret_in_config", node=node.id, field=field, severity=severity, message=message, hint=HINT
                )
            )
    return found


def _judged(name: str, text: str) -> tuple[str, bool]:
    """What the text is, and whether that is certain; an empty text where it is nothing of the kind."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    literal = len(text.strip()) >= _LEAST and "{{" not in text
    if literal and plain in _HEADERS:
        return "what a caller proves who it is with", True
    if _USER_INFO.search(text):
        return "a password in an address", True
    if any(shape.search(text) for shape in _SHAPES):
        return "a token or key", True
    if literal and plain in _FIELDS:
        return "a password or key", False
    if _IN_QUERY.search(text):
        return "a key in an address", False
    if literal and _RANDOM.fullmatch(text.strip()):
        return "a token", False
    return "", False


def _texts(value: Any, field: str, name: str) -> Iterator[tuple[str, str, str]]:
    """`(field, name, text)` of every text that is no expression; `name` is that of the field or entry around it."""
    if isinstance(value, str):
        if not is_expression(value):
            yield field, name, value
    elif isinstance(value, Mapping):
        # A list of {name, value} pairs is how some forms write headers.
        label = value.get("name") or value.get("header") or value.get("key")
        for key, each in value.items():
            spoken = label if key == "value" and isinstance(label, str) else key
            yield from _texts(each, f"{field}.{key}", str(spoken))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _texts(each, f"{field}.{position}", name)
