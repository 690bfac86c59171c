"""Every answer `order_send` can give to a request, and that `order_check` says the same without doing it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.errors import Refused
from mt5_bridge.paper.requests import read_level, read_price, read_volume

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
FLAT = (1.1, 1.1, 1.1, 1.1)
DEAL = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001}
LIMIT = {
    "action": mt5.TRADE_ACTION_PENDING,
    "symbol": "EURUSD",
    "volume": 0.1,
    "type": mt5.ORDER_TYPE_BUY_LIMIT,
    "price": 1.09,
    "type_filling": mt5.ORDER_FILLING_RETURN,
}
NAN, INFINITE = float("nan"), float("inf")


def answer(paper: Any, request: dict[str, Any]) -> int:
    """The retcode of a send; a check of the same request must agree and change nothing."""
    before = paper.trade.positions_get(), paper.trade.orders_get(), paper.account
    checked = paper.trade.order_check(request)
    assert (paper.trade.positions_get(), paper.trade.orders_get(), paper.account) == before
    sent = paper.trade.order_send(request)
    assert checked.retcode == (0 if sent.retcode == mt5.TRADE_RETCODE_DONE else sent.retcode)
    assert checked.request == sent.request
    if sent.retcode != mt5.TRADE_RETCODE_DONE:
        assert (sent.order, sent.deal, sent.volume) == (0, 0, 0.0)
        assert sent.comment
    return int(sent.retcode)


@pytest.mark.parametrize(
    ("changes", "retcode"),
    [
        ({}, mt5.TRADE_RETCODE_DONE),
        ({"price": 1.10005, "deviation": 5}, mt5.TRADE_RETCODE_DONE),
        ({"price": 1.10005, "deviation": 4}, mt5.TRADE_RETCODE_REQUOTE),
        ({"price": 0.0}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"price": NAN}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"price": 1.100105}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"volume": 0.0}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": -0.1}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": 0.005}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": 0.015}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": 100.01}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": NAN}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": INFINITE}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"volume": 0.1 + 0.2}, mt5.TRADE_RETCODE_DONE),
        ({"volume": 50.0}, mt5.TRADE_RETCODE_NO_MONEY),
        ({"sl": 1.1}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"sl": 1.09999}, mt5.TRADE_RETCODE_DONE),
        ({"sl": 1.12}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"tp": 1.1}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"tp": 1.10001}, mt5.TRADE_RETCODE_DONE),
        ({"tp": 1.100015}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"tp": INFINITE}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"sl": -1.0}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"type_filling": mt5.ORDER_FILLING_IOC}, mt5.TRADE_RETCODE_DONE),
        ({"type_filling": mt5.ORDER_FILLING_RETURN}, mt5.TRADE_RETCODE_INVALID_FILL),
        ({"type_filling": 99}, mt5.TRADE_RETCODE_INVALID_FILL),
        ({"type": mt5.ORDER_TYPE_BUY_LIMIT}, mt5.TRADE_RETCODE_INVALID_ORDER),
        ({"symbol": "NONE"}, mt5.TRADE_RETCODE_INVALID),
        ({"symbol": ""}, mt5.TRADE_RETCODE_INVALID),
        ({"action": 0}, mt5.TRADE_RETCODE_INVALID),
        ({"position": 12345}, mt5.TRADE_RETCODE_POSITION_CLOSED),
        ({"position": 2**64 - 1}, mt5.TRADE_RETCODE_POSITION_CLOSED),
    ],
)
def test_market_orders(make_paper: MakePaper, changes: dict[str, Any], retcode: int) -> None:
    assert answer(make_paper([FLAT]), DEAL | changes) == retcode


@pytest.mark.parametrize(
    ("changes", "retcode"),
    [
        ({}, mt5.TRADE_RETCODE_DONE),
        ({"price": 1.1001}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"price": 1.2}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"type": mt5.ORDER_TYPE_BUY_STOP, "price": 1.11}, mt5.TRADE_RETCODE_DONE),
        ({"type": mt5.ORDER_TYPE_BUY_STOP, "price": 1.09}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"type": mt5.ORDER_TYPE_SELL_LIMIT, "price": 1.11}, mt5.TRADE_RETCODE_DONE),
        ({"type": mt5.ORDER_TYPE_SELL_STOP, "price": 1.09}, mt5.TRADE_RETCODE_DONE),
        ({"type": mt5.ORDER_TYPE_SELL_STOP, "price": 1.1}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"type": mt5.ORDER_TYPE_BUY_STOP_LIMIT, "price": 1.11}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"type": mt5.ORDER_TYPE_BUY_STOP_LIMIT, "price": 1.11, "stoplimit": 1.105}, mt5.TRADE_RETCODE_DONE),
        ({"type": mt5.ORDER_TYPE_BUY_STOP_LIMIT, "price": 1.11, "stoplimit": 1.12}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"type": mt5.ORDER_TYPE_SELL_STOP_LIMIT, "price": 1.09, "stoplimit": 1.095}, mt5.TRADE_RETCODE_DONE),
        ({"type": BUY}, mt5.TRADE_RETCODE_INVALID_ORDER),
        ({"sl": 1.095}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"sl": 1.085, "tp": 1.095}, mt5.TRADE_RETCODE_DONE),
        ({"volume": 0.001}, mt5.TRADE_RETCODE_INVALID_VOLUME),
        ({"type_time": mt5.ORDER_TIME_SPECIFIED}, mt5.TRADE_RETCODE_INVALID_EXPIRATION),
        ({"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": 1_704_672_000}, mt5.TRADE_RETCODE_INVALID_EXPIRATION),
        ({"type_time": mt5.ORDER_TIME_SPECIFIED, "expiration": 2**62}, mt5.TRADE_RETCODE_INVALID_EXPIRATION),
        ({"type_time": 9}, mt5.TRADE_RETCODE_INVALID_EXPIRATION),
        ({"type_filling": mt5.ORDER_FILLING_BOC}, mt5.TRADE_RETCODE_INVALID_FILL),
    ],
)
def test_pending_orders(make_paper: MakePaper, changes: dict[str, Any], retcode: int) -> None:
    assert answer(make_paper([FLAT]), LIMIT | changes) == retcode


@pytest.mark.parametrize(
    ("symbol", "request_", "retcode"),
    [
        ({"trade_mode": "disabled"}, DEAL, mt5.TRADE_RETCODE_TRADE_DISABLED),
        ({"trade_mode": "close_only"}, DEAL, mt5.TRADE_RETCODE_CLOSE_ONLY),
        ({"trade_mode": "short_only"}, DEAL, mt5.TRADE_RETCODE_SHORT_ONLY),
        ({"trade_mode": "long_only"}, DEAL | {"type": SELL, "price": 1.1}, mt5.TRADE_RETCODE_LONG_ONLY),
        ({"stops_level": 50}, DEAL | {"sl": 1.09951}, mt5.TRADE_RETCODE_INVALID_STOPS),
        ({"stops_level": 50}, DEAL | {"sl": 1.0995}, mt5.TRADE_RETCODE_DONE),
        ({"stops_level": 50}, LIMIT | {"price": 1.09961}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"tick_size": 0.0005}, LIMIT | {"price": 1.0903}, mt5.TRADE_RETCODE_INVALID_PRICE),
        ({"tick_size": 0.0005}, LIMIT | {"price": 1.0905}, mt5.TRADE_RETCODE_DONE),
        ({"filling_modes": ["ioc"]}, DEAL, mt5.TRADE_RETCODE_INVALID_FILL),
        ({"execution": "market"}, DEAL | {"price": 0.0}, mt5.TRADE_RETCODE_DONE),
        ({"currency_profit": "JPY"}, DEAL, mt5.TRADE_RETCODE_REJECT),
    ],
)
def test_what_the_symbol_allows(
    make_paper: MakePaper, symbol: dict[str, Any], request_: dict[str, Any], retcode: int
) -> None:
    assert answer(make_paper([FLAT], symbol=symbol), request_) == retcode


@pytest.mark.parametrize("request_", [DEAL, LIMIT], ids=["deal", "pending"])
def test_a_closed_market_takes_no_orders(make_paper: MakePaper, request_: dict[str, Any]) -> None:
    paper = make_paper([FLAT])
    ticket = paper.deal(BUY).order
    order = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.09).order
    paper.to(1)
    assert answer(paper, request_) == mt5.TRADE_RETCODE_MARKET_CLOSED
    closing = DEAL | {"type": SELL, "price": 1.1, "position": ticket}
    assert answer(paper, closing) == mt5.TRADE_RETCODE_MARKET_CLOSED
    assert answer(paper, {"action": mt5.TRADE_ACTION_REMOVE, "order": order}) == mt5.TRADE_RETCODE_MARKET_CLOSED
    stops = {"action": mt5.TRADE_ACTION_SLTP, "position": ticket, "sl": 1.05}
    assert answer(paper, stops) == mt5.TRADE_RETCODE_MARKET_CLOSED


def test_the_number_of_pending_orders_is_limited(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT], account={"limit_orders": 1})
    assert answer(paper, LIMIT) == mt5.TRADE_RETCODE_DONE
    assert answer(paper, LIMIT) == mt5.TRADE_RETCODE_LIMIT_ORDERS


def test_closing(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    ticket = paper.deal(BUY, 0.2).order
    close = DEAL | {"type": SELL, "price": 1.1, "position": ticket}
    assert answer(paper, close | {"type": BUY, "price": 1.1001}) == mt5.TRADE_RETCODE_INVALID
    assert answer(paper, close | {"volume": 0.21}) == mt5.TRADE_RETCODE_INVALID_CLOSE_VOLUME
    assert answer(paper, close) == mt5.TRADE_RETCODE_DONE
    assert answer(paper, close) == mt5.TRADE_RETCODE_DONE
    assert answer(paper, close) == mt5.TRADE_RETCODE_POSITION_CLOSED


def test_changing_stops(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT], symbol={"freeze_level": 30})
    ticket = paper.deal(BUY, sl=1.09).order
    stops = {"action": mt5.TRADE_ACTION_SLTP, "symbol": "EURUSD", "position": ticket, "sl": 1.09}
    assert answer(paper, stops) == mt5.TRADE_RETCODE_NO_CHANGES
    assert answer(paper, stops | {"sl": 1.11}) == mt5.TRADE_RETCODE_INVALID_STOPS
    assert answer(paper, stops | {"position": 1}) == mt5.TRADE_RETCODE_POSITION_CLOSED
    assert answer(paper, stops | {"sl": 1.0998, "tp": 1.12}) == mt5.TRADE_RETCODE_DONE
    (position,) = paper.positions
    assert (position.sl, position.tp) == (1.0998, 1.12)
    assert answer(paper, stops) == mt5.TRADE_RETCODE_FROZEN  # 20 points away now
    netting = make_paper([FLAT], account={"margin_mode": "netting"})
    netting.deal(BUY)
    by_symbol = {"action": mt5.TRADE_ACTION_SLTP, "symbol": "EURUSD", "sl": 1.09}
    assert answer(netting, by_symbol) == mt5.TRADE_RETCODE_DONE
    assert answer(netting, by_symbol | {"symbol": "OTHER"}) == mt5.TRADE_RETCODE_POSITION_CLOSED


def test_changing_and_removing_pending_orders(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT] * 30, symbol={"freeze_level": 30})
    order = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.09).order
    modify = {"action": mt5.TRADE_ACTION_MODIFY, "order": order, "price": 1.09}
    assert answer(paper, modify) == mt5.TRADE_RETCODE_NO_CHANGES
    assert answer(paper, modify | {"price": 1.2}) == mt5.TRADE_RETCODE_INVALID_PRICE
    assert answer(paper, modify | {"order": 1}) == mt5.TRADE_RETCODE_INVALID
    assert answer(paper, modify | {"order": 2**64 - 1}) == mt5.TRADE_RETCODE_INVALID
    day = {"price": 1.0998, "sl": 1.08, "type_time": mt5.ORDER_TIME_DAY}
    assert answer(paper, modify | day) == mt5.TRADE_RETCODE_DONE
    (changed,) = paper.orders
    assert (changed.price_open, changed.sl, changed.time_expiration) == (1.0998, 1.08, 1_704_672_000 + 86_400)
    remove = {"action": mt5.TRADE_ACTION_REMOVE, "order": order}
    assert answer(paper, remove) == mt5.TRADE_RETCODE_FROZEN  # 30 points from the ask
    other = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.08).order
    assert answer(paper, remove | {"order": other}) == mt5.TRADE_RETCODE_DONE
    assert answer(paper, remove | {"order": other}) == mt5.TRADE_RETCODE_ORDER_CHANGED
    (removed,) = paper.trade.history_orders_get(ticket=other)
    assert removed.state == mt5.ORDER_STATE_CANCELED


def test_close_by_needs_a_hedging_account_and_opposite_positions(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    first, second = paper.deal(BUY).order, paper.deal(BUY).order
    close_by = {"action": mt5.TRADE_ACTION_CLOSE_BY, "position": first, "position_by": second}
    assert answer(paper, close_by) == mt5.TRADE_RETCODE_INVALID
    assert answer(paper, close_by | {"position_by": 1}) == mt5.TRADE_RETCODE_POSITION_CLOSED
    netting = make_paper([FLAT], account={"margin_mode": "netting"})
    assert answer(netting, close_by) == mt5.TRADE_RETCODE_INVALID_ORDER


def test_what_lowers_the_margin_is_always_affordable(make_paper: MakePaper) -> None:
    """1,200 less 900 of loss do not cover the margin of half a lot, but half a lot less is what is wanted."""
    account = {"margin_mode": "netting", "balance": "1200", "stop_out_level": 10}
    paper = make_paper([FLAT, (1.0911, 1.0911, 1.0911, 1.0911)], account=account)
    paper.deal(BUY, 1.0)
    paper.to(1)
    assert paper.account.equity == 300.0
    assert paper.deal(BUY, 0.5).retcode == mt5.TRADE_RETCODE_NO_MONEY
    assert paper.deal(SELL, 0.5).retcode == mt5.TRADE_RETCODE_DONE


def test_a_requote_shows_the_price_to_be_had(make_paper: MakePaper) -> None:
    requote = make_paper([FLAT]).send(**DEAL | {"price": 1.09})
    assert (requote.price, requote.bid, requote.ask) == (1.1001, 1.1, 1.1001)
    assert requote.comment == "Requote"


def test_the_check_shows_the_account_after(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT])
    check = paper.trade.order_check(DEAL)
    assert check._asdict() | {"request": None} == {
        "retcode": 0,
        "balance": 10_000.0,
        "equity": 10_000.0,
        "profit": 0.0,
        "margin": 110.01,
        "margin_free": 9_889.99,
        "margin_level": pytest.approx(9_090.08, abs=0.01),
        "comment": "Done",
        "request": None,
    }
    assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_DONE
    assert paper.account.margin == check.margin


def test_slippage_beyond_the_deviation_is_a_requote_that_draws_anew(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT], slippage_points=10, seed=3)
    results = [paper.send(**DEAL | {"deviation": 5}) for _ in range(30)]
    codes = {result.retcode for result in results}
    assert codes == {mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_REQUOTE}
    slips = {round((r.price - 1.1001) * 100_000) for r in results if r.retcode == mt5.TRADE_RETCODE_DONE}
    assert slips <= set(range(6))
    assert len(slips) > 2


SYMBOL = SymbolConfig.model_validate(
    {
        "name": "EURUSD",
        "digits": 5,
        "currency_base": "EUR",
        "currency_profit": "USD",
        "currency_margin": "EUR",
        "spread_points": 10,
        "data": {"path": "x", "timeframe": "H1", "price": "bid"},
    }
)


@given(st.integers(1, 500_000))
def test_a_price_on_the_tick_reads_as_its_points(points: int) -> None:
    assert read_price(SYMBOL, points / 100_000) == points


@given(st.integers(1, 10_000))
def test_a_volume_on_the_step_reads_exactly(hundredths: int) -> None:
    assert read_volume(SYMBOL, hundredths / 100) * 100 == hundredths


@given(st.floats())
def test_any_float_is_read_or_refused(number: float) -> None:
    for read in (read_price, read_level, read_volume):
        with suppress(Refused):
            assert read(SYMBOL, number) >= 0
