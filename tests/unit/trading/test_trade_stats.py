"""Statistics of closed trades, against figures computed by hand and by brute force."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.trade_records import CLOSED
from tradeloom.engine.trades import TradeGroup, TradeLine, summaries
from tradeloom.trading.trade_stats import ClosedResult, GroupBy, TradeStatistics


def results(*nets: str, r: str | None = None) -> list[ClosedResult]:
    return [
        ClosedResult(CLOSED + timedelta(minutes=number), Decimal(net), None if r is None else Decimal(r))
        for number, net in enumerate(nets)
    ]


def test_hand_computed() -> None:
    """Running sum 100, 40, 40, 70, -30, 20: the peak is 100 and the deepest fall 130."""
    made = TradeStatistics.of(results("100", "-60", "0", "30", "-100", "50"))
    assert (made.count, made.wins, made.losses) == (6, 3, 2)
    assert (made.net, made.gross_profit, made.gross_loss) == (Decimal(20), Decimal(180), Decimal(160))
    assert made.win_rate == Decimal("50.000000")
    assert made.profit_factor == Decimal("1.125000")
    assert made.expectancy == Decimal("3.33")
    assert (made.average_win, made.average_loss) == (Decimal(60), Decimal(80))
    assert made.max_drawdown == 130
    assert (made.first_closed_at, made.last_closed_at) == (CLOSED, CLOSED + timedelta(minutes=5))
    assert (made.average_r, made.r_count) == (None, 0)


def test_nothing_has_no_ratios() -> None:
    made = TradeStatistics.of([])
    assert (made.count, made.net, made.max_drawdown) == (0, Decimal(0), Decimal(0))
    assert (made.win_rate, made.profit_factor, made.expectancy, made.average_r) == (None, None, None, None)
    assert (made.first_closed_at, made.last_closed_at) == (None, None)


def test_without_losses_there_is_no_profit_factor_and_from_the_start_a_loss_is_a_fall() -> None:
    assert TradeStatistics.of(results("10", "0")).profit_factor is None
    assert TradeStatistics.of(results("-10", "4", "-1")).max_drawdown == 10


def test_r_is_averaged_over_the_trades_that_have_one() -> None:
    made = TradeStatistics.of([*results("10", r="2"), *results("10"), *results("-5", r="-1")])
    assert (made.average_r, made.r_count, made.count) == (Decimal("0.500000"), 2, 3)


def test_cents_add_up_exactly() -> None:
    assert TradeStatistics.of(results(*["0.1"] * 1_000)).net == Decimal("100.0")


nets = st.lists(st.decimals(-1_000, 1_000, places=2, allow_nan=False), max_size=40)


@given(nets)
def test_laws(values: list[Decimal]) -> None:
    made = TradeStatistics.of(results(*map(str, values)))
    assert made.net == sum(values, Decimal(0)) == made.gross_profit - made.gross_loss
    assert made.wins + made.losses + values.count(Decimal(0)) == made.count == len(values)
    sums = [sum(values[:end], Decimal(0)) for end in range(len(values) + 1)]
    deepest = max((max(sums[: at + 1]) - now for at, now in enumerate(sums)), default=Decimal(0))
    assert made.max_drawdown == deepest


def line(deal: int, net: str, **group: str | None) -> TradeLine:
    values = {
        "account": "paper",
        "session": "",
        "currency": "USD",
        "workflow_id": "w",
        "workflow_name": "W",
        "version": "v1",
    }
    return TradeLine(TradeGroup(**{**values, **group}), CLOSED + timedelta(minutes=deal), deal, Decimal(net), None)  # type: ignore[arg-type]


LINES = [
    line(1, "10", workflow_name="old name"),
    line(2, "-4", version="v2"),
    line(3, "7"),
    line(4, "100", account="live", currency="EUR"),
    line(5, "-1", workflow_id=None, workflow_name=None, version=None),
    line(6, "50", session="replay"),
]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("account", [("live", None, None, 100), ("paper", None, None, 12), ("paper", None, None, 50)]),
        (
            "workflow",
            [("live", "w", None, 100), ("paper", None, None, -1), ("paper", "w", None, 13), ("paper", "w", None, 50)],
        ),
        (
            "version",
            [
                ("live", "w", "v1", 100),
                ("paper", None, None, -1),
                ("paper", "w", "v1", 17),
                ("paper", "w", "v2", -4),
                ("paper", "w", "v1", 50),
            ],
        ),
    ],
)
def test_only_money_of_one_account_replay_and_currency_is_added_up(by: GroupBy, told: list[tuple[object, ...]]) -> None:
    made = summaries(LINES[::-1], by)
    assert [(s.group.account, s.group.workflow_id, s.group.version, s.statistics.net) for s in made] == told


def test_a_workflow_goes_by_its_latest_name() -> None:
    (found,) = [s for s in summaries(LINES, "version") if s.statistics.net == 17]
    assert found.group.workflow_name == "W"
