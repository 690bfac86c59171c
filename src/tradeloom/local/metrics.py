"""What the machine counts of itself, for Prometheus.

Counters begin at zero with the process; what the database holds is asked when somebody reads, at most every few
seconds. Labels are bounded: states, outcomes, accounts. No workflow's or execution's id becomes one.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradeloom.engine.events import Event
from tradeloom.errors import TradeloomError

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
KEPT_S: Final = 5.0
"""How long what the database said is told again."""

_RUN_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_COMMIT_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_CIRCUIT: Final = ("closed", "half_open", "open")

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began: nothing anybody asks for

type Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What is read from the machine's parts when somebody asks. `stored` asks the database: rows by table and state,
    such as `{"orders": {"done": 3}}`."""

    version: str
    running: Callable[[], int]
    workers: Callable[[], Sequence[int]]
    tasks_waiting: Callable[[], int]
    journal_waiting: Callable[[], int]
    circuit: Callable[[], str]
    accounts: Callable[[], Mapping[str, str]]
    schedules: Callable[[], int]
    subscribers: Callable[[], int]
    stored: Callable[[], Awaitable[Mapping[str, Mapping[str, int]]]]


class Metrics:
    """`hear` is the engine's subscriber, `committed` the journal's, `fired` the scheduler's. All on one event loop."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._stored: Mapping[str, Mapping[str, int]] = {}
        self._asked_at = -KEPT_S
        self._database_up = False
        self._begun: dict[str, datetime] = {}
        self._registry = CollectorRegistry()
        self._started = self._counter("executions_started", "Executions that began, resumed ones not counted again.")
        self._finished = self._counter("executions_finished", "Executions that ended, by status.", "status")
        self._execution_s = self._histogram("execution_seconds", "From an execution's begin to its end.", _RUN_BUCKETS)
        self._start_s = self._histogram("start_seconds", "From an execution's begin to its first node.", _RUN_BUCKETS)
        self._nodes = self._counter("node_runs", "Runs of nodes that ended, by status.", "status")
        self._node_s = self._histogram("node_seconds", "How long nodes ran, waits not counted.", _RUN_BUCKETS)
        self._commit_s = self._histogram("journal_commit_seconds", "Transactions of the journal.", _COMMIT_BUCKETS)
        self._commits_failed = self._counter("journal_commits_failed", "Transactions that are tried again.")
        self._fires = self._counter("schedule_fires", "Fires of schedules, by what came of them.", "outcome")
        self._registry.register(_Gauges(self._gauges))
        ProcessCollector(registry=self._registry)

    async def render(self) -> bytes:
        """The text format. A database that is away costs its figures, no more."""
        if time.monotonic() - self._asked_at >= KEPT_S:
            try:
                self._stored, self._database_up = await self._readings.stored(), True
            except TradeloomError:
                self._stored, self._database_up = {}, False
            self._asked_at = time.monotonic()
        return generate_latest(self._registry)

    def hear(self, event: Event) -> None:
        match event.type:
            case "execution.started":
                if not event.data.get("resumed"):
                    self._started.inc()
                    self._begun[event.execution_id] = event.time
            case "node.started":
                if begun := self._begun.pop(event.execution_id, None):
                    self._start_s.observe(max(0.0, (event.time - begun).total_seconds()))
            case "node.finished":
                self._nodes.labels(str(event.data.get("status", "")).lower()).inc()
                if event.data.get("kind") == "task":
                    self._node_s.observe(_seconds(event))
            case "execution.finished":
                self._begun.pop(event.execution_id, None)
                self._finished.labels(str(event.data.get("status", "")).lower()).inc()
                self._execution_s.observe(_seconds(event))

    def committed(self, seconds: float, failed: bool) -> None:
        """One transaction of the journal; one that failed is tried again."""
        self._commit_s.observe(seconds)
        if failed:
            self._commits_failed.inc()

    def fired(self, outcome: str) -> None:
        """One fire of a schedule: started, duplicate, skipped, or missed for good."""
        self._fires.labels(outcome).inc()

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"tradeloom_{name}", told, labels, registry=self._registry)

    def _histogram(self, name: str, told: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(f"tradeloom_{name}", told, registry=self._registry, buckets=buckets)

    def _gauges(self) -> Iterator[Metric]:
        now = self._readings
        yield _gauge("info", "Version.", [({"version": now.version}, 1)])
        yield _gauge("executions_running", "Executions this engine has accepted and not ended.", [({}, now.running())])
        workers = now.workers()
        yield _gauge("workers", "Worker processes that live.", [({}, len(workers))])
        yield _gauge("worker_memory_bytes", "Resident memory of all workers.", [({}, _memory(workers))])
        yield _gauge("tasks_waiting", "Tasks that wait for a worker.", [({}, now.tasks_waiting())])
        yield _gauge("journal_waiting", "Records that wait to be written.", [({}, now.journal_waiting())])
        yield _gauge("schedules", "Workflows with schedules that are watched.", [({}, now.schedules())])
        yield _gauge("subscribers", "Open subscriptions to run events.", [({}, now.subscribers())])
        yield _gauge("bridge_circuit", "1 for the state of the way to the bridge.", _one_of(_CIRCUIT, now.circuit()))
        standing = [({"account": name, "state": state}, 1.0) for name, state in now.accounts().items()]
        yield _gauge("account_state", "1 for the state an account is in.", standing)
        yield _gauge("database_up", "1 while the database answers.", [({}, self._database_up)])
        for table, told in (
            ("orders", "Orders by state."),
            ("executions_open", "Executions that have not ended, by status."),
            ("notifications", "Notifications that are kept, by level."),
        ):
            label = {"orders": "state", "executions_open": "status"}.get(table, "level")
            counts = self._stored.get(table, {})
            yield _gauge(table, told, [({label: state}, count) for state, count in sorted(counts.items())])


class _Gauges(Collector):
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()


def _gauge(name: str, told: str, samples: Sequence[Sample]) -> GaugeMetricFamily:
    labels = list(samples[0][0]) if samples else []
    family = GaugeMetricFamily(f"tradeloom_{name}", told, labels=labels)
    for values, value in samples:
        family.add_metric([values[label] for label in labels], float(value))
    return family


def _one_of(known: Sequence[str], now: str) -> list[Sample]:
    return [({"state": state}, state == now) for state in known]


def _seconds(event: Event) -> float:
    return max(0, event.data.get("duration_ms") or 0) / 1000


def _memory(pids: Sequence[int]) -> int:
    import psutil

    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_info().rss
        except psutil.Error:
            continue
    return total
