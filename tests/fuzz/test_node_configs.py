"""Every node type's configuration, as its schema allows it and as it does not: an output or a typed error, never more.

Values come from the schema itself (hypothesis-jsonschema) and from mutations of the example: other types, numbers out
of bounds, not finite or huge, odd text, missing and extra fields, broken expressions. Each configuration is judged as
when a workflow is saved, and is run through the node's handler whatever that judgement was.
"""

import copy
import importlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from tests.fidelity import services
from tests.fidelity.cases import Case, case_of
from tests.support.exam import record, sized
from tradeloom.compiler.validate import validate
from tradeloom.errors import InvalidInput, TradeloomError
from tradeloom.nodes.base import Kind, Node
from tradeloom.nodes.catalogue import describe
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.envelope import NodeRecord
from tradeloom.runtime.observability import set_sink
from tradeloom.runtime.services import VARIABLE, current
from tradeloom.storage.blobs import FileBlobs
from tradeloom.workflow.document import Workflow

EXAMPLES_EACH = sized(5, 400)

ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.1, -0.0, 2**31, 2**53, 2**63, 10**400, 1e308, -1e308, 5e-324),
    *(math.nan, math.inf, -math.inf),
    *("", " ", "EURUSD", "x" * 5_000, "日本語", "\ud800", "\x00", "\u202eevil", "1e999", "NaN", "../../etc/passwd"),
    *("=", "= 1 +", "= 1/0", "= nodes.ghost.value", "= null", "= [1, 2]", "= 1e308 * 10.0", "= now()", "= {}"),
    *("{{", "{{ 1 }}", "{{ null }}", "{{ nodes.ghost }}", "\\= plain", "= " + "(" * 40 + "1" + ")" * 40),
    *([], [[]], [None], {}, {"a": {"b": []}}, [1] * 2_000, {"k" * 300: "v"}),
]


def mutations(example: Mapping[str, Any], fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """The example with some places changed, taken away or added."""
    change = st.tuples(
        st.sampled_from(["put", "put", "put", "drop", "extra", "inside"]),
        st.sampled_from(fields or ["x"]),
        st.sampled_from(ODD),
    )
    return st.lists(change, min_size=1, max_size=3).map(lambda changes: _changed(example, changes))


def _changed(example: Mapping[str, Any], changes: list[tuple[str, str, Any]]) -> dict[str, Any]:
    made = copy.deepcopy(dict(example))
    for how, field, value in changes:
        match how:
            case "drop":
                made.pop(field, None)
            case "extra":
                made[f"{field}_more"] = value
            case "inside" if isinstance(made.get(field), dict | list) and made[field]:
                inner = made[field]
                inner[next(iter(inner)) if isinstance(inner, dict) else 0] = value
            case _:
                made[field] = value
    return made


def _plain(schema: Any) -> Any:
    """A schema as the generator takes it: without our own marks, and with lists kept short."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    own = {"order", "widget", "static", "unit", "input", "show_if", "names", "examples", "discriminator", "default"}
    made = {key: _plain(value) for key, value in schema.items() if key not in own or key == "properties"}
    if "properties" in schema:
        made["properties"] = {name: _plain(field) for name, field in schema["properties"].items()}
    if made.get("type") == "array":
        made["maxItems"] = min(made.get("maxItems", 5), max(5, made.get("minItems", 0)))
    return made


def configs(node: type[Node]) -> st.SearchStrategy[dict[str, Any]]:
    schema = describe(node.type)["config_schema"]
    mutated = mutations(node.example.config, list(schema.get("properties", {})))
    return st.one_of(from_schema(_plain(schema)), mutated, mutated)


class _Bench:
    """A node's example as a workflow, with other configurations put in its place."""

    def __init__(self, node: type[Node], folder: Path) -> None:
        self.node = node
        self.case: Case = case_of(node.type)
        self.id = self.case.event["node"]
        self.document = self.case.compiled.artefact["document"]
        self._blobs = FileBlobs(folder)
        self._count = 0
        self.handler = importlib.import_module(handler_module(function_name(node.type))).handler

    def with_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(self.document)
        next(each for each in made["nodes"] if each["id"] == self.id)["config"] = dict(config)
        return made

    def outcome(
        self, document: Mapping[str, Any], payload: Mapping[str, Any] | None = None
    ) -> tuple[Any, TradeloomError | None]:
        """What the handler gave, or the typed error it raised; any other exception is a fault."""
        try:
            return self._run(document, payload), None
        except TradeloomError as error:
            return None, error

    def _run(self, document: Mapping[str, Any], payload: Mapping[str, Any] | None) -> Any:
        self._count += 1
        version = f"fuzz-{self.node.type}-{self._count}"
        artefact = {
            **self.case.compiled.artefact,
            "document": Workflow.model_validate(document).model_dump(mode="json"),
        }
        self._blobs.put_artefact(version, artefact)
        event = copy.deepcopy(self.case.event)
        event["run"] |= {"version": version, "execution_id": f"fuzz-{self._count}"}
        if payload is not None:
            event["run"]["payload"] = payload
        return self.handler(event, None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(VARIABLE, f"{services.__name__}:services")
    monkeypatch.setenv(services.FOLDER, str(tmp_path))
    current.cache_clear()
    set_sink(lambda record: None)
    yield tmp_path
    set_sink(None)
    current.cache_clear()


def _judge(bench: _Bench, config: Mapping[str, Any]) -> None:
    document = bench.with_config(config)
    _, problems = validate(document)
    for problem in problems:
        assert problem.node is not None or problem.field is not None, problem
    try:
        Workflow.model_validate(document)
    except ValueError:
        assert problems, "a document that cannot be read has no problems"
        return
    answer, error = bench.outcome(document)
    if error is not None:
        assert error.node == bench.id
        assert error.message
        if isinstance(error, InvalidInput):
            assert error.field is not None or error.hint is not None, repr(error)
        return
    record = NodeRecord.model_validate(answer)
    assert record.state == "succeeded"
    assert record.port in {port.name for port in bench.node.ports}
    json.dumps(answer, allow_nan=False)


@pytest.mark.exam(suite="configurations of every node")
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("node_type", list(node_types()))
def test_every_configuration_gets_an_answer(node_type: str, folder: Path) -> None:
    node = node_types()[node_type]
    bench = _Bench(node, folder)

    @seed(20_261_125)
    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=timedelta(seconds=20),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(config=configs(node))
    def every(config: dict[str, Any]) -> None:
        _judge(bench, config)

    every()
    record("configurations of every node", node_types=len(node_types()), each=EXAMPLES_EACH)


TRIGGERS = [name for name, node in node_types().items() if node.kind is Kind.TRIGGER]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(allow_nan=False), st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=8,
)


@pytest.mark.parametrize("node_type", TRIGGERS)
def test_a_trigger_answers_every_payload(node_type: str, folder: Path) -> None:
    node = node_types()[node_type]
    bench = _Bench(node, folder)
    known = [*node.Output.model_fields, "scheduled_at", "event", "body", "headers"]

    @seed(20_261_125)
    @settings(max_examples=sized(30, 2_000), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(payload=st.dictionaries(st.one_of(st.sampled_from(known), st.text(max_size=10)), JSON, max_size=6))
    def every(payload: dict[str, Any]) -> None:
        answer, error = bench.outcome(bench.document, payload)
        if error is not None:
            assert error.node == bench.id
        else:
            assert NodeRecord.model_validate(answer).state == "succeeded"

    every()
