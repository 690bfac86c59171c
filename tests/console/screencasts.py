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

from playwright.sync_api import Locator, Page, sync_playwright

from tests.console.screens import go
from tests.support.chromium import CHROMIUM, launched

ROOT: Final = Path(__file__).parents[2]
TARGET: Final = ROOT / "web/src/screens/help/screencasts"
SIZE: Final = {"width": 1280, "height": 800}
FRAMES_PER_S: Final = 12
LOOK_MS: Final = 1_200
"""How long a person needs to see what happened."""
TWICE_SAVED: Final = ":twice-saved"
"""Stands for the versions of a workflow that is made for it."""


def first_strategy(page: Page) -> None:
    _click(page, page.get_by_role("button", name="Show me around"))
    tour = page.get_by_role("complementary", name="Guided tour")
    _look(page)
    _click(page, tour.get_by_role("button", name="Create it"))
    page.locator(".react-flow__node").first.wait_for()
    _look(page)
    for _ in range(2):
        _click(page, tour.get_by_role("button", name="Next"))
        _look(page)
    _click(page, tour.get_by_role("button", name="Run my strategy"))
    tour.get_by_role("button", name="Done").and_(page.locator(":enabled")).wait_for()
    _look(page, 3)


def from_template(page: Page) -> None:
    _look(page)
    search = page.get_by_role("searchbox", name="Search templates")
    _click(page, search)
    search.press_sequentially("supertrend", delay=90)
    _look(page)
    _click(page, page.get_by_role("link", name="Supertrend follower"))
    page.locator(".react-flow__node").first.wait_for()
    _look(page, 2)
    _click(page, page.get_by_role("button", name="Create workflow"))
    page.locator(".react-flow__node").first.wait_for()
    _look(page, 3)


def set_a_node(page: Page) -> None:
    """An indicator is drawn on real bars as its settings change, and tested on the values of the last run."""
    node = page.locator(".react-flow__node", has_text="RSI 14")
    _point(page, node)
    node.dblclick()
    panel = page.get_by_role("dialog")
    panel.wait_for()
    _look(page, 2)
    for field, value in (("#config-period", "5"), ("#config-oversold", "20")):
        setting = panel.locator(field)
        _click(page, setting)
        setting.fill(value)
        _look(page, 2)
    _click(page, panel.get_by_role("button", name="Test node"))
    _look(page)
    _click(page, panel.get_by_role("region", name="Output").get_by_role("button", name="Fields"))
    _look(page, 3)
    _click(page, panel.get_by_role("button", name="Close"))
    _look(page, 2)


def compare_versions(page: Page) -> None:
    page.locator(".node-card[data-change]").first.wait_for()
    _look(page, 2)
    _click(page, page.get_by_role("navigation", name="Versions").get_by_role("button", name="Version 1"))
    _look(page)
    _click(page, page.get_by_role("button", name="Restore this version"))
    _look(page)
    _click(page, page.get_by_role("dialog").get_by_role("button", name="Restore version 1"))
    _look(page, 2)


def stop_trading(page: Page) -> None:
    _look(page)
    _click(page, page.get_by_role("button", name="Pause"))
    dialog = page.get_by_role("dialog")
    _look(page)
    why = dialog.get_by_role("textbox")
    _click(page, why)
    why.press_sequentially("News at 14:30", delay=60)
    _look(page)
    _click(page, dialog.get_by_role("button", name="Pause now"))
    page.get_by_role("button", name="Resume").wait_for()
    _look(page, 3)


Scene = Callable[[Page], None]
SCENES: Final[dict[str, tuple[str, Scene]]] = {
    "first-strategy": ("/workflows", first_strategy),
    "from-template": ("/templates", from_template),
    "set-a-node": ("/workflows/example-rsi-dip-buyer", set_a_node),
    "compare-versions": (TWICE_SAVED, compare_versions),
    "stop-trading": ("/accounts/paper-test", stop_trading),
}
"""Where each begins, and what happens."""

_POINTER: Final = """() => {
  const hand = document.createElement('div');
  Object.assign(hand.style, {
    position: 'fixed', left: '-13px', top: '-13px', width: '26px', height: '26px', borderRadius: '50%', opacity: '0',
    background: 'rgb(220 80 0 / 0.35)', border: '2px solid rgb(220 80 0 / 0.9)', pointerEvents: 'none',
    zIndex: '2147483647', transition: 'transform 450ms ease-in-out',
  });
  document.documentElement.append(hand);
  addEventListener('mousemove', ({ clientX, clientY }) => {
    hand.style.opacity = '1';
    hand.style.transform = `translate(${clientX}px, ${clientY}px)`;
  }, true);
  addEventListener('mousedown', () => hand.animate([{ scale: '1' }, { scale: '0.5' }, { scale: '1' }], 300), true);
}"""
"""A browser without a screen paints no mouse: this shows where it is and glides there."""


def _point(page: Page, target: Locator) -> None:
    target.hover()
    page.wait_for_timeout(600)


def _click(page: Page, target: Locator) -> None:
    _point(page, target)
    target.click()


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


_FETCH: Final = "files => Promise.all(files.map(file => fetch(file).then(answer => answer.blob())))"
"""So that no film shows how a screen's scripts are loaded: the browser keeps them."""


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
        command += ["-deadline", "good", "-cpu-used", "4", "-row-mt", "1"]
        subprocess.run([*command, "-an", str(target)], check=True, timeout=600)


def record(address: str, names: list[str]) -> None:
    if CHROMIUM is None or shutil.which("ffmpeg") is None:
        sys.exit("Screencasts need chromium and ffmpeg: apt-get install chromium ffmpeg")
    TARGET.mkdir(exist_ok=True)
    token = address.partition("#token=")[2]
    scripts = [f"/static/assets/{file.name}" for file in (ROOT / "web/dist/assets").glob("*.[jc]s*")]
    with sync_playwright() as playwright:
        browser = launched(playwright)
        for name in names:
            context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
            context.add_init_script(f"window.recordingToken = {token!r}")
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(address)
            page.locator("main").wait_for()
            page.evaluate(_FETCH, scripts)
            start, scene = SCENES[name]
            go(page, f"/workflows/{_saved_twice(page)}/versions" if start == TWICE_SAVED else start)
            page.evaluate(_POINTER)
            with tempfile.TemporaryDirectory() as folder:
                camera = _Camera(page, Path(folder))
                camera.start()
                scene(page)
                camera.film(TARGET / f"{name}.webm")
            context.close()
            print(f"{name}: {(TARGET / f'{name}.webm').stat().st_size / 1024:.0f} KiB")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address", help="the page's address with its token, as `tradeloom demo` prints it")
    parser.add_argument("--scene", action="append", choices=SCENES, help="only this one; may be given several times")
    given = parser.parse_args()
    record(given.address, given.scene or list(SCENES))
