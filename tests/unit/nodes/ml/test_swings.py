"""Swings: what a zigzag confirms, when, and that it never takes anything back."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.random_walks import random_walk
from tests.support.series import Columns
from tests.unit.nodes.indicator.cases import walks
from tradeloom.nodes.ml._swings import ATR_PERIOD, Swing, average_range, swings


def _lists(columns: Columns, end: int | None = None) -> tuple[list[float], list[float], list[float]]:
    high, low, close = (columns[name][:end] for name in ("high", "low", "close"))
    return high.tolist(), low.tolist(), average_range(high, low, close).tolist()


def test_a_drawn_zigzag() -> None:
    price = [0.0, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4, 5, 4]
    assert swings(price, price, [1.0] * len(price), 2.0) == [
        Swing(0, 0.0, False, 2),
        Swing(4, 4.0, True, 6),
        Swing(7, 1.0, False, 9),
    ]


def test_a_bar_that_makes_a_new_extreme_confirms_nothing() -> None:
    high = [0.0, 5, 9, 6]
    low = [0.0, 4, 1, 5]
    # The third bar reaches a new high and falls far: which came first is not known, so the high stands unconfirmed.
    found = swings(high, low, [1.0] * 4, 3.0)
    assert found == [Swing(0, 0.0, False, 1), Swing(2, 9.0, True, 3)]


def test_no_unit_no_swings() -> None:
    assert swings([1.0, 9.0, 1.0], [1.0, 9.0, 1.0], [float("nan")] * 3, 1.0) == []
    assert swings([], [], [], 1.0) == []


@given(columns=walks(), threshold=st.sampled_from([0.5, 1.5, 4.0]))
@settings(max_examples=60, deadline=None)
def test_they_alternate_and_are_real(columns: Columns, threshold: float) -> None:
    high, low, unit = _lists(columns)
    found = swings(high, low, unit, threshold)
    for swing in found:
        assert swing.position < swing.confirmed
        assert swing.price == (high if swing.is_high else low)[swing.position]
        came_back = swing.price - low[swing.confirmed] if swing.is_high else high[swing.confirmed] - swing.price
        before = [each for each in found if each.confirmed < swing.confirmed][-1:]
        past = any(
            low[swing.confirmed] < each.price if swing.is_high else high[swing.confirmed] > each.price
            for each in before
        )
        assert past or came_back >= threshold * unit[swing.confirmed]
    for earlier, later in pairwise(found):
        assert earlier.is_high != later.is_high
        assert earlier.position < later.position
        assert earlier.confirmed < later.confirmed
        assert earlier.price != later.price
        # Between two swings nothing lies beyond the later one; beyond the earlier one only a bar that made a new
        # extreme on the other side as well.
        between = range(earlier.position + 1, later.position)
        for row in between:
            leg = slice(earlier.position + 1, row + 1)
            if later.is_high:
                assert high[row] <= later.price
                assert low[row] >= earlier.price or high[row] == max(high[leg])
            else:
                assert low[row] >= later.price
                assert high[row] <= earlier.price or low[row] == min(low[leg])


@given(columns=walks(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_more_bars_change_nothing_told_before(columns: Columns, data: st.DataObject) -> None:
    end = data.draw(st.integers(ATR_PERIOD, len(columns["close"])))
    whole = swings(*_lists(columns), 1.5)
    assert swings(*_lists(columns, end), 1.5) == [swing for swing in whole if swing.confirmed < end]


def test_upside_down_is_the_mirror_image() -> None:
    columns = random_walk(np.random.default_rng(5), 500)
    high, low, unit = _lists(columns)
    upside_down = swings([-price for price in low], [-price for price in high], unit, 2.5)
    assert upside_down == [swing.mirrored() for swing in swings(high, low, unit, 2.5)]


def test_the_average_range_is_the_mean_of_true_ranges() -> None:
    columns = random_walk(np.random.default_rng(6), 60)
    high, low, close = columns["high"], columns["low"], columns["close"]
    true = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    measured = average_range(high, low, close)
    assert np.isnan(measured[:ATR_PERIOD]).all()
    for row in range(ATR_PERIOD, 60):
        assert measured[row] == pytest.approx(true[row - ATR_PERIOD : row].mean(), rel=1e-9)


@pytest.mark.parametrize("price", [0.0, 1e-9, 1.2, 1e12])
def test_a_market_that_stands_still_has_a_unit_and_no_swings(price: float) -> None:
    flat = np.full(50, price)
    unit = average_range(flat, flat, flat)[ATR_PERIOD:]
    assert (unit > 0).all()
    assert swings(flat.tolist(), flat.tolist(), average_range(flat, flat, flat).tolist(), 1.0) == []
