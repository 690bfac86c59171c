"""Credentials over the API: written, never read; and no answer, whatever it is, tells a value."""

import json
from typing import Any

import pytest

from tests.support.credentials import CREDENTIALS
from tests.unit.api.conftest import Ask
from tradeloom.accounts.credentials.kinds import MODELS, secret_names, secrets_of

OTHER = {"custom:tenant_id": "other", "sub": "user-2"}
TOKEN = "bearer-canary-3f9c2c1e"


def _new(name: str = "Bot", kind: str = "http_bearer", **fields: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "fields": fields or {"token": TOKEN}}


@pytest.fixture
def made(ask: Ask) -> dict[str, Any]:
    answer = ask("POST", "/credentials", _new())
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/agentic/credentials/{answer.json['id']}"
    found: dict[str, Any] = answer.json
    return found


def test_the_kinds_say_what_a_form_needs(ask: Ask) -> None:
    items = ask("GET", "/credential-kinds").json["items"]
    assert [each["kind"] for each in items] == list(MODELS)
    for each in items:
        secret = {field["name"] for field in each["fields"] if field["secret"]}
        assert secret == secret_names(each["kind"])


@pytest.mark.parametrize("example", CREDENTIALS.values(), ids=CREDENTIALS)
def test_no_answer_holds_a_value(ask: Ask, example: Any) -> None:
    body = {"name": "Mine", "kind": example.kind, "fields": dict(example.fields)}
    made = ask("POST", "/credentials", body)
    path = f"/credentials/{made.json['id']}"
    answers = [
        made,
        ask("GET", path),
        ask("GET", "/credentials"),
        ask("PUT", path, {"fields": dict(example.fields)}),
        ask("PUT", path, {"name": "Renamed"}),
        ask("POST", "/credentials", {**body, "name": "Renamed"}),
        ask("POST", "/credentials", {**body, "kind": "no-such-kind"}),
        ask("POST", "/credentials", {**body, "name": ""}),
        ask("POST", "/credentials", {**body, "surplus": secrets_of(example.kind, example.fields)[0]}),
        ask("POST", "/credentials", {**body, "fields": {**example.fields, "x": example.fields}}),
        ask("POST", "/credentials", {**body, "fields": [dict(example.fields)]}),
        ask("POST", "/credentials", {**body, "fields": {name: f"{v}\r\n" for name, v in example.fields.items()}}),
        ask("POST", "/credentials", raw_body=json.dumps(body)[:-1], headers={"content-type": "application/json"}),
    ]
    assert [answer.status for answer in answers[:5]] == [201, 200, 200, 200, 200]
    for answer in answers:
        for secret in secrets_of(example.kind, example.fields):
            assert secret not in answer.text
    assert answers[1].json["fields"] == list(example.fields)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a\nb"}, "name"),
        ({"kind": "telegraph"}, "kind"),
        ({"fields": {}}, "fields.token"),
        ({"fields": {"token": "abc"}}, "fields.token"),
        ({"fields": {"token": "x" * 9000}}, "fields.token"),
        ({"fields": {"token": 5}}, "fields.token"),
        ({"fields": {"token": TOKEN, "host": "x"}}, "fields"),
    ],
)
def test_what_is_wrong_is_named(ask: Ask, change: dict[str, Any], field: str) -> None:
    answer = ask("POST", "/credentials", _new() | change)
    assert answer.status == 422
    assert answer.error["field"] == field


def test_another_tenant_finds_nothing(ask: Ask, made: dict[str, Any]) -> None:
    path = f"/credentials/{made['id']}"
    for answer in (
        ask("GET", path, claims=OTHER),
        ask("PUT", path, {"name": "Mine"}, claims=OTHER),
        ask("DELETE", path, claims=OTHER),
    ):
        assert (answer.status, answer.error["name"]) == (404, "NotFound")
    assert ask("GET", "/credentials", claims=OTHER).json == {"items": [], "total": 0}
    assert ask("GET", path).status == 200


@pytest.mark.parametrize("wrong", ["cred-0000000000000000", "x" * 64, "%00", "a%20b", "..%2F..", "ü"])
def test_ids_there_are_not_are_not_found(ask: Ask, wrong: str) -> None:
    assert ask("GET", f"/credentials/{wrong}").status == 404


def test_a_name_is_taken_once(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("POST", "/credentials", _new())
    assert (answer.status, answer.error["field"]) == (409, "name")


def test_a_change_of_where_it_goes_wants_the_secret_again(ask: Ask) -> None:
    mail = CREDENTIALS["mail"]
    path = f"/credentials/{ask('POST', '/credentials', _new('Mail', 'smtp', **mail.fields)).json['id']}"
    answer = ask("PUT", path, {"fields": {"host": "evil.example"}})
    assert (answer.status, answer.error["problems"][0]["code"]) == (422, "secret_needed")
    assert ask("PUT", path, {"fields": {"host": "evil.example", "password": "known"}}).status == 200
    assert ask("PUT", path, {"fields": {"username": None, "password": None}}).json["fields"] == [
        "host",
        "port",
        "security",
        "from",
    ]


def test_it_is_deleted(ask: Ask, made: dict[str, Any]) -> None:
    path = f"/credentials/{made['id']}"
    assert ask("DELETE", path).status == 204
    assert ask("GET", path).status == 404
    assert ask("DELETE", path).status == 404


def test_pages_and_the_total(ask: Ask) -> None:
    for number in range(5):
        ask("POST", "/credentials", _new(f"n{number}"))
    page = ask("GET", "/credentials", query={"limit": "2", "offset": "3"}).json
    assert ([each["name"] for each in page["items"]], page["total"]) == (["n3", "n4"], 5)
    assert set(page["items"][0]) == {"id", "name", "kind", "fields", "created_at", "updated_at", "last_used_at"}
