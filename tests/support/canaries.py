"""Secrets that are looked for everywhere afterwards: in every table, file and answer, in every form they may take.

The forms are computed here on their own, not by what is being tested.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import psycopg
from psycopg import sql

CANARIES: dict[str, dict[str, str]] = {
    "http_header": {"header": "X-API-Key", "value": "cnryHead/er+9\"x'<&>%5c{7f}e1"},
    "http_basic": {"username": "ann", "password": "cnryBas/ic+2 \"q'\\<&>ü€%20z8"},
    "http_bearer": {"token": "cnryBearer.AbCd-EfGh_4471~+/=="},
    "hmac": {"secret": "cnryHmac\nsecond line of it 00/77+\n\ttail"},
    "smtp": {
        "host": "127.0.0.1",
        "port": "2525",
        "security": "none",
        "username": "bot@example.com",
        "password": "cnrySmtp pass/phrase+é 31",
        "from": "bot@example.com",
    },
    "telegram": {"bot_token": "987654321:cnryTelegramAAH_dQ-w4e5r6t7y8u9i0o"},
    "discord": {"webhook_url": "https://discord.com/api/webhooks/5566778899001122/cnryDiscord-Hk_3fT0wQ9"},
    "slack": {"webhook_url": "https://hooks.slack.com/services/T0CNRYAAA/B0CNRYBBB/cnrySlackM2n8v4c6x"},
}
SECRET_FIELDS = {
    "http_header": "value",
    "http_basic": "password",
    "http_bearer": "token",
    "hmac": "secret",
    "smtp": "password",
    "telegram": "bot_token",
    "discord": "webhook_url",
    "slack": "webhook_url",
}


def secret(kind: str) -> str:
    """The text that must be found nowhere: of an address, the part that opens it."""
    value = CANARIES[kind][SECRET_FIELDS[kind]]
    return value.rpartition("/")[2] if kind in {"discord", "slack"} else value


def encoded(text: str) -> dict[str, str]:
    """A secret as careless code might write it down."""
    content = text.encode()
    return {
        "raw": text,
        "reversed": text[::-1],
        "base64": base64.b64encode(content).decode(),
        "base64url": base64.urlsafe_b64encode(content).decode().rstrip("="),
        "basic": base64.b64encode(b"ann:" + content).decode(),
        "shifted": base64.b64encode(b"x" + content + b"y").decode(),
        "hex": content.hex(),
        "HEX": content.hex().upper(),
        "url": quote(text, safe=""),
        "form": quote_plus(text),
        "json": json.dumps(text),
        "utf8 json": json.dumps(text, ensure_ascii=False),
        "repr": repr(text),
        "bytes": repr(content),
    }


def traces(text: str) -> dict[str, str]:
    """What to look for: the forms, and of what base64 makes of a text around it the part that is the secret's alone."""
    content = text.encode()
    found = {name: form.strip("\"'") for name, form in encoded(text).items() if name not in {"basic", "shifted"}}
    found["bytes"] = repr(content)[2:-1]
    found["base64"] = found["base64"].rstrip("=")[:-1]
    for shift in range(3):
        inner = base64.b64encode(b"\0" * shift + content).decode().rstrip("=")
        found[f"base64 at {shift}"] = inner[4:-2]
        found[f"base64url at {shift}"] = inner[4:-2].replace("+", "-").replace("/", "_")
    # As JSON writes each of them once more.
    found |= {f"{name}, escaped": json.dumps(form)[1:-1] for name, form in dict(found).items()}
    found["first half"] = text[: len(text) // 2 + 1].split("\n")[0]
    found["second half"] = text[len(text) // 2 - 1 :].split("\n")[-1] if "\n" not in text else text.split("\n")[1]
    return {name: form for name, form in found.items() if len(form) >= 6}


def sightings(where: Iterator[tuple[str, bytes]], secrets: Mapping[str, str]) -> list[str]:
    """`place: kind as form` of every trace in the contents given; the secret itself is not repeated."""
    sought: dict[bytes, list[str]] = {}  # many forms of a plain secret are the same text: each is looked for once
    for kind, text in secrets.items():
        for name, form in traces(text).items():
            sought.setdefault(form.encode("utf-8", "surrogatepass"), []).append(f"{kind} as {name}")
    found = []
    for place, content in where:
        for traced, what in sought.items():
            if traced in content:
                found += [f"{place}: {each}" for each in what]
    return found


def database(dsn: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table, as text, and binary columns as they are."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table)))
            for number, row in enumerate(rows):
                for value in row:
                    content = bytes(value) if isinstance(value, bytes | memoryview) else _text(value).encode()
                    yield f"{table}[{number}]", content
            # As PostgreSQL itself would dump it.
            whole = connection.execute(
                sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table))
            ).fetchall()
            yield f"{table} dumped", "\n".join(text for (text,) in whole).encode()


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def files(*roots: Path) -> Iterator[tuple[str, bytes]]:
    """Every file under the folders, PostgreSQL's own among them where it lies there."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(root)), path.read_bytes()
