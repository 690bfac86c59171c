"""The page hears what happens as it happens, and says when it does not."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import PATIENCE_MS
from tests.support.local_machine import RunningMachine

WORKFLOW = {
    "name": "Waits, then tells",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "pause", "type": "utility.delay", "name": "An hour", "config": {"seconds": 3600}},
        {"id": "tell", "type": "notify.dashboard", "name": "Tell", "config": {"title": "t" * 300, "message": "m"}},
    ],
    "connections": [{"source": "start", "target": "pause"}, {"source": "pause", "target": "tell"}],
    "settings": {"timeout_s": 10_000},
}


@pytest.fixture(scope="module")
def workflow(machine: RunningMachine) -> str:
    made: str = machine.post("/workflows", WORKFLOW)["id"]
    return made


@pytest.fixture
def waiting(machine: RunningMachine, workflow: str) -> Iterator[str]:
    """An execution that waits for the market's clock until the market stands again."""
    _speed(machine, 1)
    name: str = machine.post(f"/workflows/{workflow}/execute")["id"]
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


def test_statuses_and_logs_appear_without_being_asked_for(page: Page, machine: RunningMachine, waiting: str) -> None:
    page.goto(machine.served.page)
    expect(page.locator("#live")).to_have_text("Live")
    page.goto(f"{machine.served.address}#/executions/{waiting}")
    hour = page.locator(".trace li").filter(has_text="An hour")
    expect(hour.get_by_role("img", name="waiting")).to_be_visible()
    frozen = machine.get(f"/executions/{waiting}")
    assert frozen["status"] == "running"

    def stale(route: Route) -> None:
        """From now on REST tells what was: news can only come as messages."""
        body: dict[str, Any] = {"items": [], "next_after": 0} if "/logs" in route.request.url else frozen
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    page.route("**/api/agentic/executions/**", stale)
    _speed(machine, 0)
    expect(page.locator(".log")).to_contain_text("too long and has been cut")
    expect(hour.get_by_role("img", name="succeeded")).to_be_visible()
    expect(page.locator(".trace li").filter(has_text="tell").get_by_role("img", name="succeeded")).to_be_visible()
    expect(page.locator(".title")).to_contain_text("Succeeded")
    page.unroute("**/api/agentic/executions/**")
    expect(page.locator(".trace li").filter(has_text="Tell").locator("pre")).to_contain_text('"truncated": true')


def test_without_a_websocket_it_polls(page: Page, machine: RunningMachine, waiting: str) -> None:
    page.route_web_socket("**/event/realtime", lambda socket: socket.close())
    page.goto(machine.served.page)
    expect(page.locator("#live")).to_have_text("Polling")
    page.goto(f"{machine.served.address}#/executions/{waiting}")
    expect(page.get_by_role("img", name="waiting")).to_be_visible()
    _speed(machine, 0)
    expect(page.locator(".title")).to_contain_text("Succeeded")
    expect(page.locator(".log")).to_contain_text("too long and has been cut")


def test_it_says_that_it_is_offline_and_comes_back(bare: Page, machine: RunningMachine, waiting: str) -> None:
    bare.goto(machine.served.page)
    expect(bare.locator("#live")).to_have_text("Live")
    bare.goto(f"{machine.served.address}#/executions/{waiting}")
    expect(bare.get_by_role("img", name="waiting")).to_be_visible()
    bare.context.set_offline(True)
    expect(bare.locator("#live")).to_have_text("Offline")
    _speed(machine, 0)
    bare.context.set_offline(False)
    expect(bare.locator("#live")).to_have_text("Live")
    expect(bare.locator(".title")).to_contain_text("Succeeded")
    expect(bare.locator(".log p")).to_have_count(1)


def _speed(machine: RunningMachine, speed: float) -> None:
    """Set the market's speed; returns once the engine's clock knows."""
    client = machine.machine.market.client
    assert client is not None
    client.account("paper").set_speed(speed)
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while machine.machine.clocks["paper"].speed != speed:
        assert time.monotonic() < give_up
        time.sleep(0.02)
