"""The node panel in a real browser: map a field, see its value, the server's own errors, test, pin, draw."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import open_route
from tests.support.local_machine import RunningMachine
from tests.support.workflow_examples import read_example


@pytest.fixture
def workflow(machine: RunningMachine) -> str:
    """An RSI dip buyer of the test's own, so that no draft of another test is in it, once it has run."""
    made = machine.post("/workflows", read_example("rsi_dip_buyer"))
    ran = machine.execute(made["id"], test_mode=True)
    assert ran["status"] == "succeeded", ran
    name: str = made["id"]
    return name


def open_node(page: Page, machine: RunningMachine, workflow: str, name: str) -> Locator:
    open_route(page, machine, f"#/workflows/{workflow}")
    page.locator(".react-flow__node-card").filter(has=page.get_by_text(name, exact=True)).dblclick()
    panel = page.get_by_role("dialog", name=f"Node {name}")
    expect(panel.get_by_role("button", name="Test node")).to_be_visible()
    return panel


def field(panel: Locator, name: str) -> Locator:
    return panel.locator(f'[data-field="{name}"]')


def column(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("region", name=name, exact=True)


def test_a_field_is_dragged_into_a_setting_and_shows_what_it_gives(
    page: Page, machine: RunningMachine, workflow: str
) -> None:
    panel = open_node(page, machine, workflow, "Risk 1 %")
    rsi = column(panel, "Input").get_by_role("button", name="RSI 14")
    rsi.click()
    value = column(panel, "Input").locator('button[title="nodes.rsi.value"]')
    risk = field(panel, "risk_pct")
    value.drag_to(risk)
    expect(risk.get_by_role("textbox", name="Risk", exact=True)).to_have_text("nodes.rsi.value")
    expect(risk.locator("[data-preview]")).to_have_text(re.compile(r"25\.84"))
    # Ten times that is out of bounds, and only the run's data can tell.
    risk.get_by_role("textbox", name="Risk", exact=True).press("End")
    page.keyboard.type(" * 10")
    expect(risk.locator("[data-preview]")).to_have_text(re.compile(r"258\.4"))
    expect(risk).to_contain_text("With the values of the last run")

    # By keyboard: the setting first, then the field.
    risk.get_by_role("button", name="Risk as an expression").click()
    risk.get_by_role("textbox", name="Risk", exact=True).focus()
    value.focus()
    page.keyboard.press("Enter")
    expect(risk.get_by_role("textbox", name="Risk", exact=True)).to_have_text("nodes.rsi.value")


def test_what_is_wrong_is_told_in_the_servers_words_as_it_is_typed(
    page: Page, machine: RunningMachine, workflow: str
) -> None:
    panel = open_node(page, machine, workflow, "RSI 14")
    period = panel.get_by_label("Period", exact=True)
    period.fill("1")
    expect(field(panel, "period")).to_contain_text("Input should be greater than or equal to 2")
    expect(period).to_have_attribute("aria-invalid", "true")
    period.fill("many")
    expect(field(panel, "period")).to_contain_text("Input should be a valid")
    expect(period).to_have_value("many")
    period.fill("9")
    expect(field(panel, "period")).not_to_contain_text("Input should")


def test_an_indicator_is_drawn_anew_as_its_settings_change(page: Page, machine: RunningMachine, workflow: str) -> None:
    panel = open_node(page, machine, workflow, "RSI 14")
    line = panel.locator('[data-line="value"]')
    expect(line).to_be_visible()
    expect(panel.locator("canvas").first).to_be_visible()
    panel.get_by_label("Period", exact=True).fill("14")
    expect(line).to_contain_text("25.84")
    panel.get_by_label("Period", exact=True).fill("5")
    expect(line).not_to_contain_text("25.84")
    drawn = line.inner_text()
    panel.get_by_label("Period", exact=True).fill("1")
    expect(panel).to_contain_text("Drawn with the last settings that were right")
    assert line.inner_text() == drawn


def test_a_node_is_tested_pinned_and_its_pin_taken_off(page: Page, machine: RunningMachine, workflow: str) -> None:
    panel = open_node(page, machine, workflow, "Oversold?")
    output = column(panel, "Output")
    panel.get_by_role("button", name="Test node").click()
    expect(output).to_contain_text("Test")
    expect(output).to_contain_text("the expression holds")

    output.get_by_role("button", name="Pin this output").click()
    expect(output).to_contain_text("Test runs use this output in place of running the node")
    (pin,) = pins(machine, workflow)
    assert (pin["node"], pin["port"], pin["output"]["result"]) == ("dip", "true", True)

    output.get_by_role("button", name="Take the pin off").click()
    expect(output.get_by_role("button", name="Pin this output")).to_be_visible()
    assert pins(machine, workflow) == []


def pins(machine: RunningMachine, workflow: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = machine.get(f"/workflows/{workflow}/pins")["items"]
    return items
