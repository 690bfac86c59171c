"""What makes a credential of each kind, and that saying so never tells a value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.credentials import CREDENTIALS
from tradeloom.accounts.credentials.errors import InvalidCredential
from tradeloom.accounts.credentials.kinds import LEAST_SECRET, MODELS, check, fields_of, secret_names, secrets_of
from tradeloom.errors import InvalidInput, TradeloomError
from tradeloom.runtime.redaction import Redactor

GOOD = {made.kind: dict(made.fields) for made in CREDENTIALS.values()}
BAD = {
    "http_header": [
        {"header": "X Key"},
        {"header": "Host"},
        {"header": "Content-Length"},
        {"header": "X-Key\r\nX-Other"},
        {"value": "line\r\nX-Injected: 1"},
        {"value": "ünïcode"},
        {"value": " padded"},
    ],
    "http_basic": [{"username": "a:b"}, {"username": "a\nb"}, {"password": "abc"}, {"password": "tab\there"}],
    "http_bearer": [{"token": "two\nlines"}, {"token": "abc"}, {"token": ""}],
    "hmac": [{"secret": "fifteen-letters"}],
    "smtp": [
        {"host": "smtp example.com"},
        {"host": "-bad"},
        {"host": "a" * 254},
        {"port": "0"},
        {"port": "65536"},
        {"port": "٣"},
        {"port": "12.5"},
        {"security": "ssl"},
        {"from": "bot"},
        {"from": "bot@example.com\r\nBcc: all@example.com"},
        {"from": "Bot <bot@example.com>"},
        {"password": "abc"},
    ],
    "telegram": [{"bot_token": "AAE-abcdefghijklmnopqrstuvwxyz012345"}, {"bot_token": "123456789:short"}],
    "discord": [
        {"webhook_url": "ftp://discord.com/api/webhooks/1/abcdefgh"},
        {"webhook_url": "https://user@discord.com/api/webhooks/1/abcdefgh"},
        {"webhook_url": "https://discord.com/"},
        {"webhook_url": "https://discord.com:99999/api/webhooks/1/abcdefgh"},
        {"webhook_url": "https://[discord.com/api/webhooks/1/abcdefgh"},
        {"webhook_url": "https:///api/webhooks/1/abcdefgh"},
    ],
    "slack": [{"webhook_url": "https://hooks.slack.com/services/T0/B0/x#y"}],
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_good_one_is_taken_as_it_is(kind: str) -> None:
    assert check(kind, GOOD[kind]) == GOOD[kind]


@pytest.mark.parametrize(("kind", "change"), [(kind, change) for kind, changes in BAD.items() for change in changes])
def test_a_bad_value_is_refused_by_name_and_not_told(kind: str, change: dict[str, str]) -> None:
    (field,) = change
    with pytest.raises(InvalidCredential) as caught:
        check(kind, GOOD[kind] | change)
    assert caught.value.field == f"fields.{field}"
    told = json.dumps(caught.value.as_dict(), ensure_ascii=False)
    for value in (GOOD[kind] | change).values():
        assert len(value) < LEAST_SECRET or value not in told
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("kind", MODELS)
def test_every_missing_field_is_named(kind: str) -> None:
    required = [each.name for each in fields_of(kind) if each.required]
    with pytest.raises(InvalidCredential) as caught:
        check(kind, {})
    assert [problem["field"] for problem in caught.value.problems] == [f"fields.{name}" for name in required]


def test_defaults_are_filled_in_and_what_is_left_out_stays_out() -> None:
    made = check("smtp", {"host": "localhost", "from": "a@b"})
    assert made == {"host": "localhost", "port": "587", "security": "starttls", "from": "a@b"}


def test_a_field_of_another_kind_is_refused_without_telling_its_name() -> None:
    with pytest.raises(InvalidCredential) as caught:
        check("http_bearer", {"token": "long enough", "a-secret-in-the-wrong-place": "x"})
    assert "wrong-place" not in str(caught.value.as_dict())


def test_a_kind_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        check("my-secret-kind", {})
    assert caught.value.field == "kind"
    assert "my-secret" not in str(caught.value.as_dict())


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_has_a_secret_and_a_form(kind: str) -> None:
    assert secret_names(kind)
    for each in fields_of(kind):
        assert each.title
        assert each.help.endswith(".")
        assert each.required or each.default is not None or each.name in {"username", "password"}


@pytest.mark.parametrize("kind", MODELS)
def test_the_secrets_redact_every_secret_field(kind: str) -> None:
    redactor = Redactor(secrets_of(kind, GOOD[kind]))
    shown = redactor.text(json.dumps(GOOD[kind]))
    for name, value in GOOD[kind].items():
        assert (value in shown) == (name not in secret_names(kind))


@given(
    kind=st.sampled_from(sorted(MODELS)),
    fields=st.dictionaries(
        st.sampled_from(sorted({each.name for kind in MODELS for each in fields_of(kind)})) | st.text(max_size=5),
        st.text(max_size=40),
        max_size=6,
    ),
)
def test_nothing_but_typed_errors(kind: str, fields: dict[str, Any]) -> None:
    try:
        made = check(kind, fields)
    except TradeloomError:
        return
    assert secrets_of(kind, made)
