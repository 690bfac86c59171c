"""The journal's rows as the API shows them: attempts in one, waits with their task, what never ran as skipped."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradeloom.engine.journal import Execution, NodeRun
from tradeloom.local.views import execution_of, last_run_of
from tradeloom.workflow.document import Workflow

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCUMENT = Workflow.model_validate(
    {
        "name": "Seen",
        "nodes": [
            {"id": "start", "type": "trigger.manual", "name": "Start"},
            {"id": "price", "type": "market.live_price", "name": "Price"},
            {"id": "pause", "type": "utility.delay"},
            {"id": "never", "type": "notify.dashboard"},
        ],
    }
)


def _row(**more: Any) -> Execution:
    plain: dict[str, Any] = {
        "id": "e1",
        "tenant": "local",
        "workflow_id": "w1",
        "version": "v1",
        "definition": "d",
        "trigger": "start",
        "account": "paper",
        "run": {"payload": {"why": "test"}},
        "input": {},
        "as_of": NOW,
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=1),
        "status": "SUCCEEDED",
    }
    return Execution(**{**plain, **more})


def _run(node: str, attempt: int = 1, **more: Any) -> NodeRun:
    plain: dict[str, Any] = {
        "execution_id": "e1",
        "path": node,
        "attempt": attempt,
        "kind": "task",
        "node": node,
        "state": node,
        "started_at": NOW + timedelta(milliseconds=100 * attempt),
        "started_seq": attempt,
        "finished_at": NOW + timedelta(milliseconds=100 * attempt + 50),
        "duration_ms": 50.0,
        "status": "SUCCEEDED",
        "output": {"state": "succeeded", "port": "main", "output": {"value": attempt}},
    }
    return NodeRun(**{**plain, **more})


FAILED: dict[str, Any] = {"status": "FAILED", "output": None, "error": {"name": "StalePrice", "message": "old"}}


def test_an_execution_is_shown_with_its_payload_and_duration() -> None:
    shown = execution_of(_row(), [_run("start")], "Seen", DOCUMENT)
    assert (shown.status, shown.duration_ms, shown.payload) == ("succeeded", 1000.0, {"why": "test"})
    assert (shown.node_runs[0].name, shown.node_runs[0].output) == ("Start", {"value": 1})


def test_attempts_of_one_task_are_one_run_that_ended_as_the_last_did() -> None:
    retried = [_run("price", 1, **FAILED), _run("price", 2)]
    (shown,) = [run for run in execution_of(_row(), retried, "Seen", DOCUMENT).node_runs if run.node == "price"]
    assert (shown.state, shown.attempts, shown.output, shown.error) == ("succeeded", 2, {"value": 2}, None)
    assert shown.duration_ms == 150.0
    given_up = [_run("price", 1, **FAILED), _run("price", 2, **FAILED)]
    row = _row(status="FAILED", error={"name": "StalePrice", "message": "old", "node": "price"})
    execution = execution_of(row, given_up, "Seen", DOCUMENT)
    (shown,) = [run for run in execution.node_runs if run.node == "price"]
    assert shown.state == "failed"
    assert shown.error is not None
    assert (shown.error.name, shown.error.node) == ("StalePrice", "price")
    assert execution.error is not None
    assert execution.error.message == "old"


def test_a_delay_waits_and_gives_its_due_time() -> None:
    due = "2026-11-22T13:00:00.000Z"
    waiting = _run("pause", 0, kind="wait", status="RUNNING", finished_at=None, duration_ms=None, output=None)
    (shown,) = execution_of(_row(status="RUNNING", finished_at=None), [waiting], "Seen", DOCUMENT).node_runs
    assert (shown.state, shown.duration_ms) == ("waiting", None)
    over = _run("pause", 0, kind="wait", output={"due": due})
    shown = execution_of(_row(), [over], "Seen", DOCUMENT).node_runs[0]
    assert (shown.state, shown.port, shown.output) == ("succeeded", "main", {"timestamp": due})


def test_a_node_that_asks_for_its_orders_outcome_waits() -> None:
    lost: dict[str, Any] = {"status": "FAILED", "output": None, "error": {"name": "OrderUnknown", "message": "lost"}}
    running = _row(status="RUNNING", finished_at=None)
    tried = [_run("price", number, **lost) for number in range(1, 7)]
    for attempts, state in ((1, "waiting"), (5, "waiting"), (6, "failed")):
        (shown,) = execution_of(running, tried[:attempts], "Seen", DOCUMENT).node_runs
        assert (shown.state, shown.attempts) == (state, attempts)
    assert execution_of(_row(status="FAILED"), tried[:3], "Seen", DOCUMENT).node_runs[0].state == "failed"


def test_iterations_of_a_loop_are_runs_of_their_own() -> None:
    runs = [_run("price", 1, iteration=[0]), _run("price", 1, iteration=[1])]
    shown = execution_of(_row(), runs, "Seen", DOCUMENT).node_runs
    assert [(run.node, run.iteration) for run in shown[:2]] == [("price", [0]), ("price", [1])]


def test_what_did_not_run_is_skipped_once_it_is_over() -> None:
    over = execution_of(_row(), [_run("start")], "Seen", DOCUMENT)
    assert [(run.node, run.state) for run in over.node_runs] == [
        ("start", "succeeded"),
        ("price", "skipped"),
        ("pause", "skipped"),
        ("never", "skipped"),
    ]
    running = execution_of(_row(status="RUNNING", finished_at=None), [_run("start")], "Seen", DOCUMENT)
    assert [run.node for run in running.node_runs] == ["start"]


def test_without_its_document_an_execution_can_still_be_read() -> None:
    shown = execution_of(_row(), [_run("start")], "", None)
    assert [(run.node, run.name, run.type) for run in shown.node_runs] == [("start", "start", "")]


def test_a_last_run_that_has_not_begun_stands_where_it_was_asked_for() -> None:
    told = last_run_of(_row(status="PENDING", started_at=None, finished_at=None))
    assert told is not None
    assert (told.id, told.status, told.started_at) == ("e1", "pending", NOW)
    assert last_run_of(None) is None
