"""The console's editor in headless chromium: dragging, opening, and what its first load weighs.

Needs chromium and a built console; rasters in software. The processor time a frame is what counts, not frames a second.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.console.first_load import gzipped_sizes
from tests.support.chromium import CHROMIUM, launched
from tests.support.local_machine import RunningMachine
from tradeloom.local.market import bundled_data

FRAMES = 60
COLUMNS = 20


def big_workflow(nodes: int) -> dict[str, Any]:
    """A trigger and chains of transforms, in rows of twenty."""
    made: list[dict[str, Any]] = [{"id": "start", "type": "trigger.manual", "position": {"x": -300, "y": 0}}]
    connections = []
    for number in range(1, nodes):
        column, row = (number - 1) % COLUMNS, (number - 1) // COLUMNS
        made.append(
            {
                "id": f"n{number}",
                "type": "market.history",
                "name": f"Bars {number}",
                "position": {"x": column * 260, "y": row * 120},
                "config": {"symbol": "EURUSD", "timeframe": "H1", "count": 10},
            }
        )
        connections.append({"source": "start" if column == 0 else f"n{number - 1}", "target": f"n{number}"})
    return {"name": f"{nodes} nodes", "nodes": made, "connections": connections}


def busy_s(session: CDPSession) -> float:
    """Processor time of the page's main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")


def drag(page: Page, session: CDPSession) -> dict[str, float]:
    """Drag one node over so many frames, a step of the grid each."""
    box = page.locator(".react-flow__node-card").nth(5).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y + 5)
    page.evaluate("window.frames_drawn = 0; (function count() { frames_drawn++; requestAnimationFrame(count) })()")
    before, began = busy_s(session), time.perf_counter()
    drawn = page.evaluate("frames_drawn")
    for step in range(FRAMES):
        page.mouse.move(x + 5 + 4 * step, y + 5 + 2 * (step % 30))
        page.evaluate("new Promise(requestAnimationFrame)")
    frames = page.evaluate("frames_drawn") - drawn
    took, busy = time.perf_counter() - began, busy_s(session) - before
    page.mouse.up()
    page.keyboard.press("Control+z")
    return {"fps": round(frames / took, 1), "cpu_ms_a_frame": round(1000 * busy / frames, 2)}


def open_workflow(page: Page, route: str) -> float:
    """Milliseconds from asking for an editor whose script is loaded to its nodes being painted."""
    page.evaluate("location.hash = '#/help'")
    page.wait_for_selector(".react-flow", state="detached")
    return float(
        page.evaluate(
            """route => new Promise(done => {
              const began = performance.now();
              location.hash = route;
              (function look() {
                if (document.querySelector('.react-flow__node-card'))
                  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
                else requestAnimationFrame(look);
              })();
            })""",
            route,
        )
    )


def measure(page: Page, machine: RunningMachine) -> dict[str, Any]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    figures: dict[str, Any] = {"script_gzip_kb": round(sum(gzipped_sizes().values()) / 1000, 1)}
    page.goto(machine.served.page)
    page.wait_for_selector("nav")
    for nodes in (100, 300):
        made = machine.post("/workflows", big_workflow(nodes))
        route = f"#/workflows/{made['id']}"
        open_workflow(page, route)
        figures[f"open_{nodes}_ms"] = round(statistics.median(open_workflow(page, route) for _ in range(3)))
        page.wait_for_timeout(2_000)  # what follows opening: validation, the map
        figures[f"drag_{nodes}"] = drag(page, session)
    return figures


def main() -> None:
    if CHROMIUM is None:
        print(json.dumps({"skipped": "no chromium here"}))
        return
    with (
        tempfile.TemporaryDirectory() as home,
        RunningMachine(Path(home), None, bundled_data()) as machine,
        sync_playwright() as playwright,
    ):
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        print(json.dumps(measure(page, machine)))
        browser.close()


if __name__ == "__main__":
    main()
