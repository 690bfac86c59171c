"""kill -9 between failures and their error workflow: each failure starts it once."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import document, node
from tests.support.machine import Up

FAILURES = 6
PATIENCE_S = 240.0


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    try:
        made.start(timeout_s=PATIENCE_S)
        yield made
    finally:
        made.stop()


def test_each_failure_starts_the_error_workflow_once(up: Up) -> None:
    tell = up.call("POST", "/workflows", document([node("failed", "trigger.error")]) | {"name": "Tell"})
    nodes = [node("start"), node("price", "market.live_price", config={"symbol": "NOSUCH", "timeframe": "H1"})]
    drawn = document(nodes, "start > price", settings={"error_workflow": tell["id"]}) | {"name": "Fails"}
    fails = up.call("POST", "/workflows", drawn)
    # One by one, so that the kill finds some ended, some on their way, some not begun.
    started = [up.call("POST", f"/workflows/{fails['id']}/execute", {})["id"] for _ in range(FAILURES)]
    up.kill()
    up.start(timeout_s=PATIENCE_S)
    assert {up.wait(each, PATIENCE_S)["status"] for each in started} == {"failed"}
    give_up = time.monotonic() + PATIENCE_S
    while True:
        page = up.call("GET", f"/workflows/{tell['id']}/executions?limit=100")["items"]
        if len(page) >= FAILURES and all(each["status"] == "succeeded" for each in page):
            break
        assert time.monotonic() < give_up, [each["status"] for each in page]
        time.sleep(0.1)
    told = Counter(up.call("GET", f"/executions/{each['id']}")["payload"]["execution_id"] for each in page)
    assert told == Counter(started)
