"""The workflow routes: the whole life of a workflow, and what is refused on the way."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_workflows import DOCUMENT

RENAMED = {**DOCUMENT, "name": "Say goodbye"}
STRANGER = {"custom:tenant_id": "other", "sub": "user-9"}


@pytest.fixture
def made(ask: Ask) -> dict[str, Any]:
    answer = ask("POST", "/workflows", DOCUMENT)
    assert answer.status == 201
    created: dict[str, Any] = answer.json
    return created


def test_a_created_workflow_has_an_address_and_a_version(ask: Ask) -> None:
    answer = ask("POST", "/workflows", DOCUMENT)
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/agentic/workflows/{answer.json['id']}"
    assert answer.headers["ETag"] == f'"{answer.json["version"]}"'
    assert answer.json["document"]["nodes"][1]["config"]["title"] == "Hello"
    assert answer.json["execution_type"] == "express"


def test_equal_documents_have_equal_versions_whatever_the_order_of_their_keys(ask: Ask) -> None:
    turned = dict(reversed(DOCUMENT.items()))
    assert ask("POST", "/workflows", DOCUMENT).json["version"] == ask("POST", "/workflows", turned).json["version"]


def test_a_bad_document_is_refused_with_every_problem_at_once(ask: Ask) -> None:
    bad = {
        "name": "",
        "nodes": [
            {"id": "a", "type": "indicator.rsii"},
            {"id": "b", "type": "indicator.rsi", "config": {"period": 0}},
        ],
        "connections": [{"source": "a", "target": "nowhere"}],
    }
    answer = ask("POST", "/workflows", bad)
    assert answer.status == 422
    assert answer.error["name"] == "InvalidDocument"
    codes = {problem["code"] for problem in answer.error["problems"]}
    assert {"invalid_field", "unknown_type", "invalid_config", "dangling_connection"} <= codes
    assert ask("GET", "/workflows").json["total"] == 0


def test_a_list_pages(ask: Ask) -> None:
    for number in range(3):
        ask("POST", "/workflows", {**DOCUMENT, "name": f"Number {number}"})
    page = ask("GET", "/workflows", query={"limit": "2", "offset": "2"}).json
    assert page["total"] == 3
    assert [item["name"] for item in page["items"]] == ["Number 2"]
    assert "document" not in page["items"][0]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"offset": "-1"}])
def test_a_page_out_of_bounds_names_the_field(ask: Ask, query: dict[str, str]) -> None:
    answer = ask("GET", "/workflows", query=query)
    assert answer.status == 422
    assert answer.error["field"] == next(iter(query))
    assert answer.error["problems"][0]["field"] == next(iter(query))


def test_replacing_needs_the_version_that_is_replaced(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("PUT", f"/workflows/{made['id']}", RENAMED)
    assert (answer.status, answer.error["name"]) == (428, "PreconditionRequired")


def test_a_replacement_makes_a_new_version(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("PUT", f"/workflows/{made['id']}", RENAMED, headers={"if-match": f'"{made["version"]}"'})
    assert answer.status == 200
    assert answer.json["name"] == "Say goodbye"
    assert answer.headers["ETag"] != f'"{made["version"]}"'


def test_of_two_tabs_that_save_the_second_is_told(ask: Ask, made: dict[str, Any]) -> None:
    seen = {"if-match": f'"{made["version"]}"'}
    assert ask("PUT", f"/workflows/{made['id']}", RENAMED, headers=seen).status == 200
    late = ask("PUT", f"/workflows/{made['id']}", {**DOCUMENT, "name": "Mine"}, headers=seen)
    assert (late.status, late.error["name"]) == (409, "Conflict")
    assert ask("GET", f"/workflows/{made['id']}").json["name"] == "Say goodbye"
    forced = ask("PUT", f"/workflows/{made['id']}", {**DOCUMENT, "name": "Mine"}, headers={"if-match": "*"})
    assert forced.status == 200


@pytest.mark.parametrize("header", ['"a","b"', "W/x y", '"' + "a" * 65 + '"'])
def test_a_strange_if_match_is_refused(ask: Ask, made: dict[str, Any], header: str) -> None:
    answer = ask("PUT", f"/workflows/{made['id']}", RENAMED, headers={"if-match": header})
    assert answer.status == 422
    assert "If-Match" in answer.error["message"] or answer.error["field"].lower() == "if-match"


def test_a_toggle_sets_or_turns(ask: Ask, made: dict[str, Any]) -> None:
    path = f"/workflows/{made['id']}/toggle"
    assert ask("POST", path, {"active": True}).json["active"] is True
    assert ask("POST", path, {"active": True}).json["active"] is True
    assert ask("POST", path).json["active"] is False
    assert ask("POST", path, {}).json["active"] is True


def test_a_toggle_takes_no_unknown_field(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("POST", f"/workflows/{made['id']}/toggle", {"activ": True})
    assert answer.status == 422
    assert answer.error["field"] == "activ"


def test_a_deleted_workflow_is_gone(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("DELETE", f"/workflows/{made['id']}")
    assert (answer.status, answer.text) == (204, "")
    assert ask("GET", f"/workflows/{made['id']}").status == 404
    assert ask("DELETE", f"/workflows/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PUT", "", DOCUMENT),
        ("DELETE", "", None),
        ("POST", "/toggle", None),
        ("POST", "/execute", None),
        ("GET", "/executions", None),
    ],
)
def test_another_tenants_workflow_is_not_there(
    ask: Ask, made: dict[str, Any], method: str, suffix: str, body: Any
) -> None:
    answer = ask(method, f"/workflows/{made['id']}{suffix}", body, claims=STRANGER, headers={"if-match": "*"})
    assert (answer.status, answer.error["name"]) == (404, "NotFound")
    assert ask("GET", f"/workflows/{made['id']}").status == 200


def test_the_tenant_is_read_from_claims_only(ask: Ask, made: dict[str, Any]) -> None:
    headers = {"x-tenant": "acme", "custom:tenant_id": "acme"}
    answer = ask("GET", "/workflows", claims=STRANGER, headers=headers, query={"tenant": "acme"})
    assert answer.json == {"items": [], "total": 0}


def test_tags_are_set_and_make_no_version(ask: Ask, made: dict[str, Any]) -> None:
    answer = ask("PUT", f"/workflows/{made['id']}/tags", {"tags": [" trend ", "EURUSD", "trend"]})
    assert answer.status == 200
    assert answer.json["tags"] == ["trend", "EURUSD"]
    assert answer.json["version"] == made["version"]
    assert ask("GET", "/workflows").json["items"][0]["tags"] == ["trend", "EURUSD"]


@pytest.mark.parametrize("tags", [["a,b"], ["#a"], [" "], ["x" * 33], [str(number) for number in range(11)], [1], None])
def test_tags_that_are_none_are_refused(ask: Ask, made: dict[str, Any], tags: Any) -> None:
    answer = ask("PUT", f"/workflows/{made['id']}/tags", {"tags": tags})
    assert answer.status == 422
    assert answer.error["field"].startswith("tags")
    assert ask("GET", f"/workflows/{made['id']}").json["tags"] == []
