"""Every kind of problem a document can have, found with its place, all at once."""

import json
from typing import Any

import pytest

from tests.support.documents import document, node
from tradeloom.compiler.compile import compile_workflow
from tradeloom.compiler.validate import validate
from tradeloom.errors import InvalidDocument

BARS = {"symbol": "EURUSD", "timeframe": "H1", "count": 200}


def found(value: Any) -> set[tuple[str, str | None, str | None]]:
    return {(p.code, p.node, p.field) for p in validate(value)[1]}


def good(**changes: Any) -> dict[str, Any]:
    nodes = [
        node("start"),
        node("bars", "market.history", config=dict(BARS)),
        node("rsi", "indicator.rsi", config={"period": 14}),
        node("dip", "condition.if", config={"a": "= nodes.rsi.value", "operator": "<", "b": 30}),
        node("tell", "notify.dashboard", config={"title": "Dip", "message": "RSI is {{ nodes.rsi.value }}"}),
    ]
    value = document(nodes, "start > bars", "bars > rsi", "rsi > dip", "dip.true > tell")
    return value | changes


def changed(node_id: str, **parts: Any) -> dict[str, Any]:
    value = good()
    for each in value["nodes"]:
        if each["id"] == node_id:
            each.update(parts)
    return value


def test_a_sound_workflow_has_no_problems() -> None:
    compiled, problems = validate(json.dumps(good()))
    assert problems == []
    assert compiled is not None


def test_all_kinds_come_at_once() -> None:
    value = good()
    value["nodes"][2]["config"] = {"period": 0}
    value["nodes"][3]["config"]["a"] = "= nodes.rsi.valu"
    value["nodes"].append(node("odd", "indicator.rsy"))
    value["nodes"].append(node("BAD"))
    value["connections"].append({"source": "ghost", "target": "rsi"})
    value["connections"].append({"source": "dip", "source_port": "maybe", "target": "tell"})
    assert found(value) == {
        ("invalid_config", "rsi", "config.period"),
        ("invalid_expression", "dip", "config.a"),
        ("unknown_type", "odd", "type"),
        ("invalid_id", "BAD", "id"),
        ("dangling_connection", None, "connections.4.source"),
        ("unknown_port", "dip", "connections.5.source_port"),
    }


def test_triggers() -> None:
    assert ("no_trigger", None, "nodes") in found(document([node("m", "utility.merge", config={})]))
    assert ("no_trigger", "start", "disabled") in found(changed("start", disabled=True))
    assert ("empty", None, "nodes") in found(document([]))
    value = good()
    value["connections"].append({"source": "rsi", "target": "start"})
    assert ("trigger_has_input", "start", "connections.4.target_port") in found(value)


def test_unreachable_nodes() -> None:
    value = good()
    value["nodes"].append(node("lost", "utility.merge", config={}))
    assert ("unreachable", "lost", None) in found(value)


def test_error_port_needs_a_route() -> None:
    value = good()
    value["connections"].append({"source": "rsi", "source_port": "error", "target": "tell"})
    assert ("error_not_routed", "rsi", "on_error") in found(value)
    value["nodes"][2]["on_error"] = "route"
    assert found(value) == set()


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        ({"a": "= nodes.tell.id", "operator": "<", "b": 1}, "invalid_expression", "config.a"),  # downstream
        ({"a": "= nodes.dip.result", "operator": "<", "b": 1}, "invalid_expression", "config.a"),  # itself
        ({"a": "= nodes.rsi.value <", "operator": "<", "b": 1}, "invalid_expression", "config.a"),
        ({"a": "= unknown + 1", "operator": "<", "b": 1}, "invalid_expression", "config.a"),
        ({"a": 1, "operator": "?", "b": 1}, "invalid_config", "config.operator"),
        ({"a": 1, "operator": "<", "b": 1, "c": 2}, "invalid_config", "config.c"),
        ({"condition": "= nodes.rsi.value < 30"}, "invalid_config", "config.condition"),
        ({"a": 1, "operator": "= nodes.rsi.signal", "b": 1}, "static_field", "config.operator"),
        ({"a": 1, "operator": "=", "b": 1}, None, None),
    ],
)
def test_configurations(config: dict[str, Any], code: str | None, field: str | None) -> None:
    expected = {(code, "dip", field)} if code else set()
    assert found(changed("dip", config=config)) == expected


def test_required_input_is_taken_from_what_is_connected() -> None:
    value = document(
        [node("start"), node("rsi", "indicator.rsi", config={})],
        "start > rsi",
    )
    assert found(value) == {("missing_input", "rsi", "config.bars")}
    both = document(
        [
            node("start"),
            node("one", "market.history", config=BARS),
            node("two", "market.history", config=BARS),
            node("rsi", "indicator.rsi", config={}, join="all"),
        ],
        "start > one",
        "start > two",
        "one > rsi",
        "two > rsi",
    )
    assert found(both) == {("ambiguous_input", "rsi", "config.bars")}
    both["nodes"][3]["config"] = {"bars": "= nodes.two.bars"}
    assert found(both) == set()


def test_a_disabled_node_only_warns() -> None:
    value = changed("rsi", disabled=True, config={"period": 0})
    document_, problems = validate(value)
    assert [(p.code, p.severity) for p in problems] == [("invalid_config", "warning")]
    assert document_ is not None


def test_loops_hold_their_own() -> None:
    value = good()
    value["nodes"].append(node("inside", "utility.merge", parent="rsi", config={}))
    assert ("not_a_loop", "inside", "parent") in found(value)
    value["nodes"][-1] = node("t2", parent="rep")
    value["nodes"].append(node("rep", "utility.loop", config={"over": "count", "count": 2}))
    value["connections"].append({"source": "start", "target": "rep"})
    assert ("trigger_in_loop", "t2", "parent") in found(value)
    value["nodes"].pop(-2)
    assert ("empty_loop", "rep", None) in found(value)


def test_delays_fit_the_time_given() -> None:
    value = good()
    value["nodes"].append(node("later", "utility.delay", config={"mode": "seconds", "seconds": 90}))
    value["connections"].append({"source": "tell", "target": "later"})
    with pytest.raises(InvalidDocument) as refused:
        compile_workflow(value)
    assert refused.value.problems[0]["code"] == "timeout_too_short"
    value["settings"] = {"timeout_s": 600}
    assert compile_workflow(value).execution_type == "standard"
    value["nodes"][-1]["config"]["seconds"] = 5
    assert compile_workflow(value).execution_type == "express"


def test_more_events_than_a_history_holds_are_refused() -> None:
    nodes = [
        node("start"),
        node("rep", "utility.loop", config={"over": "count", "count": 1000, "max_iterations": 1000}),
    ]
    nodes += [node(f"n{i}", "notify.dashboard", parent="rep", config={"title": "t", "message": "m"}) for i in range(9)]
    with pytest.raises(InvalidDocument) as refused:
        compile_workflow(document(nodes, "start > rep", settings={"timeout_s": 300}))
    assert [p["code"] for p in refused.value.problems] == ["too_many_events"]


def test_a_static_field_takes_no_expression() -> None:
    value = good()
    value["nodes"].append(node("later", "utility.delay", config={"mode": "= nodes.rsi.signal"}))
    value["connections"].append({"source": "tell", "target": "later"})
    assert ("static_field", "later", "config.mode") in found(value)


def test_what_stands_inside_a_static_value_is_plain() -> None:
    payload = {"note": "= not an expression", "list": ["{{ nor this"]}
    assert found(changed("start", config={"payload": payload})) == set()


def test_a_node_gets_no_more_time_than_its_function() -> None:
    assert ("timeout_too_long", "rsi", "timeout_s") in found(changed("rsi", timeout_s=900))
    assert found(changed("rsi", timeout_s=5)) == set()


def test_a_node_inside_itself_whose_double_cannot_be_read() -> None:
    value = good()
    value["nodes"][0]["parent"] = "start"
    value["nodes"].append({"id": "start", "type": 7})
    assert ("parent_cycle", "start", "parent") in found(value)


@pytest.mark.parametrize(
    ("kind", "config", "error", "said"),
    [
        ("market.account", {}, "StalePrize", "has no error"),
        ("order.market", {"symbol": "EURUSD", "side": "buy", "volume": 0.1}, "OrderRejected", "would not change it"),
        ("order.market", {"symbol": "EURUSD", "side": "buy", "volume": 0.1}, "States.Timeout", "done twice"),
    ],
)
def test_a_retry_policy_names_errors_that_are_worth_it(
    kind: str, config: dict[str, Any], error: str, said: str
) -> None:
    nodes = [node("t"), node("a", kind, config=config, retry={"errors": ["BrokerUnavailable", error]})]
    (problem,) = validate(document(nodes, "t > a"))[1]
    assert (problem.code, problem.node, problem.field) == ("not_retried", "a", "retry.errors")
    assert said in problem.message
    assert "BrokerUnavailable" in (problem.hint or "")


def test_a_late_end_is_told_before_the_time_is_up() -> None:
    drawn = document([node("t")], settings={"timeout_s": 60, "expect_end_within_s": 60})
    (warning,) = compile_workflow(drawn).warnings
    assert (warning.code, warning.field) == ("expected_too_late", "settings.expect_end_within_s")
    sooner = document([node("t")], settings={"timeout_s": 60, "expect_end_within_s": 59})
    assert compile_workflow(sooner).warnings == []
