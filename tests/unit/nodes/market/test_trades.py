from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.broker_facts import NOW, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import InvalidInput, NodeConfigError, NotFound
from tradeloom.nodes.market._trades import Totals
from tradeloom.nodes.market.trades import Trades, TradesConfig, TradesOutput
from tradeloom.trading.broker import ClosedTrade
from tradeloom.trading.intents import Side

HOUR = timedelta(hours=1)
WEEK = {"period": "last", "last_s": 604_800}


def run(trades: list[ClosedTrade], now: datetime = NOW, **config: Any) -> TradesOutput:
    broker = FakeBroker(closed_trades=trades, now=now)
    return Trades().run(TradesConfig.model_validate(config), FakeContext(brokers={"paper": broker}))


def results(*nets: float) -> list[ClosedTrade]:
    return [
        make_trade(number, profit=net, closed_at=NOW - HOUR + timedelta(minutes=number))
        for number, net in enumerate(nets)
    ]


def test_totals_count_swap_and_commission() -> None:
    trades = [
        make_trade(1, profit=10.0, swap=-0.3, commission=-0.7, closed_at=NOW - 3 * HOUR),
        make_trade(2, profit=0.5, commission=-0.7, closed_at=NOW - 2 * HOUR),  # won before its costs, lost after
        make_trade(3, profit=-3.8, closed_at=NOW - HOUR),
    ]
    output = run(trades)
    assert (output.count, output.wins, output.losses, output.win_rate) == (3, 1, 2, 33.333333)
    assert (output.profit, output.swap, output.commission, output.net_profit) == (6.7, -0.3, -1.4, 5.0)
    assert (output.gross_profit, output.gross_loss, output.profit_factor) == (9.0, 4.0, 2.25)
    assert (output.average_win, output.average_loss, output.best, output.worst) == (9.0, 2.0, 9.0, -3.8)
    assert (output.streak, output.longest_win_streak, output.longest_loss_streak) == (-2, 1, 2)


def test_sums_are_exact() -> None:
    assert run(results(0.1, 0.2)).net_profit == 0.3


def test_nothing_closed_has_no_rates() -> None:
    output = run([])
    assert (output.count, output.trades, output.net_profit, output.streak) == (0, [], 0.0, 0)
    assert {output.win_rate, output.profit_factor, output.average_win, output.average_loss, output.best} == {None}


@pytest.mark.parametrize(
    ("nets", "streak", "wins", "losses"),
    [
        ([1, 1, -1, 1, 1, 1], 3, 3, 1),
        ([1, -1, -1], -2, 1, 2),
        ([-1, 0, -1], -1, 0, 1),
        ([1, 0], 0, 1, 0),
        ([5], 1, 1, 0),
    ],
)
def test_streaks(nets: list[float], streak: int, wins: int, losses: int) -> None:
    output = run(results(*nets))
    assert (output.streak, output.longest_win_streak, output.longest_loss_streak) == (streak, wins, losses)


def test_only_wins_have_no_profit_factor() -> None:
    assert (run(results(1, 2)).profit_factor, run(results(1, 2)).win_rate) == (None, 100.0)


@pytest.mark.parametrize(
    ("config", "since"),
    [
        ({}, "2017-06-01T00:00Z"),
        ({"time_zone": "America/New_York"}, "2017-06-01T04:00Z"),
        ({"time_zone": "Pacific/Auckland"}, "2017-06-01T12:00Z"),  # it is midnight there just now
        ({"period": "week"}, "2017-05-29T00:00Z"),
        ({"period": "month", "time_zone": "Europe/London"}, "2017-05-31T23:00Z"),
        ({"period": "last", "last_s": 90}, "2017-06-01T11:58:30Z"),
        ({"period": "between", "since": "2017-05-01T00:00:00+02:00"}, "2017-04-30T22:00Z"),
    ],
)
def test_periods(config: dict[str, Any], since: str) -> None:
    """NOW is Thursday, 1 June 2017, 12:00 UTC."""
    first = datetime.fromisoformat(since)
    inside, outside = make_trade(1, closed_at=first), make_trade(2, closed_at=first - timedelta(milliseconds=1))
    output = run([inside, outside], **config)
    assert (output.since, output.until) == (first, NOW)
    assert [trade.deal for trade in output.trades] == [1]


def test_a_day_whose_midnight_does_not_exist() -> None:
    """Midnight of Beirut's 26 March 2017 was skipped; the day began at one o'clock summer time."""
    now = datetime(2017, 3, 26, 12, tzinfo=UTC)
    output = run([], now, time_zone="Asia/Beirut")
    assert output.since == datetime(2017, 3, 25, 22, tzinfo=UTC)


def test_a_period_ends_now_at_the_latest() -> None:
    output = run(results(1.0), period="between", since="2017-06-01T00:00:00Z", until="9999-12-31T23:00:00-12:00")
    assert (output.until, output.count) == (NOW, 1)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"since": "2017-06-01T12:00:01Z"}, "since"),
        ({"since": "2017-05-02T00:00:00Z", "until": "2017-05-01T00:00:00Z"}, "until"),
        ({"since": "2007-01-01T00:00:00Z"}, "since"),
        ({"since": "0001-01-01T00:00:00+12:00"}, "since"),
    ],
)
def test_periods_that_cannot_be(config: dict[str, Any], field: str) -> None:
    with pytest.raises(NodeConfigError) as caught:
        run([], period="between", **config)
    assert caught.value.field == f"config.{field}"


def test_filters() -> None:
    trades = [
        make_trade(1, closed_at=NOW - 3 * HOUR),
        make_trade(2, closed_at=NOW - 2 * HOUR, side=Side.SELL, workflow_id="wf-2"),
        make_trade(3, closed_at=NOW - HOUR, symbol="USDJPY", workflow_id=None),
    ]
    filters: dict[str, dict[str, Any]] = {
        "all": {},
        "symbol": {"symbol": "EURUSD"},
        "side": {"side": "sell"},
        "own": {"own_only": True},
    }
    shown = {name: [trade.deal for trade in run(trades, **config).trades] for name, config in filters.items()}
    assert shown == {"all": [1, 2, 3], "symbol": [1, 2], "side": [2], "own": [1]}


def test_the_list_is_bounded_and_the_totals_are_not() -> None:
    output = run(results(1, 2, 3, 4), limit=2)
    assert ([trade.profit for trade in output.trades], output.count, output.net_profit) == ([3.0, 4.0], 4, 10.0)
    assert run(results(1, 2), limit=0).trades == []


def test_a_trade_shows_what_a_trader_asks_for() -> None:
    trade = make_trade(
        9, profit=10.0, swap=-0.3, commission=-0.7, reason="take_profit", price_open=None, opened_at=None
    )
    (shown,) = run([trade]).trades
    assert shown.model_dump() == {
        "position": 8, "deal": 9, "symbol": "EURUSD", "side": "buy", "volume": 0.1, "price_open": None,
        "price_close": 1.101, "opened_at": None, "closed_at": NOW, "profit": 10.0, "swap": -0.3, "commission": -0.7,
        "net_profit": 9.0, "reason": "take_profit", "own": True, "workflow_id": "wf-1",
    }  # fmt: skip


def test_what_the_bridge_will_not_read_is_told_as_a_configuration() -> None:
    class Full(FakeBroker):
        def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
            raise InvalidInput("the period holds 6000 closed trades, more than 5000", hint="ask for a shorter one")

    with pytest.raises(NodeConfigError, match="6000") as caught:
        Trades().run(TradesConfig(), FakeContext(brokers={"paper": Full()}))
    assert (caught.value.field, caught.value.hint) == ("config.period", "ask for a shorter one")


def test_an_unknown_symbol_is_not_an_empty_list() -> None:
    with pytest.raises(NotFound):
        run([], symbol="NOPE")


@pytest.mark.parametrize(
    "config",
    [
        {"period": "last"},
        {"period": "between"},
        {"last_s": 60},
        {"since": "2017-06-01T00:00:00Z"},
        {"period": "last", "last_s": 60, "until": "2017-06-01T00:00:00Z"},
        {"period": "last", "last_s": 0},
        {"period": "last", "last_s": 1e12},
        {"period": "year"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "a\x00b"},
        {"limit": 1001},
        {"limit": -1},
        {"period": "between", "since": "yesterday"},
    ],
)
def test_bad_configurations_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        run([], **config)


@given(st.lists(st.decimals("-1000", "1000", places=2), max_size=30))
def test_totals_agree_with_themselves(nets: list[Decimal]) -> None:
    totals = Totals.of(results(*(float(net) for net in nets)))
    assert totals.count == len(nets) >= totals.wins + totals.losses
    assert Decimal(str(totals.net_profit)) == sum(nets, Decimal(0))
    assert Decimal(str(totals.gross_profit)) - Decimal(str(totals.gross_loss)) == sum(nets, Decimal(0))
    assert totals.longest_win_streak <= totals.wins
    assert totals.longest_loss_streak <= totals.losses
    assert -totals.longest_loss_streak <= totals.streak <= totals.longest_win_streak
    if totals.profit_factor is not None:
        assert (totals.profit_factor >= 1) == (totals.net_profit >= 0) or totals.profit_factor == 1
