"""The closed equity and its thinning."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradeloom.trading.equity import closed_curve
from tradeloom.trading.trade_stats import ClosedResult, TradeStatistics

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
nets = st.lists(st.decimals(-1_000, 1_000, places=2), max_size=200)


def trades(amounts: list[Decimal]) -> list[ClosedResult]:
    return [ClosedResult(BEGAN + timedelta(minutes=number), net, None) for number, net in enumerate(amounts)]


def test_each_trade_makes_a_point() -> None:
    curve = closed_curve(trades([Decimal(10), Decimal(-4), Decimal(-9), Decimal(20)]), 100)
    assert [(int(point.net), int(point.drawdown)) for point in curve] == [(10, 0), (6, 4), (-3, 13), (17, 0)]
    assert curve[0].at == BEGAN


def test_without_trades_there_is_no_curve() -> None:
    assert closed_curve([], 4) == []


@given(nets, st.integers(4, 40))
def test_what_is_read_off_a_thinned_curve_is_true(amounts: list[Decimal], most: int) -> None:
    closed = trades(amounts)
    whole, thin = closed_curve(closed, len(closed)), closed_curve(closed, most)
    assert len(thin) <= max(most, 4)
    assert set(thin) <= set(whole)
    assert [point.at for point in thin] == sorted(point.at for point in thin)
    if whole:
        assert thin[-1] == whole[-1]
        for figure in ("net", "drawdown"):
            values, kept = [getattr(p, figure) for p in whole], [getattr(p, figure) for p in thin]
            assert max(kept) == max(values)
        assert min(point.net for point in thin) == min(point.net for point in whole)
        statistics = TradeStatistics.of(closed)
        assert max(point.drawdown for point in thin) == statistics.max_drawdown
        assert thin[-1].net == statistics.net
