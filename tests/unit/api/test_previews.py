"""What expressions give on recorded data, candles, and indicators drawn on them."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tradeloom.nodes.indicator._base import IndicatorNode
from tradeloom.nodes.registry import node_types

PREVIEW = "/expressions/preview"
INDICATORS = [name.partition(".")[2] for name, node in node_types().items() if issubclass(node, IndicatorNode)]


def document(config: dict[str, Any], *, type: str = "condition.if", **more: Any) -> dict[str, Any]:
    return {
        "name": "Dip",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "rsi", "type": "indicator.rsi", "name": "RSI 14", "config": {"bars": "= nodes.history.bars"}},
            {"id": "history", "type": "market.history", "config": {"symbol": "EURUSD"}},
            {"id": "dip", "type": type, "config": config, **more},
        ],
        "connections": [
            {"source": "start", "target": "history"},
            {"source": "history", "target": "rsi"},
            {"source": "rsi", "target": "dip"},
        ],
    }


def preview(ask: Ask, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"document": document(config), "node": "dip", "workflow_id": "wf-recorded", **more}
    answer = ask("POST", PREVIEW, body)
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json
    return told


def field(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["fields"] if each["field"] == name)
    return found


def test_an_expression_gives_its_value_on_the_last_run(ask: Ask) -> None:
    told = preview(ask, {"expression": "= nodes.rsi.value < 30"})
    assert told["execution_id"] == "ex-recorded"
    assert told["as_of"] == "2017-08-30T19:00:00Z"
    assert field(told, "config.expression")["value"] is True
    assert told["problems"] == []
    assert "rsi" in told["seen"]
    assert "history" not in told["seen"]


def test_each_expression_is_told_apart(ask: Ask) -> None:
    told = preview(ask, {"a": "= nodes.rsi.value * 2", "operator": "<", "b": "= nodes.history.count"})
    assert field(told, "config.a")["value"] == 51
    broken = field(told, "config.b")
    assert "did not run" in broken["error"]
    assert broken["hint"]


def test_given_outputs_stand_before_recorded_ones(ask: Ask) -> None:
    told = preview(ask, {"expression": "= input.value > 30"}, outputs={"rsi": {"value": 44}})
    assert field(told, "config.expression")["value"] is True


def test_texts_are_filled_in(ask: Ask) -> None:
    config = {"title": "RSI {{ nodes.rsi.value }} is {{ nodes.rsi.signal }}", "message": "{{ nodes.rsi.none }}"}
    body = {"document": document(config, type="notify.dashboard"), "node": "dip", "workflow_id": "wf-recorded"}
    told = ask("POST", PREVIEW, body).json
    assert field(told, "config.title")["value"] == "RSI 25.5 is oversold"
    assert "none" in field(told, "config.message")["error"]


def test_a_required_input_is_previewed_though_it_is_left_out(ask: Ask) -> None:
    told = preview(ask, {}, node="rsi", outputs={"history": {"bars": {"kind": "bars"}}})
    assert field(told, "config.bars")["value"] == {"kind": "bars"}


def test_a_loops_item_is_the_one_it_had_last(ask: Ask) -> None:
    drawn = document({"title": "{{ item }} {{ index }}", "message": "x"}, type="notify.dashboard", parent="loop")
    drawn["nodes"] += [
        {"id": "loop", "type": "utility.for_each", "config": {"items": ["EURUSD"]}},
        {"id": "each", "type": "market.positions", "parent": "loop"},
    ]
    drawn["connections"][2] = {"source": "loop", "source_port": "item", "target": "dip"}
    told = ask("POST", PREVIEW, {"document": drawn, "node": "dip", "workflow_id": "wf-recorded"}).json
    assert field(told, "config.title")["value"] == "GBPUSD 1"
    assert {each["field"]: each["value"] for each in told["turn"]} == {"item": "GBPUSD", "index": 1}


def test_what_is_wrong_is_told_in_the_compilers_words(ask: Ask) -> None:
    told = preview(ask, {"operator": "=<"})
    refused = ask("POST", "/workflows", document({"operator": "=<"})).error["problems"]
    (mine,) = [each["message"] for each in refused if each.get("node") == "dip" and each["field"] == "config.operator"]
    assert mine in [each["message"] for each in told["problems"]]
    broken = preview(ask, {"expression": "= nodes.rsi.value <"})
    assert [each["field"] for each in broken["problems"]] == ["config.expression"]


def test_what_values_break_is_a_warning(ask: Ask) -> None:
    body = {
        "document": document(
            {"symbol": "EURUSD", "side": "buy", "volume": "= nodes.rsi.value * -1"}, type="order.market"
        ),
        "node": "dip",
        "workflow_id": "wf-recorded",
    }
    (problem,) = ask("POST", PREVIEW, body).json["problems"]
    assert (problem["severity"], problem["field"]) == ("warning", "config.volume")
    assert "values of the last run" in problem["message"]


def test_a_long_value_is_shortened(ask: Ask) -> None:
    told = preview(ask, {"expression": "= nodes.rsi.text"}, outputs={"rsi": {"text": "x" * 30_000}})
    found = field(told, "config.expression")
    assert found["shortened"]
    assert len(found["value"]) == 2_000


def test_without_a_run_there_are_no_values(ask: Ask) -> None:
    for workflow in ("wf-other", None):
        told = preview(ask, {"expression": "= nodes.rsi.value < 30"}, workflow_id=workflow)
        assert told["execution_id"] is None
        assert "did not run" in field(told, "config.expression")["error"]


def test_other_tenants_executions_are_not_seen(ask: Ask) -> None:
    body = {"document": document({}), "node": "dip", "execution_id": "ex-recorded"}
    assert ask("POST", PREVIEW, body).status == 200
    other = ask("POST", PREVIEW, body, claims={"custom:tenant_id": "other", "sub": "user-2"})
    assert (other.status, other.error["field"]) == (404, "execution_id")


def test_a_document_that_cannot_be_read_is_an_answer(ask: Ask) -> None:
    told = ask("POST", PREVIEW, {"document": {"nodes": 3}, "node": "dip"})
    assert told.status == 200
    assert told.json["problems"]
    missing = ask("POST", PREVIEW, {"document": document({}), "node": "gone"})
    assert (missing.status, missing.error["field"]) == (404, "node")


def test_functions_are_told_with_their_help(ask: Ask) -> None:
    items = {each["name"]: each for each in ask("GET", "/expressions/functions").json["items"]}
    assert items["cross_above"]["signature"].startswith("cross_above(")
    assert items["filter"]["kind"] == "macro"
    assert all(each["help"] for each in items.values())


def test_candles_are_columns(ask: Ask) -> None:
    told = ask("GET", "/accounts/paper/candles", query={"symbol": "EURUSD", "count": "50"}).json
    assert {len(told[name]) for name in ("time", "open", "high", "low", "close", "volume")} == {50}
    assert told["time"] == sorted(told["time"])
    assert told["time"][-1] <= 1504119600  # the market's time
    assert ask("GET", "/accounts/paper/candles", query={"symbol": "NONE"}).status == 404
    assert ask("GET", "/accounts/none/candles", query={"symbol": "EURUSD"}).status == 404


@pytest.mark.parametrize("name", INDICATORS)
def test_every_indicator_is_drawn(ask: Ask, name: str) -> None:
    answer = ask("POST", "/indicators/preview", {"type": f"indicator.{name}", "symbol": "EURUSD", "count": 120})
    assert answer.status == 200, answer.text
    told = answer.json
    assert len(told["candles"]["time"]) == 120
    assert told["lines"]
    for line in told["lines"]:
        assert len(line["values"]) == 120
        assert line["values"][-1] is not None or name in {"pivots", "talib"}
    prices = [line for line in told["lines"] if line["pane"] == "price"]
    middle = sorted(told["candles"]["close"])[60]
    for line in prices:
        known = [value for value in line["values"] if value is not None]
        assert all(0.8 * middle < value < 1.2 * middle for value in known)


def test_a_drawn_indicator_follows_its_parameters(ask: Ask) -> None:
    def lines(period: int) -> dict[str, Any]:
        body = {"type": "indicator.rsi", "symbol": "EURUSD", "config": {"period": period, "oversold": 25}}
        told: dict[str, Any] = ask("POST", "/indicators/preview", body).json
        return told

    short, long = lines(7), lines(28)
    assert short["lines"][0]["values"] != long["lines"][0]["values"]
    assert {level["field"]: level["value"] for level in short["levels"]} == {"oversold": 25, "overbought": 70}
    assert len(short["marks"]) > len(long["marks"])


def test_an_indicator_that_cannot_be_drawn_says_why(ask: Ask) -> None:
    wrong = ask("POST", "/indicators/preview", {"type": "indicator.rsi", "symbol": "EURUSD", "config": {"period": 1}})
    assert wrong.status == 422
    assert wrong.error["problems"][0]["field"] == "config.period"
    assert ask("POST", "/indicators/preview", {"type": "market.account", "symbol": "EURUSD"}).status == 404
