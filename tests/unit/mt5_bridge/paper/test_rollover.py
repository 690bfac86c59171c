"""Swaps: what the night costs. The bars begin on Monday 2024-01-08 00:00."""

from collections.abc import Callable
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
WEEK = [(1.1, 1.1, 1.1, 1.1)] * (24 * 8)
SWAPS = {"swap_long": -6.5, "swap_short": 1.5}


@pytest.mark.parametrize(
    ("until_hour", "nights"),
    [(23.99, 0), (24, 1), (48, 2), (71.9, 2), (72, 5), (96, 6), (120, 7), (144, 7), (168, 7), (192, 8)],
)
def test_nights_count_once_wednesdays_three_times_weekends_not(
    make_paper: MakePaper, until_hour: float, nights: int
) -> None:
    paper = make_paper(WEEK, symbol=SWAPS)
    paper.deal(BUY, 0.1)
    paper.deal(SELL, 0.1)
    paper.to(until_hour)
    assert [position.swap for position in paper.positions] == [
        pytest.approx(-0.65 * nights),
        pytest.approx(0.15 * nights),
    ]


def test_the_triple_day_is_the_symbols(make_paper: MakePaper) -> None:
    paper = make_paper(WEEK, symbol=SWAPS | {"swap_triple_day": "monday"})
    paper.deal(BUY, 0.1)
    assert paper.to(24).positions[0].swap == -1.95


def test_swap_is_realised_with_the_share_that_is_closed(make_paper: MakePaper) -> None:
    paper = make_paper(WEEK, symbol=SWAPS)
    ticket = paper.deal(BUY, 0.3).order
    paper.to(24)
    paper.deal(SELL, 0.1, position=ticket)
    assert paper.deals[-1].swap == -0.65
    assert paper.positions[0].swap == -1.3
    assert paper.account.profit == pytest.approx(-1.3 - 2.0)  # the swap and 10 points of spread on 0.2 lots
    paper.deal(SELL, 0.2, position=ticket)
    assert paper.deals[-1].swap == -1.3
    assert paper.account.balance == 10_000 - 1.95 - 3.0


def test_going_there_in_steps_or_at_once_is_the_same(make_paper: MakePaper) -> None:
    at_once, in_steps = make_paper(WEEK, symbol=SWAPS), make_paper(WEEK, symbol=SWAPS)
    for paper in (at_once, in_steps):
        paper.deal(BUY, 0.1)
    at_once.to(100)
    for hour in range(101):
        in_steps.to(hour)
    assert at_once.positions == in_steps.positions
