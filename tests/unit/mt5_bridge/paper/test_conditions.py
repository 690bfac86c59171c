"""Spread, slippage, liquidity, dealer and costs beyond the ideal. Bids start at 1.10000, the spread is 10 points."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.config import load_config
from mt5_bridge.paper.errors import TerminalConfigError
from tests.unit.mt5_bridge.paper.conftest import MONDAY, Paper, symbol_config, write_csv
from tradeloom.errors import DataFileError

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
FOK, IOC = mt5.ORDER_FILLING_FOK, mt5.ORDER_FILLING_IOC
RETURN, BOC = mt5.ORDER_FILLING_RETURN, mt5.ORDER_FILLING_BOC
FLAT = (1.1, 1.1, 1.1, 1.1)
DONE, PARTIAL = mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_DONE_PARTIAL
MARKET = {"execution": "market"}
THIN = {"liquidity_lots": "0.4", "filling_modes": ["fok", "ioc", "boc"]}
ASKS = [(1.1002, 1.1012, 1.0995, 1.1003), (1.1003, 1.1023, 1.0981, 1.1010), (1.1009, 1.1012, 1.1009, 1.1012)]
BIDS = [(1.1, 1.101, 1.099, 1.1), (1.1, 1.102, 1.098, 1.101), (1.101, 1.101, 1.101, 1.101)]
WIDE = {"rollover_spread": {"minutes": 30, "factor": 5}}


def history(paper: Any, ticket: int) -> Any:
    (order,) = paper.trade.history_orders_get(ticket=ticket)
    return order


class TestSlippage:
    @pytest.mark.parametrize(("side", "price"), [(BUY, 1.10013), (SELL, 1.09997)])
    def test_that_is_fixed_is_always_the_same(self, make_paper: MakePaper, side: int, price: float) -> None:
        paper = make_paper([FLAT], symbol={"slippage": {"model": "fixed", "points": 3}})
        assert {paper.deal(side).price for _ in range(5)} == {price}

    def test_that_is_random_is_drawn_from_the_seed(self, make_paper: MakePaper) -> None:
        symbol = {"slippage": {"model": "random", "points": 9}}
        prices = [
            [paper.deal(BUY).price for _ in range(20)]
            for paper in (make_paper([FLAT], symbol=symbol, seed=seed) for seed in (1, 1, 2))
        ]
        assert prices[0] == prices[1] != prices[2]
        assert len(set(prices[0])) > 5
        assert all(1.1001 <= price <= 1.10019 for price in prices[0])

    def test_grows_with_the_last_complete_bar(self, make_paper: MakePaper) -> None:
        paper = make_paper(
            [(1.1, 1.101, 1.099, 1.1), FLAT, (1.1, 1.2, 1.0, 1.1)],
            symbol={"slippage": {"model": "range", "share": 0.05}, **MARKET},
        )
        assert paper.deal(BUY).price == 1.1001  # no bar is complete
        paper.to(1.5)
        assert paper.deal(BUY).price == 1.1002  # a twentieth of 200 points
        paper.to(2.5)
        assert paper.deal(BUY).price == 1.1001  # the quiet hour is the last one, the wild one has only begun

    def test_of_the_symbol_goes_before_the_terminals(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol={"slippage": {"model": "fixed", "points": 0}}, slippage_points=9)
        assert {paper.deal(BUY).price for _ in range(9)} == {1.1001}

    def test_is_in_whole_ticks(self, make_paper: MakePaper) -> None:
        symbol = {"slippage": {"model": "random", "points": 30}, "tick_size": "0.0001", **MARKET}
        paper = make_paper([FLAT], symbol=symbol)
        prices = {paper.deal(BUY).price for _ in range(30)}
        assert len(prices) > 2
        assert all(round(price * 100_000) % 10 == 0 for price in prices)


class TestRolloverSpread:
    def test_is_wide_around_the_servers_midnight(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT] * 50, symbol=WIDE)
        spreads = []
        for hour in (0.1, 0.9, 1.5, 12, 22.9, 23.2, 23.9999999, 24.2, 25):
            paper.to(hour)
            info = paper.market.symbol_info("EURUSD")
            assert info.spread_float
            spreads.append(info.spread)
        assert spreads == [50, 50, 10, 10, 10, 10, 50, 50, 10]

    def test_takes_the_stops_of_shorts(self, make_paper: MakePaper) -> None:
        bars = [FLAT] * 30
        paper = make_paper(bars, symbol=WIDE)
        paper.to(12).deal(SELL, sl=1.10040)
        paper.deal(BUY, sl=1.09990)
        paper.to(23.5)
        assert len(paper.positions) == 2
        paper.to(24)
        assert [position.type for position in paper.positions] == [BUY]
        assert (paper.deals[-1].reason, paper.deals[-1].price) == (mt5.DEAL_REASON_SL, 1.1004)

    @pytest.mark.parametrize(
        "changes",
        [
            {"data": {"path": "x.csv", "timeframe": "D1", "price": "bid"}},
            {"data": {"path": "x.csv", "timeframe": "H1", "price": "bid", "counter_path": "y.csv"}},
        ],
    )
    def test_has_no_place_on_coarse_or_two_sided_data(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        write_terminal(tmp_path, symbol_config(tmp_path / "x.csv", **WIDE, **changes))
        with pytest.raises(TerminalConfigError, match="rollover_spread"):
            load_config(tmp_path)


def write_terminal(directory: Path, symbol: dict[str, Any], **terminal: Any) -> Path:
    account = {"login": 1, "balance": "10000"}
    config = {"accounts": [account], "symbols": [symbol], "clock": {"start": MONDAY.isoformat()}}
    (directory / "paper.json").write_text(json.dumps(config | terminal))
    return directory


class TestRealSpread:
    @pytest.fixture(params=["bid", "ask"])
    def paper(self, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
        write_csv(tmp_path / "bid.csv", BIDS)
        write_csv(tmp_path / "ask.csv", ASKS)
        other = {"bid": "ask", "ask": "bid"}[request.param]
        data = {"path": f"{request.param}.csv", "timeframe": "H1", "price": request.param}
        symbol = symbol_config(tmp_path / "x", data=data | {"counter_path": f"{other}.csv"}, **MARKET)
        paper = Paper(write_terminal(tmp_path, symbol)).open()
        yield paper
        paper.close()

    def test_quotes_are_those_of_both_files(self, paper: Any) -> None:
        quotes = []
        for hour in (0, 0.9999999, 1.0, 1.9999999, 2.0):
            tick = paper.to(hour).market.symbol_info_tick("EURUSD")
            quotes.append((tick.bid, tick.ask))
        assert quotes == [(1.1, 1.1002), (1.1, 1.1003), (1.1, 1.1003), (1.101, 1.101), (1.101, 1.101)]
        # The last: the asks are below the bids for a moment, as real feeds have it; the spread is nil.
        ticks = paper.market.copy_ticks_range("EURUSD", 0, 2**40, mt5.COPY_TICKS_ALL)
        assert list(zip(ticks["bid"], ticks["ask"], strict=True)) == quotes
        rates = paper.market.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_H1, 0, 9)
        assert list(rates["spread"]) == [20, 30, 0]

    def test_buys_are_reached_where_the_asks_say(self, paper: Any) -> None:
        paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0981)
        paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.09809)
        paper.pending(mt5.ORDER_TYPE_BUY_STOP, 1.1023)
        paper.pending(mt5.ORDER_TYPE_BUY_STOP, 1.10231)
        paper.to(2)
        assert sorted(position.price_open for position in paper.positions) == [1.0981, 1.1023]

    def test_shorts_are_stopped_by_the_ask(self, paper: Any) -> None:
        paper.deal(SELL, sl=1.1012)
        paper.deal(SELL, sl=1.10121, tp=1.0982)
        paper.to(1)
        assert [(deal.reason, deal.price) for deal in paper.deals[2:]] == [(mt5.DEAL_REASON_SL, 1.1012)]

    def test_files_of_different_bars_are_refused(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "bid.csv", BIDS)
        data = {"path": "bid.csv", "timeframe": "H1", "price": "bid", "counter_path": "ask.csv"}
        write_terminal(tmp_path, symbol_config(tmp_path / "x", data=data))
        for asks in (ASKS[:2], [*ASKS, FLAT]):
            write_csv(tmp_path / "ask.csv", asks)
            with pytest.raises(DataFileError, match="not of the same time") as caught:
                Paper(tmp_path).open()
            assert caught.value.field == "time"

    def test_the_real_pound_trades_at_its_real_spread(self, tmp_path: Path) -> None:
        folder = Path(__file__).parents[5] / "shared" / "data"
        if not folder.is_dir():
            pytest.skip("the real data is not beside this checkout")
        data = {"path": str(folder / "GBPUSD_M1_bid.csv.gz"), "timeframe": "M1", "price": "bid"}
        data["counter_path"] = str(folder / "GBPUSD_M1_ask.csv.gz")
        symbol = symbol_config(tmp_path / "x", data=data) | {"name": "GBPUSD", "currency_base": "GBP"}
        symbol["currency_margin"] = "GBP"
        clock = {"clock": {"start": "2012-02-01T00:00:30Z"}}
        paper: Any = Paper(write_terminal(tmp_path, symbol, **clock)).open()
        tick = paper.market.symbol_info_tick("GBPUSD")
        assert (tick.bid, tick.ask) == (1.57597, 1.57608)
        rates = paper.market.copy_rates_from("GBPUSD", mt5.TIMEFRAME_M1, 2**33, 50_000)
        assert len(rates) == 1  # nothing of what is to come
        paper.close()


class TestLiquidity:
    def test_immediate_or_cancel_takes_what_there_is(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol=THIN)
        result = paper.deal(BUY, 1.0, type_filling=IOC)
        assert (result.retcode, result.volume, result.comment) == (PARTIAL, 0.4, "Request executed partially")
        order = history(paper, result.order)
        assert (order.state, order.volume_initial, order.volume_current) == (mt5.ORDER_STATE_CANCELED, 1.0, 0.6)
        assert (paper.positions[0].volume, paper.orders, paper.deals[0].volume) == (0.4, (), 0.4)
        assert paper.deal(BUY, 0.4, type_filling=IOC).retcode == DONE

    def test_fill_or_kill_takes_all_or_nothing(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol=THIN)
        result = paper.deal(BUY, 0.41)
        assert (result.retcode, result.comment) == (mt5.TRADE_RETCODE_REJECT, "Not enough liquidity to fill or kill")
        assert paper.positions == paper.deals == ()
        assert paper.deal(BUY, 0.4).retcode == DONE

    def test_a_close_may_be_partial_too(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol=THIN)
        ticket = paper.deal(BUY, 0.4).order
        paper.deal(BUY, 0.4, sl=1.0)
        paper.terminal.account.positions[ticket].volume += 1  # a large one from better days
        result = paper.deal(SELL, 1.0, position=ticket, type_filling=IOC)
        assert (result.retcode, result.volume) == (PARTIAL, 0.4)
        assert paper.trade.positions_get(ticket=ticket)[0].volume == 1.0

    def test_what_is_left_under_exchange_execution_fills_quote_by_quote(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT, (1.102,) * 4, FLAT], symbol=THIN | {"execution": "exchange"})
        assert paper.market.symbol_info("EURUSD").trade_exemode == mt5.SYMBOL_TRADE_EXECUTION_EXCHANGE
        result = paper.deal(BUY, 1.0, type_filling=RETURN, sl=1.05)
        assert (result.retcode, result.volume) == (PARTIAL, 0.4)
        (order,) = paper.orders
        assert (order.ticket, order.type, order.state) == (result.order, BUY, mt5.ORDER_STATE_PARTIAL)
        assert (order.volume_initial, order.volume_current) == (1.0, 0.6)
        assert paper.send(action=mt5.TRADE_ACTION_MODIFY, order=order.ticket, price=1.0).retcode == 10029
        paper.to(0.9999999)
        assert paper.orders[0].volume_current == 0.2
        paper.to(1)
        assert paper.orders == ()
        (position,) = paper.positions
        assert (position.ticket, position.volume, position.sl) == (result.order, 1.0, 1.05)
        assert [(deal.volume, deal.price) for deal in paper.deals] == [(0.4, 1.1001), (0.4, 1.1001), (0.2, 1.1021)]
        assert position.price_open == pytest.approx(0.8 * 1.1001 + 0.2 * 1.1021)
        assert history(paper, result.order).state == mt5.ORDER_STATE_FILLED

    def test_what_is_left_can_be_cancelled(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol=THIN | {"execution": "exchange"})
        ticket = paper.deal(BUY, 1.0, type_filling=RETURN).order
        assert paper.send(action=mt5.TRADE_ACTION_REMOVE, order=ticket).retcode == DONE
        order = history(paper, ticket)
        assert (order.state, order.volume_current) == (mt5.ORDER_STATE_CANCELED, 0.6)
        assert paper.positions[0].volume == 0.4

    def test_return_is_no_mode_for_market_orders_elsewhere(self, make_paper: MakePaper) -> None:
        for execution in ("instant", "market"):
            paper = make_paper([FLAT], symbol=THIN | {"execution": execution})
            assert paper.deal(BUY, 1.0, type_filling=RETURN).retcode == mt5.TRADE_RETCODE_INVALID_FILL

    @pytest.mark.parametrize(
        ("filling", "volumes", "state"),
        [
            (RETURN, [0.4, 0.4, 0.2], mt5.ORDER_STATE_FILLED),
            (BOC, [0.4, 0.4, 0.2], mt5.ORDER_STATE_FILLED),
            (IOC, [0.4], mt5.ORDER_STATE_CANCELED),
            (FOK, [], mt5.ORDER_STATE_CANCELED),
        ],
    )
    @pytest.mark.parametrize("margin_mode", ["hedging", "netting"])
    def test_pending_orders_fill_as_their_mode_says(
        self, make_paper: MakePaper, margin_mode: str, filling: int, volumes: list[float], state: int
    ) -> None:
        dip = (1.1, 1.1, 1.098, 1.098)
        paper = make_paper([FLAT, dip, (1.097,) * 4, FLAT], symbol=THIN, account={"margin_mode": margin_mode})
        ticket = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, 1.0, type_filling=filling).order
        paper.to(1.9999999)
        if filling in (RETURN, BOC):
            assert [(o.state, o.volume_current) for o in paper.orders] == [(mt5.ORDER_STATE_PARTIAL, 0.2)]
        paper.to(3)
        assert [deal.volume for deal in paper.deals] == volumes
        assert {deal.order for deal in paper.deals} <= {ticket}
        assert sum(position.volume for position in paper.positions) == pytest.approx(sum(volumes))
        assert len(paper.positions) == bool(volumes)
        order = history(paper, ticket)
        assert (order.state, order.volume_current) == (state, pytest.approx(1.0 - sum(volumes)))
        if filling == RETURN:  # inside the bar and at its close at the limit, at the gap better
            assert [deal.price for deal in paper.deals] == [1.0985, 1.0985, 1.0971]

    def test_a_stop_order_that_went_off_goes_on_at_any_price(self, make_paper: MakePaper) -> None:
        up = (1.1, 1.102, 1.1, 1.1)
        paper = make_paper([FLAT, up, FLAT, FLAT], symbol=THIN)
        ticket = paper.pending(mt5.ORDER_TYPE_BUY_STOP, 1.1015, 1.0).order
        paper.to(3)
        assert [(deal.volume, deal.price) for deal in paper.deals] == [(0.4, 1.1015), (0.4, 1.1001), (0.2, 1.1001)]
        assert history(paper, ticket).state == mt5.ORDER_STATE_FILLED

    def test_levels_moved_between_two_parts_stay_moved(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT, (1.1, 1.1, 1.098, 1.0999), (1.097,) * 4], symbol=THIN)
        ticket = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, 0.8, sl=1.05).order
        paper.to(1.9999999)
        assert paper.send(action=mt5.TRADE_ACTION_SLTP, position=ticket, sl=1.06).retcode == DONE
        paper.to(2)
        (position,) = paper.positions
        assert (position.volume, position.sl) == (0.8, 1.06)

    def test_an_expired_rest_is_gone(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT, (1.1, 1.1, 1.098, 1.0999), FLAT, FLAT], symbol=THIN)
        until = int(MONDAY.timestamp()) + 9_000
        terms = {"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": until}
        ticket = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, 1.0, **terms).order
        paper.to(3)
        order = history(paper, ticket)
        assert (order.state, order.volume_current, order.time_done) == (mt5.ORDER_STATE_EXPIRED, 0.6, until)

    def test_the_servers_own_closes_are_whole(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT, (1.1, 1.1, 1.09, 1.09)], symbol=THIN, account={"margin_mode": "netting"})
        paper.deal(BUY, 0.4)
        paper.deal(BUY, 0.4, sl=1.095)
        paper.to(2)
        assert (paper.positions, paper.deals[-1].volume) == ((), 0.8)


class TestDealer:
    def answers(self, paper: Any, count: int = 200) -> list[int]:
        return [paper.deal(BUY, 0.01).retcode for _ in range(count)]

    def test_requotes_and_is_off_quotes_as_often_as_configured(self, make_paper: MakePaper) -> None:
        symbol = {"requote_probability": 0.3, "price_off_probability": 0.2}
        answers = self.answers(make_paper([FLAT], symbol=symbol))
        shares = {code: answers.count(code) / len(answers) for code in set(answers)}
        assert set(shares) == {DONE, mt5.TRADE_RETCODE_REQUOTE, mt5.TRADE_RETCODE_PRICE_OFF}
        assert 0.2 < shares[mt5.TRADE_RETCODE_REQUOTE] < 0.4
        assert 0.1 < shares[mt5.TRADE_RETCODE_PRICE_OFF] < 0.3
        again = self.answers(make_paper([FLAT], symbol=symbol))
        assert answers == again
        assert answers != self.answers(make_paper([FLAT], symbol=symbol, seed=5))

    def test_shows_the_price_it_would_have_and_does_nothing(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol={"requote_probability": 1})
        result = paper.deal(BUY)
        assert (result.retcode, result.price, result.bid, result.ask) == (10004, 1.1001, 1.1, 1.1001)
        assert (result.order, result.deal, paper.positions) == (0, 0, ())

    def test_says_nothing_when_an_order_is_only_checked(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol={"requote_probability": 1})
        request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001}
        assert paper.trade.order_check(request).retcode == 0

    def test_looking_and_checking_change_no_draw(self, make_paper: MakePaper) -> None:
        symbol = {"requote_probability": 0.5}
        plain, watched = make_paper([FLAT], symbol=symbol), make_paper([FLAT], symbol=symbol)
        for _ in range(50):
            watched.trade.order_check({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001})
            assert watched.account.login == 1
            assert plain.deal(BUY, 0.01)[:9] == watched.deal(BUY, 0.01)[:9]

    def test_has_no_say_outside_instant_execution_or_over_pending_orders(self, make_paper: MakePaper) -> None:
        always = {"requote_probability": 0.5, "price_off_probability": 0.5}
        assert make_paper([FLAT], symbol=always | MARKET).deal(BUY).retcode == DONE
        assert make_paper([FLAT], symbol=always).pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0).retcode == DONE


class TestCosts:
    def test_commission_is_per_lot_and_per_deal_on_both_sides(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], symbol={"commission_per_lot": "3.5", "commission_per_deal": "1.25"})
        ticket = paper.deal(BUY, 0.2).order
        paper.deal(SELL, 0.2, position=ticket)
        assert [deal.commission for deal in paper.deals] == [-1.95, -1.95]
        assert paper.account.balance == 10_000 - 2 * 1.95 - 2.0

    @pytest.mark.parametrize(
        ("mode", "code", "night"),
        [
            ("points", 1, -0.72),  # 7.2 points of 0.1 lot
            ("currency_base", 2, -0.80),  # 7.2 EUR a lot, paid for at the ask
            ("currency_margin", 3, -0.80),
            ("currency_deposit", 4, -0.72),
            ("interest_current", 5, -2.22),  # 7.2 % of 11,100 USD over 360 days
            ("interest_open", 6, -2.20),  # of 11,001 USD
        ],
    )
    def test_swap_is_of_the_symbols_mode(self, make_paper: MakePaper, mode: str, code: int, night: float) -> None:
        bars = [(1.1,) * 4] + [(1.11,) * 4] * 80
        paper = make_paper(bars, symbol={"swap_mode": mode, "swap_long": "-7.2", "swap_short": "1.1"})
        assert paper.market.symbol_info("EURUSD").swap_mode == code
        paper.deal(BUY, 0.1)
        paper.to(24)
        assert paper.positions[0].swap == pytest.approx(night, abs=0.006)
        first = paper.positions[0].swap
        paper.to(72)  # Wednesday's night counts three times
        assert paper.positions[0].swap == pytest.approx(5 * first, abs=0.03)


@pytest.mark.parametrize(
    "changes",
    [
        {"liquidity_lots": "0.005"},
        {"liquidity_lots": 0},
        {"requote_probability": 0.6, "price_off_probability": 0.5},
        {"requote_probability": -0.1},
        {"requote_probability": "often"},
        {"slippage": {"model": "magic"}},
        {"slippage": {"model": "fixed"}},
        {"slippage": {"model": "range", "share": 1.5}},
        {"rollover_spread": {"minutes": 0, "factor": 2}},
        {"rollover_spread": {"minutes": 5, "factor": 0.5}},
        {"commission_per_deal": -1},
        {"swap_mode": "reopen"},
    ],
)
def test_nonsense_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_terminal(tmp_path, symbol_config(tmp_path / "x.csv", **changes))
    with pytest.raises(TerminalConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value.field).startswith("symbols.0")
