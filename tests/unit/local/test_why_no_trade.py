"""Where the way to a trade ended, and with which values."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.workflow_examples import read_example
from tests.unit.engine.fakes import AS_OF
from tradeloom.api.models.decisions import Decisions
from tradeloom.engine.journal import Execution, NodeRun
from tradeloom.local.why_no_trade import decisions_of
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.workflow.document import Workflow

INFO = {
    "execution_id": "e1", "workflow_id": "w1", "version": "v1", "trigger": "start", "account": "paper",
    "as_of": AS_OF.isoformat(), "started_at": AS_OF.isoformat(),
}  # fmt: skip
LOOP = {
    "name": "Close all",
    "nodes": [
        {"id": "start", "type": "trigger.manual"},
        {"id": "each", "type": "utility.for_each", "config": {"items": "= trigger.payload.tickets"}},
        {"id": "close", "type": "order.close", "parent": "each", "config": {"ticket": "= item"}},
    ],
    "connections": [{"source": "start", "target": "each"}],
}


def record(output: Any, port: str = "main") -> dict[str, Any]:
    return {"state": "succeeded", "port": port, "output": output}


def ran(node: str, output: Any, port: str = "main", **given: Any) -> NodeRun:
    """A node's run; `given` are the outputs it saw."""
    return NodeRun(
        execution_id="e1", path=node, attempt=0, kind="task", node=node, state=node, started_at=AS_OF, started_seq=1,
        status="SUCCEEDED", output=record(output, port),
        input={"node": node, "inputs": {other: record(value) for other, value in given.items()}},
    )  # fmt: skip


def why(document: dict[str, Any], runs: list[NodeRun]) -> Decisions:
    row = Execution(
        id="e1", tenant="local", workflow_id="w1", version="v1", definition="d", trigger="start", account="paper",
        run=INFO, input=None, as_of=AS_OF, created_at=AS_OF, status="SUCCEEDED",
    )  # fmt: skip
    return decisions_of(row, runs, Workflow.model_validate(document), MemoryBlobs())


def test_the_clause_that_did_not_hold_is_told_with_its_value() -> None:
    seen: dict[str, Any] = {"rsi": {"value": 43.1, "series": [1, 2]}, "own": {"count": 0}, "atr": {"value": 0.002}}
    runs = [ran("start", {}), ran("rsi", seen["rsi"]), ran("dip", {"reason": "does not hold"}, "false", **seen)]
    told = why(read_example("rsi_dip_buyer"), runs)
    assert (told.can_trade, told.idle) == (True, ["buy"])
    [stop] = told.stops
    assert (stop.kind, stop.node, stop.port, stop.wanted_port) == ("decided", "dip", "false", "true")
    assert (stop.name, stop.reason, stop.kept_from) == ("Oversold?", "does not hold", ["buy"])
    assert [(clause.text, clause.holds) for clause in stop.clauses] == [
        ("nodes.rsi.value < 30", False),
        ("nodes.own.count == 0", True),
    ]
    assert [(value.name, value.value) for value in stop.clauses[0].values] == [("nodes.rsi.value", 43.1)]


def test_a_value_that_was_not_there_is_told_in_words() -> None:
    runs = [ran("start", {}), ran("dip", {}, "false", rsi={"value": 43.1})]
    [stop] = why(read_example("rsi_dip_buyer"), runs).stops
    own = stop.clauses[1]
    assert own.holds is None
    assert own.error
    assert "did not run" in (own.values[0].error or "")


def test_a_failure_and_a_disabled_node_end_the_way_too() -> None:
    failed = NodeRun(
        execution_id="e1", path="bars", attempt=0, kind="task", node="bars", state="bars", started_at=AS_OF,
        started_seq=1, status="FAILED", error={"name": "BrokerUnavailable", "message": "gone"},
    )  # fmt: skip
    [stop] = why(read_example("rsi_dip_buyer"), [ran("start", {}), failed]).stops
    assert (stop.kind, stop.node) == ("failed", "bars")
    assert stop.error is not None
    assert stop.error.hint
    document = read_example("rsi_dip_buyer")
    next(node for node in document["nodes"] if node["id"] == "size")["disabled"] = True
    [stop] = why(document, [ran("start", {}), ran("dip", {}, "true", rsi={"value": 20}, own={"count": 0})]).stops
    assert (stop.kind, stop.node) == ("disabled", "size")


def test_a_loop_with_nothing_to_go_through() -> None:
    [stop] = why(LOOP, [ran("start", {}), ran("each", {"results": []})]).stops
    assert (stop.kind, stop.node, stop.kept_from) == ("empty_loop", "each", ["close"])


def test_who_traded_is_told_nothing() -> None:
    runs = [ran(node, {}) for node in ("start", "bars", "rsi", "atr", "own", "dip", "size", "buy")]
    told = why(read_example("rsi_dip_buyer"), runs)
    assert (told.idle, told.stops) == ([], [])


@pytest.mark.parametrize("broken", [{"node": "dip"}, None, {"inputs": 7}])
def test_a_record_that_no_longer_reads_leaves_the_nodes_own_words(broken: Any) -> None:
    run = ran("dip", {"reason": "the expression does not hold"}, "false")
    [stop] = why(read_example("rsi_dip_buyer"), [ran("start", {}), _with_input(run, broken)]).stops
    assert stop.reason == "the expression does not hold"


def _with_input(run: NodeRun, given: Any) -> NodeRun:
    return replace(run, input=given)
