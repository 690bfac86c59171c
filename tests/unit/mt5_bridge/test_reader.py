from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from mt5_bridge.reader import Columns
from mt5_bridge.terminal import PipeBroken
from tests.unit.mt5_bridge.fake_terminal import NOW, RATES, Bench, make_order, make_position, make_symbol_info, market
from tradeloom.errors import BrokerError, NotEnoughBars, NotFound
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.intents import Side
from tradeloom.trading.methods import PositionsParams
from tradeloom.trading.timeframes import Timeframe

MakeBench = Callable[..., Bench]


def rates(openings: list[datetime]) -> Any:
    rows = np.zeros(len(openings), RATES)
    rows["time"] = [int(opening.timestamp()) for opening in openings]
    rows["close"] = np.arange(len(openings)) + 1.0
    rows["tick_volume"], rows["spread"] = 7, 12
    return rows


def hourly(last: datetime, count: int) -> Any:
    return rates([last - timedelta(hours=back) for back in reversed(range(count))])


def reference(count: int = 3, **changes: Any) -> BarsReference:
    values = {"account": "acc", "symbol": "EURUSD", "timeframe": Timeframe.H1, "to": NOW, "count": count}
    return BarsReference(**values | changes)


def closes(columns: Columns) -> list[float]:
    return list(np.frombuffer(columns["close"][1], "<f8"))


def times(columns: Columns) -> list[datetime]:
    return [datetime.fromtimestamp(t, tz=UTC) for t in np.frombuffer(columns["time"][1], "<i8").tolist()]


class TestBars:
    @pytest.fixture
    def read(self, bench: Bench) -> Callable[..., Columns]:
        """Bars 1…10, hourly; the tenth opens at NOW, so the ninth closed at NOW."""
        bench.terminal.rates = hourly(NOW, 10)
        return lambda *args, **changes: bench.worker._reader.bars(reference(*args, **changes))

    def test_end_with_the_last_one_closed(self, read: Callable[..., Columns]) -> None:
        columns = read()
        assert closes(columns) == [7, 8, 9]
        assert times(columns)[-1] == NOW - timedelta(hours=1)
        assert list(columns) == ["time", "open", "high", "low", "close", "volume", "spread"]
        assert np.frombuffer(columns["volume"][1], "<f8").tolist() == [7.0] * 3
        assert np.frombuffer(columns["spread"][1], "<i4").tolist() == [12] * 3

    def test_show_the_forming_one_only_when_asked(self, read: Callable[..., Columns]) -> None:
        assert closes(read(closed_only=False)) == [8, 9, 10]

    @pytest.mark.parametrize(("minutes", "last"), [(0, 9), (-1, 8), (-59, 8), (-60, 8), (-61, 7), (59, 9), (500, 9)])
    def test_are_closed_once_their_end_has_come(self, read: Callable[..., Columns], minutes: int, last: int) -> None:
        """Past NOW nothing is visible, whatever `to` says."""
        assert closes(read(to=NOW + timedelta(minutes=minutes)))[-1] == last

    def test_bring_as_much_warm_up_as_there_is(self, read: Callable[..., Columns]) -> None:
        assert closes(read(3, warmup=4)) == [3, 4, 5, 6, 7, 8, 9]
        assert closes(read(3, warmup=400)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]

    def test_too_few_of_them_are_an_error(self, read: Callable[..., Columns]) -> None:
        assert len(closes(read(9))) == 9
        with pytest.raises(NotEnoughBars, match="has 9 bars"):
            read(10)

    def test_before_a_weekend_close_at_their_nominal_end(self, bench: Bench) -> None:
        friday = datetime(2024, 1, 5, 21, tzinfo=UTC)
        bench.terminal.rates = hourly(friday, 5)
        assert closes(bench.worker._reader.bars(reference(to=friday + timedelta(minutes=59))))[-1] == 4
        assert closes(bench.worker._reader.bars(reference(to=friday + timedelta(hours=1))))[-1] == 5
        assert closes(bench.worker._reader.bars(reference(to=NOW)))[-1] == 5

    @pytest.mark.parametrize(
        ("timeframe", "openings", "to", "last"),
        [
            (Timeframe.MN1, ["2023-11-01", "2023-12-01", "2024-01-01"], "2024-01-31T23:00", 2),
            (Timeframe.MN1, ["2023-10-01", "2023-11-01", "2023-12-01"], "2023-12-31T23:59", 2),
            (Timeframe.MN1, ["2023-10-01", "2023-11-01", "2023-12-01"], "2024-01-01T00:00", 3),
            (Timeframe.W1, ["2023-12-24", "2023-12-31", "2024-01-07"], "2024-01-09T00:00", 2),
            (Timeframe.D1, ["2024-01-07", "2024-01-08", "2024-01-09"], "2024-01-09T23:59", 2),
        ],
    )
    def test_of_long_timeframes(
        self, bench: Bench, timeframe: Timeframe, openings: list[str], to: str, last: int
    ) -> None:
        bench.clock.time = datetime(2024, 2, 20, tzinfo=UTC)
        bench.terminal.rates = rates([datetime.fromisoformat(day).replace(tzinfo=UTC) for day in openings])
        at = datetime.fromisoformat(to).replace(tzinfo=UTC)
        assert closes(bench.worker._reader.bars(reference(1, timeframe=timeframe, to=at))) == [last]

    def test_come_in_utc_from_a_server_with_its_own_clock(self, make_bench: MakeBench) -> None:
        bench = make_bench(server_time_zone="Europe/Athens")
        bench.terminal.rates = hourly(NOW + timedelta(hours=2), 10)  # the server's clock shows two hours more
        columns = bench.worker._reader.bars(reference())
        assert closes(columns) == [7, 8, 9]
        assert times(columns)[-1] == NOW - timedelta(hours=1)

    def test_are_asked_for_again_while_a_real_terminal_loads_them(self, bench: Bench) -> None:
        full = hourly(NOW, 10)
        bench.terminal.rates = full[-2:]
        bench.worker._reader._pause = lambda _: setattr(bench.terminal, "rates", full)
        assert closes(bench.worker._reader.bars(reference(8))) == [2, 3, 4, 5, 6, 7, 8, 9]

    def test_that_cannot_be_read_are_an_error(self, bench: Bench) -> None:
        bench.terminal.rates, bench.terminal.error = None, (-1, "Terminal: Call failed")
        with pytest.raises(BrokerError, match="Call failed"):
            bench.worker._reader.bars(reference())

    def test_of_an_unknown_symbol_are_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFound, match="NOPE"):
            bench.worker._reader.bars(reference(symbol="NOPE"))


def test_the_account(bench: Bench) -> None:
    account = bench.worker._reader.account()
    assert (account.trade_mode, account.margin_mode, account.margin_level) == ("demo", "hedging", None)
    bench.terminal.account.margin, bench.terminal.account.margin_level = 100.0, 10_000.0
    bench.terminal.account.margin_mode, bench.terminal.account.trade_mode = 0, 2
    account = bench.worker._reader.account()
    assert (account.trade_mode, account.margin_mode, account.margin_level) == ("live", "netting", 10_000.0)
    bench.terminal.account, bench.terminal.error = None, (-10005, "IPC timeout")
    with pytest.raises(PipeBroken):
        bench.worker._reader.account()


def test_positions_bear_the_workflow_that_opened_them(bench: Bench) -> None:
    bench.desk.send(market())
    bench.terminal.positions.append(make_position(9, side=1, volume=0.07, sl=1.2, magic=3))
    found: Any = bench.worker.reads._listed("positions", PositionsParams(symbol="EURUSD"))
    ours, other = found
    assert (ours.workflow_id, other.workflow_id) == ("w", None)
    assert (other.side, other.volume, other.stop_loss, other.take_profit) == (Side.SELL, Decimal("0.07"), 1.2, None)
    assert other.opened_at == NOW
    assert bench.worker.reads._listed("positions", PositionsParams(symbol="GBPUSD")) == []


def test_pending_orders_show_their_terms_and_orders_at_market_are_none(make_bench: MakeBench) -> None:
    bench = make_bench(server_time_zone="Europe/Athens")
    ends = int((NOW + timedelta(hours=5)).timestamp())
    shared = {"magic": 3, "symbol": "EURUSD", "price": 1.12, "stoplimit": 1.11, "sl": 1.1, "volume": 0.3}
    bench.terminal.orders = [
        make_order(5, shared | {"type": 0}, 1),  # a market order on its way
        make_order(6, shared | {"type": 6, "type_time": 3, "expiration": ends}, 1, volume_current=0.2),
    ]
    (order,) = bench.worker._reader.orders(None)
    assert (order.ticket, order.type, order.side, order.price, order.limit_price) == (
        6,
        "stop_limit",
        "buy",
        1.12,
        1.11,
    )
    assert (order.volume, order.remaining, order.stop_loss, order.take_profit) == (
        Decimal("0.3"), Decimal("0.2"), 1.1, None,
    )  # fmt: skip
    assert (order.expiry, order.expires_at) == ("specified", NOW + timedelta(hours=3))
    assert order.placed_at == NOW - timedelta(hours=2)
    assert bench.worker._reader.orders("GBPUSD") == []


def test_lists_that_cannot_be_read_are_errors_and_none_with_success_is_empty(bench: Bench) -> None:
    bench.terminal.orders = None  # type: ignore[assignment]
    assert bench.worker._reader.orders(None) == []
    bench.terminal.error = (-1, "Call failed")
    with pytest.raises(BrokerError, match="Call failed"):
        bench.worker._reader.orders(None)


def test_a_symbol_that_is_not_in_market_watch_is_put_there(bench: Bench) -> None:
    bench.terminal.symbols["GBPUSD"] = make_symbol_info(name="GBPUSD", select=False)
    assert bench.worker._reader.tick("GBPUSD").bid == 1.1
    assert bench.terminal.symbols["GBPUSD"].select


def test_numbers_that_are_none_are_never_passed_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.worker._reader.margin("EURUSD", Side.BUY, Decimal("0.1"), 1.1) == pytest.approx(110)
    bench.terminal.order_calc_profit = lambda *_: float("nan")  # type: ignore[method-assign]
    with pytest.raises(BrokerError, match="nan"):
        bench.worker._reader.profit("EURUSD", Side.BUY, Decimal("0.1"), 1.1, 1.2)


def test_ticks_go_on_behind_those_that_were_seen(make_bench: MakeBench) -> None:
    bench = make_bench(server_time_zone="Europe/Athens")
    utc = int(NOW.timestamp()) * 1000
    times = [utc - 1, utc + 5, utc + 5, utc + 5, utc + 9]
    rows = np.zeros(5, [("time_msc", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8")])
    rows["time_msc"] = np.array(times) + 2 * 3_600_000  # the server's clock is two hours ahead
    rows["bid"] = [1.0, 1.1, 1.2, 1.3, 1.4]
    asked: list[tuple[str, int, int, int]] = []

    def copy_ticks_from(symbol: str, date_from: int, count: int, flags: int) -> Any:
        asked.append((symbol, date_from, count, flags))
        return rows

    bench.terminal.copy_ticks_from = copy_ticks_from  # type: ignore[method-assign]
    since = NOW + timedelta(milliseconds=5)

    def bids(skip: int, limit: int = 100) -> list[float]:
        columns = bench.worker._reader.ticks("EURUSD", since, skip, limit)
        assert np.frombuffer(columns["time"][1], "<i8").tolist() == times[1 + skip :][:limit]
        return np.frombuffer(columns["bid"][1], "<f8").tolist()

    assert bids(0) == [1.1, 1.2, 1.3, 1.4]
    assert bids(2) == [1.3, 1.4]
    assert bids(0, limit=2) == [1.1, 1.2]
    assert asked[0][:2] == ("EURUSD", utc // 1000 + 7_200)
    assert asked[0][2] > 100
    assert asked[0][3] == -1
    # More of that millisecond than there are cannot have been seen: what came after it is not skipped.
    columns = bench.worker._reader.ticks("EURUSD", since, 7, 100)
    assert np.frombuffer(columns["bid"][1], "<f8").tolist() == [1.4]


def test_a_terminal_without_ticks_says_so(bench: Bench) -> None:
    bench.terminal.ticks = None
    bench.terminal.error = (-1, "Terminal: Call failed")
    with pytest.raises(BrokerError, match="ticks of EURUSD"):
        bench.worker._reader.ticks("EURUSD", NOW, 0, 10)
