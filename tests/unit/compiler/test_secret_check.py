"""Secrets pasted into a configuration are seen, what is none is left alone, and no message repeats one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.credentials import CREDENTIALS
from tradeloom.compiler.compile import compile_workflow
from tradeloom.compiler.secret_check import secret_problems
from tradeloom.errors import InvalidDocument
from tradeloom.nodes.registry import node_types
from tradeloom.workflow.document import Node

CERTAIN: list[tuple[str, Any, str]] = [
    ("config.headers.Authorization", {"headers": {"Authorization": "Bearer canary-0123"}}, "canary-0123"),
    ("config.headers.authorization", {"headers": {"authorization": "Basic YW5uOmNhbmFyeQ=="}}, "YW5u"),
    ("config.headers.X-API-Key", {"headers": {"X-API-Key": "canary-0123"}}, "canary"),
    ("config.headers.Cookie", {"headers": {"Cookie": "session=canary"}}, "canary"),
    ("config.headers.0.value", {"headers": [{"name": "Authorization", "value": "canary-0123"}]}, "canary"),
    ("config.url", {"url": "https://ann:canary@example.com/x"}, "canary"),
    ("config.url", {"url": "= 'x' + 1", "note": 1} | {"url": "postgresql://u:canary@db/x"}, "canary"),
    ("config.body.a.0.b", {"body": {"a": [{"b": "AKIAIOSFODNN7EXAMPLE"}]}}, "AKIA"),
    ("config.text", {"text": "use ghp_0123456789abcdefghijABCDEFGHIJ012345 for it"}, "ghp_"),
    ("config.text", {"text": "xoxb-123456789012-canary"}, "xoxb"),
    ("config.text", {"text": f"https://api.telegram.org/bot{CREDENTIALS['telegram'].fields['bot_token']}/x"}, "AAE"),
    ("config.url", {"url": CREDENTIALS["slack"].fields["webhook_url"]}, "tok0123"),
    ("config.url", {"url": CREDENTIALS["discord"].fields["webhook_url"]}, "tok-en"),
    ("config.credential", {"credential": "sk-proj-0123456789abcdefghijABCD"}, "sk-proj"),
    ("config.text", {"text": "-----BEGIN RSA PRIVATE KEY-----\nMII"}, "MII"),
    ("config.text", {"text": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"}, "eyJ"),
]
LIKELY: list[tuple[str, Any, str]] = [
    ("config.body.password", {"body": {"password": "canary-0123"}}, "canary"),
    ("config.body.client_secret", {"body": {"client_secret": "canary-0123"}}, "canary"),
    ("config.url", {"url": "https://example.com/x?api_key=canary-0123&y=1"}, "canary"),
    ("config.text", {"text": "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f"}, "aB3d"),
]
INNOCENT: list[Any] = [
    {"headers": {"Authorization": "= nodes.login.body.token", "X-API-Key": "{{ nodes.a.b }}"}},
    {"headers": {"Accept": "application/json", "Content-Type": "text/plain"}},
    {"url": "https://example.com/a:b@c?symbol=EURUSD&key=x"},
    {"url": "https://example.com/{{ nodes.a.path }}?token={{ nodes.a.token }}"},
    {"credential": "cred-5b0c9e2f41d7a836"},
    {"message": "The password was changed: Ask Ann. Bearer market, sk-live."},
    {"secret": ""},
    {"symbol": "EURUSD", "timeframe": "H1", "period": 14, "rules": [{"name": "spread", "value": "bid"}]},
    {"sql": "SELECT * FROM trades WHERE id = $1 AND opened_at > '2017-06-01 12:00:00'"},
    {"hash": "0123456789abcdef0123456789abcdef01234567"},
]


def _problems(config: Any) -> list[Any]:
    return secret_problems(Node.model_validate({"id": "n", "type": "utility.http", "config": config}))


@pytest.mark.parametrize(("field", "config", "secret"), CERTAIN)
def test_what_can_be_nothing_else_is_refused(field: str, config: Any, secret: str) -> None:
    (problem,) = _problems(config)
    assert (problem.field, problem.severity, problem.code) == (field, "error", "secret_in_config")
    assert secret not in problem.message + (problem.hint or "")


@pytest.mark.parametrize(("field", "config", "secret"), LIKELY)
def test_what_looks_like_one_warns(field: str, config: Any, secret: str) -> None:
    (problem,) = _problems(config)
    assert (problem.field, problem.severity) == (field, "warning")
    assert secret not in problem.message


@pytest.mark.parametrize("config", INNOCENT)
def test_what_is_none_is_left_alone(config: Any) -> None:
    assert _problems(config) == []


def test_no_example_of_a_node_holds_one() -> None:
    for name, node_type in node_types().items():
        assert secret_problems(Node.model_validate({"id": "n", "type": name, "config": node_type.example.config})) == []


def test_a_document_that_holds_one_cannot_be_saved_and_is_not_quoted() -> None:
    document = {
        "name": "Call home",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {
                "id": "call",
                "type": "utility.http",
                "disabled": True,
                "config": {"url": "https://example.com", "headers": {"Authorization": "Bearer canary-0123"}},
            },
        ],
        "connections": [{"source": "start", "target": "call"}],
    }
    with pytest.raises(InvalidDocument) as caught:
        compile_workflow(document)
    assert [problem["code"] for problem in caught.value.problems] == ["secret_in_config"]
    assert "canary" not in json.dumps(caught.value.as_dict())


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.recursive(
            st.text() | st.none() | st.integers(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=10,
        ),
        max_size=4,
    )
)
def test_any_configuration_is_judged(config: Any) -> None:
    assert all(problem.field.startswith("config") for problem in _problems(config))


@pytest.mark.parametrize("text", ["a" * 100_000, "sk-" * 30_000, "a://" * 25_000, "&key=" * 20_000, "eyJ." * 25_000])
def test_a_long_text_is_judged_in_no_time(text: str) -> None:
    import time

    begun = time.process_time()
    _problems({"text": text})
    assert time.process_time() - begun < 10, "a backtracking pattern would take minutes"
