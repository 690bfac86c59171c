from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.fake_sub_workflows import FakeSubWorkflows
from tests.support.node_context import FakeContext
from tradeloom.errors import ExecutionStopped, InvalidInput, SubWorkflowFailed, SubWorkflowUnfinished
from tradeloom.nodes.sub_workflows import SubResult
from tradeloom.nodes.utility.sub_workflow import SubWorkflow, SubWorkflowConfig, SubWorkflowOutput


def call(context: FakeContext, **config: Any) -> SubWorkflowOutput:
    return SubWorkflow().run(SubWorkflowConfig.model_validate({"workflow": "Exits", **config}), context)


def test_it_waits_for_the_end_and_gives_what_came() -> None:
    running = SubResult("called-1", "running")
    ended = SubResult("called-1", "succeeded", True, {"closed": 1}, {"size": {"volume": 0.1}})
    context = FakeContext(sub_workflows=FakeSubWorkflows(results=[running, running, ended]))
    made = call(context, outputs=["size"])
    assert made.model_dump() == {
        "execution_id": "called-1",
        "status": "succeeded",
        "has_errors": True,
        "output": {"closed": 1},
        "outputs": {"size": {"volume": 0.1}},
    }


def test_it_need_not_wait() -> None:
    context = FakeContext(sub_workflows=FakeSubWorkflows(results=[SubResult("x", "failed")]))
    made = call(context, wait=False)
    assert (made.status, made.output, made.execution_id) == ("started", None, "called-1")


def test_one_effect_starts_one_execution() -> None:
    started: list[Any] = []
    workflows = FakeSubWorkflows(on_start=lambda *what: started.append(what))
    for iteration in [(), (), (0,), (1,), (0,)]:
        call(FakeContext(sub_workflows=workflows, iteration=iteration), payload={"a": 1})
    assert started == [("Exits", {"a": 1})] * 3


def test_its_failure_is_this_ones() -> None:
    error = {"name": "StalePrice", "message": "the quote is 20 s old", "node": "price"}
    context = FakeContext(sub_workflows=FakeSubWorkflows(results=[SubResult("called-1", "failed", error=error)]))
    with pytest.raises(SubWorkflowFailed, match="Exits failed at price: StalePrice: the quote is 20 s old") as caught:
        call(context)
    assert "called-1" in (caught.value.hint or "")


def test_one_that_takes_too_long() -> None:
    context = FakeContext(sub_workflows=FakeSubWorkflows(last=lambda run: SubResult(run, "running")))
    with pytest.raises(SubWorkflowUnfinished, match="runs on as called-1"):
        call(context, timeout_s=1)


def test_what_keeps_it_from_starting_names_the_field() -> None:
    def refuse(*_: Any) -> None:
        raise InvalidInput("Exits would call itself.")

    with pytest.raises(InvalidInput) as caught:
        call(FakeContext(sub_workflows=FakeSubWorkflows(on_start=refuse)))
    assert caught.value.field == "config.workflow"


def test_a_stopped_execution_starts_nothing() -> None:
    context = FakeContext(stopped=True)
    with pytest.raises(ExecutionStopped):
        call(context)
    assert context.sub_workflows.started == {}


@pytest.mark.parametrize(
    "config", [{"workflow": " "}, {"timeout_s": 841}, {"timeout_s": 0}, {"payload": []}, {"outputs": ["a"] * 21}]
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        call(FakeContext(), **config)
