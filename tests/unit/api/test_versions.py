"""Versions over the API: listed, read, gone back to."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_workflows import DOCUMENT

RENAMED = {**DOCUMENT, "name": "Say goodbye"}
STRANGER = {"custom:tenant_id": "other", "sub": "user-9"}


@pytest.fixture
def saved(ask: Ask) -> tuple[str, str, str]:
    """A workflow's id, its first version and the one that stands."""
    first = ask("POST", "/workflows", DOCUMENT).json
    path = f"/workflows/{first['id']}"
    second = ask("PUT", path, RENAMED, headers={"If-Match": f'"{first["version"]}"'}).json
    return first["id"], first["version"], second["version"]


def test_versions_are_listed_newest_first_and_read(ask: Ask, saved: tuple[str, str, str]) -> None:
    workflow, first, second = saved
    items = ask("GET", f"/workflows/{workflow}/versions").json["items"]
    assert [item["version"] for item in items] == [second, first]
    assert [item["number"] for item in items] == [2, 1]
    assert "document" not in items[0]
    read = ask("GET", f"/workflows/{workflow}/versions/{first}").json
    assert read["document"]["name"] == DOCUMENT["name"]


def test_going_back_is_a_save(ask: Ask, saved: tuple[str, str, str]) -> None:
    workflow, first, second = saved
    path = f"/workflows/{workflow}/versions/{first}/restore"
    assert ask("POST", path).status == 428
    assert ask("POST", path, headers={"If-Match": f'"{first}"'}).status == 409
    answer = ask("POST", path, headers={"If-Match": f'"{second}"'})
    assert answer.status == 200
    assert answer.headers["ETag"] == f'"{first}"'
    assert answer.json["name"] == DOCUMENT["name"]
    assert ask("GET", f"/workflows/{workflow}").json["version"] == first


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("GET", "/{version}"), ("POST", "/{version}/restore")])
def test_what_is_not_there_or_anothers_is_not_found(
    ask: Ask, saved: tuple[str, str, str], method: str, rest: str
) -> None:
    workflow, first, _ = saved
    headers: dict[str, Any] = {"If-Match": "*"}
    path = f"/workflows/{workflow}/versions{rest.format(version=first)}"
    assert ask(method, path, headers=headers, claims=STRANGER).status == 404
    assert ask(method, f"/workflows/none/versions{rest.format(version=first)}", headers=headers).status == 404
    if rest:
        unknown = f"/workflows/{workflow}/versions{rest.format(version='f' * 64)}"
        assert ask(method, unknown, headers=headers).status == 404
