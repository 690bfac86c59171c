"""The editor in a real browser: drawing, undo, clipboard, saving, running, two who edit, a server that is gone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, open_route, watched
from tests.support.local_machine import RunningMachine

HELLO: dict[str, Any] = {
    "name": "Hello",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start", "position": {"x": 0, "y": 0}},
        {
            "id": "tell",
            "type": "notify.dashboard",
            "name": "Tell",
            "position": {"x": 300, "y": 0},
            "config": {"title": "Hello", "message": "It works"},
        },
    ],
    "connections": [{"source": "start", "target": "tell"}],
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose requests may be refused: the browser logs such answers itself."""
    with watched(browser, forgiven="Failed to load resource") as (page, _):
        yield page


def open_editor(page: Page, machine: RunningMachine, workflow: str = "new") -> None:
    open_route(page, machine, f"#/workflows/{workflow}")
    expect(page.get_by_role("toolbar", name="Workflow")).to_be_visible()


def node(page: Page, name: str) -> Locator:
    return page.locator(".react-flow__node-card").filter(has=page.get_by_text(name, exact=True))


def drag_in(page: Page, entry: str, x: int, y: int) -> None:
    page.locator(f'[data-entry="{entry}"]').drag_to(page.locator(".react-flow__pane"), target_position={"x": x, "y": y})


def connect(page: Page, source: Locator, target: Locator) -> None:
    source.locator(".react-flow__handle.source").first.drag_to(target.locator(".react-flow__handle.target"))


def kept(page: Page, state: str) -> None:
    expect(page.locator(f'[data-save="{state}"]')).to_be_visible()


def rename(page: Page, name: str) -> None:
    page.get_by_label("Name of the workflow").fill(name)


def look_at_both(page: Page) -> Locator:
    page.get_by_role("button", name="Changed elsewhere too").click()
    dialog = page.get_by_role("dialog", name="Two have changed this workflow")
    expect(dialog).to_be_visible()
    return dialog


def draft_of(machine: RunningMachine, workflow: str) -> dict[str, Any]:
    document: dict[str, Any] = machine.get(f"/workflows/{workflow}/draft")["draft"]["document"]
    return document


def saved_versions(machine: RunningMachine, workflow: str) -> list[dict[str, Any]]:
    """The documents, the newest first."""
    listed = machine.get(f"/workflows/{workflow}/versions")["items"]
    return [machine.get(f"/workflows/{workflow}/versions/{each['version']}")["document"] for each in listed]


def saved_document(machine: RunningMachine, name: str) -> dict[str, Any]:
    found = next(item for item in machine.get("/workflows")["items"] if item["name"] == name)
    document: dict[str, Any] = machine.get(f"/workflows/{found['id']}")["document"]
    return document


def test_a_workflow_from_an_empty_canvas_to_its_run(page: Page, machine: RunningMachine) -> None:
    open_editor(page, machine)
    expect(page.get_by_role("button", name="Add the first node")).to_be_visible()
    drag_in(page, "trigger.manual", 150, 250)
    drag_in(page, "market.live_price", 480, 250)
    start, price = node(page, "Manual"), node(page, "Live price")
    expect(start).to_be_visible()
    expect(price).to_be_visible()
    connect(page, start, price)
    expect(page.locator(".react-flow__edge")).to_have_count(1)

    # Undo takes back the connection and the node, a step each; redo brings both again.
    page.locator("body").press("Control+z")
    expect(page.locator(".react-flow__edge")).to_have_count(0)
    page.locator("body").press("Control+z")
    expect(price).to_have_count(0)
    page.locator("body").press("Control+Shift+z")
    page.locator("body").press("Control+Shift+z")
    expect(page.locator(".react-flow__edge")).to_have_count(1)

    # A drag of many frames is one step.
    before = price.bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + 60, before["y"] + 20)
    page.mouse.down()
    page.mouse.move(before["x"] + 80, before["y"] + 120, steps=12)
    page.mouse.up()
    moved = price.bounding_box()
    assert moved is not None
    assert moved["y"] > before["y"] + 50
    page.locator("body").press("Control+z")
    page.wait_for_function(
        "y => document.querySelector('.react-flow__node[data-id=live_price]').getBoundingClientRect().y === y",
        arg=before["y"],
    )

    # What the compiler misses is shown on the node, and keeps the first save from happening: nothing typed is lost.
    expect(page.locator('[data-problems="1"]')).to_be_visible()
    page.get_by_label("Name of the workflow").fill("From nothing")
    page.locator("body").press("Control+s")
    dialog = page.get_by_role("dialog", name="Problems")
    expect(dialog).to_contain_text("symbol")
    page.keyboard.press("Escape")
    kept(page, "local")
    page.reload()
    expect(node(page, "Live price")).to_be_visible()
    expect(page.get_by_label("Name of the workflow")).to_have_value("From nothing")


def test_copy_paste_duplicate_and_delete(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Copies"})
    open_editor(page, machine, made["id"])
    node(page, "Tell").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(page.locator(".react-flow__node-card")).to_have_count(4)
    expect(page.locator(".react-flow__edge")).to_have_count(2)
    expect(node(page, "Tell (2)")).to_be_visible()
    kept(page, "draft")
    page.keyboard.press("Control+s")
    kept(page, "saved")
    document = saved_document(machine, "Copies")
    assert [each["id"] for each in document["nodes"]] == ["start", "tell", "start_2", "tell_2"]
    assert document["nodes"][3]["config"] == document["nodes"][1]["config"]
    assert {(each["source"], each["target"]) for each in document["connections"]} == {
        ("start", "tell"),
        ("start_2", "tell_2"),
    }
    page.keyboard.press("Delete")
    expect(page.locator(".react-flow__node-card")).to_have_count(2)
    node(page, "Tell").click()
    page.keyboard.press("Control+d")
    expect(page.locator(".react-flow__node-card")).to_have_count(3)


def test_the_screen_is_run_and_not_what_was_saved(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "On screen"})
    open_editor(page, machine, made["id"])
    node(page, "Start").click()
    page.get_by_label("Search nodes").fill("live price")
    page.get_by_label("Search nodes").press("Enter")
    expect(page.locator(".react-flow__node-card")).to_have_count(3)
    page.locator("body").press("Control+Enter")
    expect(page.get_by_role("dialog", name="Problems")).to_contain_text("symbol")
    page.keyboard.press("Escape")
    page.locator("body").press("Control+z")
    node(page, "Tell").click()
    page.keyboard.press("d")
    page.keyboard.press("Control+Enter")
    bar = page.get_by_role("region", name="This run")
    expect(bar).to_have_attribute("data-status", "succeeded")
    run = bar.get_attribute("data-run")
    assert run is not None
    assert machine.get(f"/executions/{run}")["version"] != made["version"]
    assert machine.get(f"/workflows/{made['id']}")["version"] == made["version"]
    expect(node(page, "Start").locator("[data-status=succeeded]")).to_be_visible()


def test_two_tabs_of_a_browser_with_changes_of_their_own_lose_nothing(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Two tabs"})
    open_editor(page, machine, made["id"])
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE_MS)
    open_editor(other, machine, made["id"])

    # A tab without changes follows the other's draft. Then neither draft gets out, and both have work of their own.
    rename(page, "First draft")
    expect(other.get_by_label("Name of the workflow")).to_have_value("First draft")
    drafts = re.compile(f"/workflows/{made['id']}/draft$")
    for tab in (page, other):
        tab.route(drafts, lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    rename(page, "First tab's")
    kept(page, "offline")
    node(other, "Tell").click()
    other.keyboard.press("Control+d")
    expect(node(other, "Tell (2)")).to_be_visible()
    other.keyboard.press("d")  # nothing leads to it yet: it may be saved when it is disabled
    kept(other, "offline")
    expect(node(page, "Tell (2)")).to_have_count(0)

    # One saves: the other is warned at once, and sees what differs before it chooses.
    page.unroute(drafts)
    page.locator("body").press("Control+s")
    kept(page, "saved")
    kept(other, "conflict")
    dialog = look_at_both(other)
    expect(dialog).to_contain_text("Only yours has")
    expect(dialog).to_contain_text("Tell (2)")
    other.keyboard.press("Escape")
    other.locator("body").press("Control+s")  # to save again overwrites nothing: it asks again
    expect(dialog).to_be_visible()
    assert machine.get(f"/workflows/{made['id']}")["name"] == "First tab's"

    # Theirs, and mine one undo away, and theirs again: both can be looked at. Then mine goes on top.
    other.unroute(drafts)
    dialog.get_by_role("button", name="Go on with theirs").click()
    expect(other.get_by_label("Name of the workflow")).to_have_value("First tab's")
    expect(node(other, "Tell (2)")).to_have_count(0)
    other.locator("body").press("Control+z")
    expect(node(other, "Tell (2)")).to_be_visible()
    other.locator("body").press("Control+Shift+z")
    expect(node(other, "Tell (2)")).to_have_count(0)
    other.locator("body").press("Control+z")
    kept(other, "draft")
    other.locator("body").press("Control+s")
    kept(other, "saved")
    expect(node(page, "Tell (2)")).to_be_visible()  # the first has nothing unsaved, and follows
    assert [len(each["nodes"]) for each in saved_versions(machine, made["id"])] == [3, 2, 2]


def test_two_people_with_drafts_of_one_workflow_lose_nothing(
    page: Page, browser: Browser, machine: RunningMachine
) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Two people"})
    open_editor(page, machine, made["id"])
    with watched(browser, forgiven="Failed to load resource") as (other, _):
        open_editor(other, machine, made["id"])
        rename(page, "Ada's")
        kept(page, "draft")

        # Nothing tells the other browser: its own draft is refused, for it would go over one that it has not seen.
        rename(other, "Grace's")
        kept(other, "conflict")
        assert draft_of(machine, made["id"])["name"] == "Ada's"
        look_at_both(other).get_by_role("button", name="Save mine as another workflow").click()
        expect(other.get_by_label("Name of the workflow")).to_have_value("Grace's (mine)")
        assert saved_document(machine, "Grace's (mine)")["nodes"] == made["document"]["nodes"]
        assert draft_of(machine, made["id"])["name"] == "Ada's"

        # Back at the one they share she goes on with Ada's draft, and takes its place with a step of her own.
        open_editor(other, machine, made["id"])
        expect(other.get_by_label("Name of the workflow")).to_have_value("Ada's")
        rename(other, "Grace's again")
        kept(other, "draft")
        rename(page, "Ada's again")
        kept(page, "conflict")
        assert draft_of(machine, made["id"])["name"] == "Grace's again"

        # Ada keeps hers. Grace is told when she saves, and takes it: hers is one undo away.
        look_at_both(page).get_by_role("button", name="Go on with mine").click()
        kept(page, "draft")
        page.locator("body").press("Control+s")
        kept(page, "saved")
        other.locator("body").press("Control+s")
        dialog = other.get_by_role("dialog", name="Two have changed this workflow")
        dialog.get_by_role("button", name="Go on with theirs").click()
        expect(other.get_by_label("Name of the workflow")).to_have_value("Ada's again")
        kept(other, "saved")
        other.locator("body").press("Control+z")
        expect(other.get_by_label("Name of the workflow")).to_have_value("Grace's again")
        kept(other, "draft")
        assert machine.get(f"/workflows/{made['id']}")["name"] == "Ada's again"


def test_tabs_that_are_closed_with_work_give_it_to_the_next(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Closed"})
    drafts = f"**/api/agentic/workflows/{made['id']}/draft"
    context = page.context
    context.route(drafts, lambda route: route.abort() if route.request.method == "PUT" else route.continue_())
    for name in ("First closed", "Second closed"):
        tab = context.new_page()
        open_editor(tab, machine, made["id"])
        # What an open tab has not sent yet is its own.
        expect(tab.get_by_label("Name of the workflow")).to_have_value("Closed")
        rename(tab, name)
        kept(tab, "offline")
    for tab in context.pages[1:]:
        tab.close()
    context.unroute(drafts)
    open_editor(page, machine, made["id"])
    expect(page.get_by_label("Name of the workflow")).to_have_value("Second closed")
    kept(page, "draft")
    page.close()

    # The draft is the server's now; what the first tab left does not go over it unasked.
    last = context.new_page()
    open_editor(last, machine, made["id"])
    expect(last.get_by_label("Name of the workflow")).to_have_value("First closed")
    kept(last, "conflict")
    assert draft_of(machine, made["id"])["name"] == "Second closed"
    look_at_both(last).get_by_role("button", name="Go on with theirs").click()
    expect(last.get_by_label("Name of the workflow")).to_have_value("Second closed")
    last.locator("body").press("Control+z")
    kept(last, "draft")
    assert draft_of(machine, made["id"])["name"] == "First closed"


def test_a_server_that_is_gone_costs_no_work(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Away"})
    open_editor(page, machine, made["id"])
    draft = f"**/api/agentic/workflows/{made['id']}/draft"
    page.route(draft, lambda route: route.abort())
    page.get_by_label("Name of the workflow").fill("Away, and changed")
    kept(page, "offline")
    page.unroute(draft)
    kept(page, "draft")
    assert machine.get(f"/workflows/{made['id']}/draft")["draft"]["document"]["name"] == "Away, and changed"


def test_keys_alone_make_save_and_run_a_workflow(page: Page, machine: RunningMachine) -> None:
    open_editor(page, machine)
    page.keyboard.press("n")
    page.keyboard.type("manual")
    page.keyboard.press("Enter")
    expect(node(page, "Manual")).to_be_visible()
    page.keyboard.type("market.account")
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__edge")).to_have_count(1)
    page.keyboard.press("Control+s")
    kept(page, "saved")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("region", name="This run")).to_have_attribute("data-status", "succeeded")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(".react-flow__node.selected")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
