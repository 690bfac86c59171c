import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.documents import document, node
from tests.support.exam import sized
from tradeloom.workflow.document import MAX_CONFIG_BYTES, MAX_NODES, Workflow
from tradeloom.workflow.reading import read, read_text

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def found(value: Any) -> set[tuple[str, str | None, str | None]]:
    return {(problem.code, problem.node, problem.field) for problem in read(value).problems}


def test_sound_document_is_read_whole() -> None:
    reading = read(document([node("start"), node("later", "utility.merge", name="Later")], "start > later"))
    assert reading.problems == []
    assert reading.document is not None
    assert reading.document.node("later").label == "Later"


def test_all_shape_problems_come_at_once() -> None:
    value = {
        "name": "",
        "nodes": [
            {"id": "Bad Id", "type": "trigger.manual"},
            {"id": "rsi", "type": "indicator.rsi", "on_error": "explode", "extra": 1},
            {"type": "market.history"},
            7,
        ],
        "connections": [{"source": "rsi"}],
        "settings": {"time_zone": "Mars/Olympus", "timeout_s": 0},
    }
    assert found(value) == {
        ("invalid_field", None, "name"),
        ("invalid_id", "Bad Id", "id"),
        ("invalid_field", "rsi", "on_error"),
        ("unknown_field", "rsi", "extra"),
        ("missing_field", None, "nodes.2.id"),
        ("invalid_field", None, "nodes.3"),
        ("missing_field", None, "connections.0.target"),
        ("invalid_field", None, "settings.time_zone"),
        ("invalid_field", None, "settings.timeout_s"),
    }


def test_doubled_and_reserved_ids() -> None:
    codes = found(document([node("a"), node("a"), node("nodes"), node("true")]))
    assert ("duplicate_id", "a", "id") in codes
    assert ("reserved_id", "nodes", "id") in codes
    assert ("reserved_id", "true", "id") in codes


def test_limits() -> None:
    many = document([node(f"n{position}") for position in range(MAX_NODES + 1)])
    assert ("too_many_nodes", None, "nodes") in found(many)
    large = document([node("a", config={"text": "x" * MAX_CONFIG_BYTES})])
    assert ("config_too_large", "a", "config") in found(large)
    assert ("too_large", None, None) in found(document([node("a", notes="x" * 2_000_000)]))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("[]", "invalid_document"),
        ("null", "invalid_document"),
        ('{"name": NaN}', "invalid_json"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 50_000, "too_deep"),
        ('{"name": "\\ud800", "nodes": []}', "invalid_json"),
    ],
)
def test_text_that_is_no_document(text: str, code: str) -> None:
    assert [problem.code for problem in read_text(text).problems] == [code]


def test_deep_values_are_refused_without_recursion() -> None:
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]
    told = found({"name": "deep", "nodes": [{"id": "a", "type": "t", "config": {"v": deep}}]})
    assert [(code, node) for code, node, _ in told] == [("too_deep", "a")]


@settings(max_examples=sized(100, 1_000))
@given(json_values)
def test_whatever_comes_gets_an_answer(value: Any) -> None:
    reading = read(value)
    assert reading.problems or reading.document is not None


@settings(max_examples=50)
@given(st.permutations(["name", "nodes", "connections", "description"]))
def test_version_does_not_depend_on_key_order(order: list[str]) -> None:
    value = document([node("a")], description="d")
    shuffled = json.loads(json.dumps({key: value[key] for key in order}))
    first, second = read(value).document, read(shuffled).document
    assert first is not None
    assert second is not None
    assert first.version == second.version


def test_version_changes_with_content() -> None:
    one = Workflow(name="A")
    assert one.version != Workflow(name="B").version
    assert one.version == Workflow.model_validate(json.loads(one.canonical_json())).version


@pytest.mark.parametrize(
    ("value", "node", "field"),
    [
        ({"name": "w", "nodes": [{"id": "rsi", "config": {"period": float("nan")}}]}, "rsi", "config.period"),
        ({"name": "w", "nodes": [{"id": "a"}, {"id": "b", "config": {"x": [1, float("inf")]}}]}, "b", "config.x.1"),
        ({"name": "w", "nodes": [], "settings": {"timeout_s": 10**5_000}}, None, "settings.timeout_s"),
        ({"name": "w", "nodes": [{"id": "rsi", "notes": "\ud800"}]}, "rsi", "notes"),
        ({"name": "w", "nodes": [{"config": {"x": float("nan")}}]}, None, "nodes.0.config.x"),
        ({"\ud800": 1}, None, "document"),
    ],
)
def test_what_json_cannot_hold_is_named(value: dict[str, object], node: str | None, field: str) -> None:
    (problem,) = read(value).problems
    assert (problem.code, problem.node, problem.field) == ("invalid_json", node, field)


def test_where_it_is_nested_too_deep() -> None:
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"a": deep}
    (problem,) = read({"name": "w", "nodes": [{"id": "rsi", "config": deep}]}).problems
    assert (problem.code, problem.node) == ("too_deep", "rsi")
    assert (problem.field or "").startswith("config.a.a")
