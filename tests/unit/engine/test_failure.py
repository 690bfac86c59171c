"""What a failed execution says of its error."""

import pytest

from tradeloom.engine.failure import describe, message_of, node_of
from tradeloom.engine.interpreter.failures import lambda_failure


@pytest.mark.parametrize(
    ("state", "node"),
    [("RSI_14-rsi", "rsi"), ("Wait-d1.wait", "d1"), ("If-check.if", "check"), ("Start", "Start"), ("a-b-c_d", "c_d")],
)
def test_a_state_names_its_node(state: str, node: str) -> None:
    assert node_of(state) == node


def test_a_causes_sentence() -> None:
    assert message_of(lambda_failure("X", "no value").cause) == "no value"
    assert message_of("plain text") == "plain text"
    assert message_of('["a list"]') == '["a list"]'
    assert message_of('{"errorMessage": 5}') == '{"errorMessage": 5}'


def test_the_node_is_the_one_named_or_the_last_that_failed_so() -> None:
    failed = {"a": "X", "b": "Y", "c": "X"}
    assert describe("X", "a: boom", failed) == {"name": "X", "message": "boom", "node": "a"}
    assert describe("X", "boom", failed) == {"name": "X", "message": "boom", "node": "c"}
    assert describe("Z", "nobody: boom", failed) == {"name": "Z", "message": "nobody: boom", "node": None}
