"""The machines themselves: what is in them, and what never is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from tests.parity.workflows import Case, cases
from tests.support.documents import document, node
from tests.support.exam import sized
from tradeloom.compiler.compile import compile_workflow
from tradeloom.compiler.limits import definition_problems
from tradeloom.compiler.pieces import state_name
from tradeloom.workflow.document import Node

IF = {"a": 1, "operator": "<", "b": 2}


def machine(value: dict[str, Any]) -> dict[str, Any]:
    states: dict[str, Any] = compile_workflow(value).definition["States"]
    return states


def test_a_chain_is_a_chain_of_tasks() -> None:
    states = machine(document([node("t"), node("a", "utility.merge"), node("b", "utility.merge")], "t > a", "a > b"))
    assert list(states) == ["Start", "t", "a", "b", "Done", "Failed"]
    assert [states[name]["Type"] for name in states] == ["Pass", "Task", "Task", "Task", "Succeed", "Fail"]


def test_a_layer_is_a_parallel_and_what_acts_stands_alone() -> None:
    tell = {"title": "t", "message": "m"}
    nodes = [node("t"), *(node(name, "utility.merge") for name in "ab")]
    nodes += [node(name, "notify.dashboard", config=tell) for name in ("x", "y")]
    states = machine(document(nodes, "t > a", "t > b", "t > x", "t > y"))
    assert [branch["StartAt"] for branch in states["Layer2"]["Branches"]] == ["a", "b"]
    assert states["Layer2.ok"]["Default"] == "x"
    assert states["x"]["Next"] == "y"


def test_only_nodes_that_may_be_skipped_are_asked() -> None:
    nodes = [node("t"), node("dip", "condition.if", config=IF), node("a", "utility.merge"), node("b", "utility.merge")]
    states = machine(document(nodes, "t > dip", "dip.true > a", "a > b", "t > b"))
    assert states["a.if"]["Choices"][0]["Condition"] == "{% $n_dip.port = 'true' %}"
    assert "b.if" not in states


def test_a_delay_comes_after_what_does_not_wait() -> None:
    nodes = [node("t"), node("wait", "utility.delay", config={"mode": "seconds", "seconds": 9})]
    nodes += [node("a1", "utility.merge"), node("a2", "utility.merge"), node("late", "utility.merge")]
    states = machine(document(nodes, "t > wait", "wait > late", "t > a1", "a1 > a2"))
    assert list(states) == ["Start", "t", "a1", "a2", "wait", "late", "Done", "Failed"]


def test_retries_name_only_errors_that_say_so() -> None:
    nodes = [node("t"), node("acc", "market.account", retry={"max_attempts": 4, "interval_s": 2, "backoff_rate": 3})]
    task = machine(document(nodes, "t > acc"))["acc"]
    timeout, away = task["Retry"][:2]
    assert (timeout["ErrorEquals"], timeout["MaxAttempts"], timeout["IntervalSeconds"]) == (["BrokerTimeout"], 4, 2)
    assert (away["ErrorEquals"], away["MaxAttempts"], away["BackoffRate"]) == (["BrokerUnavailable"], 5, 3)
    assert [c["ErrorEquals"] for c in task["Catch"]] == [["States.DataLimitExceeded"], ["States.ALL"]]


@pytest.mark.parametrize(("policy", "tries", "pause"), [({}, 5, 2), ({"max_attempts": 9, "interval_s": 7}, 9, 7)])
def test_a_bridge_that_is_started_again_is_waited_for(policy: dict[str, Any], tries: int, pause: int) -> None:
    task = machine(document([node("t"), node("acc", "market.account", retry=policy)], "t > acc"))["acc"]
    (away,) = [each for each in task["Retry"] if "BrokerUnavailable" in each["ErrorEquals"]]
    assert (away["MaxAttempts"], away["IntervalSeconds"]) == (tries, pause)
    never = machine(document([node("t"), node("acc", "market.account", retry={"max_attempts": 0})], "t > acc"))["acc"]
    assert not any("BrokerUnavailable" in each["ErrorEquals"] for each in never["Retry"])


def test_a_journal_that_cannot_be_written_is_waited_for_before_an_order() -> None:
    """Without it nothing is sent, so nothing can be done twice."""
    order = node("buy", "order.market", config={"symbol": "EURUSD", "side": "buy", "volume": 0.1})
    task = machine(document([node("t"), order], "t > buy"))["buy"]
    (away,) = [each for each in task["Retry"] if "StorageUnavailable" in each["ErrorEquals"]]
    assert (away["MaxAttempts"], away["IntervalSeconds"]) == (5, 2)


def test_a_policy_names_errors_its_longest_pause_and_whether_pauses_vary() -> None:
    policy = {"errors": ["BrokerTimeout", "States.Timeout"], "max_interval_s": 20, "jitter": False}
    task = machine(document([node("t"), node("acc", "market.account", retry=policy)], "t > acc"))["acc"]
    own = task["Retry"][0]
    assert (own["ErrorEquals"], own["MaxDelaySeconds"], own["JitterStrategy"]) == (
        ["BrokerTimeout", "States.Timeout"],
        20,
        "NONE",
    )
    assert not any("BrokerUnavailable" in each["ErrorEquals"] for each in task["Retry"])


def test_without_names_a_time_out_is_not_tried_again() -> None:
    task = machine(document([node("t"), node("acc", "market.account")], "t > acc"))["acc"]
    assert not any("States.Timeout" in each["ErrorEquals"] for each in task["Retry"])


def test_the_longest_pause_is_above_the_first() -> None:
    """AWS refuses a MaxDelaySeconds that is not above IntervalSeconds."""
    policy = {"interval_s": 300, "max_interval_s": 10}
    task = machine(document([node("t"), node("acc", "market.account", retry=policy)], "t > acc"))["acc"]
    assert all(each["MaxDelaySeconds"] > each["IntervalSeconds"] for each in task["Retry"] if "MaxDelaySeconds" in each)


@pytest.mark.parametrize("attempts", [0, 4])
def test_an_order_nobody_knows_the_fate_of_is_waited_for(attempts: int) -> None:
    order = {"symbol": "EURUSD", "side": "buy", "volume": 0.1}
    nodes = [node("t"), node("buy", "order.market", config=order, retry={"max_attempts": attempts})]
    retriers = machine(document(nodes, "t > buy"))["buy"]["Retry"]
    (wait,) = [each for each in retriers if "OrderUnknown" in each["ErrorEquals"]]
    assert "States.Timeout" in wait["ErrorEquals"]
    pauses = [min(2 * 2.5**step, wait["MaxDelaySeconds"]) for step in range(wait["MaxAttempts"])]
    assert 60 < sum(pauses) < 300  # longer than the bridge's horizon, after which it gives an order up


def test_a_disabled_node_is_not_in_the_machine() -> None:
    nodes = [node("t"), node("a", "utility.merge", disabled=True), node("b", "utility.merge")]
    states = machine(document(nodes, "t > a", "a > b"))
    assert list(states) == ["Start", "t", "Done", "Failed"]
    assert states["Start"]["Assign"]["n_b"]["state"] == "skipped"


def test_state_names_read_like_the_canvas() -> None:
    assert state_name(Node(id="rsi", type="indicator.rsi", name="RSI 14")) == "RSI_14-rsi"
    assert state_name(Node(id="rsi", type="indicator.rsi", name="{% $x %}")) == "x-rsi"
    assert state_name(Node(id="rsi", type="indicator.rsi", name="日本語")) == "rsi"
    assert len(state_name(Node(id="a" * 24, type="t.t", name="x" * 120)) + ".failed") <= 80


HOSTILE = "{% $states.context %} $$.Execution States.Format('{}') <aws.scheduler.execution-id>"


def test_no_user_text_but_state_names() -> None:
    nodes = [
        node("t", name=HOSTILE, notes=HOSTILE, config={"payload": {"x": HOSTILE}}),
        node("tell", "notify.dashboard", name=HOSTILE, config={"title": HOSTILE, "message": HOSTILE}),
    ]
    value = document(nodes, "t > tell", description=HOSTILE) | {"name": HOSTILE}
    definition = compile_workflow(value).definition
    names = set(definition["States"])
    texts = {text for text in _texts(definition) if text not in names}
    marks = ("Format", "scheduler", "$$.", "context %}", "Execution ")
    assert [text for text in texts if any(mark in text for mark in marks)] == []
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", name) for name in names)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value


@settings(max_examples=sized(50, 500), deadline=None)
@given(cases(most=14))
def test_every_machine_holds_together(case: Case) -> None:
    compiled = compile_workflow(case.document)
    assert definition_problems(compiled.definition) == []
    assert compile_workflow(case.document).definition == compiled.definition
