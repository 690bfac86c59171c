"""What a paused node is about to get, and edits of it by path."""

from typing import Any

import pytest

from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import InvalidDocument, InvalidInput
from tradeloom.local.carrying import made_record
from tradeloom.local.inspecting import Edits, Inspector, edits_of
from tradeloom.storage.memory.blobs import MemoryBlobs

DOCUMENT: dict[str, Any] = {
    "name": "Seen",
    "nodes": [
        {"id": "start", "type": "trigger.manual"},
        {"id": "price", "type": "market.live_price", "config": {"symbol": "EURUSD"}},
        {"id": "check", "type": "condition.if", "config": {"a": "= nodes.price.bid", "operator": "<", "b": 2}},
    ],
    "connections": [{"source": "start", "target": "price"}, {"source": "price", "target": "check"}],
}
PRICE: dict[str, Any] = {"bid": 2.5, "ask": 2.6, "deep": {"list": [1, {"x": 2}]}}


class Scene:
    def __init__(self, record: dict[str, Any] | None = None, config: dict[str, Any] | None = None) -> None:
        self.blobs = MemoryBlobs()
        compiled = compile_workflow(DOCUMENT)
        self.artefact = compiled.artefact
        if config is not None:
            self.artefact["document"]["nodes"][2]["config"] = config
        run = {
            "execution_id": "e1",
            "workflow_id": "w1",
            "version": compiled.version,
            "trigger": "start",
            "as_of": "2026-11-26T00:00:00Z",
            "started_at": "2026-11-26T00:00:00Z",
            "account": "paper-test",
            "test_mode": True,
        }
        given = record or {"state": "succeeded", "port": "main", "output": PRICE}
        self.payload: dict[str, Any] = {"run": run, "node": "check", "inputs": {"price": given}}

    @property
    def inspector(self) -> Inspector:
        return Inspector(self.blobs, self.artefact, self.payload)

    def edited(self, **values: Any) -> Edits:
        return self.inspector.edited(Edits(), {path.replace("__", "."): value for path, value in values.items()})


def settings(scene: Scene) -> dict[str, Any]:
    return {each.field: each.value for each in scene.inspector.config()}


def test_it_shows_inputs_and_every_setting_with_its_value() -> None:
    scene = Scene()
    assert scene.inspector.inputs()["price"].output == PRICE
    (a,) = [each for each in scene.inspector.config() if each.field == "a"]
    assert (a.written, a.value, a.error) == ("= nodes.price.bid", 2.5, None)
    assert settings(scene)["operator"] == "<"


def test_a_large_output_is_fetched() -> None:
    blobs = MemoryBlobs()
    record = made_record(blobs, {"bid": 1.5, "text": "x" * 20_000})
    scene = Scene(record)
    scene.blobs = blobs
    assert "$claim" in record["output"]
    assert scene.inspector.inputs()["price"].output["bid"] == 1.5
    assert settings(scene)["a"] == 1.5
    edits = scene.inspector.edited(Edits(), {"nodes.price.bid": 3})
    scene.payload["inputs"] |= edits.inputs
    assert scene.inspector.inputs()["price"].output == {"bid": 3, "text": "x" * 20_000}


def test_a_setting_without_a_value_says_why() -> None:
    scene = Scene({"state": "succeeded", "port": "main", "output": {"ask": 1}})
    (a,) = [each for each in scene.inspector.config() if each.field == "a"]
    assert a.value is None
    assert "bid" in str(a.error)


def test_values_are_set_by_path_and_nothing_else_changes() -> None:
    made = Scene().edited(nodes__price__deep__list__1__x=7).inputs["price"]
    assert made == {
        "state": "succeeded",
        "port": "main",
        "output": {"bid": 2.5, "ask": 2.6, "deep": {"list": [1, {"x": 7}]}},
    }
    assert PRICE["deep"] == {"list": [1, {"x": 2}]}
    whole = Scene().edited(inputs__price={"bid": 1}).inputs["price"]
    assert whole["output"] == {"bid": 1}
    assert Scene().edited(nodes__price__fresh=1).inputs["price"]["output"]["fresh"] == 1


def test_edits_add_up_and_read_back_as_they_were_kept() -> None:
    inspector = Scene().inspector
    first = inspector.edited(Edits(), {"nodes.price.bid": 1})
    both = inspector.edited(edits_of(inspector.as_json(first)), {"nodes.price.ask": 9, "config.b": 5})
    assert both.inputs["price"]["output"] | {"deep": None} == {"bid": 1, "ask": 9, "deep": None}
    assert both.told == {"nodes.price.bid": 1, "nodes.price.ask": 9, "config.b": 5}
    assert edits_of(inspector.as_json(both)) == both


def test_a_changed_setting_becomes_a_version_for_this_node_only() -> None:
    scene = Scene()
    kept = scene.inspector.as_json(scene.edited(config__b=5))
    patched: dict[str, Any] = scene.blobs.artefact(kept["version"])
    assert [node["config"].get("b") for node in patched["document"]["nodes"]] == [None, None, 5]
    assert kept["version"] != scene.payload["run"]["version"]
    assert kept["version"] == scene.inspector.as_json(scene.edited(config__b=5))["version"]
    assert patched["warmup"] == scene.artefact["warmup"]


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("price.bid", "nothing that can be set"),
        ("nodes", "nothing that can be set"),
        ("item", "nothing that can be set"),
        ("nodes.start.x", "does not look at 'start'"),
        ("nodes.price.deep.list.5", "nothing at '5'"),
        ("nodes.price.deep.list.-1", "nothing at '-1'"),
        ("nodes.price.bid.x.y", "nothing at 'x'"),
        ("nodes..bid", "no path"),
        ("", "no path"),
        (".".join(["nodes", "price"] + ["x"] * 50), "no path"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, match: str) -> None:
    with pytest.raises(InvalidInput, match=match) as caught:
        Scene().inspector.edited(Edits(), {path: 1})
    assert caught.value.field == "values"


@pytest.mark.parametrize("state", ["skipped", "failed", "pending"])
def test_a_node_that_gave_nothing_has_nothing_to_set(state: str) -> None:
    with pytest.raises(InvalidInput, match=state):
        Scene({"state": state, "port": None, "output": None}).edited(nodes__price__bid=1)


def test_settings_are_held_to_what_saving_holds_them_to() -> None:
    for values in ({"config__operator": "~"}, {"config__a": "= nodes.nowhere.x"}, {"config__a": "= 1 +"}):
        with pytest.raises(InvalidDocument):
            Scene().edited(**values)
    with pytest.raises(InvalidInput, match="given nothing of 'start'"):
        Scene().edited(config__a="= nodes.start.timestamp", config__expression=None)
