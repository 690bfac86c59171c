from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.credentials import CREDENTIALS
from tests.support.fake_network import FakeHttp, answer
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    BadResponse,
    CredentialProblem,
    ExecutionStopped,
    MissingInput,
    NodeConfigError,
    ServerBusy,
    UnexpectedStatus,
)
from tradeloom.nodes.utility.http import HttpConfig, HttpOutput, HttpRequestNode

URL = "https://api.example.com/v1"


def context(*answers: Any, **changes: Any) -> FakeContext:
    return FakeContext(credentials=dict(CREDENTIALS), web=FakeHttp(list(answers)), **changes)


def run(around: FakeContext, **config: Any) -> HttpOutput:
    return HttpRequestNode().run(HttpConfig.model_validate({"url": URL, **config}), around)


def test_asks_and_reads() -> None:
    around = context(answer(200, {"rate": 1.0842}, {"x-left": "9", "x-more": "1"}, url=f"{URL}?a=1"))
    output = run(around, query={"a": 1}, keep_headers=["X-Left", "content-type"])
    assert output == HttpOutput(
        status=200,
        headers={"content-type": "application/json", "x-left": "9"},
        body={"rate": 1.0842},
        url=f"{URL}?a=1",
        duration_ms=12.5,
        rendered=None,
    )
    assert (around.web.last.method, around.web.last.url, around.web.last.body) == ("GET", f"{URL}?a=1", b"")
    assert around.acted == 1


@pytest.mark.parametrize(
    ("config", "sent", "kind"),
    [
        ({"body_type": "json", "body": {"a": [1, None]}}, b'{"a":[1,null]}', "application/json"),
        ({"body_type": "json", "body": None}, b"null", "application/json"),
        ({"body_type": "text", "body": "½"}, "½".encode(), "text/plain; charset=utf-8"),
        ({"body_type": "text", "body": 1.5}, b"1.5", "text/plain; charset=utf-8"),
        ({"body_type": "form", "body": {"a": "b c"}}, b"a=b+c", "application/x-www-form-urlencoded"),
        ({"body": {"ignored": 1}}, b"", None),
    ],
)
def test_bodies(config: dict[str, Any], sent: bytes, kind: str | None) -> None:
    around = context()
    run(around, method="POST", **config)
    assert around.web.last.body == sent
    assert around.web.last.headers.get("Content-Type") == kind


@pytest.mark.parametrize(
    ("config", "error", "field"),
    [
        ({"body_type": "json", "body": {}}, NodeConfigError, "config.body_type"),
        ({"method": "POST", "body_type": "text"}, MissingInput, "config.body"),
        ({"method": "POST", "body_type": "form", "body": [1]}, NodeConfigError, "config.body"),
        ({"method": "POST", "body_type": "json", "body": {"a": 10**5000}}, NodeConfigError, "config.body"),
        ({"url": "http://[::1"}, NodeConfigError, "config.url"),
        ({"query": {"a": {"b": 1}}}, NodeConfigError, "config.query.a"),
        ({"headers": {"A": "b\nc"}}, NodeConfigError, "config.headers.A"),
        ({"credential": "telegram"}, CredentialProblem, "config.credential"),
    ],
)
def test_refuses(config: dict[str, Any], error: type[Exception], field: str) -> None:
    around = context()
    with pytest.raises(error) as raised:
        run(around, **config)
    assert raised.value.field == field  # type: ignore[attr-defined]
    assert around.web.requests == []


class TestReading:
    @pytest.mark.parametrize(
        ("parse", "kind", "content", "body"),
        [
            ("auto", "application/json", b"[1]", [1]),
            ("auto", "application/problem+json; charset=utf-8", b"[1]", [1]),
            ("auto", "text/plain", b"[1]", "[1]"),
            ("json", "text/plain", b"[1]", [1]),
            ("text", "application/json", b"[1]", "[1]"),
            ("text", "text/plain; charset=latin-1", b"\xbd", "½"),
            ("auto", "application/json", b"", None),
        ],
    )
    def test_as_asked(self, parse: str, kind: str, content: bytes, body: Any) -> None:
        assert run(context(answer(200, content, {"content-type": kind})), parse=parse).body == body

    @pytest.mark.parametrize("content", [b"NaN", b"[Infinity]", b"1e999", b"{", b"", b"[" * 5_000])
    def test_what_is_no_json(self, content: bytes) -> None:
        with pytest.raises(BadResponse):
            run(context(answer(200, content)), parse="json")


class TestStatuses:
    @pytest.mark.parametrize(
        ("method", "error"), [("GET", ServerBusy), ("PUT", ServerBusy), ("POST", UnexpectedStatus)]
    )
    def test_a_fault_is_tried_again_only_where_that_does_no_harm(self, method: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            run(context(answer(502)), method=method)

    def test_expected_ones(self) -> None:
        assert run(context(answer(404, {"found": False})), expected=[200, 404]).body == {"found": False}
        with pytest.raises(UnexpectedStatus):
            run(context(answer(201)), expected=[200])

    def test_retry_after(self) -> None:
        around = context(answer(429, b"", {"retry-after": "2"}))
        assert run(around, method="POST").status == 200
        assert around.web.pauses == [2]


class TestSecrets:
    def test_apart_from_other_headers(self) -> None:
        around = context()
        run(around, credential="api-key", headers={"x-api-key": "mine", "X-B": 1})
        assert around.web.last.secret_headers == {"X-API-Key": "key-4f1d0a"}
        assert around.web.last.headers == {"X-B": "1"}

    def test_hidden_in_a_test(self) -> None:
        output = run(context(test_mode=True), method="DELETE", credential="api-token")
        assert output.rendered == {"method": "DELETE", "url": URL, "headers": {"Authorization": "•••"}, "body": ""}


class TestTestMode:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_reading_is_done(self, method: str) -> None:
        around = context(test_mode=True)
        assert run(around, method=method).status == 200
        assert len(around.web.requests) == 1

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_everything_else_is_rendered(self, method: str) -> None:
        around = context(test_mode=True)
        output = run(around, method=method)
        assert output.status == 0
        assert output.rendered is not None
        assert around.web.requests == []
        assert around.acted == 1


@pytest.mark.parametrize(
    ("config", "repeatable", "keyed"),
    [
        ({}, True, False),
        ({"method": "PUT"}, True, False),
        ({"method": "POST"}, False, False),
        ({"method": "PATCH", "idempotent": True}, True, True),
    ],
)
def test_what_may_be_sent_twice(config: dict[str, Any], repeatable: bool, keyed: bool) -> None:
    around = context()
    run(around, **config)
    assert around.web.last.repeatable is repeatable
    assert ("Idempotency-Key" in around.web.last.headers) is keyed


@pytest.mark.parametrize("test_mode", [True, False])
def test_a_stopped_execution_asks_nobody(test_mode: bool) -> None:
    around = context(stopped=True, test_mode=test_mode)
    with pytest.raises(ExecutionStopped):
        run(around)
    assert around.web.requests == []


@pytest.mark.parametrize(
    "config",
    [{"method": "TRACE"}, {"url": ""}, {"timeout_s": 60}, {"expected": ["ok"]}, {"query": []}, {"headers": "X: y"}],
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpConfig.model_validate({"url": URL, **config})
