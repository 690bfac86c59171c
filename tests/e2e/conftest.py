"""A browser, a machine, and a page that fails the test when it complains."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import CHROMIUM, launched
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tests.support.workflow_examples import read_example
from tradeloom.local.market import bundled_data

__all__ = ["postgres_server"]

QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It asks nobody on the network for anything of its own."""
OVERSOLD = datetime(2017, 8, 30, 19, tzinfo=UTC)
PATIENCE_MS = 60_000
"""A busy machine takes its time; what is missing is still missing after that."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")  # a running Playwright keeps an event loop that other tests must not meet
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = launched(playwright, *QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")  # a running Playwright keeps an event loop that other tests must not meet
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    home: Path = tmp_path_factory.mktemp("e2e")
    data = replace(bundled_data(), start=OVERSOLD)
    with RunningMachine(home, new_database(postgres_server), data, schedules=True) as running:
        running.post("/workflows", read_example("rsi_dip_buyer"))
        yield running


@contextmanager
def watched(browser: Browser, *, forgiven: str) -> Iterator[tuple[Page, list[str]]]:
    """A page and what it complains of: at the end there must be nothing but what is forgiven."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(f"{said.text} {said.location}") if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()
    assert [text for text in complaints if forgiven not in text] == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # A request that is refused is told in the console by the browser itself.
    with watched(browser, forgiven="the server responded with a status of 4") as (page, complaints):
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        yield page


def sign_in(page: Page, machine: RunningMachine) -> None:
    """Opens the printed address, and waits for the navigation."""
    page.goto(machine.served.page)
    page.wait_for_selector("nav")


def open_route(page: Page, machine: RunningMachine, route: str) -> None:
    """Signs in, and goes to a route without waiting for its screen."""
    sign_in(page, machine)
    page.evaluate("route => { location.hash = route }", route)
