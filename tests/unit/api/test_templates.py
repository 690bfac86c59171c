"""Templates: each is a sound workflow that says what it risks, and each but the keepers trades on the bundled data."""

from dataclasses import replace

import pytest

from tests.support.template_signals import LEARN, OPEN_NOTHING, SIGNALS, START
from tests.unit.api.conftest import Ask
from tradeloom.api.models.templates import Template
from tradeloom.compiler.compile import compile_workflow
from tradeloom.local.market import bundled_data
from tradeloom.local.places import examples_folder
from tradeloom.local.scouting import find_signal
from tradeloom.local.templates import TemplateFiles

TEMPLATES = {template.id: template for template in TemplateFiles(examples_folder()).all()}
EXAMPLES = {file.stem for file in examples_folder().glob("*.json")}
"""tests/unit/local/test_scouting.py finds where these trade."""


def test_there_are_enough_and_all_examples_are_among_them() -> None:
    assert len(TEMPLATES) >= 12
    assert set(TEMPLATES) >= EXAMPLES
    assert {template.category for template in TEMPLATES.values()} == {
        "trend", "mean_reversion", "breakout", "machine_learning", "risk",
    }  # fmt: skip
    names = [template.name for template in TEMPLATES.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_is_sound_and_says_what_it_risks(template: Template) -> None:
    compiled = compile_workflow(template.document)
    assert compiled.warnings == []
    assert compiled.plan.graph.document.settings.broker_account == "paper"
    assert len(template.risks) >= 2
    assert len(template.guide) >= 3
    assert len(template.idea) > 100
    names = {node.label for node in compiled.plan.graph.document.nodes}
    assert any(name in step.text for step in template.guide for name in names), "the guide names a node to look at"


def test_no_two_nodes_lie_on_each_other() -> None:
    for template in TEMPLATES.values():
        places = [(node["position"]["x"], node["position"]["y"]) for node in template.document["nodes"]]
        for at, (x, y) in enumerate(places):
            assert all(abs(x - left) >= 200 or abs(y - top) >= 100 for left, top in places[:at]), template.id


def test_each_is_run_somewhere() -> None:
    """By the integration tests: the new ones of workflows/test_templates.py, the examples by cli/test_run.py."""
    assert set(TEMPLATES) == EXAMPLES | set(SIGNALS) | OPEN_NOTHING | LEARN


@pytest.mark.parametrize("template_id", SIGNALS)
def test_a_template_trades_on_the_bundled_data(template_id: str) -> None:
    data = replace(bundled_data(), start=START)
    assert find_signal(compile_workflow(TEMPLATES[template_id].document), data) == SIGNALS[template_id]


def test_the_api_lists_them_the_simplest_first(ask: Ask) -> None:
    items = ask("GET", "/templates").json["items"]
    assert {item["id"] for item in items} == set(TEMPLATES)
    levels = [item["level"] for item in items]
    assert levels == sorted(levels, key=["beginner", "intermediate", "advanced"].index)
    assert {item["id"]: item["tier"] for item in items}["turtle_breakout"] == "pro"
    assert {item["id"]: item["tier"] for item in items}["rsi_dip_buyer"] == "basic"


def test_a_template_becomes_a_workflow(ask: Ask) -> None:
    template = ask("GET", "/templates/turtle_breakout").json
    made = ask("POST", "/workflows", template["document"])
    assert made.status == 201
    assert made.json["name"] == template["name"]


def test_an_unknown_template_is_not_found(ask: Ask) -> None:
    assert ask("GET", "/templates/none").status == 404
    assert ask("GET", "/templates/..%2Frsi_dip_buyer").status == 404
