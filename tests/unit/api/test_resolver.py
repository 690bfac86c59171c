"""Whatever is sent, the answer is typed JSON: bad addresses, methods, bodies, tokens, and failures of our own."""

import base64
import json
import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exam import sized
from tests.unit.api.conftest import Ask
from tests.unit.api.fake_workflows import DOCUMENT
from tests.unit.api.fakes import CLAIMS, FakeStatus, event, fake_ports
from tradeloom.api.app import Api
from tradeloom.api.models.health import Health
from tradeloom.api.models.workflows import WorkflowPage
from tradeloom.api.ports import Ports
from tradeloom.api.resolver import MAX_BODY_BYTES


def test_an_unknown_address_is_not_found(ask: Ask) -> None:
    answer = ask("GET", "/nothing/here")
    assert (answer.status, answer.error["name"]) == (404, "NoSuchRoute")


def test_a_wrong_method_is_told_which_are_right(ask: Ask) -> None:
    answer = ask("PATCH", "/workflows/x")
    assert (answer.status, answer.error["name"]) == (405, "MethodNotAllowed")
    assert answer.headers["Allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize("claims", [{}, {"sub": "me"}, {"custom:tenant_id": ""}, {"custom:tenant_id": 5, "sub": "me"}])
def test_without_verified_claims_nothing_is_answered(ask: Ask, claims: dict[str, Any]) -> None:
    answer = ask("GET", "/workflows", claims=claims)
    assert (answer.status, answer.error["name"]) == (401, "Unauthorized")


def test_an_event_without_an_authorizer_is_unauthorized(api: Api) -> None:
    made = event("GET", "/api/agentic/workflows")
    del made["requestContext"]["authorizer"]
    assert api.resolve(made, None)["statusCode"] == 401


@pytest.mark.parametrize("body", ["{", "", "[1]", "5", "NaN", '{"name": NaN}', '"text"', "null", "\x00", "[" * 90_000])
def test_a_body_that_is_no_json_object_is_refused(ask: Ask, body: str) -> None:
    answer = ask("POST", "/workflows", raw_body=body)
    assert answer.status in {400, 422}
    assert answer.error["name"] in {"MalformedRequest", "InvalidRequest"}
    assert answer.error["field"] == "body"


def test_a_body_of_bytes_that_are_no_text_is_refused(ask: Ask) -> None:
    answer = ask("POST", "/workflows", raw_body=base64.b64encode(b"\xff\xfe{").decode(), base64=True)
    assert (answer.status, answer.error["name"]) == (400, "MalformedRequest")


def test_a_list_is_not_taken_for_its_first_item(ask: Ask) -> None:
    assert ask("POST", "/workflows", raw_body=json.dumps([DOCUMENT])).status == 400


def test_a_huge_body_is_refused(ask: Ask) -> None:
    answer = ask("POST", "/workflows", raw_body='{"name": "' + "x" * MAX_BODY_BYTES + '"}')
    assert (answer.status, answer.error["name"]) == (413, "BodyTooLarge")


def test_another_media_type_is_refused(ask: Ask) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = ask("POST", "/workflows", DOCUMENT, headers={"content-type": kind})
        assert (answer.status, answer.error["name"]) == (415, "UnsupportedMediaType")
    assert (
        ask("POST", "/workflows", DOCUMENT, headers={"content-type": "application/json; charset=utf-8"}).status == 201
    )


class _Broken:
    """A port that fails as nobody foresaw, with something in the message that must not get out."""

    def page(self, *args: Any, **options: Any) -> WorkflowPage:
        raise RuntimeError("secret connection string")

    def health(self, tenant: str) -> Health:
        return "not a health report"  # type: ignore[return-value]


@pytest.mark.parametrize("path", ["/workflows", "/health"])
def test_an_unforeseen_failure_leaks_nothing_and_is_in_the_log(
    ports: Ports, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    broken: Any = _Broken()
    api = Api(replace(ports, workflows=broken, status=broken, accounts=broken))
    with caplog.at_level(logging.ERROR, "tradeloom.api"):
        made = api.resolve(event("GET", f"/api/agentic{path}"), None)
    assert made["statusCode"] == 500
    error = json.loads(made["body"])["error"]
    assert error["name"] == "InternalError"
    assert "secret" not in made["body"]
    assert error["correlation_id"] == made["headers"]["x-correlation-id"] == "request-1"
    assert "request-1" in caplog.text


def test_requests_side_by_side_do_not_see_each_other() -> None:
    """Powertools keeps the request in class attributes; here each thread must answer its own caller."""
    barrier = threading.Barrier(8)

    class Meeting(FakeStatus):
        def health(self, tenant: str) -> Health:
            barrier.wait(timeout=60)
            return super().health(tenant).model_copy(update={"version": tenant})

    api = Api(replace(fake_ports(), status=Meeting()))
    seen: dict[str, str] = {}

    def ask_as(tenant: str) -> None:
        made = api.resolve(event("GET", "/api/agentic/health", claims={**CLAIMS, "custom:tenant_id": tenant}), None)
        seen[tenant] = json.loads(made["body"])["version"]

    threads = [threading.Thread(target=ask_as, args=(f"tenant-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"tenant-{number}": f"tenant-{number}" for number in range(8)}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_paths = st.sampled_from(
    ["workflows", "executions", "nodes", "test", "types", "toggle", "execute", "logs", "stop", "é", ""]
)


@settings(max_examples=sized(150, 3_000), deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "x"]),
    parts=st.lists(_paths | st.text(max_size=12), max_size=4),
    body=_values,
    query=st.none() | st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
    headers=st.dictionaries(st.sampled_from(["content-type", "if-match", "accept"]), st.text(max_size=20), max_size=3),
)
def test_whatever_is_sent_the_answer_is_typed(
    method: str, parts: list[str], body: Any, query: dict[str, str] | None, headers: dict[str, str]
) -> None:
    api = _API
    made = api.resolve(event(method, "/api/agentic/" + "/".join(parts), body, query=query, headers=headers), None)
    assert 200 <= made["statusCode"] < 500
    if made["statusCode"] >= 400:
        error = json.loads(made["body"])["error"]
        assert error["name"]
        assert error["message"]


_API = Api(fake_ports())
