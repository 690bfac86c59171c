"""The journal's rows as the API shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradeloom.api.models.executions import (
    Execution,
    ExecutionStatus,
    ExecutionSummary,
    Failure,
    LogLine,
    LogPage,
    NodeRun,
    NodeRunState,
    RetryItem,
)
from tradeloom.api.models.notifications import NotificationItem
from tradeloom.api.models.workflows import LastRun
from tradeloom.compiler.pieces import ORDER_UNKNOWN
from tradeloom.engine import journal
from tradeloom.engine.execution_trades import ExecutionTrades
from tradeloom.engine.orders import OrderRecord
from tradeloom.local.execution_trades import traded
from tradeloom.local.failure_hints import hint_for
from tradeloom.local.orders import order_of
from tradeloom.workflow.document import Node, Workflow

_STATUS: Mapping[str, ExecutionStatus] = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "STOPPED": "stopped",
    "TIMED_OUT": "timed_out",
}
_STATUS_BACK: Mapping[str, Any] = {shown: stored for stored, shown in _STATUS.items()}


def stored_status(status: ExecutionStatus | None) -> Any:
    return None if status is None else _STATUS_BACK[status]


def last_run_of(row: journal.Execution | None) -> LastRun | None:
    if row is None:
        return None
    status, started_at = _STATUS[row.status], row.started_at or row.created_at
    return LastRun(id=row.id, status=status, has_errors=row.has_errors, started_at=started_at)


def summary_of(row: journal.Execution, workflow_name: str, trades: ExecutionTrades | None = None) -> ExecutionSummary:
    return ExecutionSummary(**_summary(row, workflow_name, trades))


def execution_of(
    row: journal.Execution,
    runs: Sequence[journal.NodeRun],
    workflow_name: str,
    document: Workflow | None,
    orders: Sequence[OrderRecord] = (),
    trades: ExecutionTrades | None = None,
    retries: Sequence[journal.RetryRecord] = (),
) -> Execution:
    """An execution with one entry a node run: attempts of one task are one run, and so are a delay's task and wait.

    Nodes that did not run are listed as skipped once the execution has ended.
    """
    payload = row.run.get("payload", {})
    return Execution(
        **_summary(row, workflow_name, trades),
        seq=max((max(run.started_seq, run.finished_seq or 0) for run in runs), default=0),
        payload=payload if isinstance(payload, dict) else {},
        node_runs=_node_runs(row, runs, document),
        orders=[order_of(order) for order in orders],
        retries=[
            RetryItem(number=each.number, at=each.at, by=each.by, error=execution_failure(each.error))
            for each in retries
        ],
        **_departures(row),
    )


def _departures(row: journal.Execution) -> dict[str, Any]:
    """How it departs from a plain run."""
    mode = row.mode or {}
    told = {name: mode.get(name) for name in ("replay_of", "from_node", "until")}
    return told | {"debugging": mode.get("debug") is not None}


def _summary(row: journal.Execution, workflow_name: str, trades: ExecutionTrades | None = None) -> dict[str, Any]:
    return {
        "id": row.id,
        "workflow_id": row.workflow_id,
        "workflow_name": workflow_name,
        "version": row.version,
        "status": _STATUS[row.status],
        "has_errors": row.has_errors,
        "trigger": row.trigger,
        "test_mode": row.test_mode,
        "account": row.account,
        "as_of": row.as_of,
        "started_at": row.started_at or row.created_at,
        "finished_at": row.finished_at,
        "duration_ms": None if row.duration_ms is None else round(row.duration_ms, 3),
        "error": execution_failure(row.error),
        "trades": traded(trades or ExecutionTrades()),
    }


def _node_runs(row: journal.Execution, runs: Sequence[journal.NodeRun], document: Workflow | None) -> list[NodeRun]:
    drawn = {} if document is None else {node.id: node for node in document.nodes}
    pauses = {(run.node, tuple(run.iteration)): run for run in runs if run.kind == "pause"}
    runs = [run for run in runs if run.kind != "pause"]
    grouped: dict[tuple[str, tuple[int, ...]], list[journal.NodeRun]] = {}
    for run in runs:
        grouped.setdefault((run.node, tuple(run.iteration)), []).append(run)
    shown = []
    for (node_id, iteration), group in grouped.items():
        node = drawn.get(node_id)
        shown.append(
            NodeRun(
                node=node_id,
                name=node.label if node else node_id,
                type=node.type if node else "",
                iteration=list(iteration),
                given=(group[-1].input or {}).get("given") if isinstance(group[-1].input, dict) else None,
                edited=edited_values(pauses.get((node_id, iteration))),
                **_outcome(group, waits=row.status in journal.ACTIVE and _waits_for_order(group)),
            )
        )
    shown += [_paused(run, drawn.get(run.node)) for run in pauses.values() if run.status == "RUNNING"]
    if row.status not in journal.ACTIVE:
        ran = {node for node, _ in grouped}
        shown += [
            NodeRun(node=node.id, name=node.label, type=node.type, state="skipped", attempts=0)
            for node in drawn.values()
            if node.id not in ran
        ]
    return shown


def edited_values(pause: journal.NodeRun | None) -> dict[str, Any]:
    """What a person set at a pause, by path."""
    found: dict[str, Any] = ((pause.output if pause is not None else None) or {}).get("edits", {}).get("set", {})
    return found


def _paused(run: journal.NodeRun, node: Node | None) -> NodeRun:
    return NodeRun(
        node=run.node,
        name=node.label if node else run.node,
        type=node.type if node else "",
        iteration=list(run.iteration),
        state="paused",
        attempts=0,
        started_at=run.started_at,
        edited=edited_values(run),
    )


def _waits_for_order(group: Sequence[journal.NodeRun]) -> bool:
    """Whether the node runs again to ask for its order's outcome."""
    tried = sum((run.error or {}).get("name") in ORDER_UNKNOWN["ErrorEquals"] for run in group)
    return group[-1].status == "FAILED" and 0 < tried <= ORDER_UNKNOWN["MaxAttempts"]


def _outcome(group: Sequence[journal.NodeRun], *, waits: bool = False) -> dict[str, Any]:
    first, last = group[0], group[-1]
    state: NodeRunState
    match last.status:
        case "RUNNING":
            state = "waiting" if last.kind == "wait" else "running"
        case "SUCCEEDED":
            state = "succeeded"
        case _:
            state = "waiting" if waits else "failed"
    record = next((run.output for run in reversed(group) if run.kind == "task" and _is_record(run.output)), None)
    told: dict[str, Any] = {
        "state": state,
        "attempts": max(sum(run.kind == "task" for run in group), 1),
        "started_at": first.started_at,
        "finished_at": last.finished_at,
        "duration_ms": _duration(group),
        "error": execution_failure(last.error, node=last.node) if state == "failed" else None,
    }
    if state == "succeeded":
        if record is not None:
            told |= {"port": record.get("port"), "output": record.get("output")}
        elif last.kind == "wait":
            told |= {"port": "main", "output": {"timestamp": (last.output or {}).get("due")}}
    return told


def _duration(group: Sequence[journal.NodeRun]) -> float | None:
    first, last = group[0], group[-1]
    if len(group) == 1:
        return last.duration_ms
    if last.finished_at is None:
        return None
    return round((last.finished_at - first.started_at).total_seconds() * 1000, 3)


def _is_record(output: Any) -> bool:
    return isinstance(output, dict) and "state" in output and "port" in output


def execution_failure(error: Mapping[str, Any] | None, node: str | None = None) -> Failure | None:
    if error is None:
        return None
    name = str(error["name"])
    return Failure(
        name=name, message=str(error.get("message", "")), node=error.get("node") or node, hint=hint_for(name)
    )


def log_page(lines: Sequence[journal.LogLine], after: int) -> LogPage:
    shown = [
        LogLine(
            seq=line.seq,
            time=line.time,
            level=line.level if line.level in {"debug", "info", "warning", "error"} else "info",
            message=line.message,
            node=line.node,
            iteration=line.iteration,
            fields=line.fields,
        )
        for line in lines
    ]
    return LogPage(items=shown, next_after=shown[-1].seq if shown else after)


def notification_of(stored: journal.StoredNotification) -> NotificationItem:
    told = stored.notification
    return NotificationItem(
        id=told.id,
        time=stored.created_at,
        level=told.level,
        title=told.title,
        message=told.message,
        execution_id=told.execution_id,
        workflow_id=told.workflow_id,
        node=told.node_id,
    )
