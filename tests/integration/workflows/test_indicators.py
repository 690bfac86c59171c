"""Every indicator's example in one workflow, on the whole machine with the paper terminal's bars."""

from typing import Any

import pytest

from tests.integration.workflows.drawing import node, run
from tests.support.local_machine import RunningMachine
from tradeloom.nodes.registry import node_types

ON_BARS = [
    name
    for name, each in node_types().items()
    if each.category() == "indicator" and "market.history" in each.example.inputs
]


def drawn() -> dict[str, Any]:
    """All of them behind one Price history node, and a crossing decided from two of them."""
    nodes = [
        {"id": "start", "type": "trigger.manual"},
        node("history", "market.history", symbol="EURUSD", timeframe="H1", count=100),
        node("multi", "indicator.multi_timeframe", symbol="EURUSD", timeframes=["H1", "H4"], period=20, kind="SMA"),
        node("cross", "condition.cross", a="= nodes.ma.series", b="= nodes.talib.series", direction="either"),
    ]
    ways = [("start", "history"), ("start", "multi"), ("ma", "cross"), ("talib", "cross")]
    for name in ON_BARS:
        short = name.partition(".")[2]
        config = {"function": "KAMA"} if short == "talib" else dict(node_types()[name].example.config)
        nodes.append(node(short, name, **config))
        ways.append(("history", short))
    connections = [{"source": source, "target": target} for source, target in ways]
    return {"name": "Every indicator", "nodes": nodes, "connections": connections}


def test_every_indicator_runs_in_a_workflow(machine: RunningMachine) -> None:
    done = run(machine, drawn())
    assert done["status"] == "succeeded", done.get("error")
    assert len(ON_BARS) == 14
    outputs = {name: each["output"] for name, each in done["runs"].items()}
    last = outputs["history"]["last"]
    for name in ON_BARS:
        output = outputs[name.partition(".")[2]]
        assert output["time"] == last["time"]
        assert output.get("price", last["close"]) == last["close"]
    assert outputs["supertrend"]["bars_in_trend"] >= 1
    assert outputs["donchian"]["lower"] <= last["low"] < last["high"] <= outputs["donchian"]["upper"]
    assert set(outputs["multi"]["readings"]) == {"H1", "H4"}
    assert outputs["multi"]["readings"]["H1"]["price"] == last["close"]
    assert outputs["cross"]["distance"] == pytest.approx(outputs["ma"]["value"] - outputs["talib"]["value"])
