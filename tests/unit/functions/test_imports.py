"""What a node's function loads before it is called: Lambda charges each module, and its user waits for it.

The time itself is measured by `tests/bench/bench_lambda.py`; here stands why it cannot grow unseen.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.support.light import light_types
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types

ROOT = Path(__file__).parents[3]
PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
"""The only distributions a function loads before it is called; Powertools comes with the first log record."""

OURS = {"errors", "expressions", "json_text", "nodes", "runtime", "stopping", "workflow"}
"""Our packages that it loads parts of."""

MARKET_WORDS = {f"tradeloom.trading{part}" for part in ("", ".bars", ".exact", ".ticks", ".timeframes")}
"""What a light node that speaks of bars or prices loads besides."""

ANY_CATEGORYS = {
    "base",
    "naming",
    "references",
    "values",
    "variables",
    "sub_workflows",
    "tenant_database",
    "trading_days",
}
"""Parts of our node package that are no category."""

AT_SAVE_TIME = {
    "tradeloom.expressions.checking",
    "tradeloom.expressions.json_schema",
    "tradeloom.expressions.printer",
    "tradeloom.nodes.catalogue",
    "tradeloom.nodes.registry",
    "tradeloom.workflow.problems",
    "tradeloom.workflow.reading",
    "tradeloom.workflow.structure",
}
SLOW = {"asyncio", "concurrent", "http", "logging", "multiprocessing", "socket", "ssl", "subprocess", "xml"}
"""Python's own that takes long to load."""

EACH = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module("tradeloom.runtime.handler")
for name in sys.argv[2:]:
    if os.fork() == 0:
        importlib.import_module(name)
        print(json.dumps([name, sorted(sys.modules.keys() - {"__main__"})]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, name
"""
"""Every function imports the handler first: each is loaded by a copy of one interpreter that has loaded only that."""


@cache
def loaded() -> dict[str, frozenset[str]]:
    """Full names of the modules in an interpreter that has loaded a function and nothing else, by the function's."""
    modules = [handler_module(function_name(node_type)) for node_type in node_types()]
    done = subprocess.run([sys.executable, "-I", "-c", EACH, str(ROOT), *modules], capture_output=True, check=True)
    return {module: frozenset(found) for module, found in map(json.loads, done.stdout.splitlines())}


def loaded_by(node_type: str) -> frozenset[str]:
    return loaded()[handler_module(function_name(node_type))]


def test_every_function_loads_the_handler_itself() -> None:
    """Else `loaded` would tell of modules that a function does not load."""
    imports = "from tradeloom.runtime.handler import node_handler"
    files = {path for path in (ROOT / "functions" / "nodes").glob("*/*.py") if path.stem != "__init__"}
    assert len(files) == len(node_types())
    assert not {path.name for path in files if imports not in path.read_text().splitlines()}


def test_the_light_nodes_are_those_without_a_broker_and_the_triggers() -> None:
    light = set(light_types())
    categories = {"trigger", "condition", "notify", "utility", "database"}
    assert light >= {name for name in node_types() if name.partition(".")[0] in categories}
    assert light >= {"market.session", "risk.reward", "ml.sentiment"}
    assert not light & {"order.market", "market.history", "indicator.rsi", "risk.limits", "ml.predict"}


@pytest.mark.parametrize("node_type", node_types())
class TestEveryFunction:
    """Bars are columns of numpy, brokers are spoken to by rpyc, models run in onnxruntime: all from inside `run`."""

    def test_loads_no_distribution_but_pydantic(self, node_type: str) -> None:
        top = {name.partition(".")[0] for name in loaded_by(node_type)}
        foreign = {name for name in top - sys.stdlib_module_names if not name.startswith(("_sysconfigdata", "__"))}
        assert foreign - {"functions", "tradeloom"} == PYDANTIC

    def test_loads_nothing_slow_of_python(self, node_type: str) -> None:
        assert not loaded_by(node_type) & SLOW

    def test_loads_nothing_that_is_for_saving(self, node_type: str) -> None:
        assert not loaded_by(node_type) & AT_SAVE_TIME


@pytest.mark.parametrize("node_type", light_types())
def test_a_light_function_loads_of_ours_only_what_running_takes(node_type: str) -> None:
    ours = {name for name in loaded_by(node_type) if name.startswith("tradeloom.")}
    assert {name.split(".")[1] for name in ours - MARKET_WORDS} == OURS
    nodes = {name.split(".")[2] for name in ours if name.startswith("tradeloom.nodes.")}
    assert nodes - ANY_CATEGORYS == {node_type.partition(".")[0]}
