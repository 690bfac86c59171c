"""The library in a browser: workflows, templates, versions, help, the tour that ends with one's own run, and a whole
pass by keyboard from the list of workflows to the kill switch."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import sign_in
from tests.support.eventually import eventually
from tests.support.keyboard import Keys
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


def test_a_whole_pass_without_a_pointer(page: Page, machine: RunningMachine) -> None:
    page.add_init_script("addEventListener('pointerdown', (event) => { window.pointed = event.isTrusted }, true)")
    keys = Keys(page)
    sign_in(page, machine)
    _made_by_keys(keys)
    _run_by_keys(keys)
    _stopped_and_resumed_by_keys(keys, machine)
    assert page.evaluate("window.pointed") is None


def _made_by_keys(keys: Keys) -> None:
    """A workflow from the list on: nodes, a connection, settings and an expression."""
    page = keys.page
    keys.press(page.get_by_role("navigation", name="Screens").get_by_role("link", name="Workflows"))
    keys.press(page.get_by_role("button", name="New workflow"))
    expect(page.get_by_role("menuitem", name="Blank canvas")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__node-card")).to_contain_text("Start by hand")
    keys.write(page.get_by_label("Name of the workflow"), "Without a pointer")
    page.keyboard.press("Enter")
    page.keyboard.press("n")
    for entry in ("market.account", "notify.dashboard", "market.live_price"):
        expect(page.get_by_label("Search nodes")).to_be_focused()
        page.keyboard.type(entry)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Search nodes")).to_have_value("")
    expect(page.locator(".react-flow__edge")).to_have_count(2)  # each follows the one before
    page.keyboard.press("Escape")
    keys.find("Start by hand")
    page.keyboard.press("Control+k")
    keys.choose(page.get_by_role("dialog", name="Find a command"), "→ Account")
    expect(page.locator(".react-flow__edge")).to_have_count(3)

    panel = keys.open_node("Dashboard")
    keys.write(panel.locator("[data-field=title] textarea, [data-field=title] input"), "t" * 300)
    message = panel.locator("[data-field=message] input")
    keys.reach(message)
    page.keyboard.press("Alt+i")  # to the data, with Message still what it goes into
    keys.press(panel.locator("button[title='nodes.account.equity']"))
    expect(message).to_be_focused()
    expect(message).to_have_value(re.compile(r"nodes\.account\.equity"))
    keys.close(panel)
    panel = keys.open_node("Live price")
    keys.write(panel.locator("[data-field=symbol] input"), "NOPE")
    keys.close(panel)


def _run_by_keys(keys: Keys) -> None:
    """Saves and runs it, opens the execution, reads its log and its error, and retries."""
    page = keys.page
    page.keyboard.press("Control+s")
    expect(page.locator("[data-save=saved]")).to_be_visible()
    page.keyboard.press("Control+Enter")
    bar = page.get_by_role("region", name="This run")
    expect(bar).to_have_attribute("data-status", "failed")
    keys.press(bar.get_by_role("link", name="Open run"))
    failure = page.get_by_role("alert").filter(has_text="NotFound in Live price")
    expect(failure).to_contain_text("What to do:")
    keys.press(failure.get_by_role("button", name="Show the node"))
    details = page.get_by_role("complementary", name="Node Live price")
    expect(details).to_contain_text("NOPE")
    keys.press(details.get_by_role("button", name="Close"))
    log = page.get_by_role("log")
    keys.reach(log)
    line = log.get_by_role("button").filter(has_text="too long and has been cut")
    keys.press(line)
    expect(line).to_have_attribute("aria-expanded", "true")
    keys.press(failure.get_by_role("button", name="Retry from the failure"), back=True)
    expect(page.locator("main header")).to_contain_text("Retried once")


def _stopped_and_resumed_by_keys(keys: Keys, machine: RunningMachine) -> None:
    page = keys.page
    keys.press(page.get_by_role("navigation", name="Screens").get_by_role("link", name="Accounts"), back=True)
    keys.press(page.get_by_role("link", name="Open paper", exact=True).first)
    keys.press(page.get_by_role("button", name="Pause", exact=True))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_description(re.compile("^Paper: simulated money"))
    keys.reach(dialog.get_by_role("radio", name=re.compile("^Pause")))
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("radio", name=re.compile("^Only reduce"))).to_be_checked()
    page.keyboard.press("ArrowUp")
    keys.write(dialog.get_by_label("Why?"), "by keys alone")
    keys.press(dialog.get_by_role("button", name="Pause now"))
    expect(page.get_by_text("Halted", exact=True).first).to_be_visible()
    stopped = machine.get("/accounts/paper")
    assert (stopped["state"], stopped["state_reason"]) == ("halted", "by keys alone")
    keys.press(page.get_by_role("button", name="Resume"))
    keys.write(dialog.get_by_label("Why?"), "seen to it")
    keys.press(dialog.get_by_role("button", name="Resume"))
    expect(page.get_by_text("Active", exact=True).first).to_be_visible()
    assert machine.get("/accounts/paper")["state"] == "active"
