"""Bars out of the tenant's own tables: saved by one workflow, read by another, and an indicator on them."""

import csv
import itertools
from typing import Any

import pytest

from tests.integration.workflows.drawing import chain, node, run
from tests.support.local_machine import RunningMachine
from tradeloom.local.places import bundled_bars

COUNT = 40


def bars() -> list[dict[str, Any]]:
    """The first of the bundled bars."""
    with bundled_bars().open() as file:
        rows = itertools.islice(csv.DictReader(file), COUNT)
        prices = ("open", "high", "low", "close", "volume")
        return [{"time": row["time"], **{name: float(row[name]) for name in prices}} for row in rows]


def test_an_indicator_on_bars_from_the_database(machine: RunningMachine) -> None:
    save = node("save", "database.save", table="my_bars", object="= item", key="time") | {"parent": "each"}
    each = node("each", "utility.loop", over="list", items="= trigger.payload.bars", max_iterations=COUNT)
    workflow = machine.post("/workflows", chain(each, save, name="Keep bars", timeout_s=300))
    saved = machine.execute(workflow["id"], payload={"bars": bars()})
    assert saved["status"] == "succeeded", saved["error"]

    columns = ["time", "open", "high", "low", "close", "volume"]
    history = {"symbol": "MINE", "timeframe": "H1", "count": 20, "source": "input", "data": "= nodes.query.rows"}
    done = run(
        machine,
        chain(
            node("query", "database.query", table="my_bars", columns=columns, order=[{"column": "time"}], limit=COUNT),
            node("bars", "market.history", **history),
            node("ma", "indicator.ma", period=10, kind="SMA"),
        ),
    )
    assert done["status"] == "succeeded", done["error"]
    closes = [bar["close"] for bar in bars()][-10:]
    assert done["runs"]["ma"]["output"]["value"] == pytest.approx(sum(closes) / 10)
