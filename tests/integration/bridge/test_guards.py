"""Guards on the real bridge, over the bundled EURUSD bars, held against a brute-force walk of the same bars."""

from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge.guard_oracle import ALMOST_AN_HOUR, Trail, read_bars
from tests.integration.bridge.guarding import (
    BARS,
    FAR,
    POINT,
    START,
    advance,
    guard_of,
    open_position,
    price,
    report,
    steps,
    trailing,
)
from tests.integration.bridge.rig import Rig, eventually
from tradeloom.errors import Conflict, InvalidInput, NotFound
from tradeloom.trading.guards import BreakEven, GuardStatus, PartialClose
from tradeloom.trading.intents import Side
from tradeloom.trading.risk import AccountState


@pytest.fixture
def rig(tmp_path: Path) -> Any:
    with Rig(tmp_path, csv=BARS, start=START) as rig:
        yield rig


class TestTrailing:
    @pytest.mark.parametrize(
        ("side", "distance", "more"),
        [
            (Side.BUY, 1_500, {}),
            (Side.SELL, 1_500, {}),
            (Side.BUY, 900, {"step": 50}),
            (Side.BUY, 700, {"step": 30, "activation": 100}),
            (Side.SELL, 700, {"step": 30, "activation": 100}),
        ],
    )
    def test_stands_where_every_quote_puts_it_whatever_the_leaps(
        self, rig: Rig, side: Side, distance: int, more: dict[str, int]
    ) -> None:
        held = open_position(rig, side)
        trail = Trail(side, distance, **more, entry=round(held.price_open * 100_000))
        trail.run(read_bars(BARS), START, START + timedelta(days=60))
        guard = guard_of(held, trailing(distance, **more))
        first = rig.broker.guard(guard)
        assert first.stop_loss == (None if trail.at(START) is None else price(trail.at(START) or 0))
        now = START
        for leap in (0.5, 1, 3, 7, 40, 100, 333, 900):
            now += timedelta(hours=leap)
            advance(rig, now)
            if trail.closed is not None and trail.closed[0] <= now:
                break
            (position,) = rig.broker.positions()
            expected = trail.at(now)
            assert position.stop_loss == (None if expected is None else price(expected)), now
        told = report(rig, guard)
        moved = steps(rig, guard)
        until = [stop for when, stop in trail.stops if when <= now]
        assert [level for _, level in moved] == [stop * POINT for stop in until]
        assert {state for state, _ in moved} <= {"done"}
        assert (told.moves, told.trouble) == (len(until), None)
        assert len(until) > 1
        if trail.closed is not None and trail.closed[0] <= now:
            assert told.status is GuardStatus.DONE
            assert rig.broker.positions() == []
            (trade,) = rig.broker.trades(START, now)
            assert (trade.closed_at, trade.price_close) == (trail.closed[0], price(trail.closed[1]))
            assert trade.reason == "stop_loss"

    def test_one_leap_and_many_steps_end_at_the_same(self, rig: Rig, tmp_path: Path) -> None:
        end = START + timedelta(hours=120)
        held = open_position(rig)
        guard = guard_of(held, trailing(1_500))
        rig.broker.guard(guard)
        advance(rig, end)
        with Rig(tmp_path / "other", csv=BARS, start=START) as other:
            other.broker.guard(guard_of(open_position(other), trailing(1_500)))
            while (now := other.broker.market_time()) < end:
                advance(other, min(now + timedelta(minutes=47), end))
            assert other.broker.positions() == rig.broker.positions()
            assert steps(other, guard) == steps(rig, guard)

    def test_a_running_replay_misses_no_quote(self, rig: Rig) -> None:
        held = open_position(rig)
        guard = guard_of(held, trailing(1_500))
        rig.broker.guard(guard)
        rig.broker.set_speed(200_000)
        eventually(lambda: rig.broker.market_time() > START + timedelta(hours=150), "the replay has come far")
        rig.broker.set_speed(0)
        now = rig.broker.market_time()
        trail = Trail(Side.BUY, 1_500).run(read_bars(BARS), START, now)
        assert [level for _, level in steps(rig, guard)] == [stop * POINT for _, stop in trail.stops]

    def test_a_new_one_takes_the_old_ones_place_and_the_same_again_is_one(self, rig: Rig) -> None:
        held = open_position(rig)
        wide, tight = guard_of(held, trailing(2_000)), guard_of(held, trailing(800), node="other")
        first = rig.broker.guard(wide)
        assert rig.broker.guard(wide) == first
        rig.broker.guard(tight)
        assert [each.guard for each in rig.broker.guards()] == [tight]
        assert report(rig, wide).status is GuardStatus.REPLACED
        assert rig.broker.guard(wide).status is GuardStatus.REPLACED  # its node was only run again
        again = rig.broker.guard(wide.model_copy(update={"execution_id": "the next one"}))
        assert (again.status, again.moves) == (GuardStatus.ACTIVE, 1)
        assert [each.guard.rule for each in rig.broker.guards()] == [wide.rule]
        (position,) = rig.broker.positions()
        assert position.stop_loss == round(rig.broker.tick("EURUSD").bid - 0.008, 5)  # never loosened

    def test_taken_away_it_moves_nothing_more(self, rig: Rig) -> None:
        held = open_position(rig)
        guard = guard_of(held, trailing(1_500))
        stop = rig.broker.guard(guard).stop_loss
        assert rig.broker.unguard(guard.guard_id).status is GuardStatus.REMOVED
        advance(rig, START + timedelta(hours=72))
        assert [each.stop_loss for each in rig.broker.positions()] == [stop]
        assert rig.client.health()["accounts"]["paper"]["guards"] == 0
        with pytest.raises(NotFound):
            rig.broker.unguard("0" * 32)


class TestPartialCloseAndBreakEven:
    def test_one_part_is_closed_then_the_entry_secured(self, rig: Rig) -> None:
        held = open_position(rig)
        rule = PartialClose(trigger=300 * POINT, fraction=Decimal("0.37"), break_even_offset=10 * POINT)
        guard = guard_of(held, rule)
        assert rig.broker.guard(guard).status is GuardStatus.ACTIVE
        bars = [bar for bar in read_bars(BARS) if bar.opens >= START]
        entry = round(held.price_open * 100_000)
        reached = next(
            (when, bid)
            for bar in bars
            for when, bid in ((bar.opens, bar.open), (bar.opens + ALMOST_AN_HOUR, bar.close))
            if bid - entry >= 300
        )
        advance(rig, START + timedelta(days=30))
        trades = rig.broker.trades(START, START + timedelta(days=30))
        assert (trades[0].closed_at, trades[0].price_close) == (reached[0], price(reached[1]))
        assert trades[0].volume == Decimal("0.03")
        told = report(rig, guard)
        assert (told.status, told.moves) == (GuardStatus.DONE, 2)
        assert rig.broker.guard(guard).moves == 2
        assert rig.broker.guard(guard.model_copy(update={"execution_id": "the next one"})).moves == 2
        assert sum(trade.reason == "expert" for trade in trades) == 1
        assert told.stop_loss == price(entry + 10)

    def test_break_even_moves_the_stop_once_and_is_done(self, rig: Rig) -> None:
        held = open_position(rig)
        guard = guard_of(held, BreakEven(trigger=300 * POINT, offset=20 * POINT))
        rig.broker.guard(guard)
        advance(rig, START + timedelta(days=30))
        told = report(rig, guard)
        assert (told.status, told.moves, told.reason) == (GuardStatus.DONE, 1, "the stop loss secures the entry")
        assert told.stop_loss == round(held.price_open + 0.0002, 5)


def test_exits_work_while_the_account_is_halted(rig: Rig) -> None:
    held = open_position(rig)
    rig.broker.set_state(AccountState.HALTED, reason="stop", by="Ada")
    trail = guard_of(held, trailing(1_500))
    part = guard_of(held, PartialClose(trigger=300 * POINT, fraction=Decimal("0.5")))
    assert rig.broker.guard(trail).stop_loss is not None
    rig.broker.guard(part)
    assert rig.client.health()["accounts"]["paper"]["guards"] == 2
    advance(rig, START + timedelta(days=30))
    assert report(rig, part).status is GuardStatus.DONE
    assert report(rig, trail).moves > 1


def test_a_guard_that_cannot_be_is_refused(rig: Rig) -> None:
    held = open_position(rig)
    guard = guard_of(held, trailing(1_500))
    for wrong, error in (
        ({"position": held.ticket + 1}, NotFound),
        ({"symbol": "GBPUSD"}, InvalidInput),
        ({"side": Side.SELL}, InvalidInput),
    ):
        with pytest.raises(error):
            rig.broker.guard(guard.model_copy(update=wrong))
    with pytest.raises(InvalidInput, match="account"):
        rig.broker.guard(guard.model_copy(update={"account": "other"}))
    rig.broker.guard(guard)
    with pytest.raises(Conflict):
        rig.broker.guard(guard.model_copy(update={"workflow_id": "another", "execution_id": "x"}))


def test_guards_survive_the_bridge(rig: Rig) -> None:
    held = open_position(rig)
    guard = guard_of(held, trailing(1_500))
    rig.broker.guard(guard)
    advance(rig, START + timedelta(hours=10))
    rig.bridge.kill()
    rig.restart()
    assert rig.client.health()["accounts"]["paper"]["guards"] == 1
    end = START + timedelta(hours=100)
    advance(rig, end)
    trail = Trail(Side.BUY, 1_500).run(read_bars(BARS), START, end)
    assert [level for _, level in steps(rig, guard)] == [stop * POINT for _, stop in trail.stops]


def test_on_a_netting_account_profit_counts_from_the_average_entry(tmp_path: Path) -> None:
    with Rig(tmp_path, csv=BARS, start=START, modes={"netting": "netting"}) as rig:
        broker = rig.client.account("netting")
        held = open_position(rig, account="netting")
        guard = guard_of(held, BreakEven(trigger=300 * POINT), account="netting")
        broker.guard(guard)
        advance(rig, START + timedelta(hours=8), account="netting")
        more = {"account": "netting", "volume": Decimal("0.2")} | {"created_at": START, "deadline": FAR}
        assert broker.send(rig.buy("more", **more)).position == held.ticket
        (merged,) = broker.positions()
        assert merged.price_open != held.price_open
        advance(rig, START + timedelta(days=30), account="netting")
        told = report(rig, guard, account="netting")
        assert told.status is GuardStatus.DONE
        exact_entry = Decimal(repr(merged.price_open)) / POINT
        assert told.stop_loss == price(int(exact_entry.to_integral_value(ROUND_CEILING)))


def test_a_netting_position_that_is_turned_round_ends_its_guards(tmp_path: Path) -> None:
    with Rig(tmp_path, csv=BARS, start=START, modes={"netting": "netting"}) as rig:
        broker = rig.client.account("netting")
        held = open_position(rig, account="netting")
        guard = guard_of(held, trailing(1_500), account="netting")
        broker.guard(guard)
        more = {"account": "netting", "volume": Decimal("0.3")} | {"created_at": START, "deadline": FAR}
        broker.send(rig.buy("turn", side=Side.SELL, **more))
        eventually(lambda: report(rig, guard, account="netting").status is GuardStatus.DONE, "the guard is over")
        (turned,) = broker.positions()
        assert (turned.side, turned.stop_loss) == (Side.SELL, None)
