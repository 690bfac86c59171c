"""A handler from payload to record: names, configuration, claims, and errors that say where."""

import json
from typing import Any

import pytest

from tests.support.documents import document, node
from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import (
    AmbiguousInput,
    ExpressionError,
    MissingInput,
    NodeConfigError,
    NotFound,
    StorageUnavailable,
)
from tradeloom.nodes.registry import node_types
from tradeloom.runtime import handler as handler_module
from tradeloom.runtime.claims import OutputNotKept
from tradeloom.runtime.handler import node_handler
from tradeloom.runtime.services import Notification


class Memory:
    """Services that keep everything in this process."""

    def __init__(self) -> None:
        self.artefacts: dict[str, dict[str, Any]] = {}
        self.blobs: dict[str, bytes] = {}
        self.notifications: list[Notification] = []

    def artefact(self, version: str) -> dict[str, Any]:
        if version not in self.artefacts:
            raise NotFound(f"There is no version {version}.")
        return self.artefacts[version]

    def store_blob(self, content: bytes) -> str:
        key = f"{len(self.blobs):064x}"
        self.blobs[key] = content
        return key

    def load_blob(self, sha256: str) -> bytes:
        return self.blobs[sha256]

    def notify(self, notification: Notification) -> None:
        self.notifications.append(notification)

    def _nowhere(self, *asked: Any) -> Any:
        raise AssertionError("nothing outside is to be reached here")

    broker = credential = variables = http = mail = database = sub_workflows = _nowhere

    def may_act(self, run: Any, node: str) -> None:
        pass


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made = Memory()
    monkeypatch.setattr(handler_module, "current", lambda: made)
    return made


def run(services: Memory, value: dict[str, Any], node_id: str, **task: Any) -> dict[str, Any]:
    compiled = compile_workflow(value)
    services.artefacts[compiled.version] = compiled.artefact
    drawn = compiled.plan.graph.nodes[node_id]
    facts = {
        "execution_id": "e1",
        "workflow_id": "w1",
        "version": compiled.version,
        "trigger": "t",
        "as_of": "2026-01-05T09:00:00Z",
        "started_at": "2026-01-05T09:00:01Z",
        "account": "paper",
    }
    event = json.loads(json.dumps({"run": facts, "node": node_id, "inputs": {}} | task))
    return node_handler(node_types()[drawn.type])(event, None)


def gave(output: Any, port: str = "main") -> dict[str, Any]:
    return {"state": "succeeded", "port": port, "output": output}


SKIPPED = {"state": "skipped", "port": None, "output": None}


def two_branches(message: str, **parts: Any) -> dict[str, Any]:
    made = [
        node("t"),
        node("a", "utility.merge", name="First"),
        node("b", "utility.merge"),
        node("tell", "notify.dashboard", config={"title": "x", "message": message}, **parts),
    ]
    return document(made, "t > a", "t > b", "a > tell", "b > tell")


def test_expressions_see_ancestors_and_the_trigger(services: Memory) -> None:
    value = two_branches("{{ nodes.a.count }} of {{ inputs.b.count }} for {{ trigger.user_id }}")
    inputs = {"a": gave({"count": 2}), "b": gave({"count": 3}), "t": gave({"user_id": "ann"})}
    record = run(services, value, "tell", inputs=inputs)
    assert (record["state"], record["port"]) == ("succeeded", "main")
    assert services.notifications[0].message == "2 of 3 for ann"


def test_the_only_live_input_is_input(services: Memory) -> None:
    value = two_branches("{{ input.count }}")
    run(services, value, "tell", inputs={"a": SKIPPED, "b": gave({"count": 7})})
    assert services.notifications[0].message == "7"


def test_several_live_inputs_are_ambiguous(services: Memory) -> None:
    with pytest.raises(AmbiguousInput, match=r"config\.message.*a, b") as raised:
        run(services, two_branches("{{ input.count }}"), "tell", inputs={"a": gave({}), "b": gave({})})
    assert raised.value.node == "tell"


def test_a_node_that_did_not_run_is_a_typed_error_and_has_can_ask(services: Memory) -> None:
    inputs = {"a": SKIPPED, "b": gave({"count": 1})}
    with pytest.raises(MissingInput, match="'First' did not run"):
        run(services, two_branches("{{ nodes.a.count }}"), "tell", inputs=inputs)
    run(services, two_branches("{{ has(nodes.a.count) ? 'yes' : 'no' }}"), "tell", inputs=inputs)
    assert services.notifications[0].message == "no"


def test_a_failed_ancestor_tells_its_error(services: Memory) -> None:
    value = two_branches("{{ nodes.a.error.name }}: {{ nodes.a.error.message }}")
    value["nodes"][1]["on_error"] = "route"
    value["connections"][2]["source_port"] = "error"
    cause = json.dumps({"errorMessage": "too old", "errorType": "StalePrice"})
    failed = {
        "state": "failed",
        "port": "error",
        "output": {"error": {"name": "StalePrice", "cause": cause, "node": "a"}},
    }
    run(services, value, "tell", inputs={"a": failed, "b": gave({"count": 1})})
    assert services.notifications[0].message == "StalePrice: too old"


def test_large_outputs_travel_as_claims(services: Memory) -> None:
    rules = [{"op": "set", "path": "text", "value": "x" * 20_000}]
    value = document(
        [
            node("t"),
            node("big", "utility.transform", config={"rules": rules}),
            node("tell", "notify.dashboard", config={"title": "x", "message": "{{ size(nodes.big.object.text) }}"}),
        ],
        "t > big",
        "big > tell",
    )
    record = run(services, value, "big", inputs={"t": gave({})})
    assert record["output"]["$claim"]["bytes"] > 20_000
    run(services, value, "tell", inputs={"big": record})
    assert services.notifications[0].message == "20000"


def test_values_that_do_not_fit_name_the_field(services: Memory) -> None:
    value = two_branches("{{ 1 / 0 }}")
    with pytest.raises(ExpressionError, match=r"^config\.message: "):
        run(services, value, "tell", inputs={"a": gave({}), "b": SKIPPED})
    value = two_branches("x")
    value["nodes"][3]["config"]["type"] = "= trigger.payload.level"
    inputs = {"t": gave({"payload": {"level": "loud"}}), "a": gave({}), "b": SKIPPED}
    with pytest.raises(NodeConfigError, match="type"):
        run(services, value, "tell", inputs=inputs)


def test_payloads_that_are_none(services: Memory) -> None:
    handler = node_handler(node_types()["utility.merge"])
    with pytest.raises(NodeConfigError, match="run"):
        handler({"node": "a"}, None)


def test_loop_bodies_see_item_and_index(services: Memory) -> None:
    value = document(
        [
            node("t"),
            node("rep", "utility.loop", config={"over": "list", "items": ["EURUSD"]}),
            node(
                "tell",
                "notify.dashboard",
                parent="rep",
                config={"title": "x", "message": "{{ index }} {{ input.item }}"},
            ),
        ],
        "t > rep",
    )
    run(services, value, "tell", iteration=[4], item="EURUSD", index=4)
    assert services.notifications[0].message == "4 EURUSD"


def test_what_was_done_and_cannot_be_kept_is_not_done_again(services: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acting node is tried again after `StorageUnavailable`, which says that it did nothing."""

    def full(*_output: Any, **_how: Any) -> Any:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(handler_module, "check_in", full)
    nodes = [node("t"), node("say", "notify.dashboard", config={"title": "a", "message": "b"})]
    with pytest.raises(OutputNotKept, match="disk is full"):
        run(services, document(nodes, "t > say"), "say")
    assert len(services.notifications) == 1
    pure = [node("t"), node("x", "utility.merge")]
    with pytest.raises(StorageUnavailable):
        run(services, document(pure, "t > x"), "x", inputs={"t": gave({"a": 1})})
