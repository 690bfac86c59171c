"""Executions in a real browser, on a whole machine: signed in, watched live, understood, stopped, retried, run again,
compared, stepped through; and the server gone and back.

The tests that trade come first: those that wait move the market's clock on, away from the dip.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import PATIENCE_MS
from tests.support.eventually import eventually
from tests.support.local_machine import RunningMachine
from tests.support.run_traffic import tell, traffic, wide_workflow
from tests.support.workflow_examples import read_example
from tradeloom.realtime.hub import Hub
from tradeloom.realtime.messages import NodeLog

EVIL = '<img src=x onerror=alert(1)><script>alert(2)</script> "quoted"'
WAITS = {
    "name": "Waits, then tells",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "pause", "type": "utility.delay", "name": "An hour", "config": {"seconds": 3600}},
        {"id": "tell", "type": "notify.dashboard", "name": "Tell", "config": {"title": "t" * 300, "message": "m"}},
    ],
    "connections": [{"source": "start", "target": "pause"}, {"source": "pause", "target": "tell"}],
    "settings": {"timeout_s": 10_000},
}
FAILS = {
    "name": EVIL,
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "price", "type": "market.live_price", "name": "Price", "config": {"symbol": "<b>NOPE</b>"}},
    ],
    "connections": [{"source": "start", "target": "price"}],
}


@pytest.fixture(scope="module")
def dips(machine: RunningMachine) -> str:
    """The RSI example's id."""
    found: str = machine.get("/workflows")["items"][0]["id"]
    return found


@pytest.fixture(scope="module")
def waits(machine: RunningMachine, dips: str) -> str:
    made: str = machine.post("/workflows", WAITS)["id"]
    return made


@pytest.fixture
def waiting(machine: RunningMachine, waits: str) -> Iterator[str]:
    """An execution that waits for the market's clock until the market stands again."""
    _speed(machine, 1)
    name: str = machine.post(f"/workflows/{waits}/execute")["id"]
    yield name
    _speed(machine, 0)


@pytest.fixture
def bare(browser: Browser) -> Iterator[Page]:
    """A page that may complain: what it cannot reach is told in the console by the browser itself."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def test_without_the_token_nothing_is_shown(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.address)
    expect(page.get_by_role("heading", name="Open this machine's Tradeloom")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("not this machine's")
    page.get_by_label("Token").fill(machine.served.token)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("navigation", name="Screens")).to_be_visible()


def test_the_address_that_is_printed_opens_it_and_forgets_the_token(page: Page, machine: RunningMachine) -> None:
    _open(page, machine)
    assert machine.served.token not in page.url
    page.reload()
    expect(page.get_by_role("navigation", name="Screens")).to_be_visible()


def test_a_trade_is_shown_and_run_again_from_a_node(page: Page, machine: RunningMachine, dips: str) -> None:
    done = machine.execute(dips)
    assert done["status"] == "succeeded", done
    _open(page, machine, f"executions/{done['id']}")
    expect(page.get_by_role("log")).to_contain_text("buy")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_role("button", name=re.compile("RSI 14: Succeeded"))).to_be_visible()
    page.get_by_role("tab", name="Nodes").click()
    expect(page.get_by_role("table", name="Node runs")).to_contain_text("order.market")
    page.get_by_role("tab", name="Orders and trades").click()
    expect(page.get_by_role("table", name="Orders")).to_contain_text("EURUSD")
    page.get_by_role("tab", name="Why no trade?").click()
    expect(page.get_by_text("Every trading node ran.")).to_be_visible()
    _card(page, "Oversold?").click()
    page.get_by_role("button", name="Run again from here").click()
    dialog = page.get_by_role("dialog", name="Run this execution again")
    expect(dialog.get_by_label("In test mode")).to_be_checked()
    dialog.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("Run again from", exact=True)).to_be_visible()
    expect(_header(page)).to_contain_text("Succeeded")
    expect(_header(page)).to_contain_text("Test mode")
    _card(page, "RSI 14").click()
    expect(page.get_by_role("complementary", name="Node RSI 14")).to_contain_text("recorded earlier was used")


def test_why_it_did_not_trade_and_how_it_differs_from_one_that_did(page: Page, machine: RunningMachine) -> None:
    document = read_example("rsi_dip_buyer") | {"name": "Choosy dip buyer"}
    made = machine.post("/workflows", document)["id"]
    traded = machine.execute(made, test_mode=True)
    next(node for node in document["nodes"] if node["id"] == "dip")["config"] = {
        "expression": "= nodes.rsi.value < 10 && nodes.own.count >= 0"
    }
    saved = machine.ask("PUT", f"/workflows/{made}", document, headers={"If-Match": "*"})
    assert saved.status_code == 200, saved.text
    idle = machine.execute(made, test_mode=True)
    _open(page, machine, f"executions/{idle['id']}")
    page.get_by_role("tab", name="Orders and trades").click()
    page.get_by_role("tabpanel").get_by_role("button", name="Why no trade?").click()
    panel = page.get_by_role("tabpanel", name="Why no trade?")
    expect(panel).to_contain_text("keeps Buy from running")
    expect(panel.get_by_role("listitem").filter(has_text="nodes.rsi.value < 10").last).to_contain_text("does not hold")
    expect(panel).to_contain_text(re.compile(r"RSI 14 · value = \d+\.\d+"))
    expect(panel.get_by_role("listitem").filter(has_text="nodes.own.count >= 0").last).to_contain_text("holds")
    page.get_by_role("link", name="Compare with the run before").click()
    table = page.get_by_role("table", name="Node by node")
    expect(table.get_by_role("row").filter(has_text="Oversold?")).to_contain_text("→ false")
    expect(page.get_by_text("The two ran different versions.")).to_be_visible()
    expect(page.locator(f"a[href='#/executions/{traded['id']}']")).to_be_visible()


def test_step_by_step_with_an_edited_input(page: Page, machine: RunningMachine, dips: str) -> None:
    done = machine.execute(dips, test_mode=True)
    _open(page, machine, f"executions/{done['id']}")
    page.get_by_role("button", name="Step through it").click()
    debugger = page.get_by_role("complementary", name="Step by step")
    expect(debugger).to_contain_text("Paused before Start by hand")
    debugger.get_by_role("button", name="Step", exact=True).click()
    expect(debugger).to_contain_text("Paused before EURUSD H1")
    debugger.get_by_label("Run to").select_option("dip")
    expect(debugger).to_contain_text("Paused before Oversold?")
    expect(_card(page, "Oversold?")).to_have_attribute("data-status", "paused")
    debugger.get_by_label("Pause before this node").click()
    expect(debugger.get_by_label("Pause before this node")).to_be_checked()
    expect(_card(page, "Oversold?").get_by_label("Breakpoint")).to_be_visible()
    debugger.get_by_role("button", name="Change nodes.rsi.value").click()
    debugger.get_by_label("New value").fill("no JSON")
    expect(debugger).to_contain_text("This is no JSON")
    debugger.get_by_label("New value").fill("75.5")
    debugger.get_by_role("button", name="Set").click()
    expect(debugger.get_by_role("listitem").filter(has_text="75.5")).to_contain_text("changed")
    page.keyboard.press("F8")
    expect(_header(page)).to_contain_text("Succeeded")
    _card(page, "Oversold?").click()
    details = page.get_by_role("complementary", name="Node Oversold?")
    expect(details).to_contain_text("→ false")
    expect(details).to_contain_text("nodes.rsi.value")
    expect(_card(page, "Buy")).to_have_attribute("data-status", "skipped")


def test_a_run_appears_in_the_list_and_is_watched_to_its_end(page: Page, machine: RunningMachine, waits: str) -> None:
    _open(page, machine, "executions")
    expect(page.get_by_role("heading", name="Executions")).to_be_visible()
    _speed(machine, 1)
    machine.post(f"/workflows/{waits}/execute")
    row = page.get_by_role("row").filter(has_text="Waits, then tells").first
    expect(row).to_contain_text("Running")
    row.get_by_role("link", name="Waits, then tells").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waits, then tells")
    expect(_card(page, "An hour")).to_have_attribute("data-status", "waiting")
    _speed(machine, 0)
    expect(_card(page, "Tell")).to_have_attribute("data-status", "succeeded")
    expect(_header(page)).to_contain_text("Succeeded")
    expect(page.get_by_role("log")).to_contain_text("too long and has been cut")


def test_statuses_and_logs_come_without_being_asked_for(page: Page, machine: RunningMachine, waiting: str) -> None:
    _open(page, machine, f"executions/{waiting}")
    expect(_card(page, "An hour")).to_have_attribute("data-status", "waiting")
    frozen = machine.get(f"/executions/{waiting}")
    assert frozen["status"] == "running"

    def stale(route: Route) -> None:
        """From now on REST tells what was: news can only come as messages."""
        body: dict[str, Any] = {"items": [], "next_after": 0} if "/logs" in route.request.url else frozen
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    page.route(re.compile(rf"/executions/{waiting}(/logs.*)?$"), stale)
    _speed(machine, 0)
    expect(page.get_by_role("log")).to_contain_text("too long and has been cut")
    expect(_card(page, "An hour")).to_have_attribute("data-status", "succeeded")
    expect(_card(page, "Tell")).to_have_attribute("data-status", "succeeded")
    expect(_header(page)).to_contain_text("Succeeded")


def test_hundreds_of_events_a_second_are_all_shown(page: Page, machine: RunningMachine) -> None:
    nodes = 40
    made = machine.post("/workflows", wide_workflow(nodes))["id"]
    _speed(machine, 1)
    name = machine.post(f"/workflows/{made}/execute")["id"]
    _open(page, machine, f"executions/{name}")
    expect(page.locator("[data-status=waiting]")).to_be_visible()
    hub = machine.machine.run_events
    assert isinstance(hub, Hub)
    execution = machine.get(f"/executions/{name}")
    told = machine.on_loop(tell(hub, traffic(execution, nodes, 600), per_s=300))
    lines = [message.message for message in told if isinstance(message, NodeLog)]
    expect(page.get_by_role("tabpanel", name="Log").get_by_text(f"{len(lines)} lines")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text(lines[-1])
    ended = {message.node for message in told if message.type == "node.finished"}
    for node in ended:
        expect(page.locator(f".react-flow__node[data-id={node}] .node-card")).to_have_attribute(
            "data-status", "succeeded"
        )
    _more_lines_leave_what_is_read(page, machine, hub, execution | {"seq": execution["seq"] + len(told)})
    machine.post(f"/executions/{name}/stop")
    _speed(machine, 0)


def _more_lines_leave_what_is_read(page: Page, machine: RunningMachine, hub: Hub, execution: dict[str, Any]) -> None:
    """Who scrolls up keeps the lines in sight while others come, and finds the way back to the end."""
    log, latest = page.get_by_role("log"), page.get_by_role("button", name="Follow the latest")
    expect(latest).to_have_count(0)
    log.evaluate("box => box.scrollBy(0, -1_000)")
    expect(latest).to_be_visible()
    tops = """box => [...box.querySelectorAll('li')]
      .map(li => [li.dataset.seq, Math.round(li.getBoundingClientRect().top - box.getBoundingClientRect().top)])
      .filter(([, at]) => at >= 0 && at < box.clientHeight)"""
    read = log.evaluate(tops)
    assert len(read) > 5
    said = int(page.get_by_role("tab", name="Log").inner_text().split()[-1])
    more = machine.on_loop(tell(hub, traffic(execution, 40, 90), per_s=300))
    lines = [message.message for message in more if isinstance(message, NodeLog)]
    expect(page.get_by_role("tabpanel", name="Log").get_by_text(f"{said + len(lines)} lines")).to_be_visible()
    assert log.evaluate(tops) == read
    latest.click()
    expect(latest).to_have_count(0)
    expect(log).to_contain_text(lines[-1])


def test_without_a_websocket_it_polls(page: Page, machine: RunningMachine, waiting: str) -> None:
    page.route_web_socket("**/event/realtime", lambda socket: socket.close())
    _open(page, machine, f"executions/{waiting}")
    expect(page.get_by_text("Polling", exact=True)).to_be_visible()
    expect(_card(page, "An hour")).to_have_attribute("data-status", "waiting")
    _speed(machine, 0)
    expect(_header(page)).to_contain_text("Succeeded")
    expect(page.get_by_role("log")).to_contain_text("too long and has been cut")


def test_the_server_gone_and_back(bare: Page, machine: RunningMachine, waiting: str) -> None:
    _open(bare, machine, f"executions/{waiting}")
    expect(_card(bare, "An hour")).to_have_attribute("data-status", "waiting")
    bare.context.set_offline(True)
    expect(bare.get_by_text("Offline", exact=True)).to_be_visible()
    expect(bare.get_by_text("This is how the execution stood")).to_be_visible()
    expect(_card(bare, "An hour")).to_have_attribute("data-status", "waiting")
    _speed(machine, 0)
    bare.context.set_offline(False)
    expect(bare.get_by_text("Live", exact=True)).to_be_visible()
    expect(_header(bare)).to_contain_text("Succeeded")
    expect(bare.get_by_text("This is how the execution stood")).to_have_count(0)
    expect(bare.get_by_role("log").get_by_role("listitem")).to_have_count(1)


def test_the_server_is_taken_down_and_started_again(
    bare: Page, machine: RunningMachine, waits: str, waiting: str
) -> None:
    """While a run is watched in one tab, and another has changes that were never saved."""
    _open(bare, machine, f"executions/{waiting}")
    expect(_card(bare, "An hour")).to_have_attribute("data-status", "waiting")
    editor = bare.context.new_page()
    editor.set_default_timeout(PATIENCE_MS)
    _open(editor, machine, f"workflows/{waits}")
    name = editor.get_by_label("Name of the workflow")
    name.fill("Changed before")
    expect(editor.locator("[data-save=draft]")).to_be_visible()

    machine.down()
    for page in (bare, editor):
        expect(page.get_by_text("Offline", exact=True)).to_be_visible()
    expect(bare.get_by_text("This is how the execution stood")).to_be_visible()
    expect(_card(bare, "An hour")).to_have_attribute("data-status", "waiting")
    name.fill("Changed meanwhile")
    expect(editor.locator("[data-save=offline]")).to_be_visible()
    editor.keyboard.press("Control+s")
    expect(editor.get_by_role("region", name="Notifications (F8)")).to_contain_text("Tradeloom does not answer.")
    expect(editor.locator("[data-save=offline]")).to_be_visible()
    expect(name).to_have_value("Changed meanwhile")

    machine.up()
    expect(bare.get_by_text("Live", exact=True)).to_be_visible()
    _speed(machine, 0)
    expect(_header(bare)).to_contain_text("Succeeded")
    expect(_card(bare, "Tell")).to_have_attribute("data-status", "succeeded")
    expect(bare.get_by_text("This is how the execution stood")).to_have_count(0)
    expect(bare.get_by_role("log").get_by_role("listitem")).to_have_count(1)
    expect(editor.locator("[data-save=draft]")).to_be_visible()
    assert machine.get(f"/workflows/{waits}/draft")["draft"]["document"]["name"] == "Changed meanwhile"
    assert machine.get(f"/workflows/{waits}")["name"] == WAITS["name"]
    for _ in range(2):  # what was done before the server was gone can be taken back too
        editor.get_by_role("button", name=re.compile("^Undo")).click()
    expect(editor.locator("[data-save=saved]")).to_be_visible()
    expect(name).to_have_value(str(WAITS["name"]))


def test_a_run_is_stopped(page: Page, machine: RunningMachine, waiting: str) -> None:
    _open(page, machine, f"executions/{waiting}")
    page.get_by_role("button", name="Stop").click()
    expect(_header(page)).to_contain_text("Stopped")
    assert machine.get(f"/executions/{waiting}")["status"] == "stopped"


def test_a_failure_is_told_where_it_happened_with_what_to_do_and_retried(page: Page, machine: RunningMachine) -> None:
    made = machine.post("/workflows", FAILS)["id"]
    done = machine.execute(made, payload={"note": EVIL})
    assert done["status"] == "failed"
    _open(page, machine, f"executions/{done['id']}")
    failure = page.get_by_role("alert")
    expect(failure).to_contain_text("NotFound in Price")
    expect(failure).to_contain_text("<b>NOPE</b>")
    expect(failure).to_contain_text("What to do: Look at the name in the node's settings")
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    expect(_card(page, "Price")).to_have_attribute("data-status", "failed")
    failure.get_by_role("button", name="Show the node").click()
    expect(page.get_by_role("complementary", name="Node Price")).to_contain_text("NotFound")
    assert page.locator("main img, main script, main b:text('NOPE')").count() == 0
    failure.get_by_role("button", name="Retry from the failure").click()
    expect(_header(page)).to_contain_text("Retried once")
    expect(_header(page)).to_contain_text("Failed")
    assert len(machine.get(f"/executions/{done['id']}")["retries"]) == 1
    assert machine.ask("DELETE", f"/workflows/{made}").status_code == 204


def test_it_fits_a_phone_and_follows_the_systems_colours(page: Page, machine: RunningMachine) -> None:
    page.set_viewport_size({"width": 390, "height": 760})
    last = machine.get("/executions")["items"][0]["id"]
    for route in ("executions", f"executions/{last}"):
        _open(page, machine, route)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    shades = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades.append(sum(int(part) for part in re.findall(r"\d+", colour)[:3]))
    assert shades[0] > 600 > 200 > shades[1]


def _open(page: Page, machine: RunningMachine, route: str = "") -> None:
    page.goto(machine.served.page)
    expect(page.get_by_text(re.compile("^(Live|Polling)$"))).to_be_visible()
    if route:
        page.goto(f"{machine.served.address}#/{route}")


def _header(page: Page) -> Locator:
    return page.locator("main header")


def _card(page: Page, name: str) -> Locator:
    return page.locator(".node-card").filter(has_text=re.compile(f"^{re.escape(name)}"))


def _speed(machine: RunningMachine, speed: float) -> None:
    """Set the market's speed; returns once the engine's clock knows."""
    client = machine.machine.market.client
    assert client is not None
    client.account("paper").set_speed(speed)
    eventually(lambda: machine.machine.clocks["paper"].speed, lambda known: known == speed, PATIENCE_MS / 1000)
