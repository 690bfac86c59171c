"""The laws of guards, on any market, symbol and position; and what each kind does on hand-computed quotes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradeloom.trading.broker import Position, Symbol, Tick
from tradeloom.trading.exact import exact
from tradeloom.trading.guard_rules import ClosePart, Decision, MoveStop, after, decide, wake_price
from tradeloom.trading.guards import (
    BreakEven,
    Guard,
    GuardKind,
    GuardMemory,
    GuardStatus,
    PartialClose,
    Trailing,
    guard_id,
    step_order_id,
)
from tradeloom.trading.intents import Side

NOW = datetime(2024, 1, 10, tzinfo=UTC)


def symbol(**changes: Any) -> Symbol:
    values: dict[str, Any] = {
        "name": "EURUSD", "digits": 5, "point": Decimal("0.00001"), "tick_size": Decimal("0.00001"),
        "contract_size": Decimal(100_000), "volume_min": Decimal("0.01"), "volume_max": Decimal(100),
        "volume_step": Decimal("0.01"), "stops_level": 0, "freeze_level": 0, "spread": 10,
        "currency_base": "EUR", "currency_profit": "USD", "currency_margin": "EUR",
    }  # fmt: skip
    return Symbol(**values | changes)


def position(side: Side = Side.BUY, **changes: Any) -> Position:
    values: dict[str, Any] = {
        "ticket": 7, "symbol": "EURUSD", "side": side, "volume": Decimal("0.10"), "price_open": 1.1,
        "price_current": 1.1, "stop_loss": None, "take_profit": None, "profit": 0.0, "swap": 0.0, "magic": 1,
        "comment": "", "opened_at": NOW,
    }  # fmt: skip
    return Position(**values | changes)


def guard(rule: Any, side: Side = Side.BUY) -> Guard:
    return Guard(
        guard_id="0" * 32, account="paper", symbol="EURUSD", position=7, side=side,
        execution_id="e", workflow_id="w", node_id="n", rule=rule,
    )  # fmt: skip


def quote(bid: float, ask: float | None = None) -> Tick:
    return Tick(symbol="EURUSD", time=NOW, bid=bid, ask=bid if ask is None else ask, last=None, volume=0.0)


def look(rule: Any, bid: float, held: Position, facts: Symbol | None = None, **memory: bool) -> Decision:
    """The decision at a quote without a spread."""
    return decide(guard(rule, held.side), GuardMemory(**memory), quote(bid), held, facts or symbol())


pips = Decimal("0.0001")


class TestTrailing:
    RULE = Trailing(distance=20 * pips, step=2 * pips)

    def test_sets_a_first_stop_and_follows_in_steps(self) -> None:
        assert look(self.RULE, 1.1, position()).action == MoveStop(Decimal("1.09800"))
        held = position(stop_loss=1.098)
        assert look(self.RULE, 1.10019, held).action is None
        assert look(self.RULE, 1.1002, held).action == MoveStop(Decimal("1.09820"))
        assert look(self.RULE, 1.09, held).action is None

    def test_a_sell_follows_the_ask_downwards(self) -> None:
        held = position(Side.SELL, stop_loss=1.102)
        told = decide(guard(self.RULE, Side.SELL), GuardMemory(), quote(1.0994, 1.0995), held, symbol())
        assert told.action == MoveStop(Decimal("1.10150"))
        assert look(self.RULE, 1.1, held).action is None

    def test_waits_for_its_activation_and_remembers_it(self) -> None:
        rule = self.RULE.model_copy(update={"activation": 10 * pips})
        assert look(rule, 1.10099, position()) == Decision(GuardMemory())
        reached = look(rule, 1.101, position())
        assert reached.action == MoveStop(Decimal("1.09900"))
        assert reached.memory.triggered
        assert look(rule, 1.1, position(), triggered=True).action == MoveStop(Decimal("1.09800"))

    def test_keeps_the_brokers_distance_also_where_it_asks_for_less(self) -> None:
        near = Trailing(distance=1 * pips)
        assert look(near, 1.1, position(), symbol(stops_level=50)).action == MoveStop(Decimal("1.09950"))
        assert look(near, 1.1, position(), symbol(freeze_level=50)).action == MoveStop(Decimal("1.09949"))

    @pytest.mark.parametrize("level", [{"stop_loss": 1.0996}, {"take_profit": 1.1005}])
    def test_waits_while_the_broker_has_the_position_frozen(self, level: dict[str, Any]) -> None:
        facts = symbol(freeze_level=50)
        assert look(Trailing(distance=Decimal("0.00001")), 1.1, position(**level), facts).action is None

    def test_never_ends_but_with_its_position(self) -> None:
        assert after(guard(self.RULE), GuardMemory(), MoveStop(Decimal(1))).end is None
        ended = decide(guard(self.RULE), GuardMemory(), quote(1.1), None, symbol()).end
        assert ended is not None
        assert ended.status is GuardStatus.DONE
        turned = look(self.RULE, 1.1, position(Side.SELL))
        assert turned.action is not None
        assert decide(guard(self.RULE), GuardMemory(), quote(1.1), position(Side.SELL), symbol()).end is not None


class TestBreakEven:
    RULE = BreakEven(trigger=20 * pips, offset=1 * pips)

    def test_moves_the_stop_once_the_profit_is_there(self) -> None:
        assert look(self.RULE, 1.10199, position()) == Decision(GuardMemory())
        reached = look(self.RULE, 1.102, position(stop_loss=1.09))
        assert reached.action == MoveStop(Decimal("1.10010"))
        ended = after(guard(self.RULE), reached.memory, MoveStop(Decimal("1.10010"))).end
        assert ended is not None
        assert ended.status is GuardStatus.DONE

    def test_leaves_a_better_stop_alone_and_is_done(self) -> None:
        told = look(self.RULE, 1.102, position(stop_loss=1.1001))
        assert (told.action, told.end is not None) == (None, True)

    def test_an_average_entry_between_two_ticks_is_rounded_into_the_profit(self) -> None:
        rule = BreakEven(trigger=20 * pips)
        assert look(rule, 1.103, position(price_open=1.100003)).action == MoveStop(Decimal("1.10001"))
        sold = position(Side.SELL, price_open=1.100007)
        assert look(rule, 1.097, sold).action == MoveStop(Decimal("1.10000"))

    def test_waits_while_the_entry_is_too_near_for_the_broker(self) -> None:
        facts = symbol(stops_level=300)
        waiting = look(self.RULE, 1.1025, position(), facts)
        assert waiting == Decision(GuardMemory(triggered=True))
        assert look(self.RULE, 1.1031, position(), facts, triggered=True).action == MoveStop(Decimal("1.10010"))

    def test_cannot_lock_in_more_than_there_is(self) -> None:
        with pytest.raises(ValidationError, match="locked in"):
            BreakEven(trigger=1 * pips, offset=1 * pips)


class TestPartialClose:
    RULE = PartialClose(trigger=20 * pips, fraction=Decimal("0.5"))

    def test_closes_a_fraction_floored_to_the_step(self) -> None:
        assert look(self.RULE, 1.10199, position()).action is None
        assert look(self.RULE, 1.102, position(volume=Decimal("0.15"))).action == ClosePart(Decimal("0.07"))

    def test_closes_lots_and_no_more_than_there_are(self) -> None:
        rule = PartialClose(trigger=20 * pips, lots=Decimal("0.059"))
        assert look(rule, 1.102, position()).action == ClosePart(Decimal("0.05"))
        assert look(rule, 1.102, position(volume=Decimal("0.03"))).action == ClosePart(Decimal("0.03"))

    def test_a_part_below_the_smallest_order_is_a_failure_and_never_rounded_up(self) -> None:
        ended = look(self.RULE, 1.102, position(volume=Decimal("0.01"))).end
        assert ended is not None
        assert ended.status is GuardStatus.FAILED
        assert "0.005 of 0.01 lots" in ended.reason

    def test_then_secures_the_entry_when_asked_to(self) -> None:
        rule = self.RULE.model_copy(update={"break_even_offset": 1 * pips})
        next_step = after(guard(rule), GuardMemory(), ClosePart(Decimal("0.05")))
        assert next_step == Decision(GuardMemory(closed=True))
        assert look(rule, 1.102, position(), closed=True).action == MoveStop(Decimal("1.10010"))
        assert after(guard(rule), GuardMemory(closed=True), MoveStop(Decimal("1.1001"))).end is not None
        assert after(guard(self.RULE), GuardMemory(), ClosePart(Decimal("0.05"))).end is not None

    @pytest.mark.parametrize(
        "wrong",
        [{}, {"fraction": 0.5, "lots": 1}, {"fraction": 1}, {"lots": "NaN"}, {"lots": "Infinity"},
         {"fraction": 0.5, "break_even_offset": 1}],
    )  # fmt: skip
    def test_must_make_sense(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            PartialClose(trigger=Decimal("0.1"), **wrong)


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 1.1), (1.1, 1.0), (float("nan"), 1.1), (1.1, float("inf"))])
def test_nothing_is_done_at_what_is_no_quote(bid: float, ask: float) -> None:
    for rule in (TestTrailing.RULE, TestBreakEven.RULE, TestPartialClose.RULE):
        assert decide(guard(rule), GuardMemory(), quote(bid, ask), position(), symbol()) == Decision(GuardMemory())


def test_ids_are_one_a_node_and_position_and_one_a_step() -> None:
    held, kind = position(), GuardKind.TRAILING
    first = guard_id("a", "w", "n", kind, held)
    assert first == guard_id("a", "w", "n", kind, held.model_copy(update={"volume": Decimal(1), "stop_loss": 1.0}))
    others = [
        guard_id("b", "w", "n", kind, held),
        guard_id("a", "v", "n", kind, held),
        guard_id("a", "w", "m", kind, held),
        guard_id("a", "w", "n", GuardKind.BREAK_EVEN, held),
        guard_id("a", "w", "n", kind, position(ticket=8)),
        guard_id("a", "w", "n", kind, position(opened_at=NOW + timedelta(milliseconds=1))),
        step_order_id(first, 0),
        step_order_id(first, 1),
    ]
    assert len({first, *others}) == len(others) + 1
    assert all(len(other) == 32 for other in others)


# The laws

POINT = Decimal("0.00001")
distances = st.integers(1, 3_000).map(lambda points: points * POINT)
tick_points = st.sampled_from([1, 2, 5, 25])


@st.composite
def symbols(draw: st.DrawFn) -> Symbol:
    return symbol(
        tick_size=draw(tick_points) * POINT,
        stops_level=draw(st.sampled_from([0, 0, 1, 30, 200])),
        freeze_level=draw(st.sampled_from([0, 0, 1, 20, 150])),
        volume_min=draw(st.sampled_from([Decimal("0.01"), Decimal("0.1")])),
    )


@st.composite
def rules(draw: st.DrawFn) -> Trailing | BreakEven | PartialClose:
    kind = draw(st.sampled_from(list(GuardKind)))
    if kind is GuardKind.TRAILING:
        activation = draw(st.none() | distances)
        return Trailing(distance=draw(distances), activation=activation, step=draw(st.integers(0, 200)) * POINT)
    trigger = draw(st.integers(2, 3_000))
    offset = draw(st.integers(0, trigger - 1)) * POINT
    if kind is GuardKind.BREAK_EVEN:
        return BreakEven(trigger=trigger * POINT, offset=offset)
    share = draw(
        st.sampled_from([{"fraction": Decimal("0.5")}, {"fraction": Decimal("0.37")}, {"lots": Decimal("0.1")}])
    )
    return PartialClose(trigger=trigger * POINT, break_even_offset=draw(st.none() | st.just(offset)), **share)


@dataclass
class Broker:
    """A broker that does what it is told if its rules allow it, and says so loudly when they do not."""

    held: Position
    facts: Symbol
    market: Decimal = Decimal(0)
    closes: int = 0

    def check_stop(self, stop: Decimal) -> None:
        sign = 1 if self.held.side is Side.BUY else -1
        room = (self.market - stop) * sign
        assert stop % self.facts.tick_size == 0, "on the grid"
        assert room > 0, "behind the market"
        assert room >= self.facts.stops_level * self.facts.point, "not nearer than the stops level"
        if self.facts.freeze_level:
            assert room > self.facts.freeze_level * self.facts.point, "not inside the freeze level"
        for level in (self.held.stop_loss, self.held.take_profit):
            if level is not None:
                away = abs(self.market - exact(level))
                assert not self.facts.freeze_level or away > self.facts.freeze_level * self.facts.point, "not frozen"
        if self.held.stop_loss is not None:
            assert (stop - exact(self.held.stop_loss)) * sign > 0, "only tighter"


@given(
    st.data(),
    rules(),
    symbols(),
    st.sampled_from(list(Side)),
    st.lists(st.tuples(st.integers(108_000, 112_000), st.integers(0, 30)), min_size=1, max_size=60),
)
def test_laws_hold_on_any_walk(
    data: st.DataObject, rule: Any, facts: Symbol, side: Side, walk: list[tuple[int, int]]
) -> None:
    """Whatever comes: tighter only, never too near, on the grid, one part at most; and no quote that could matter lies
    before `wake_price`. Some actions are refused on the way, for a reason the rules cannot know."""
    sign = 1 if side is Side.BUY else -1
    below = data.draw(st.none() | st.integers(1, 500))
    held = position(
        side,
        volume=Decimal(data.draw(st.integers(1, 40))) / 100,
        price_open=float(Decimal(data.draw(st.integers(1_095_000, 1_105_000))) / 1_000_000),
        stop_loss=None if below is None else float((109_000 - sign * below) * POINT),
    )
    broker = Broker(held, facts)
    watched, memory = guard(rule, side), GuardMemory()
    for bid, spread in walk:
        tick = quote(float(bid * POINT), float((bid + spread) * POINT))
        broker.market = exact(tick.bid if side is Side.BUY else tick.ask)
        told = decide(watched, memory, tick, broker.held, facts)
        assert told.action is None or told.end is None
        threshold = wake_price(watched, memory, broker.held, facts)
        if threshold is not None and (broker.market - threshold) * sign < 0:
            assert told == Decision(memory), "it could have slept"
        memory = told.memory
        if told.end is not None:
            break
        refused = told.action is not None and data.draw(st.booleans())
        match told.action:
            case MoveStop(stop):
                broker.check_stop(stop)
                if not refused:
                    broker.held = broker.held.model_copy(update={"stop_loss": float(stop)})
            case ClosePart(volume):
                assert facts.volume_min <= volume <= broker.held.volume or volume == broker.held.volume
                assert volume % facts.volume_step == 0
                if not refused:
                    broker.closes += 1
                    broker.held = broker.held.model_copy(update={"volume": broker.held.volume - volume})
        if told.action is not None and not refused:
            following = after(watched, memory, told.action)
            memory = following.memory
            if following.end is not None or not broker.held.volume:
                break
    assert broker.closes <= 1
