"""What the machine counts, as Prometheus reads it: by Prometheus's own parser."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.loop import run
from tradeloom.engine.events import Event, EventType
from tradeloom.errors import StorageUnavailable
from tradeloom.local.metrics import Metrics, Readings

NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Stored:
    """A database that answers, or is away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def __call__(self) -> Mapping[str, Mapping[str, int]]:
        self.asked += 1
        if self.away:
            raise StorageUnavailable("gone")
        return {"orders": {"done": 3, "unknown": 1}, "executions_open": {"running": 2}}


def made(stored: Stored) -> Metrics:
    return Metrics(
        Readings(
            version="1.2.3",
            running=lambda: 2,
            workers=list,
            tasks_waiting=lambda: 4,
            journal_waiting=lambda: 5,
            circuit=lambda: "open",
            accounts=lambda: {"paper": "halted"},
            schedules=lambda: 1,
            subscribers=lambda: 7,
            stored=stored,
        )
    )


def read(metrics: Metrics) -> dict[str, float]:
    """Samples by name, with labels in braces."""
    rendering: Awaitable[bytes] = metrics.render()
    text = run(asyncio.wait_for(rendering, 60)).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def event(type_: EventType, *, execution: str = "e", after_s: float = 0, **data: Any) -> Event:
    return Event(
        type=type_,
        tenant="local",
        execution_id=execution,
        workflow_id="w",
        seq=1,
        time=NOW + timedelta(seconds=after_s),
        data=data,
    )


def test_executions_and_nodes_are_counted() -> None:
    metrics = made(Stored())
    metrics.hear(event("execution.started", resumed=False))
    metrics.hear(event("node.started", after_s=0.02, kind="task"))
    metrics.hear(event("node.finished", kind="task", status="SUCCEEDED", duration_ms=30))
    metrics.hear(event("node.started", after_s=9, kind="wait"))
    metrics.hear(event("node.finished", kind="wait", status="SUCCEEDED", duration_ms=60_000))
    metrics.hear(event("execution.finished", status="FAILED", duration_ms=700))
    metrics.hear(event("execution.started", execution="resumed", resumed=True))
    found = read(metrics)
    assert found["tradeloom_executions_started_total"] == 1
    assert found["tradeloom_executions_finished_total{status=failed}"] == 1
    assert found["tradeloom_node_runs_total{status=succeeded}"] == 2
    assert found["tradeloom_node_seconds_count"] == 1  # a wait is none
    assert found["tradeloom_node_seconds_sum"] == 0.03
    assert found["tradeloom_start_seconds_count"] == 1
    assert round(found["tradeloom_start_seconds_sum"], 6) == 0.02
    assert found["tradeloom_execution_seconds_bucket{le=0.5}"] == 0
    assert found["tradeloom_execution_seconds_bucket{le=1.0}"] == 1


def test_gauges_tell_the_parts() -> None:
    metrics = made(Stored())
    metrics.fired("started")
    metrics.fired("missed")
    metrics.committed(0.002, False)
    metrics.committed(0.5, True)
    found = read(metrics)
    assert found["tradeloom_info{version=1.2.3}"] == 1
    assert (found["tradeloom_executions_running"], found["tradeloom_tasks_waiting"]) == (2, 4)
    assert (found["tradeloom_journal_waiting"], found["tradeloom_subscribers"]) == (5, 7)
    assert [found[f"tradeloom_bridge_circuit{{state={each}}}"] for each in ("closed", "half_open", "open")] == [0, 0, 1]
    assert found["tradeloom_account_state{account=paper,state=halted}"] == 1
    assert found["tradeloom_orders{state=unknown}"] == 1
    assert found["tradeloom_executions_open{status=running}"] == 2
    assert found["tradeloom_schedule_fires_total{outcome=missed}"] == 1
    assert found["tradeloom_journal_commit_seconds_count"] == 2
    assert found["tradeloom_journal_commits_failed_total"] == 1
    assert found["process_resident_memory_bytes"] > 0


def test_the_database_is_asked_once_for_readers_that_come_together_and_may_be_away() -> None:
    stored = Stored()
    metrics = made(stored)
    read(metrics)
    assert read(metrics)["tradeloom_database_up"] == 1
    assert stored.asked == 1
    stored.away = True
    away = made(stored)
    found = read(away)
    assert found["tradeloom_database_up"] == 0
    assert not any(name.startswith("tradeloom_orders") for name in found)


def test_no_id_becomes_a_label() -> None:
    metrics = made(Stored())
    for number in range(50):
        metrics.hear(event("execution.started", execution=f"execution-{number}", resumed=False))
        metrics.hear(event("execution.finished", execution=f"execution-{number}", status="SUCCEEDED", duration_ms=1))
    text = run(metrics.render()).decode()
    assert "execution-" not in text
    assert len(text.splitlines()) < 250
