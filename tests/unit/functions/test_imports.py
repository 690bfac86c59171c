"""What the function of a light node loads: Lambda charges a cold start for each module, and shows the user its wait.

The time itself is measured by `tests/bench/bench_lambda.py`; here stands why it cannot grow unseen.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.nodes.registry import node_types

ROOT = Path(__file__).parents[3]
LIGHT = [
    name for name in node_types() if name.partition(".")[0] in {"trigger", "condition", "notify", "utility", "database"}
]

PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
"""The only distributions a light function loads; Powertools comes with the first log record."""

OURS = {"errors", "expressions", "nodes", "runtime", "workflow"}
"""Our packages that it loads parts of."""

READING = {"tradeloom.trading", "tradeloom.trading.bars", "tradeloom.trading.timeframes"}
"""What a light node that names bars loads besides."""

ANY_CATEGORYS = {"base", "naming", "references", "values", "variables", "sub_workflows", "tenant_database"}
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

REPORT = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module(sys.argv[2])
print(json.dumps(sorted(sys.modules.keys() - {"__main__"})))
"""


@cache
def loaded_by(node_type: str) -> frozenset[str]:
    """Full names of the modules in a fresh interpreter that has loaded the node's function, and nothing else."""
    module = handler_module(function_name(node_type))
    done = subprocess.run([sys.executable, "-I", "-c", REPORT, str(ROOT), module], capture_output=True, check=True)
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("node_type", LIGHT)
class TestLightFunctions:
    def test_load_no_distribution_but_pydantic(self, node_type: str) -> None:
        top = {name.partition(".")[0] for name in loaded_by(node_type)}
        foreign = {name for name in top - sys.stdlib_module_names if not name.startswith(("_sysconfigdata", "__"))}
        assert foreign - {"functions", "tradeloom"} == PYDANTIC

    def test_load_nothing_slow_of_python(self, node_type: str) -> None:
        assert not loaded_by(node_type) & SLOW

    def test_load_of_ours_only_what_running_takes(self, node_type: str) -> None:
        ours = {name for name in loaded_by(node_type) if name.startswith("tradeloom.")}
        assert {name.split(".")[1] for name in ours - READING} == OURS
        assert not ours & AT_SAVE_TIME
        nodes = {name.split(".")[2] for name in ours if name.startswith("tradeloom.nodes.")}
        assert nodes - ANY_CATEGORYS == {node_type.partition(".")[0]}
