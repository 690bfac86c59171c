"""Pictures of every screen, light and dark, of the demo: `python -m tests.console.screenshots ADDRESS`.

ADDRESS is the page's address with the token, as `tradeloom demo` prints it. The pictures go to docs/screens.
"""

import base64
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Page, sync_playwright

from tests.console.demo_data import TRAINING, fill_tables
from tests.console.screens import addresses, go
from tests.support.chromium import launched

PLACE: Final = Path(__file__).parents[2] / "docs/screens"
WIDTH, HEIGHT = 1440, 900
MOST_BYTES: Final = 150_000
QUALITIES: Final = (82, 70, 55, 40)
PHONE: Final = {"/", "/accounts/:id"}
"""Screens that are shown on a phone too."""
SETTLE_MS: Final = 1_500
"""For charts and edges to be drawn; a picture is looked at, not compared."""


@dataclass(frozen=True)
class Server:
    address: str
    token: str

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, f"{self.address}/api/agentic{path}", json=body, headers=headers, timeout=120)
        answer.raise_for_status()
        return answer.json()


def main(page_address: str) -> None:
    parts = urlsplit(page_address)
    server = Server(f"{parts.scheme}://{parts.netloc}", parts.fragment.removeprefix("token="))
    shown = _prepared(server)
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for theme in ("light", "dark"):
            for phone in (False, True):
                size = {"width": 390, "height": 844} if phone else {"width": WIDTH, "height": HEIGHT}
                context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
                page = context.new_page()
                page.set_default_timeout(60_000)
                page.goto(page_address)
                page.wait_for_selector("main")
                for pattern, address in shown.items():
                    if not phone or pattern in PHONE:
                        _take(page, address, PLACE / f"{_named(pattern)}{'-phone' if phone else ''}-{theme}.webp")
                context.close()
        browser.close()


def _prepared(server: Server) -> dict[str, str]:
    """The demo with something on every screen; what is there already is not made again."""
    if not any(table["name"] == "signals" for table in server.get("/tables")["items"]):
        fill_tables(server)
    if not server.get("/models")["items"]:
        server.post("/model-trainings", TRAINING)
    runs = server.get("/executions")["items"]
    traded = next((run for run in runs if run["status"] == "succeeded" and "RSI" in run["workflow_name"]), runs[0])
    other = next((run for run in runs if run["id"] != traded["id"]), traded)
    return addresses(server, workflow=traded["workflow_id"], execution=traded["id"], other=other["id"])


def _named(pattern: str) -> str:
    """`/workflows/:id` is `workflows-one`; the first screen is `dashboard`."""
    words = [word.replace(":id", "one").replace(":", "") for word in pattern.split("/") if word]
    return "-".join(words) or "dashboard"


def _take(page: Page, address: str, to: Path) -> None:
    go(page, address)
    page.wait_for_timeout(SETTLE_MS)
    to.write_bytes(_small(page))
    print(f"{to.name}  {to.stat().st_size:,} bytes")


def _small(page: Page) -> bytes:
    """The page as WebP, at the best quality that is small enough. Chromium writes it itself."""
    session = page.context.new_cdp_session(page)
    written = b""
    for quality in QUALITIES:
        made = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
        written = base64.b64decode(made["data"])
        if len(written) <= MOST_BYTES:
            break
    session.detach()
    return written


if __name__ == "__main__":
    main(sys.argv[1])
