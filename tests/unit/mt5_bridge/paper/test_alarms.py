"""A replay that stops by itself: at the first moment that matters, whatever leap it was sent on, also after a crash."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mt5_bridge.alarms import ANY_QUOTE, Alarm
from tests.unit.mt5_bridge.paper.conftest import MONDAY, Bar, MakePaper, Paper

RISING: list[Bar] = [(p, p + 0.0009, p - 0.0002, p + 0.0008) for p in (1.1 + n * 0.001 for n in range(8))]
RISING = [tuple(round(price, 5) for price in bar) for bar in RISING]  # type: ignore[misc]
CLOSE = timedelta(hours=1) - timedelta(milliseconds=1)


class Wall:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def from_bid(price: str) -> dict[str, Alarm]:
    return {"EURUSD": Alarm(bid_from=Decimal(price))}


def to_ask(price: str) -> dict[str, Alarm]:
    return {"EURUSD": Alarm(ask_to=Decimal(price))}


def bid(paper: Paper) -> float:
    tick = paper.market.symbol_info_tick("EURUSD")
    assert tick is not None
    return tick.bid


def test_an_advance_stops_at_the_first_quote_that_rings(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    paper.deal()
    paper.terminal.set_alarms(from_bid("1.10179"))  # the close of the second bar
    end = MONDAY + timedelta(hours=6)
    assert paper.terminal.advance(end) == MONDAY + timedelta(hours=1) + CLOSE
    assert (bid(paper), paper.terminal.is_held) == (1.1018, True)
    paper.terminal.set_alarms(from_bid("1.103"))
    assert paper.terminal.advance(end) == MONDAY + timedelta(hours=3)
    paper.terminal.set_alarms({})
    assert paper.terminal.advance(end) == end
    assert not paper.terminal.is_held


def test_an_alarm_below_rings_at_the_ask(make_paper: MakePaper) -> None:
    falling = [(1.2 - o + 1, 1.2 - low + 1, 1.2 - h + 1, 1.2 - c + 1) for o, h, low, c in RISING]
    paper = make_paper([tuple(round(price, 5) for price in bar) for bar in falling])
    paper.deal()
    paper.terminal.set_alarms(to_ask("1.0981"))
    paper.terminal.advance(MONDAY + timedelta(hours=6))
    assert bid(paper) == 1.098


def test_every_quote_rings_when_asked_to_and_a_change_in_the_books_always(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    paper.deal(sl=1.09, tp=1.1025)
    seen = []
    paper.terminal.set_alarms({"EURUSD": ANY_QUOTE})
    end = MONDAY + timedelta(hours=2, minutes=30)
    while paper.terminal.advance(end) < end:
        seen.append(bid(paper))
    assert seen == [1.1008, 1.101, 1.1018, 1.102]
    paper.terminal.set_alarms(from_bid("9"))
    assert paper.terminal.advance(MONDAY + timedelta(hours=7)) == MONDAY + timedelta(hours=2) + CLOSE  # the target
    assert paper.positions == ()


def test_all_symbols_of_the_moment_have_their_quotes(make_paper: MakePaper) -> None:
    others: list[tuple[str, list[Bar], dict[str, Any]]] = [("GBPUSD", [(1.3 + n * 0.001,) * 4 for n in range(8)], {})]
    paper = make_paper(RISING, others=others)
    paper.deal()
    paper.deal(symbol="GBPUSD")
    paper.terminal.set_alarms(from_bid("1.103"))
    paper.terminal.advance(MONDAY + timedelta(hours=6))
    prices = {name: paper.terminal.market.price(name) for name in ("EURUSD", "GBPUSD")}
    assert prices == {"EURUSD": (110_300, 110_310), "GBPUSD": (130_300, 130_310)}


def test_a_running_market_waits_at_an_alarm_and_then_runs_on_from_there(make_paper: MakePaper) -> None:
    paper, wall = make_paper(RISING), Wall()
    paper.close()
    paper.open(wall=wall)
    paper.deal()
    paper.terminal.set_alarms(from_bid("1.10179"))
    paper.terminal.set_speed(3_600)
    wall.now += 5
    assert bid(paper) == 1.1018
    wall.now += 60
    assert (bid(paper), paper.terminal.market_time()) == (1.1018, MONDAY + timedelta(hours=1) + CLOSE)
    paper.terminal.set_alarms({})
    wall.now += 2
    paper.terminal.sync()
    assert paper.terminal.market_time() == MONDAY + timedelta(hours=3) + CLOSE


def test_held_by_hand_nothing_moves_until_the_alarms_are_set(make_paper: MakePaper) -> None:
    paper, wall = make_paper(RISING), Wall()
    paper.close()
    paper.open(wall=wall)
    paper.terminal.set_speed(3_600)
    paper.terminal.hold()
    wall.now += 3
    paper.terminal.sync()
    assert paper.terminal.market_time() == MONDAY
    paper.terminal.set_alarms({})
    wall.now += 1
    paper.terminal.sync()
    assert paper.terminal.market_time() == MONDAY + timedelta(hours=1)


@pytest.mark.parametrize("crash_first", [False, True])
def test_a_crash_on_the_way_passes_over_no_alarm(make_paper: MakePaper, crash_first: bool) -> None:
    """Killed after the clock was told to move and before the market did; or while it stands at the alarm."""
    paper = make_paper(RISING)
    paper.deal()
    paper.to(0.5)
    paper.terminal.set_alarms(from_bid("1.103"))
    end = MONDAY + timedelta(hours=6)
    if crash_first:
        paper.terminal.clock.advance(int(end.timestamp() * 1000))
        paper.terminal._store_clock()
    else:
        paper.terminal.advance(end)
    paper.crash()
    paper.open()
    assert (paper.terminal.market_time(), bid(paper)) == (MONDAY + timedelta(hours=3), 1.103)
    assert paper.terminal.is_held == crash_first
    paper.terminal.set_alarms({})
    assert paper.terminal.advance(end) == end


def test_new_alarms_do_not_ring_at_what_lies_behind(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    paper.deal()
    paper.to(4.5)
    paper.terminal.set_alarms(from_bid("1.1"))
    paper.crash()
    paper.open()
    assert paper.terminal.market_time() == MONDAY + timedelta(hours=4.5)
