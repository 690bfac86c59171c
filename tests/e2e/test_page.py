"""The page in a real browser, on a whole machine."""

import re

from playwright.sync_api import Page, expect

from tests.support.local_machine import RunningMachine

EVIL = '<img src=x onerror=alert(1)><script>alert(2)</script> "quoted"'


def test_without_the_token_nothing_is_shown(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.address)
    expect(page.get_by_role("heading", name="Open this machine's Tradeloom")).to_be_visible()
    expect(page.locator("#home")).to_be_hidden()
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("not this machine's")
    page.get_by_label("Token").fill(machine.served.token)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="RSI dip buyer", exact=True)).to_be_visible()


def test_the_address_that_is_printed_opens_it_and_forgets_the_token(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    expect(page.get_by_role("heading", name="RSI dip buyer", exact=True)).to_be_visible()
    assert machine.served.token not in page.url
    standing = page.locator("#standing")
    expect(standing).to_contain_text("paper · active")
    expect(standing).to_contain_text("30 Aug 2017, 19:00 UTC")
    expect(standing).to_contain_text("All systems up")
    page.reload()
    expect(page.get_by_role("heading", name="RSI dip buyer", exact=True)).to_be_visible()


def test_a_workflow_is_executed_and_its_trace_followed(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    page.get_by_role("button", name="Execute RSI dip buyer").click()
    expect(page.get_by_text("Succeeded")).to_be_visible()
    trace = page.locator(".trace")
    row = trace.locator("li").filter(has_text="order.market")
    expect(row).to_contain_text(re.compile(r"ticket \d+"))
    expect(row).to_contain_text("price 1.18903")
    expect(row.locator(".took")).to_contain_text("ms")
    expect(trace.locator("li.skipped")).to_contain_text("Every hour")
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text('"status": "done"')
    page.get_by_role("link", name="RSI dip buyer").click()
    expect(page.get_by_role("list", name="Executions of RSI dip buyer")).to_contain_text("Succeeded")
    expect(page.locator("#notifications")).to_contain_text("Bought the dip")


def test_a_test_is_marked_as_one(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    page.get_by_role("button", name="Test RSI dip buyer").click()
    expect(page.locator(".title").get_by_text("Test mode")).to_be_visible()
    expect(page.locator(".figures")).to_contain_text("paper-test")


def test_a_workflow_is_switched_on_and_off(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    switch = page.get_by_role("switch", name="RSI dip buyer active")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(page.get_by_role("switch", name="RSI dip buyer active")).to_have_attribute("aria-checked", "true")
    expect(page.locator(".workflow")).to_contain_text("next 30 Aug 2017, 20:00 UTC")
    page.get_by_role("switch", name="RSI dip buyer active").click()
    expect(page.get_by_role("switch", name="RSI dip buyer active")).to_have_attribute("aria-checked", "false")


def test_an_account_is_stopped_and_resumed_from_the_page(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    account = page.get_by_role("article", name="Account paper", exact=True)
    expect(account.locator(".state")).to_contain_text("Active")
    expect(account.get_by_role("button", name="Resume paper")).to_have_count(0)
    account.get_by_role("button", name="Flatten paper", exact=True).press("Enter")
    dialog = page.get_by_role("dialog", name="Flatten paper?")
    expect(dialog).to_contain_text("also those opened by hand")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(account.get_by_role("button", name="Flatten paper", exact=True)).to_be_focused()
    assert machine.get("/accounts/paper")["state"] == "active"
    account.get_by_role("button", name="Flatten paper", exact=True).click()
    dialog.get_by_role("button", name="Flatten paper").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Say why")
    dialog.get_by_label("Reason").fill(EVIL)
    dialog.get_by_role("button", name="Flatten paper").click()
    expect(account.locator(".state")).to_contain_text("Halted")
    expect(account).to_contain_text(EVIL)
    expect(account).to_contain_text("Flat:")
    expect(page.get_by_role("heading", name="paper", exact=True)).to_be_focused()
    expect(page.locator("#notifications")).to_contain_text("paper is halted")
    assert machine.get("/accounts/paper")["state_reason"] == EVIL
    assert page.locator("main img, main script").count() == 0
    account.get_by_role("button", name="Resume paper").click()
    page.get_by_label("Reason").fill("looked at it")
    page.keyboard.press("Enter")
    expect(account.locator(".state")).to_contain_text("Active")
    account.get_by_role("button", name="Pause paper", exact=True).click()
    page.get_by_label("Reason").fill("a pause")
    page.get_by_role("dialog").get_by_role("button", name="Pause paper").click()
    expect(account).to_contain_text("a pause")
    assert machine.get("/accounts/paper")["state"] == "halted"
    assert machine.post("/accounts/paper/resume", {"reason": "the test is over"})["state"] == "active"


def test_a_failure_is_told_where_it_happened(page: Page, machine: RunningMachine) -> None:
    made = machine.post(
        "/workflows",
        {
            "name": EVIL,
            "nodes": [
                {"id": "start", "type": "trigger.manual", "name": EVIL},
                {"id": "price", "type": "market.live_price", "config": {"symbol": "<b>NOPE</b>"}},
            ],
            "connections": [{"source": "start", "target": "price"}],
        },
    )
    done = machine.execute(made["id"], payload={"note": EVIL})
    assert done["status"] == "failed"
    page.goto(machine.served.page)
    page.goto(f"{machine.served.address}#/executions/{done['id']}")
    expect(page.locator(".failure").first).to_contain_text("NotFound in price")
    expect(page.locator(".failure").first).to_contain_text("<b>NOPE</b>")
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    page.locator("summary").first.click()
    expect(page.locator("main pre").first).to_contain_text("onerror")
    assert page.locator("main img, main script").count() == 0
    page.goto(f"{machine.served.address}#/")
    expect(page.get_by_role("heading", name=EVIL, exact=True)).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert machine.ask("DELETE", f"/workflows/{made['id']}").status_code == 204


def test_what_is_there_can_be_reached_and_named(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    expect(page.get_by_role("heading", name="RSI dip buyer", exact=True)).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('a, button, input')]
            .filter((each) => each.checkVisibility())
            .filter((each) => !(each.textContent.trim() || each.ariaLabel || each.labels?.length))
            .map((each) => each.outerHTML)"""
    )
    assert nameless == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_it_fits_a_phone(page: Page, machine: RunningMachine) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(machine.served.page)
    expect(page.get_by_role("heading", name="RSI dip buyer", exact=True)).to_be_visible()
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits)
    button = page.get_by_role("button", name="Test RSI dip buyer").bounding_box()
    assert button is not None
    assert button["height"] >= 40
    page.get_by_role("button", name="Test RSI dip buyer").click()
    expect(page.locator(".trace li").first).to_be_visible()
    assert page.evaluate(fits)


def test_the_colours_follow_the_system(page: Page, machine: RunningMachine) -> None:
    page.goto(machine.served.page)
    shades = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades.append(sum(int(part) for part in re.findall(r"\d+", colour)[:3]))
    assert shades[0] > 600 > 200 > shades[1]
