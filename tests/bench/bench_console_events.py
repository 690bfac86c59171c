"""From an event to the painted page: a run of 300 nodes on the console's canvas, its log streaming, headless chromium.

Run it as a module: `python -m tests.bench.bench_console_events [--json]`; it needs the built console (`make console`)
and chromium. Events are published where the engine's are, and go through the real server's WebSocket. One counts as
painted once the frame that holds its log line, a later one, or its node's new status has been drawn. Aims: p95 under
60 ms at 20 events a second, p99 under 100 ms at 200.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.support.chromium import launched
from tests.support.local_machine import RunningMachine
from tests.support.run_traffic import tell, traffic, wide_workflow
from tradeloom.realtime.messages import RunMessage

NODES = 300
RATES = {20: 200, 200: 2_000}
"""Events a second: how many."""
AIMS = {20: ("p95_ms", 60.0), 200: ("p99_ms", 100.0)}
PATIENCE_S = 60.0
SETTLE_S = 5.0
WATCH = """() => {
  const seen = { lines: [], nodes: [] };
  let last = 0;
  const painted = (note) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => note(Date.now());
    channel.port2.postMessage(null);
  });
  new MutationObserver((changes) => {
    const rows = document.querySelectorAll('li[data-seq]');
    const seq = Number(rows[rows.length - 1]?.dataset.seq ?? 0);
    if (seq > last) { last = seq; painted((at) => seen.lines.push([seq, at])); }
    for (const { type, target } of changes) {
      if (type !== 'attributes') continue;
      const node = target.closest('.react-flow__node')?.dataset.id;
      const status = target.dataset.status;
      painted((at) => seen.nodes.push([node, status, at]));
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-status'] });
  window.seen = seen;
}"""


def latencies(told: list[RunMessage], seen: dict[str, Any]) -> list[float]:
    """Milliseconds of every event that shows: log lines, and the first end of each node."""
    found = []
    lines = sorted(seen["lines"])
    ends = {node: at for node, status, at in reversed(seen["nodes"]) if status == "succeeded"}
    for message in told:
        at = message.time.timestamp() * 1_000  # type: ignore[union-attr]
        if message.type == "node.log":
            found.append(next((shown - at for seq, shown in lines if seq >= message.seq), float("inf")))
        elif message.type == "node.finished" and message.node in ends:
            found.append(ends.pop(message.node) - at)
    return found


def watch(page: Page, machine: RunningMachine, workflow: str, per_s: int, count: int) -> dict[str, float]:
    """The figures of one rate, on a run of its own."""
    execution = machine.post(f"/workflows/{workflow}/execute")
    while not any(run["state"] == "waiting" for run in execution["node_runs"]):
        time.sleep(0.2)
        execution = machine.get(f"/executions/{execution['id']}")
    page.goto(f"{machine.served.address}#/executions/{execution['id']}")
    page.wait_for_selector("[data-status=waiting]")
    page.wait_for_timeout(SETTLE_S * 1_000)
    page.evaluate(WATCH)
    hub: Any = machine.machine.run_events
    told = machine.on_loop(tell(hub, traffic(execution, NODES, count), per_s))
    last = max(message.seq for message in told if message.type == "node.log")
    page.wait_for_function("last => window.seen.lines.at(-1)?.[0] >= last", arg=last, timeout=PATIENCE_S * 1_000)
    page.wait_for_timeout(500)
    found = latencies(told, page.evaluate("window.seen"))
    machine.post(f"/executions/{execution['id']}/stop")
    cuts = quantiles(found, n=100)
    return {"events": len(found), "p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "worst_ms": max(found)}


def measure() -> dict[str, dict[str, float]]:
    logging.disable(logging.WARNING)
    figures = {}
    with tempfile.TemporaryDirectory() as home, RunningMachine(Path(home), None) as machine, sync_playwright() as tool:
        client = machine.machine.market.client
        assert client is not None
        client.account("paper").set_speed(1)
        workflow = machine.post("/workflows", wide_workflow(NODES))["id"]
        browser = launched(tool)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_S * 1_000)
        page.goto(machine.served.page)
        for per_s, count in RATES.items():
            figures[f"{NODES}_nodes_{per_s}_per_s"] = watch(page, machine, workflow, per_s, count)
        browser.close()
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = arguments.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps(figures | {"aims": {f"{rate}_per_s": aim for rate, aim in AIMS.items()}}))
        return
    for name, values in figures.items():
        print(name, "  ".join(f"{key} {value:.1f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
