"""The library in a browser: workflows, templates, versions, help, and the tour that ends with one's own run."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.eventually import eventually
from tests.support.local_machine import RunningMachine
from tests.support.workflow_examples import read_example


def _open(page: Page, machine: RunningMachine, route: str) -> None:
    page.goto(machine.served.page)
    page.goto(f"{machine.served.address}#{route}")


def _named(machine: RunningMachine, name: str) -> list[dict[str, Any]]:
    return [item for item in machine.get("/workflows")["items"] if item["name"] == name]


def test_a_template_becomes_a_workflow_that_runs_and_stands_in_the_list(page: Page, machine: RunningMachine) -> None:
    _open(page, machine, "/templates")
    cards = page.get_by_role("listitem").filter(has=page.get_by_role("img"))
    expect(cards).to_have_count(len(machine.get("/templates")["items"]))
    page.get_by_role("searchbox", name="Search templates").fill("donchian both ways")
    expect(cards).to_have_count(1)
    page.get_by_role("link", name="Turtle breakout").click()
    expect(page.get_by_text("Two of three breakouts fail")).to_be_visible()
    expect(page.locator(".react-flow__node").first).to_be_visible()
    page.get_by_label("Name of your workflow").fill("My turtle")
    page.get_by_role("button", name="Create workflow").click()
    guide = page.get_by_role("complementary", name="Guide to Turtle breakout")
    expect(guide).to_contain_text("Watch it once")
    guide.get_by_role("checkbox").first.check()
    guide.get_by_role("button", name="Close the guide").click()
    expect(guide).to_be_hidden()

    page.goto(f"{machine.served.address}#/workflows")
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="My turtle"))
    expect(row).to_contain_text("Never run")
    expect(row).to_contain_text("#breakout")
    page.get_by_role("button", name="Run My turtle").click()
    expect(page).to_have_url(re.compile("#/executions/"))
    page.goto(f"{machine.served.address}#/workflows")
    expect(row.get_by_text("Succeeded")).to_be_visible()

    page.get_by_role("button", name=re.compile("^#trend")).click()
    expect(row).to_be_visible()
    page.get_by_role("searchbox", name="Search workflows").fill("nothing like it")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear search and filters").click()
    switch = page.get_by_role("switch", name="My turtle active")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(row).to_contain_text("Aug 3")  # the next fire, in market time
    assert _named(machine, "My turtle")[0]["active"]
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")


def test_an_export_comes_back_as_it_was_and_a_deletion_can_be_taken_back(
    page: Page, machine: RunningMachine, tmp_path: Path
) -> None:
    made = machine.post("/workflows", {**read_example("ma_crossover"), "name": "Ünique & <b>odd</b>"})
    _open(page, machine, "/workflows")
    page.get_by_role("button", name="More for Ünique").click()
    with page.expect_download() as downloading:
        page.get_by_role("menuitem", name="Export JSON").click()
    assert downloading.value.suggested_filename == "unique-b-odd-b.json"
    file = tmp_path / "exported.json"
    downloading.value.save_as(file)

    link = page.get_by_role("link", name="Ünique & <b>odd</b>")
    page.get_by_role("button", name="More for Ünique").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(link).to_be_visible()
    page.get_by_role("button", name="More for Ünique").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(link).to_be_hidden()
    page.reload()  # leaving means it
    expect(page.get_by_role("heading", name="Workflows")).to_be_visible()
    eventually(lambda: machine.ask("GET", f"/workflows/{made['id']}").status_code, lambda status: status == 404)

    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"name": "x", "nodes": [{"id": "a", "type": "indicator.rsii"}]}), encoding="utf-8")
    page.locator("input[type=file]").set_input_files([file, broken, wrong])
    dialog = page.get_by_role("dialog", name="Import workflows")
    expect(dialog).to_contain_text("broken.json was not imported")
    expect(dialog).to_contain_text("is not JSON")
    expect(dialog).to_contain_text("wrong.json was not imported")
    expect(dialog).to_contain_text("indicator.rsi")
    page.keyboard.press("Escape")
    expect(link).to_be_visible()
    (back,) = _named(machine, "Ünique & <b>odd</b>")
    assert back["version"] == made["version"]
    assert machine.get(f"/workflows/{back['id']}")["document"] == made["document"]


def test_versions_are_compared_on_the_canvas_and_one_is_restored(page: Page, machine: RunningMachine) -> None:
    document = read_example("rsi_dip_buyer")
    first = machine.post("/workflows", document)
    for node in document["nodes"]:
        if node["type"] == "indicator.rsi":
            node["config"]["period"] = 9
    document["nodes"].append({"id": "extra", "type": "indicator.ma", "name": "EMA 9", "config": {"period": 9}})
    document["connections"].append({"source": "bars", "target": "extra"})
    changed = machine.ask("PUT", f"/workflows/{first['id']}", document, headers={"If-Match": f'"{first["version"]}"'})
    assert changed.status_code == 200, changed.text

    _open(page, machine, f"/workflows/{first['id']}/versions")
    changes = page.get_by_role("region", name="What changed")
    expect(changes).to_contain_text("1 node added")
    expect(changes).to_contain_text("1 node changed")
    expect(changes).to_contain_text("config.period")
    expect(page.locator(".node-card[data-change=added]")).to_have_count(1)
    expect(page.locator(".node-card[data-change=changed]")).to_have_count(1)
    page.get_by_label("Compared with").select_option(label="Nothing (as it is)")
    expect(page.locator(".node-card[data-change]")).to_have_count(0)
    page.get_by_role("navigation", name="Versions").get_by_role("button", name="Version 1").click()
    page.get_by_role("button", name="Restore this version").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_text("Version 1 is the newest again.", exact=True).first).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Restore this version")).to_be_hidden()
    assert machine.get(f"/workflows/{first['id']}")["version"] == first["version"]


def test_the_tour_ends_with_a_run_of_ones_own(page: Page, machine: RunningMachine) -> None:
    _open(page, machine, "/workflows")
    page.get_by_role("button", name="Show me around").click()
    tour = page.get_by_role("complementary", name="Guided tour")
    expect(tour).to_contain_text("Step 1 of 5")
    tour.get_by_label("Name it").fill("Mine from the tour")
    tour.get_by_role("button", name="Create it").click()
    expect(tour).to_contain_text("This is your strategy")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    page.reload()  # half a tour goes on
    expect(tour).to_contain_text("This is your strategy")
    tour.get_by_role("button", name="Next").click()
    expect(tour).to_contain_text("Oversold?")
    tour.get_by_role("button", name="Next").click()
    tour.get_by_role("button", name="Run my strategy").click()
    expect(tour).to_contain_text("Your strategy has run, and it traded")
    expect(tour).to_contain_text("It sent 1 order to the test account")
    tour.get_by_role("button", name="Done").click()
    expect(tour).to_be_hidden()
    expect(page.get_by_role("link", name="Mine from the tour")).to_be_visible()
    expect(page.get_by_role("button", name="Show me around")).to_have_count(0)
    (made,) = _named(machine, "Mine from the tour")
    (run,) = machine.get(f"/workflows/{made['id']}/executions")["items"]
    assert (run["status"], run["test_mode"], run["trades"]["executed"]) == ("succeeded", True, 1)


def test_help_is_searched_and_every_page_opens(page: Page, machine: RunningMachine) -> None:
    _open(page, machine, "/help")
    article = page.get_by_role("article")
    expect(article.get_by_role("heading", name="Getting started")).to_be_visible()
    contents = page.get_by_role("navigation", name="Contents")
    for position in range(contents.get_by_role("link").count()):
        link = contents.get_by_role("link").nth(position)
        if link.get_attribute("href") == "#/templates":
            continue
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        expect(article.get_by_role("heading").first).to_be_visible()
    search = page.get_by_role("searchbox", name="Search help and nodes")
    search.fill("trailing stop")
    article.get_by_role("link", name=re.compile("^Trailing stop")).click()
    expect(article.get_by_role("heading", level=1)).to_have_text("Trailing stop")
    expect(article).to_contain_text("order.trailing_stop")
    expect(search).to_have_value("")
    search.fill("zzqx")
    expect(article).to_contain_text("Nothing found")
