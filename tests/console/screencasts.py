"""Records the screencasts of the console's help, so that they show what is there.

    python -m tests.console.screencasts ADDRESS_WITH_TOKEN

drives a running Tradeloom (a `tradeloom demo` of its own: workflows are made on it) in Debian's chromium, keeps what it
paints, and makes a film of each scene: `web/src/screens/help/screencasts/NAME.webm`. Needs chromium and ffmpeg.
"""

import argparse
import base64
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from tests.support.chromium import CHROMIUM, launched

ROOT: Final = Path(__file__).parents[2]
TARGET: Final = ROOT / "web/src/screens/help/screencasts"
SIZE: Final = {"width": 1280, "height": 800}
FRAMES_PER_S: Final = 12
LOOK_MS: Final = 1_200
"""How long a person needs to see what happened."""


def first_strategy(page: Page) -> None:
    _go(page, "/workflows")
    page.get_by_role("button", name="Show me around").click()
    tour = page.get_by_role("complementary", name="Guided tour")
    _look(page)
    tour.get_by_role("button", name="Create it").click()
    page.locator(".react-flow__node").first.wait_for()
    _look(page)
    for _ in range(2):
        tour.get_by_role("button", name="Next").click()
        _look(page)
    tour.get_by_role("button", name="Run my strategy").click()
    tour.get_by_role("button", name="Done").and_(page.locator(":enabled")).wait_for()
    _look(page, 3)


def from_template(page: Page) -> None:
    _go(page, "/templates")
    _look(page)
    search = page.get_by_role("searchbox", name="Search templates")
    search.press_sequentially("supertrend", delay=90)
    _look(page)
    page.get_by_role("link", name="Supertrend follower").click()
    page.locator(".react-flow__node").first.wait_for()
    _look(page, 2)
    page.get_by_role("button", name="Create workflow").click()
    page.locator(".react-flow__node").first.wait_for()
    _look(page, 3)


def compare_versions(page: Page) -> None:
    made = _saved_twice(page)
    _go(page, f"/workflows/{made}/versions")
    page.locator(".node-card[data-change]").first.wait_for()
    _look(page, 2)
    page.get_by_role("navigation", name="Versions").get_by_role("button", name="Version 1").click()
    _look(page)
    page.get_by_role("button", name="Restore this version").click()
    _look(page)
    page.get_by_role("dialog").get_by_role("button", name="Restore version 1").click()
    _look(page, 2)


SCENES: Final[dict[str, Callable[[Page], None]]] = {
    "first-strategy": first_strategy,
    "from-template": from_template,
    "compare-versions": compare_versions,
}


def _go(page: Page, route: str) -> None:
    page.evaluate("route => { location.hash = route }", route)
    page.wait_for_timeout(LOOK_MS)


def _look(page: Page, times: int = 1) -> None:
    page.wait_for_timeout(times * LOOK_MS)


def _saved_twice(page: Page) -> Any:
    """A workflow with two versions, made through the API the page itself talks to."""
    return page.evaluate(
        """async () => {
            const ask = async (method, path, body, more = {}) => {
                const headers = { 'Content-Type': 'application/json', ...more };
                headers.Authorization = `Bearer ${window.recordingToken}`;
                const answer = await fetch(`/api/agentic${path}`, { method, headers, body: JSON.stringify(body) });
                return answer.json();
            };
            const { document } = await ask('GET', '/templates/turtle_breakout');
            const made = await ask('POST', '/workflows', { ...document, name: 'Turtle, twice saved' });
            document.nodes.find(({ id }) => id === 'channel').config.period = 55;
            document.nodes.find(({ id }) => id === 'size_sell').config.risk_pct = 0.5;
            document.nodes = document.nodes.filter(({ id }) => id !== 'trail');
            document.connections = document.connections.filter(({ target }) => target !== 'trail');
            const replaced = { 'If-Match': `"${made.version}"` };
            await ask('PUT', `/workflows/${made.id}`, { ...document, name: made.name }, replaced);
            return made.id;
        }"""
    )


class _Camera:
    """Keeps what the browser paints, as its developer tools send it: a picture whenever something changed."""

    def __init__(self, page: Page, folder: Path) -> None:
        self._folder = folder
        self._frames: list[tuple[float, Path]] = []
        self._lock = threading.Lock()
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)

    def start(self) -> None:
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 85, "everyNthFrame": 1})

    def _keep(self, frame: dict[str, Any]) -> None:
        with self._lock:
            file = self._folder / f"{len(self._frames):05}.jpg"
            file.write_bytes(base64.b64decode(frame["data"]))
            self._frames.append((float(frame["metadata"]["timestamp"]), file))
        self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    def film(self, target: Path) -> None:
        """All pictures, each for as long as it was on screen."""
        self._session.send("Page.stopScreencast")
        times = [time for time, _ in self._frames]
        shown = [after - before for before, after in zip(times, [*times[1:], times[-1] + 1.5], strict=True)]
        files = [file for _, file in self._frames]
        lines = [f"file '{file}'\nduration {seconds:.3f}" for file, seconds in zip(files, shown, strict=True)]
        script = self._folder / "frames.txt"
        script.write_text("\n".join([*lines, f"file '{files[-1]}'"]), encoding="utf-8")
        command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "concat", "-safe", "0", "-i", str(script)]
        command += ["-vf", f"fps={FRAMES_PER_S},scale=1280:-2", "-c:v", "libvpx-vp9", "-crf", "40", "-b:v", "0"]
        subprocess.run([*command, "-an", str(target)], check=True, timeout=600)


def record(address: str, names: list[str]) -> None:
    if CHROMIUM is None or shutil.which("ffmpeg") is None:
        sys.exit("Screencasts need chromium and ffmpeg: apt-get install chromium ffmpeg")
    TARGET.mkdir(exist_ok=True)
    token = address.partition("#token=")[2]
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for name in names:
            context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
            context.add_init_script(f"window.recordingToken = {token!r}")
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(address)
            page.locator("main").wait_for()
            with tempfile.TemporaryDirectory() as folder:
                camera = _Camera(page, Path(folder))
                camera.start()
                SCENES[name](page)
                camera.film(TARGET / f"{name}.webm")
            context.close()
            print(f"{name}: {(TARGET / f'{name}.webm').stat().st_size / 1024:.0f} KiB")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address", help="the page's address with its token, as `tradeloom demo` prints it")
    parser.add_argument("scenes", nargs="*", default=list(SCENES), choices=[*SCENES, []])
    given = parser.parse_args()
    record(given.address, given.scenes)
