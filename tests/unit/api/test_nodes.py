"""The node routes: palette, schemas, tests of one node."""

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fakes import FakeNodeTests
from tradeloom.api.models.executions import Failure
from tradeloom.api.models.nodes import NodeTestResult
from tradeloom.api.ports import Ports
from tradeloom.errors import BrokerUnavailable
from tradeloom.nodes.registry import node_types


def test_the_palette_has_every_node_type(ask: Ask) -> None:
    shown = {item["type"]: item for item in ask("GET", "/nodes/types").json["items"]}
    assert list(shown) == sorted(node_types())
    assert shown["condition.if"]["ports"] == [
        {"name": "true", "title": "True"},
        {"name": "false", "title": "False"},
        {"name": "error", "title": "Error"},
    ]
    assert shown["order.market"]["effects"] == ["reads_market", "trades"]


@pytest.mark.parametrize("name", sorted(node_types()))
def test_every_type_has_schemas_an_example_and_help(ask: Ask, name: str) -> None:
    answer = ask("GET", f"/nodes/{name}/schema")
    assert answer.status == 200
    assert answer.json["type"] == name
    assert answer.json["config_schema"]["type"] == "object"
    assert answer.json["output_schema"]["type"] == "object"
    assert answer.json["help"]
    assert answer.json["example"]["title"]


def test_an_unknown_type_is_not_found_and_the_nearest_is_named(ask: Ask) -> None:
    answer = ask("GET", "/nodes/indicator.rsj/schema")
    assert answer.status == 404
    assert "indicator.rsi" in answer.error["hint"]


def test_a_nodes_test_gives_what_the_node_gave(ask: Ask, ports: Ports) -> None:
    asked = {"type": "condition.if", "config": {"a": 1, "operator": "<", "b": 2}, "inputs": {"x": {"value": 1}}}
    answer = ask("POST", "/nodes/test", asked)
    assert (answer.status, answer.json["state"], answer.json["port"]) == (200, "succeeded", "true")
    assert isinstance(ports.node_tests, FakeNodeTests)
    assert ports.node_tests.asked[0].inputs == {"x": {"value": 1}}


def test_a_node_that_fails_is_a_result(ask: Ask, ports: Ports) -> None:
    assert isinstance(ports.node_tests, FakeNodeTests)
    failure = Failure(name="NotANumber", message="the value is no number", node="test")
    ports.node_tests.answer = NodeTestResult(state="failed", error=failure, duration_ms=1)
    answer = ask("POST", "/nodes/test", {"type": "condition.if"})
    assert (answer.status, answer.json["error"]["name"]) == (200, "NotANumber")


def test_what_fails_around_the_node_is_an_error(ask: Ask, ports: Ports) -> None:
    assert isinstance(ports.node_tests, FakeNodeTests)
    ports.node_tests.answer = BrokerUnavailable("no bridge is running", hint="start it")
    answer = ask("POST", "/nodes/test", {"type": "condition.if"})
    assert (answer.status, answer.error["name"], answer.error["hint"]) == (503, "BrokerUnavailable", "start it")


def test_a_test_without_a_type_is_refused(ask: Ask) -> None:
    answer = ask("POST", "/nodes/test", {"config": {}})
    assert (answer.status, answer.error["field"]) == (422, "type")
