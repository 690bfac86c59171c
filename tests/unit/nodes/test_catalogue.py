import json

import pytest

from tradeloom.errors import NotFound
from tradeloom.nodes.catalogue import describe, palette
from tradeloom.nodes.registry import node_types


def test_the_palette_is_short_and_complete() -> None:
    entries = palette()
    assert [entry["type"] for entry in entries] == list(node_types())
    assert all("config_schema" not in entry and "help" not in entry for entry in entries)
    assert len(json.dumps(entries)) < 1_000 * len(entries)


@pytest.mark.parametrize("name", list(node_types()))
def test_everything_is_plain_json(name: str) -> None:
    told = describe(name)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    short = next(entry for entry in palette() if entry["type"] == name)
    assert short.items() <= told.items()
    for part in (told["config_schema"], *told["config_schema"].get("$defs", {}).values()):
        assert part.get("order", []) == list(part.get("properties", {}))
        assert all("widget" in field for field in part.get("properties", {}).values())
        folded = {name for name, field in part.get("properties", {}).items() if "advanced" in field}
        assert not folded & set(part.get("required", [])), "a simple form would hide what must be filled in"


def test_what_a_form_needs() -> None:
    told = describe("condition.if")
    assert [port["name"] for port in told["ports"]] == ["true", "false", "error"]
    assert told["config_schema"]["order"][:3] == ["a", "operator", "b"]
    properties = told["config_schema"]["properties"]
    assert properties["a_previous"]["show_if"] == {"operator": ["crosses_above", "crosses_below"]}
    assert properties["operator"]["widget"] == "select"
    assert describe("condition.range")["config_schema"]["properties"]["value"]["input"] is True
    assert describe("utility.delay")["config_schema"]["properties"]["seconds"]["unit"] == "s"
    http = describe("utility.http")["config_schema"]["properties"]
    assert http["redirects"]["advanced"] is True
    assert "advanced" not in http["url"]
    transform = describe("utility.transform")["config_schema"]
    assert transform["properties"]["rules"]["widget"] == "list"
    assert transform["$defs"]["SetRule"]["order"] == ["op", "path", "value"]


def test_errors_say_whether_trying_again_helps() -> None:
    errors = {error["name"]: error["retryable"] for error in describe("notify.dashboard")["errors"]}
    assert errors == {"ExecutionStopped": False, "StorageUnavailable": True}


def test_answers_are_the_callers_own() -> None:
    describe("condition.if")["config_schema"]["properties"].clear()
    assert describe("condition.if")["config_schema"]["properties"]


def test_an_unknown_type() -> None:
    with pytest.raises(NotFound) as caught:
        describe("condition.iff")
    assert caught.value.hint == "Did you mean condition.if?"
    with pytest.raises(NotFound):
        describe("nothing.like_it")
