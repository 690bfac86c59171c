"""Secrets are found in every form they take on their ways, and nothing else is touched."""

import base64
import html
import json
import traceback
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import BrokerUnavailable, TradeloomError
from tradeloom.runtime.redaction import ANSWER_WORDS, LOG_WORDS, MARK, Redactor

SECRET = 'p@ss/w"örd+1&<x>\\ %41 Zz9'
secrets = st.text(st.characters(codec="utf-8", exclude_characters="•"), min_size=8, max_size=60).filter(
    lambda text: len(text.strip()) >= 8 and len(text.splitlines()) == 1
)
BEFORE = st.binary(max_size=7)

FORMS = {
    "as it is": lambda s: s,
    "reversed": lambda s: s[::-1],
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "HEXADECIMAL": lambda s: s.encode().hex().upper(),
    "URL": lambda s: quote(s, safe=""),
    "URL path": lambda s: quote(s),
    "URL form": lambda s: quote_plus(s),
    "url in lower case": lambda s: "".join(
        part.lower() if index % 2 else part for index, part in enumerate(_split(quote(s, safe="")))
    ),
    "JSON": lambda s: json.dumps(s),
    "JSON in UTF-8": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON in JSON": lambda s: json.dumps(json.dumps({"a": s})),
    "Python": lambda s: repr(s),
    "Python bytes": lambda s: repr(s.encode()),
    "HTML": lambda s: html.escape(s),
}


def _split(text: str) -> list[str]:
    import re

    return re.split(r"(%[0-9A-F]{2})", text)


@pytest.mark.parametrize("form", FORMS)
@given(secret=secrets)
def test_every_form_is_found(form: str, secret: str) -> None:
    told = FORMS[form](secret)
    redactor = Redactor([secret])
    shown = redactor.text(f"before {told} after")
    assert told.strip('"') not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert redactor.raw(f"before {told} after".encode()).count(MARK.encode()) >= 1


@given(secret=secrets, before=BEFORE, after=BEFORE, url=st.booleans())
def test_base64_of_a_text_around_it_keeps_at_most_a_character_at_each_end(
    secret: str, before: bytes, after: bytes, url: bool
) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    whole = encode(before + secret.encode() + after).decode()
    shown = Redactor([secret]).text(whole)
    assert MARK in shown
    left = len(shown.replace(MARK, "").rstrip("="))
    assert left <= (len(before) * 8 + 5) // 6 + (len(after) * 8 + 5) // 6 + 2


def test_basic_authentication_is_found_whatever_the_user_is_called() -> None:
    for user in ("a", "ab", "abc", "ünï"):
        header = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
        shown = Redactor([SECRET]).text(f"Authorization: Basic {header}")
        assert MARK in shown
        assert header[8:-8] not in shown


@given(st.binary(), st.binary())
def test_bytes_that_hold_no_secret_are_the_same(before: bytes, after: bytes) -> None:
    redactor = Redactor(["qX7-canary-never-generated", "a"])
    assert redactor.raw(before + after) == before + after
    content = before + b"qX7-canary-never-generated" + after
    assert redactor.raw(content) == before + MARK.encode() + after


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_what_holds_no_secret_is_the_same_value(value: Any) -> None:
    redactor = Redactor(["qX7-canary-never-generated"])
    assert redactor.value(value) == value
    assert repr(redactor.value(value)) == repr(value)


def test_json_keeps_its_types_and_loses_its_secrets() -> None:
    value = {"n": 1, "f": 1.5, "b": True, "z": None, "l": [SECRET, {"k": f"x{SECRET}y"}], SECRET: 2}
    shown = Redactor([SECRET]).value(value)
    assert shown == {"n": 1, "f": 1.5, "b": True, "z": None, "l": [MARK, {"k": f"x{MARK}y"}], MARK: 2}


def test_what_would_be_written_out_is_redacted_and_other_objects_stay() -> None:
    thing = object()
    shown = Redactor([SECRET]).value({"a": {SECRET}, "b": thing, "c": SECRET.encode()})
    assert "p@ss" not in str(shown)
    assert shown["b"] is thing


def test_short_values_are_found_where_they_stand_alone() -> None:
    redactor = Redactor(["ab"])
    assert redactor.text("about ab, cab; ab") == f"about {MARK}, cab; {MARK}"
    assert Redactor([""]).text("nothing") == "nothing"


def test_half_a_long_secret_is_found() -> None:
    secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
    assert Redactor([secret]).text(f"input='{secret[:25]}...{secret[-24:]}'") == f"input='{MARK}...{MARK}'"
    assert Redactor([secret]).text(f"cut off {secret[:17]}") == f"cut off {MARK}"


def test_what_stands_around_a_secret_is_none_by_itself() -> None:
    redactor = Redactor(
        ["bot@example.com:a-long-password", "a-long-password", "https://hooks.example.com/x/a-long-password"]
    )
    assert redactor.text("bot@example.com wrote to https://hooks.example.com/y") == (
        "bot@example.com wrote to https://hooks.example.com/y"
    )
    assert redactor.text("https://hooks.example.com/x/a-long-password") == MARK


def test_every_line_of_a_secret_of_several_lines_is_found() -> None:
    secret = "-----BEGIN KEY-----\nMIIabcdefgh\nxyz0123456789\n-----END KEY-----\n"
    shown = [Redactor([secret]).text(line) for line in secret.splitlines()]
    assert shown == [MARK] * 4


def test_of_secrets_that_hold_each_other_the_longer_goes_whole() -> None:
    assert Redactor(["secret", "secret-longer"]).text("secret-longer secret") == f"{MARK} {MARK}"


def test_it_forgets() -> None:
    redactor = Redactor([SECRET])
    assert redactor.knows_any
    assert SECRET not in repr(redactor)
    redactor.forget()
    assert not redactor.knows_any
    assert redactor.text(SECRET) == SECRET


def test_words_of_ours_stay_and_nothing_else() -> None:
    redactor = Redactor(["info", "main", "succeeded"])
    record = {"level": "info", "node": "main", "message": "info for main", "iteration": [1]}
    assert redactor.record(record, LOG_WORDS) == {**record, "message": f"{MARK} for {MARK}"}
    answer = {"state": "succeeded", "port": "main", "output": {"state": "succeeded"}}
    assert redactor.record(answer, ANSWER_WORDS) == {**answer, "output": {"state": MARK}}
    assert Redactor([SECRET]).record({SECRET: 1}, LOG_WORDS) == {MARK: 1}
    assert Redactor([SECRET]).record({"port": f"p{SECRET}"}, ANSWER_WORDS) == {"port": f"p{MARK}"}


class Odd(Exception):
    def __init__(self, held: str) -> None:
        super().__init__()
        self.held = held

    def __str__(self) -> str:
        return f"odd: {self.held}"


def _raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    "error",
    [
        _raised(ValueError(f"bad {SECRET}", SECRET.encode())),
        _raised(Odd(SECRET)),
        _raised(OSError(2, "No such file", SECRET)),
        _raised(KeyError(SECRET)),
        _raised(RuntimeError("it failed"), ValueError(SECRET)),
        _raised(BrokerUnavailable(f"no {SECRET}", field=SECRET, hint=f"try {SECRET}"), ValueError(SECRET)),
        _raised(UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET)),
    ],
)
def test_nothing_that_is_printed_of_an_error_tells_a_secret(error: Exception) -> None:
    name = type(error).__name__
    told = Redactor([SECRET]).error(error)
    assert type(told).__name__ == name
    printed = "".join(traceback.format_exception(told)) + repr(told.args) + repr(vars(told))
    for form in FORMS.values():
        assert form(SECRET) not in printed
    if isinstance(error, TradeloomError):
        assert told is error
        assert told.as_dict()["hint"] == f"try {MARK}"


def test_an_error_that_tells_nothing_stays_itself() -> None:
    error = _raised(ValueError("bad value"), KeyError("a"))
    assert Redactor([SECRET]).error(error) is error
    assert error.__cause__ is not None
