"""The editor in a real browser: drawing, undo, clipboard, saving, running, two who edit, a server that is gone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import open_route, watched
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


def test_two_tabs_lose_nothing(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", {**HELLO, "name": "Two tabs"})
    open_editor(page, machine, made["id"])
    # A person elsewhere saves while this tab is open.
    theirs = {**made["document"], "description": "theirs"}
    etag = {"If-Match": f'"{made["version"]}"'}
    assert machine.ask("PUT", f"/workflows/{made['id']}", theirs, headers=etag).status_code == 200
    name = page.get_by_label("Name of the workflow")
    name.fill("Mine")
    kept(page, "draft")
    page.locator("body").press("Control+s")
    dialog = page.get_by_role("dialog", name="Two have changed this workflow")
    expect(dialog).to_be_visible()
    assert machine.get(f"/workflows/{made['id']}")["description"] == "theirs"
    dialog.get_by_role("button", name="Go on with theirs").click()
    expect(name).to_have_value("Two tabs")
    page.locator("body").press("Control+z")
    expect(name).to_have_value("Mine")
    kept(page, "draft")
    page.locator("body").press("Control+s")
    kept(page, "saved")
    assert machine.get(f"/workflows/{made['id']}")["name"] == "Mine"


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
