"""What every node type declares, whoever wrote it; and that folders, registry, functions and catalogue agree."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest
from pydantic import BaseModel

from tests.fidelity.market import open_market
from tests.support.examples import example_of
from tradeloom.errors import TradeloomError
from tradeloom.nodes.base import Effect, Emit, Join, Kind, Node, NodeConfig, NodeOutput, Port, Tier
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types
from tradeloom.nodes.utility.delay import DelayPlan
from tradeloom.nodes.utility.loop import LoopPlan

ROOT = Path(__file__).parents[3]
TYPES = dict(node_types())
LIGHT = {
    name: node
    for name, node in TYPES.items()
    if node.category() in {"trigger", "condition", "notify", "utility", "database"}
}
HEAVY = {
    "numpy",
    "pandas",
    "talib",
    "scipy",
    "boto3",
    "botocore",
    "rpyc",
    "psycopg",
    "aws_lambda_powertools",
    "onnxruntime",
}
WIDGETS = {
    "number",
    "text",
    "select",
    "toggle",
    "slider",
    "duration",
    "cron",
    "symbol",
    "expression",
    "key-value",
    "code",
    "credential",
}
BASIC = {
    "trigger.manual",
    "trigger.schedule",
    "notify.dashboard",
    "order.market",
    "order.close",
    "risk.position_size",
    "utility.delay",
    "utility.merge",
    "utility.transform",
}
BASIC_CATEGORIES = {"market", "condition"}
BASIC_INDICATORS = {"ma", "rsi", "macd", "bollinger", "atr"}
PLANS: dict[str, type[NodeOutput]] = {
    "utility.delay": DelayPlan,
    "utility.loop": LoopPlan,
    "utility.for_each": LoopPlan,
}
"""Nodes whose task only prepares what the state machine then does: what `run` gives is not yet the output."""

every_type = pytest.mark.parametrize("node", TYPES.values(), ids=list(TYPES))


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Every field of a model, and of the models inside it that nodes define (trading's facts are documented there)."""
    waiting, seen = [model], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for name, info in current.model_fields.items():
            yield f"{current.__name__}.{name}", info
            waiting.extend(_models_in(info.annotation))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation.__module__.startswith("tradeloom.nodes."):
            yield annotation
        return
    for part in get_args(annotation):
        yield from _models_in(part)


@every_type
class TestDeclarations:
    def test_words(self, node: type[Node]) -> None:
        assert re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", node.type)
        assert 2 <= len(node.title) <= 30
        assert "\n" not in node.description
        assert node.description.endswith(".")
        assert len(node.description) <= 120
        assert len(node.help) >= 100
        assert node.help.strip() == node.help
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", node.icon)
        assert (importlib.import_module(node.__module__).__doc__ or "").startswith(node.type)

    def test_kind_ports_and_limits(self, node: type[Node]) -> None:
        assert isinstance(node.kind, Kind)
        assert isinstance(node.version, int)
        assert node.version >= 1
        assert 1 <= node.timeout_s <= 900
        assert node.default_join in get_args(Join)
        names = [port.name for port in node.ports]
        assert names
        assert len(set(names)) == len(names)
        assert "error" not in names
        assert all(isinstance(port, Port) and port.title for port in node.ports)
        assert all(isinstance(effect, Effect) for effect in node.effects)
        assert node.acts() == bool(node.effects & {Effect.TRADES, Effect.WRITES, Effect.NETWORK, Effect.STARTS})
        assert (node.category() == "trigger") == (node.kind is Kind.TRIGGER)

    def test_tier(self, node: type[Node]) -> None:
        name = node.type.partition(".")[2]
        basic = (
            node.type in BASIC
            or node.category() in BASIC_CATEGORIES
            or (node.category() == "indicator" and name in BASIC_INDICATORS)
        )
        assert node.tier is (Tier.BASIC if basic else Tier.PRO)

    def test_errors(self, node: type[Node]) -> None:
        assert len(set(node.errors)) == len(node.errors)
        assert all(issubclass(error, TradeloomError) for error in node.errors)

    def test_config_fields_explain_themselves(self, node: type[Node]) -> None:
        assert issubclass(node.Config, NodeConfig)
        for name, info in fields_of(node.Config):
            assert info.title, name
            assert info.description, name
            assert info.description.endswith("."), name
            extra = info.json_schema_extra
            assert isinstance(extra, dict), f"{name} is not declared with setting()"
            assert "static" in extra, name
            assert extra.get("widget", "text") in WIDGETS, name

    def test_show_if_names_fields_and_their_values(self, node: type[Node]) -> None:
        properties = node.Config.model_json_schema()["properties"]
        for field in properties.values():
            for other, values in field.get("show_if", {}).items():
                shown_by = properties[other]
                allowed = shown_by.get("enum", [True, False] if shown_by.get("type") == "boolean" else None)
                assert isinstance(values, list)
                assert allowed is None or set(values) <= set(allowed)

    def test_output_fields_explain_themselves(self, node: type[Node]) -> None:
        assert issubclass(node.Output, NodeOutput)
        assert node.Output.model_fields
        for name, info in fields_of(node.Output):
            assert info.description, name

    def test_schemas_are_json_schema(self, node: type[Node]) -> None:
        for schema in (node.Config.model_json_schema(), node.Output.model_json_schema(mode="serialization")):
            assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


@every_type
class TestExample:
    def test_has_a_title_and_known_sources(self, node: type[Node]) -> None:
        assert node.example.title
        assert set(node.example.inputs) <= set(TYPES)

    def test_configures_the_node(self, node: type[Node]) -> None:
        config, _ = example_of(node)
        assert isinstance(config, node.Config)


@pytest.mark.parametrize("node", LIGHT.values(), ids=list(LIGHT))
def test_light_examples_run(node: type[Node]) -> None:
    config, context = example_of(node)
    if Effect.READS_MARKET in node.effects:
        context.brokers = {"paper": open_market("paper", lambda sent: None)}
    emitted = node().run(config, context)
    port, output = (emitted.port, emitted.output) if isinstance(emitted, Emit) else ("main", emitted)
    assert port in {each.name for each in node.ports}
    assert isinstance(output, PLANS.get(node.type, node.Output))
    schema = type(output).model_json_schema(mode="serialization")
    assert jsonschema_rs.validator_for(schema).is_valid(output.model_dump(mode="json"))


class TestFunctions:
    def test_one_file_a_type(self) -> None:
        files = (ROOT / "functions" / "nodes").glob("*/*.py")
        assert {f"{path.parent.name}.{path.stem}" for path in files} == set(TYPES)

    @every_type
    def test_its_name_leads_to_its_handler(self, node: type[Node]) -> None:
        module = handler_module(function_name(node.type))
        assert module == f"functions.nodes.{node.type}"
        assert callable(importlib.import_module(module).handler)

    @every_type
    def test_it_says_which_type_it_serves(self, node: type[Node]) -> None:
        category, _, name = node.type.partition(".")
        text = (ROOT / "functions" / "nodes" / category / f"{name}.py").read_text()
        assert text.startswith(f'"""Lambda function of {node.type}."""')
        assert f"node_handler({node.__name__})" in text or f").{node.__name__})" in text


def _loaded_by(code: str) -> set[str]:
    """Top-level packages in memory after a fresh interpreter ran `code` at the repository's root."""
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(told.stdout.split())


class TestImportBudget:
    def test_light_functions_load_nothing_heavy(self) -> None:
        imports = ", ".join(f"'functions.nodes.{name}'" for name in LIGHT)
        loaded = _loaded_by(f"import importlib; [importlib.import_module(name) for name in ({imports})]")
        assert "tradeloom" in loaded
        assert loaded & HEAVY == set()

    def test_the_registry_loads_nothing_heavy(self) -> None:
        loaded = _loaded_by("from tradeloom.nodes.registry import node_types; node_types()")
        assert "tradeloom" in loaded
        assert loaded & HEAVY == set()
