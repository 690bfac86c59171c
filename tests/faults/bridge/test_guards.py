"""Guards whose worker is killed, or whose terminal misbehaves, in the middle of a step: each step is taken once."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge.guard_oracle import Trail, read_bars
from tests.integration.bridge.guarding import (
    BARS,
    POINT,
    START,
    advance,
    guard_of,
    open_position,
    price,
    report,
    rising,
    set_guard,
    steps,
    trailing,
)
from tests.integration.bridge.rig import Rig, eventually
from tests.support.exam import sized
from tradeloom.trading.guards import BreakEven, GuardStatus, PartialClose
from tradeloom.trading.intents import Side


class TestKilled:
    """kill -9 of the worker in the middle of a guard's step: the stop ends where it must, each step was taken once."""

    @pytest.mark.parametrize(
        "point", ["watcher.decided", "worker.claimed", "worker.sent", "worker.executed", "watcher.sent"]
    )
    def test_a_trailing_stop_goes_on_as_if_nothing_had_been(self, tmp_path: Path, point: str) -> None:
        with Rig(tmp_path, csv=BARS, start=START, account={"history_horizon_s": 0.0}) as rig:
            held = open_position(rig)
            rig.restart({point: "kill"})
            guard = guard_of(held, trailing(1_500))
            set_guard(rig, guard)
            assert (tmp_path / f"{point}.mark").exists()
            end = START + timedelta(hours=100)
            advance(rig, end)
            trail = Trail(Side.BUY, 1_500).run(read_bars(BARS), START, end)
            told, moved = report(rig, guard), steps(rig, guard)
            assert rig.broker.positions()[0].stop_loss == price(trail.at(end) or 0)
            done = [level for state, level in moved if state == "done"]
            assert done == [stop * POINT for _, stop in trail.stops]
            assert told.moves == len(done)
            assert {state for state, _ in moved} <= {"done", "not_sent"}
            assert sum(state == "not_sent" for state, _ in moved) == (point == "worker.sent")

    @pytest.mark.parametrize("point", ["watcher.decided", "worker.claimed", "worker.executed", "watcher.sent"])
    def test_a_part_is_closed_exactly_once(self, tmp_path: Path, point: str) -> None:
        with Rig(tmp_path, csv=BARS, start=START, account={"history_horizon_s": 0.0}) as rig:
            held = open_position(rig)
            rig.restart({point: "kill"})
            guard = guard_of(held, PartialClose(trigger=300 * POINT, lots=Decimal("0.04")))
            rig.broker.guard(guard)
            end = START + timedelta(days=30)
            advance(rig, end)
            assert (tmp_path / f"{point}.mark").exists()
            (trade,) = rig.broker.trades(START, end)
            assert trade.volume == Decimal("0.04")
            assert (report(rig, guard).status, report(rig, guard).moves) == (GuardStatus.DONE, 1)
            assert [state for state, _ in steps(rig, guard)] == ["done"]


def test_whatever_the_terminal_answers_the_stop_follows_and_never_loosens(tmp_path: Path) -> None:
    script: list[dict[str, Any]] = [
        {"kind": "reply_lost"},  # the opening order
        {"kind": "reply_lost"},
        {"kind": "reply_lost", "executed": False},
        {"kind": "hang", "seconds": 60, "executed": True},
        {"kind": "reject"},
        {"kind": "requote"},
        {"kind": "timeout"},
        {"kind": "timeout", "executed": True},
    ]
    account = {"history_horizon_s": 0.0, "hang_timeout_s": 4.0}
    with Rig(tmp_path, csv=BARS, start=START, faults=script, account=account) as rig:
        held = open_position(rig)
        guard = guard_of(held, trailing(1_500))
        set_guard(rig, guard)
        end = START + timedelta(hours=150)
        advance(rig, end)
        told, moved = report(rig, guard), steps(rig, guard)
        assert told.trouble is None
        assert rising([level for state, level in moved if state == "done"], Side.BUY)
        assert {state for state, _ in moved} == {"done", "not_sent", "rejected"}
        trail = Trail(Side.BUY, 1_500).run(read_bars(BARS), START, end)
        assert rig.broker.positions()[0].stop_loss == price(trail.at(end) or 0)
        assert told.moves == sum(state == "done" for state, _ in moved)


def test_a_terminal_that_hangs_between_calls_is_replaced_too(tmp_path: Path) -> None:
    """Nobody calls while the replay runs and the watcher's order hangs: the worker is noticed and replaced."""
    script: list[dict[str, Any]] = [
        {"kind": "timeout", "executed": True},  # the opening order
        {"kind": "timeout", "executed": True},  # the first stop
        {"kind": "hang", "seconds": 60, "executed": True},
    ]
    account = {"history_horizon_s": 0.0, "hang_timeout_s": 4.0}
    with Rig(tmp_path, csv=BARS, start=START, faults=script, account=account) as rig:
        guard = guard_of(open_position(rig), trailing(1_500))
        set_guard(rig, guard)
        rig.broker.set_speed(20_000)
        eventually(lambda: rig.client.health()["accounts"]["paper"]["restarts"] >= 1, "the hung worker is replaced")
        eventually(lambda: report(rig, guard).moves > 5, "the next one goes on")
        eventually(lambda: stopped(rig), "the replay stands")
        trail = Trail(Side.BUY, 1_500).run(read_bars(BARS), START, rig.broker.market_time())
        assert [level for _, level in steps(rig, guard)] == [stop * POINT for _, stop in trail.stops]


def stopped(rig: Rig) -> bool:
    return rig.broker.set_speed(0).speed == 0


def test_random_kills_lose_no_step_and_double_none(tmp_path: Path) -> None:
    """Worker or bridge is killed at a random moment of a replay with all three kinds of guards on one position."""
    chance = random.Random(20261125)
    rounds = sized(ci=4, full=60)
    with Rig(tmp_path, csv=BARS, start=START, account={"history_horizon_s": 0.0}) as rig, ThreadPoolExecutor(1) as pool:
        held = open_position(rig)
        trail = guard_of(held, trailing(5_000), node="trail")
        part = guard_of(held, PartialClose(trigger=2_000 * POINT, fraction=Decimal("0.5")), node="part")
        even = guard_of(held, BreakEven(trigger=2_500 * POINT, offset=10 * POINT), node="even")
        for guard in (trail, part, even):
            set_guard(rig, guard)
        end = START + timedelta(days=290)
        kills = 0
        for number in range(1, rounds + 1):
            going = pool.submit(advance, rig, START + (end - START) * number / rounds)
            time.sleep(chance.uniform(0.05, 0.8))
            if number % 4 == 0:
                rig.bridge.kill()
                rig.restart()
                kills += 1
            elif not going.done():
                os.kill(rig.worker_pid(), signal.SIGKILL)
                kills += 1
            going.result()
        assert kills
        moved = {guard.node_id: steps(rig, guard) for guard in (trail, part, even)}
        assert rising([level for state, level in moved["trail"] if state == "done"], Side.BUY)
        assert all({state for state, _ in steps_of} <= {"done", "not_sent"} for steps_of in moved.values())
        assert [sum(state == "done" for state, _ in moved[node]) for node in ("part", "even")] == [1, 1]
        parts = [trade for trade in rig.broker.trades(START, end) if trade.reason == "expert"]
        assert [trade.volume for trade in parts] == [Decimal("0.05")]
        walk = Trail(Side.BUY, 5_000).run(read_bars(BARS), START, end)
        entry = round(held.price_open * 100_000) + 10
        levels = [level for state, level in moved["trail"] if state == "done"]
        assert levels == [stop * POINT for stop in tightened(walk, entry)]


def tightened(walk: Trail, entry: int) -> list[int]:
    """The trail's stops where break-even had put the stop to the entry before the trail came there: those below it,
    once the break-even is reached, are not needed any more."""
    reached = next(moment for moment, stop in walk.stops if stop + walk.distance - entry + 10 >= 2_500)
    return [stop for moment, stop in walk.stops if moment <= reached or stop > entry]
