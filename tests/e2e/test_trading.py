"""The console's trading side: the kill switch on a desk and on a phone, limits, results, secrets, notifications."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.eventually import eventually
from tests.support.local_machine import PATIENCE_S, RunningMachine

SECRET = "s3cret-token-0123456789"


def opened(page: Page, machine: RunningMachine, route: str) -> Page:
    page.goto(machine.served.page)
    expect(page.get_by_role("banner")).to_be_visible()  # the navigation is folded away on a phone
    page.evaluate("route => { location.hash = route }", route)
    return page


def state_of(machine: RunningMachine, account: str = "paper") -> str:
    return str(machine.get(f"/accounts/{account}")["state"])


def until(machine: RunningMachine, path: str, found: Any) -> Any:
    """What the API tells once `found` says yes to it."""
    return eventually(lambda: machine.get(path), found)


def assert_apart(links: Locator) -> None:
    """No link lies over the one before it: the logo, and the badges of the accounts."""
    expect(links.nth(1)).to_be_visible()
    boxes = [box for link in links.all() if (box := link.bounding_box()) is not None]
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"], (left, right)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    yield page
    context.close()


def test_the_kill_switch_stops_and_only_a_reason_resumes(machine: RunningMachine, page: Page) -> None:
    opened(page, machine, "#/accounts/paper")
    expect(page.get_by_text("Paper: simulated money, real strategy")).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_description(re.compile("^Paper: simulated money, real strategy"))
    dialog.get_by_role("button", name="Pause now").click()
    expect(dialog.get_by_text("Say why: it is kept with the account.")).to_be_visible()
    assert state_of(machine) == "active"
    dialog.get_by_label("Why?").fill("the news went wrong")
    dialog.get_by_role("button", name="Pause now").click()
    expect(page.get_by_text("Halted", exact=True).first).to_be_visible()
    expect(page.get_by_text("the news went wrong").first).to_be_visible()
    assert state_of(machine) == "halted"
    # The bar above every screen tells it, and so does the bell.
    expect(page.get_by_role("link", name=re.compile(r"Paper\s*· Halted"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Notifications")).click()
    latest = page.get_by_role("dialog", name="Latest")
    expect(latest.get_by_text("paper is halted").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(latest).to_be_hidden()
    page.get_by_role("button", name="Resume").click()
    expect(dialog).to_have_accessible_description(re.compile("^Paper: simulated money, real strategy"))
    dialog.get_by_label("Why?").fill("looked at it")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Active", exact=True).first).to_be_visible()
    told = machine.get("/accounts/paper")
    assert (told["state"], told["state_reason"], told["state_by"]) == ("active", "looked at it", "local")


def test_before_all_accounts_are_stopped_each_says_whose_money_is_on_it(machine: RunningMachine, page: Page) -> None:
    opened(page, machine, "#/accounts")
    page.get_by_role("button", name="Stop all accounts").click()
    told = page.get_by_role("dialog").get_by_role("listitem")
    accounts = machine.get("/accounts")["items"]
    expect(told).to_have_count(len(accounts))
    for account in accounts:
        assert account["trade_mode"] == "paper"
        expect(told.filter(has_text=account["name"]).first).to_contain_text("Paper: simulated money, real strategy")
    page.keyboard.press("Escape")
    assert state_of(machine) == "active"


def test_on_a_phone_two_touches_close_everything(machine: RunningMachine, phone: Page) -> None:
    workflow = machine.get("/workflows")["items"][0]
    machine.execute(workflow["id"])
    until(machine, "/accounts/paper", lambda told: told["positions"] == 1)
    opened(phone, machine, "#/accounts/paper")
    expect(phone.locator("html")).to_have_attribute("data-theme", "dark")  # as the system says, before any choice
    assert_apart(phone.get_by_role("banner").get_by_role("link"))
    button = phone.get_by_role("button", name="Close all")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44, "a thumb needs 44 pixels"
    assert box["x"] + box["width"] <= 390
    button.tap()
    dialog = phone.get_by_role("dialog")
    expect(dialog.get_by_text("1 position is closed at market price.")).to_be_visible()
    dialog.get_by_role("button", name="Not sure what is going on").tap()
    dialog.get_by_role("button", name="Close everything now").tap()
    expect(phone.get_by_text("The account is flat")).to_be_visible()
    told = machine.get("/accounts/paper")
    assert (told["state"], told["positions"], told["state_reason"]) == ("halted", 0, "Not sure what is going on")
    width = phone.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing stands out of a phone's screen"
    machine.post("/accounts/paper/resume", {"reason": "the test is over"})


def test_the_dashboard_s_figures_are_the_api_s(machine: RunningMachine, page: Page) -> None:
    (sum_,) = until(
        machine, "/trades/summary?by=account&account=paper&points=100", lambda told: len(told["items"]) == 1
    )["items"]
    opened(page, machine, "#/")
    shown = page.locator("dl", has_text="Closed result").first
    sign = "-" if sum_["net"] < 0 else "+"
    expect(shown).to_contain_text(f"{sign}${abs(sum_['net']):,.2f}")
    expect(shown).to_contain_text(f"{sum_['win_rate']:.1f}%")
    expect(shown).to_contain_text(f"{sum_['wins']} won, {sum_['losses']} lost")
    expect(shown).to_contain_text(f"${sum_['max_drawdown']:,.2f}")
    expect(shown).to_contain_text(f"${machine.get('/accounts/paper')['equity']:,.2f}")
    table = page.get_by_role("table", name="By workflow and version")
    expect(table.get_by_role("link", name="RSI dip buyer")).to_be_visible()
    expect(table).to_contain_text(f"{sign}${abs(sum_['net']):,.2f}")
    opened(page, machine, "#/accounts/paper")
    page.get_by_role("tab", name="Trades").click()
    expect(page.get_by_role("table", name="Closed trades")).to_contain_text("Kill switch")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "trades-paper.csv"


def test_limits_are_changed_and_what_the_server_refuses_stands_at_its_field(
    machine: RunningMachine, page: Page
) -> None:
    opened(page, machine, "#/accounts/paper")
    page.get_by_role("tab", name="Limits").click()
    largest = page.locator('input[name="max_lot"]')
    expect(largest).to_have_value("10")
    largest.fill("0.5")
    page.get_by_label("Why?").fill("smaller for a while")
    page.get_by_role("button", name="Change limits").click()
    expect(page.get_by_text("The new limits hold from the next order on.").first).to_be_visible()
    assert machine.get("/accounts/paper/limits")["limits"]["max_lot"] == "0.5"
    largest.fill("2")
    expect(page.get_by_text("These allow more than before: Largest order.")).to_be_visible()
    page.get_by_label("I want the account to be allowed more than before.").check()
    page.get_by_label("Why?").fill("back to normal")
    page.get_by_role("button", name="Change limits").click()
    until(machine, "/accounts/paper/limits", lambda told: told["limits"]["max_lot"] == "2")


def test_a_refused_limit_is_told_at_its_field_and_nothing_typed_is_lost(
    machine: RunningMachine, browser: Browser
) -> None:
    """A page of its own: the browser complains in its console of every answer that refuses."""
    context = browser.new_context()
    try:
        page = opened(context.new_page(), machine, "#/accounts/paper-test")
        page.get_by_role("tab", name="Limits").click()
        loss = page.locator('input[name="max_drawdown_pct"]')
        loss.fill("250")
        page.get_by_label("Why?").fill("too much")
        page.get_by_label("I want the account to be allowed more than before.").check()
        page.get_by_role("button", name="Change limits").click()
        expect(loss).to_have_attribute("aria-invalid", "true")
        expect(loss).to_have_value("250")
        loss.fill("95")
        page.get_by_label("I want the account to be allowed more than before.").uncheck()
        page.get_by_role("button", name="Change limits").click()
        expect(loss).to_have_accessible_description(re.compile("allow more by max_drawdown_pct"))
        expect(loss).to_be_focused()
        assert machine.get("/accounts/paper-test/limits")["limits"]["max_drawdown_pct"] == 90
    finally:
        context.close()


def test_a_secret_goes_in_and_never_comes_out(machine: RunningMachine, page: Page) -> None:
    answers: list[str] = []
    page.on(
        "response",
        lambda answer: answers.append(answer.text()) if "/credentials" in answer.url and answer.ok else None,
    )
    opened(page, machine, "#/credentials")
    page.get_by_role("button", name="Add a credential").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Kind").select_option(label="Bearer token")
    dialog.get_by_label("Name").fill("Ops bot")
    token = dialog.get_by_label("Token")
    expect(token).to_have_attribute("type", "password")
    token.fill(SECRET)
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name=re.compile("Ops bot"))
    expect(row).to_be_visible()
    row.get_by_role("button", name="Change Ops bot").click()
    expect(dialog.get_by_label("Token")).to_have_value("")
    expect(dialog.get_by_text("No workflow names it.")).to_be_visible()
    assert SECRET not in page.content()
    dialog.get_by_label("Name").fill("Ops bot 2")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name=re.compile("Ops bot 2"))).to_be_visible()
    assert len(answers) >= 3
    assert all(SECRET not in text for text in answers)
    page.get_by_role("button", name="Delete Ops bot 2").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No credential yet")).to_be_visible()
    assert machine.get("/credentials")["total"] == 0


def test_usage_stands_beside_the_plan(machine: RunningMachine, page: Page) -> None:
    opened(page, machine, "#/usage")
    told = machine.get("/usage")
    expect(page.get_by_role("listitem").filter(has_text="Starts this month")).to_contain_text(
        f"{told['month']['used']:,}"
    )
    expect(page.get_by_text("Unlimited", exact=False).first).to_be_visible()
