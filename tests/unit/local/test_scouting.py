"""Finding the first bar on which a workflow would trade: against TA-Lib on the same bars, and without side effects."""

import csv
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
import talib

from tests.support.workflow_examples import EXAMPLES, read_example
from tradeloom.compiler.compile import compile_workflow
from tradeloom.errors import InvalidInput
from tradeloom.local.market import bundled_data
from tradeloom.local.places import bundled_bars
from tradeloom.local.scouting import NoSignal, chosen_trigger, find_signal


def _bars() -> tuple[list[datetime], Any]:
    with bundled_bars().open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [datetime.fromisoformat(row["time"]) for row in rows], np.array([float(row["close"]) for row in rows])


def test_the_dip_buyers_bar_is_the_first_one_after_an_oversold_close() -> None:
    times, closes = _bars()
    rsi = talib.RSI(closes, 14)
    start = times[4500]
    expected = next(times[at] for at in range(4500, len(times)) if rsi[at - 1] < 30)
    assert expected > start, "the search has something to walk over"
    found = find_signal(compile_workflow(read_example("rsi_dip_buyer")), replace(bundled_data(), start=start))
    assert found == expected


def test_bars_before_the_start_are_not_looked_at() -> None:
    compiled = compile_workflow(read_example("rsi_dip_buyer"))
    first = find_signal(compiled, bundled_data())
    later = find_signal(compiled, replace(bundled_data(), start=datetime.fromisoformat("2017-11-01T00:00Z")))
    assert later > first


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_finds_its_bar(name: str) -> None:
    times, _ = _bars()
    assert find_signal(compile_workflow(read_example(name)), bundled_data()) in times


def test_a_workflow_that_never_trades_has_no_signal() -> None:
    document = {
        "name": "Only looks",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "price", "type": "market.live_price", "config": {"symbol": "EURUSD"}},
        ],
        "connections": [{"source": "start", "target": "price"}],
    }
    looked: list[int] = []
    start = replace(bundled_data(), start=datetime.fromisoformat("2017-12-27T00:00Z"))
    with pytest.raises(NoSignal, match="Only looks"):
        find_signal(compile_workflow(document), start, progress=lambda done, of: looked.append(of - done))
    assert looked == list(range(len(looked), 0, -1))


def test_closing_nothing_is_no_signal_and_what_fails_is_none() -> None:
    document: dict[str, Any] = {
        "name": "Closes",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "close", "type": "order.close", "config": {"by": "symbol", "symbol": "EURUSD"}},
            {"id": "broken", "type": "market.live_price", "config": {"symbol": "NOPE"}},
            {"id": "buy", "type": "order.market", "config": {"symbol": "EURUSD", "side": "buy", "volume": 0.1}},
        ],
        "connections": [
            {"source": "start", "target": "close"},
            {"source": "close", "target": "broken"},
            {"source": "broken", "target": "buy"},
        ],
    }
    start = replace(bundled_data(), start=datetime.fromisoformat("2017-12-28T00:00Z"))
    with pytest.raises(NoSignal):
        find_signal(compile_workflow(document), start)
    document["nodes"][2]["on_error"] = "route"
    document["connections"][2]["source_port"] = "error"
    assert find_signal(compile_workflow(document), start) == start.start


def test_loops_are_not_looked_into() -> None:
    document = {
        "name": "Loops",
        "nodes": [
            {"id": "start", "type": "trigger.manual"},
            {"id": "each", "type": "utility.loop", "config": {"over": "count", "count": 2}},
            {"id": "price", "type": "market.live_price", "config": {"symbol": "EURUSD"}, "parent": "each"},
        ],
        "connections": [{"source": "start", "target": "each"}],
    }
    with pytest.raises(InvalidInput, match="loops"):
        find_signal(compile_workflow(document), bundled_data())


def test_by_hand_comes_before_the_clock() -> None:
    assert chosen_trigger(compile_workflow(read_example("rsi_dip_buyer"))) == "start"
