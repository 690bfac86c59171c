"""Every screen of the console with an address that shows something, read from the console's own list."""

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page

from tests.console.demo_data import Asked

LIST: Final = Path(__file__).parents[2] / "web/src/app/screens.ts"


def patterns() -> list[str]:
    """Addresses as the console's list has them: `/workflows/:id`."""
    return re.findall(r'^ +(?:\{ )?path: "([^"]+)"', LIST.read_text(), re.MULTILINE)


def addresses(machine: Asked, **ids: str) -> dict[str, str]:
    """Each screen's pattern with the address of one that is there. `ids` are `workflow` and `execution`."""
    execution = ids["execution"]
    named: dict[str, str] = {
        "/workflows/:id": f"/workflows/{ids['workflow']}",
        "/workflows/:id/versions": f"/workflows/{ids['workflow']}/versions",
        "/executions/:id": f"/executions/{execution}",
        "/executions/:id/compare/:other": f"/executions/{execution}/compare/{ids.get('other', execution)}",
        "/accounts/:id": "/accounts/paper",
        "/help/:page": "/help/shortcuts",
        "/templates/:id": f"/templates/{machine.get('/templates')['items'][0]['id']}",
    }
    found = {pattern: named.get(pattern, pattern) for pattern in patterns()}
    unnamed = [address for address in found.values() if ":" in address]
    assert not unnamed, f"tests/console/screens.py has no address for {unnamed}"
    return found


_LEAVE: Final = """address => {
  if ((location.hash.slice(1) || "/") === address) return;
  for (const each of document.querySelectorAll("main > *")) each.setAttribute("data-left", "");
  location.hash = address;
}"""
_SHOWN: Final = """() => {
  const main = document.querySelector("main");
  if (!main || !main.innerText.trim() || main.querySelector("[data-left]")) return false;
  const waits = [...main.querySelectorAll("[role=status]")].some((each) => /^(Loading|Drawing)/.test(each.innerText));
  return !waits && main.querySelector("h1, [role=application], .react-flow, [aria-label]") !== null;
}"""

_SETTLED: Final = """() => new Promise((done) => {
  let rest = setTimeout(done, 500);
  setTimeout(done, 10000);
  new MutationObserver(() => { clearTimeout(rest); rest = setTimeout(done, 500); })
    .observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });
})"""
"""Half a second in which nothing is added to the screen; one that never rests is taken as it is."""


def go(page: Page, address: str) -> None:
    """Opens another screen within the page, as people do, and waits until it shows more than that it loads."""
    page.evaluate(_LEAVE, address)
    page.wait_for_function(_SHOWN)
    page.evaluate(_SETTLED)


def write(page: Page, editor: Locator, text: str) -> None:
    """Puts text in place of a code editor's. Over marked text the browser would keep its colours, which the policy
    forbids and the console tells."""
    editor.click()
    editor.press("Control+a")
    editor.press("Delete")
    page.keyboard.insert_text(text)
