"""The console's editor in headless chromium: dragging, opening, and what its first load weighs.

Needs chromium and a built console; rasters in software. The processor time a frame is what counts, not frames a second.
A drag is measured with the whole workflow in sight, where all nodes are drawn, and near by, where they are drawn whole.
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

STEPS = 60
WARM_UP = 10
TURN = 30
"""Steps until the node is back where it was."""
ROUNDS = 3
COLUMNS = 20
NEAR = 0.9
ZOOM = "new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a"
MIDDLE = """() => {
  const canvas = document.querySelector('.react-flow').getBoundingClientRect();
  const [x, y] = [canvas.x + canvas.width / 2, canvas.y + canvas.height / 2];
  const middles = [...document.querySelectorAll('.react-flow__node-card')].map(node => {
    const box = node.getBoundingClientRect();
    return [node.dataset.id, box.x + box.width / 2, box.y + box.height / 2];
  });
  return middles.sort((a, b) => Math.hypot(a[1] - x, a[2] - y) - Math.hypot(b[1] - x, b[2] - y))[0];
}"""
"""Id of the node nearest to the canvas' middle, and where its own middle is."""


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
    """Drag a node near the middle and back again, a step of the grid or more at a time.

    The browser answers a move of the pointer once it has drawn the frame before, so a step is a frame: there are none
    in between that would make the mean smaller, and a frame that comes late counts whole.
    """
    name, x, y = page.evaluate(MIDDLE)
    node = page.locator(f'.react-flow__node[data-id="{name}"]')
    still = node.get_attribute("style")
    page.mouse.move(x, y)
    page.mouse.down()
    path = [(x + 10 * min(step, TURN - step), y + 5 * min(step, TURN - step)) for step in range(1, TURN + 1)]
    for step in range(WARM_UP):
        page.mouse.move(*path[step])
    before, began = busy_s(session), time.perf_counter()
    for step in range(WARM_UP, WARM_UP + STEPS):
        page.mouse.move(*path[step % len(path)])
    took, busy = time.perf_counter() - began, busy_s(session) - before
    page.mouse.up()
    assert still != node.get_attribute("style"), "the node did not follow the pointer"
    page.keyboard.press("Control+z")
    page.wait_for_timeout(1_500)  # the draft that follows a change
    return {"fps": round(STEPS / took, 1), "cpu_ms_a_frame": round(1000 * busy / STEPS, 2)}


def drags(page: Page, session: CDPSession) -> dict[str, float]:
    """The middle one of several drags, by its processor time."""
    return sorted((drag(page, session) for _ in range(ROUNDS)), key=lambda each: each["cpu_ms_a_frame"])[ROUNDS // 2]


def come_near(page: Page) -> None:
    """Zoom in on the middle until nodes are drawn whole."""
    page.locator(".react-flow__pane").hover()
    page.keyboard.down("Control")
    while page.evaluate(ZOOM) < NEAR:
        page.mouse.wheel(0, -100)
        page.wait_for_timeout(100)
    page.keyboard.up("Control")
    page.wait_for_timeout(500)


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
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # not the time it waits for a processor
    figures: dict[str, Any] = {"script_gzip_kb": round(sum(gzipped_sizes().values()) / 1000, 1)}
    page.goto(machine.served.page)
    page.wait_for_selector("nav")
    for nodes in (100, 300):
        made = machine.post("/workflows", big_workflow(nodes))
        route = f"#/workflows/{made['id']}"
        open_workflow(page, route)
        figures[f"open_{nodes}_ms"] = round(statistics.median(open_workflow(page, route) for _ in range(3)))
        page.wait_for_timeout(2_000)  # what follows opening: validation, the map
        figures[f"drag_{nodes}"] = drags(page, session)
        come_near(page)
        figures[f"drag_{nodes}_near"] = drags(page, session)
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
