"""Outcomes that are given instead of running a node, and nodes that are left out."""

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from tests.support import loop
from tests.unit.engine.fakes import AS_OF, Machinery, run_info
from tests.unit.engine.machines import machine, task
from tests.unit.engine.test_debugging import END, LINE, given, node, outputs, record
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.journal import Execution
from tradeloom.engine.mode import GivenOutcome, Mode, Pausing, pack, unpack
from tradeloom.errors import InvalidInput

LOOP = machine(
    {
        "Start": {"Type": "Pass", "Assign": {"run": "{% $states.input %}"}, "Next": "M"},
        "M": {
            "Type": "Map",
            "Items": "{% [1, 2] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "StartAt": "A-a",
                "States": {
                    "A-a": node("a", Next="D-d"),
                    "D-d": {"Type": "Wait", "Seconds": 600, "Next": "B-b"},
                    "B-b": {**node("b", "a"), "Output": "{% $states.result.Payload %}"},
                },
            },
            "Next": "E",
        },
        "E": {**END, "Output": {"all": "{% $states.input %}"}},
    }
)


async def ran(made: Machinery, definition: dict[str, Any], mode: Mode) -> Execution:
    async with made.engine() as engine:
        await engine.start(StartRequest(run=run_info(test_mode=True), definition=definition, mode=mode))
        return await engine.result("e1")


def kept(made: Machinery, *outcomes: GivenOutcome) -> str:
    return made.blobs.put(pack(outcomes))


def calls(made: Machinery) -> list[str]:
    return [payload["node"] for _, payload in made.workers.calls]


def test_a_given_outcome_takes_the_place_of_its_node() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        outcome = GivenOutcome(node="a", source="pinned", record=record({"value": 7}))
        row = await ran(made, LINE, Mode(given=kept(made, outcome), pinned=("a",)))
        assert outputs(row)["given"]["a"] == {"value": 7}
        assert calls(made) == ["b", "c"]
        assert made.rows.runs["e1", "A-a", 0].input["given"] == "pinned"

    loop.run(body())


def test_a_given_failure_is_that_failure_and_is_not_tried_again() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 300, "MaxAttempts": 3}]
    caught = [{"ErrorEquals": ["Broken"], "Next": "B-b"}]
    definition = machine(
        {
            "A-a": task("f", {"node": "a", "inputs": {}}, Retry=retry, Catch=caught, Next="E"),
            "B-b": task("f", {"node": "b", "inputs": {}}, Output="{% $states.result.Payload %}", Next="E"),
            "E": END,
        }
    )

    async def body() -> None:
        made = Machinery(f=given)
        outcome = GivenOutcome(node="a", source="recorded", error={"name": "Broken", "cause": "long ago"})
        row = await ran(made, definition, Mode(given=kept(made, outcome)))
        assert row.status == "SUCCEEDED"
        assert row.output["output"]["node"] == "b"
        assert calls(made) == ["b"]

    loop.run(body())


def test_iterations_have_outcomes_of_their_own_and_given_waits_do_not_wait() -> None:
    async def body() -> None:
        made = Machinery(ManualClock(AS_OF), f=given)
        outcomes = [GivenOutcome(node="a", source="recorded", iteration=(at,), record=record(at)) for at in (0, 1)]
        outcomes += [
            GivenOutcome(node="d", source="recorded", iteration=(at,), entered="2026-01-05T08:00:00Z") for at in (0, 1)
        ]
        row = await ran(made, LOOP, Mode(given=kept(made, *outcomes)))
        assert row.status == "SUCCEEDED", row.error
        assert [one["output"]["given"]["a"] for one in row.output["all"]] == [0, 1]
        assert calls(made) == ["b", "b"]

    loop.run(body())


def test_what_is_left_out_neither_runs_nor_is_recorded() -> None:
    async def body() -> None:
        made = Machinery(ManualClock(AS_OF), f=given)
        row = await ran(made, LOOP, Mode(left_out=("a", "d")))
        assert row.status == "SUCCEEDED", row.error
        assert calls(made) == ["b", "b"]
        assert {run.node for run in made.rows.runs.values()} == {"b"}

    loop.run(body())


def test_pins_outside_test_mode_start_nothing() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        outcome = GivenOutcome(node="a", source="pinned", record=record(1))
        mode = Mode(given=kept(made, outcome), pinned=("a",))
        async with made.engine() as engine:
            with pytest.raises(InvalidInput, match="test mode only"):
                await engine.start(StartRequest(run=run_info(), definition=LINE, mode=mode))
        assert made.rows.executions == {}

    loop.run(body())


def test_a_resumed_execution_departs_in_the_same_way() -> None:
    async def body() -> None:
        made = Machinery(f=given)
        outcome = GivenOutcome(node="a", source="pinned", record=record(1))
        mode = Mode(given=kept(made, outcome), pinned=("a",), debug=Pausing(stepping=False, breakpoints=frozenset("b")))
        async with made.engine() as engine:
            await engine.start(StartRequest(run=run_info(test_mode=True), definition=LINE, mode=mode))
            debugger = engine.debugger("e1")
            assert debugger is not None
            while not debugger.paused:
                await debugger.changed.wait()
                debugger.changed.clear()
        async with made.engine() as engine:
            await engine.resume()
            debugger = engine.debugger("e1")
            assert debugger is not None
            while not debugger.paused:
                await debugger.changed.wait()
                debugger.changed.clear()
            debugger.release(debugger.find("b"))
            row = await engine.result("e1")
        assert outputs(row)["given"]["a"] == 1
        assert calls(made) == ["b", "c"]

    loop.run(body())


NAMES = st.text("abcxyz", min_size=1, max_size=4)


@for_all(
    st.builds(
        Mode,
        left_out=st.lists(NAMES, max_size=3).map(tuple),
        pinned=st.lists(NAMES, max_size=3).map(tuple),
        debug=st.none() | st.builds(Pausing, stepping=st.booleans(), breakpoints=st.frozensets(NAMES, max_size=3)),
        replay_of=st.none() | NAMES,
        until=st.none() | NAMES,
    )
)
def test_a_mode_reads_back_as_it_was_written(mode: Mode) -> None:
    written = mode.as_json()
    assert Mode.model_validate(written or {}) == mode
    assert (written is None) == (mode == Mode())


def test_outcomes_read_back_as_they_were_packed() -> None:
    outcomes = [
        GivenOutcome(node="a", source="recorded", iteration=(0, 1), record=record({"x": [1, None]})),
        GivenOutcome(node="a", source="pinned", record=record(None)),
        GivenOutcome(node="d", source="recorded", iteration=(), entered="2026-01-05T08:00:00Z"),
    ]
    departs = unpack(Mode(), pack(outcomes))
    assert departs.task("a", (0, 1)) == outcomes[0]
    assert departs.task("a", (5,)) == outcomes[1]
    assert departs.wait("d", ()) == outcomes[2]
    assert departs.wait("a", ()) is None
