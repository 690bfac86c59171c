"""The draft routes, and the compiler's word on a document that is not saved."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_workflows import DOCUMENT

HALF_DONE = {"name": "", "nodes": [{"id": "x"}]}


@pytest.fixture
def made(ask: Ask) -> dict[str, Any]:
    created: dict[str, Any] = ask("POST", "/workflows", DOCUMENT).json
    return created


def keep(ask: Ask, made: dict[str, Any], **headers: str) -> Any:
    body = {"document": HALF_DONE, "base_version": made["version"]}
    return ask("PUT", f"/workflows/{made['id']}/draft", body, headers={"content-type": "application/json", **headers})


def test_a_draft_is_kept_though_it_is_wrong_and_leaves_the_workflow_as_it_is(ask: Ask, made: dict[str, Any]) -> None:
    assert ask("GET", f"/workflows/{made['id']}/draft").json == {"draft": None}
    kept = keep(ask, made, **{"if-none-match": "*"})
    assert kept.status == 200
    read = ask("GET", f"/workflows/{made['id']}/draft")
    assert read.json["draft"]["document"] == HALF_DONE
    assert read.headers["ETag"] == f'"{read.json["draft"]["revision"]}"' == kept.headers["ETag"]
    assert ask("GET", f"/workflows/{made['id']}").json["version"] == made["version"]


def test_two_who_draw_are_told_of_one_another(ask: Ask, made: dict[str, Any]) -> None:
    first = keep(ask, made, **{"if-none-match": "*"}).headers["ETag"]
    assert keep(ask, made, **{"if-none-match": "*"}).status == 409
    second = keep(ask, made, **{"if-match": first})
    assert second.status == 200
    assert keep(ask, made, **{"if-match": first}).status == 409
    assert keep(ask, made, **{"if-match": "*"}).status == 200


def test_a_draft_says_which_it_replaces(ask: Ask, made: dict[str, Any]) -> None:
    answer = keep(ask, made)
    assert answer.status == 428
    assert answer.error["field"] == "If-Match"


def test_a_discarded_draft_is_gone(ask: Ask, made: dict[str, Any]) -> None:
    keep(ask, made, **{"if-none-match": "*"})
    assert ask("DELETE", f"/workflows/{made['id']}/draft").status == 204
    assert ask("GET", f"/workflows/{made['id']}/draft").json == {"draft": None}
    assert ask("GET", "/workflows/wf-none/draft").status == 404


def test_a_document_is_judged_without_being_kept(ask: Ask) -> None:
    verdict = ask("POST", "/workflows/validate", DOCUMENT).json
    assert verdict["problems"] == []
    assert verdict["execution_type"] == "express"
    bad = {**DOCUMENT, "nodes": [{"id": "a", "type": "indicator.rsi", "config": {"period": 0}}]}
    refused = ask("POST", "/workflows", bad)
    judged = ask("POST", "/workflows/validate", bad)
    assert judged.status == 200
    assert judged.json["version"] is None
    said = {(problem["code"], problem.get("node"), problem.get("field")) for problem in judged.json["problems"]}
    assert said == {(p["code"], p.get("node"), p.get("field")) for p in refused.error["problems"]}
    assert ("invalid_config", "a", "config.period") in said
    assert ask("GET", "/workflows").json["total"] == 0
