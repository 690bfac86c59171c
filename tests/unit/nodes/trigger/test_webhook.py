from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import NodeConfigError
from tradeloom.nodes.trigger.webhook import Webhook, WebhookConfig, WebhookOutput, missing_field


def config(**changes: Any) -> WebhookConfig:
    return WebhookConfig.model_validate({"credential": "signing", **changes})


def run(payload: dict[str, Any], **changes: Any) -> WebhookOutput:
    return Webhook().run(config(**changes), FakeContext(payload=payload))


def test_what_the_door_took_in_becomes_the_output() -> None:
    output = run({"payload": [1, None], "headers": {"x-a": "b"}, "received_at": "2017-06-01T14:00:00+02:00"})
    assert (output.payload, output.headers, output.received_at) == ([1, None], {"x-a": "b"}, AS_OF)


def test_by_hand_a_payload_stands_for_the_body() -> None:
    assert run({"symbol": "EURUSD"}).payload == {"symbol": "EURUSD"}
    assert run({"payload": 1}).payload == {"payload": 1}


def test_by_hand_without_one_the_test_payload_does() -> None:
    assert run({}, sample={"symbol": "GBPUSD"}).payload == {"symbol": "GBPUSD"}


def test_what_is_required_is_required_by_hand_too() -> None:
    with pytest.raises(NodeConfigError, match="symbol is missing"):
        run({"price": 1}, required={"symbol": "text"})


def test_what_is_no_request() -> None:
    with pytest.raises(NodeConfigError):
        run({"payload": 1, "headers": {"a": 1}, "received_at": "soon"})


@pytest.mark.parametrize(
    ("body", "required", "said"),
    [
        ({"a": 1}, {"a": "number"}, None),
        ({"a": True}, {"a": "number"}, "a is not of the kind number"),
        ({"a": True}, {"a": "boolean"}, None),
        ({"a": None}, {"a": "any"}, None),
        ({"a": None}, {"a": "text"}, "a is not of the kind text"),
        ({"a": {"b": [1]}}, {"a.b": "list"}, None),
        ({"a": {"b": [1]}}, {"a.b.c": "any"}, "a.b.c is missing"),
        ([1], {"a": "any"}, "a is missing"),
        ([1], {}, None),
    ],
)
def test_required_fields(body: Any, required: dict[str, Any], said: str | None) -> None:
    assert missing_field(body, required) == said


@pytest.mark.parametrize(
    "changes",
    [
        {"credential": ""},
        {"authentication": "none"},
        {"headers": ["Authorization"]},
        {"headers": ["x y"]},
        {"replay_window_s": 0},
        {"required": {"a": "integer"}},
        {"required": {"a": "text"}, "sample": {"b": 1}},
    ],
)
def test_what_cannot_be_saved(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**changes)
