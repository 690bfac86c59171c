"""Strict arguments, filters, history and calculations."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from mt5_bridge.paper import constants as mt5

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
START = 1_704_672_000
FLAT = [(1.1, 1.1, 1.1, 1.1)] * 30
REQUEST = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "price": 1.1001}


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"volume": 1}, "volume"),
        ({"volume": np.float32(0.1)}, "volume"),
        ({"volume": "0.1"}, "volume"),
        ({"price": 1}, "price"),
        ({"sl": 0}, "sl"),
        ({"tp": None}, "tp"),
        ({"stoplimit": 0}, "stoplimit"),
        ({"magic": np.int64(1)}, "magic"),
        ({"magic": 1.0}, "magic"),
        ({"magic": -1}, "magic"),
        ({"magic": 2**64}, "magic"),
        ({"deviation": 20.0}, "deviation"),
        ({"type": "BUY"}, "type"),
        ({"type": 2**32}, "type"),
        ({"expiration": datetime(2024, 1, 9)}, "expiration"),  # noqa: DTZ001
        ({"expiration": 2**63}, "expiration"),
        ({"symbol": None}, "symbol"),
        ({"symbol": "E" * 30}, "symbol"),
        ({"comment": "c" * 30}, "comment"),
        ({"comment": 5}, "comment"),
        ({"position": "1"}, "position"),
    ],
)
def test_requests_are_typed_strictly(make_paper: MakePaper, changes: dict[str, Any], field: str) -> None:
    paper = make_paper(FLAT)
    for call in (paper.trade.order_send, paper.trade.order_check):
        assert call(REQUEST | changes) is None
        assert paper.session.error == (-2, f'Invalid "{field}" argument')
    assert paper.deals == ()


def test_what_is_subclassed_extra_or_missing_is_fine(make_paper: MakePaper) -> None:
    paper = make_paper(FLAT)
    odd = REQUEST | {"volume": np.float64(0.1), "symbol": Text("EURUSD"), "type": False, "nonsense": object()}
    result = paper.trade.order_send(request=odd | {"comment": "c" * 29})
    assert result.retcode == mt5.TRADE_RETCODE_DONE
    assert result.request._asdict() == {
        "action": 1,
        "magic": 0,
        "order": 0,
        "symbol": "EURUSD",
        "volume": 0.1,
        "price": 1.1001,
        "stoplimit": 0.0,
        "sl": 0.0,
        "tp": 0.0,
        "deviation": 0,
        "type": 0,
        "type_filling": 0,
        "type_time": 0,
        "expiration": 0,
        "comment": "c" * 29,
        "position": 0,
        "position_by": 0,
    }
    assert type(result.request.volume) is float


@pytest.mark.parametrize("request_", [None, [], "x", 5])
def test_a_request_that_is_no_dict_is_refused(make_paper: MakePaper, request_: object) -> None:
    paper = make_paper(FLAT)
    assert paper.trade.order_send(request_) is None
    assert paper.session.error == (-2, "Unnamed arguments not allowed")


def test_positions_and_orders_by_symbol_ticket_and_group(make_paper: MakePaper) -> None:
    paper = make_paper(FLAT, others=[("GBPUSD", FLAT, {})])
    euro, pound = paper.deal(BUY).order, paper.deal(BUY, symbol="GBPUSD").order
    waiting = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.05, symbol="GBPUSD").order

    def tickets(call: Any, **filters: Any) -> list[int]:
        return [record.ticket for record in call(**filters)]

    positions, orders = paper.trade.positions_get, paper.trade.orders_get
    assert tickets(positions) == [euro, pound]
    assert tickets(positions, symbol="GBPUSD") == tickets(positions, group="GBP*") == [pound]
    assert tickets(positions, ticket=euro) == [euro]
    assert tickets(positions, ticket=1) == tickets(positions, symbol="NONE") == []
    assert tickets(orders) == tickets(orders, group="*,!EUR*") == [waiting]
    assert orders(symbol="GBPUSD")[0].price_current == 1.1001
    assert (paper.trade.positions_total(), paper.trade.orders_total()) == (2, 1)
    assert positions("EURUSD") is None
    assert paper.session.error == (-2, "Unnamed arguments not allowed")
    assert positions(symbol=None) is None
    assert paper.session.error == (-2, 'Invalid "symbol" argument')
    assert positions(ticket=float(euro)) is None


def test_history_by_dates_includes_both_seconds(make_paper: MakePaper) -> None:
    paper = make_paper(FLAT, others=[("GBPUSD", FLAT, {})])
    paper.to(1).deal(BUY)
    paper.to(2).deal(BUY, symbol="GBPUSD")
    deals, orders = paper.trade.history_deals_get, paper.trade.history_orders_get
    assert [deal.type for deal in deals(START, START)] == [mt5.DEAL_TYPE_BALANCE]
    assert len(deals(START + 3_600, START + 3_600)) == len(orders(START + 3_600, START + 3_600)) == 1
    assert len(deals(START + 3_601, START + 7_199)) == 0
    assert [deal.symbol for deal in deals(0, 2**40, group="GBP*")] == ["GBPUSD"]
    assert (paper.trade.history_deals_total(0, 2**40), paper.trade.history_orders_total(0, 2**40)) == (3, 2)
    assert len(deals(-(2**70), 2**70)) == 3
    assert deals(ticket=2**64 - 1) == orders(position=-5) == ()
    assert deals() is None
    assert deals(START) is None
    assert deals(START, "now") is None
    assert paper.session.error == (-2, "Invalid 2nd unnamed argument")


def test_calculations(make_paper: MakePaper) -> None:
    trade = make_paper(FLAT).trade
    assert trade.order_calc_profit(BUY, "EURUSD", 0.1, 1.1, 1.1015) == 15.0
    assert trade.order_calc_profit(SELL, "EURUSD", 0.1, 1.1, 1.1015) == -15.0
    assert trade.order_calc_profit(BUY, "EURUSD", 1.0, 1.1, 1.10000123) == 0.12  # any price, on no tick
    assert trade.order_calc_margin(BUY, "EURUSD", 0.1, 1.0991) == 109.91


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((BUY, "NONE", 0.1, 1.1, 1.2), -1),
        ((BUY, "EURUSD", 1, 1.1, 1.2), -2),
        ((BUY, "EURUSD", 0.1, 1, 1.2), -2),
        ((BUY, "EURUSD", 0.1, float("nan"), 1.2), -2),
        ((BUY, "EURUSD", 0.0, 1.1, 1.2), -2),
        ((mt5.ORDER_TYPE_BUY_LIMIT, "EURUSD", 0.1, 1.1, 1.2), -2),
        (("buy", "EURUSD", 0.1, 1.1, 1.2), -2),
    ],
)
def test_calculations_fail_with_none(make_paper: MakePaper, arguments: tuple[Any, ...], code: int) -> None:
    trade = make_paper(FLAT).trade
    assert trade.order_calc_profit(*arguments) is None
    assert trade.session.error[0] == code
    assert trade.order_calc_margin(*arguments[:4]) is None
    assert trade.session.error[0] == code


def test_a_missing_conversion_symbol_is_named(make_paper: MakePaper) -> None:
    yen = [(150.0, 150.0, 150.0, 150.0)] * 30
    crosses: Any = [("GBPJPY", yen, {"digits": 3})]
    alone = make_paper(FLAT, others=crosses).trade
    assert alone.order_calc_profit(BUY, "GBPJPY", 1.0, 150.0, 150.5) is None
    assert alone.session.error == (-1, "Terminal: Call failed (no symbol converts JPY to USD)")
    with_dollar = make_paper(FLAT, others=[*crosses, ("USDJPY", yen, {"digits": 3})]).trade
    assert with_dollar.order_calc_profit(BUY, "GBPJPY", 1.0, 150.0, 150.5) == 333.31  # 50,000 / 150.01
