"""What bars do to orders and stops. Bids start at 1.10000, the spread is 10 points, so the ask is 1.10010."""

from collections.abc import Callable
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
FLAT = (1.1, 1.1, 1.1, 1.1)
SL, TP, SO = mt5.DEAL_REASON_SL, mt5.DEAL_REASON_TP, mt5.DEAL_REASON_SO


def bar(opens: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    return opens, high, low, close


def exits(paper: Any) -> list[tuple[int, float]]:
    """Reason and price of every closing deal."""
    return [(deal.reason, deal.price) for deal in paper.deals if deal.entry == mt5.DEAL_ENTRY_OUT]


# Stops


def test_stops_are_live_on_the_entry_bar(make_paper: MakePaper) -> None:
    paper = make_paper([bar(1.1, 1.1, 1.095, 1.1), FLAT])
    paper.deal(BUY, sl=1.096)
    paper.to(0.99)
    assert len(paper.positions) == 1  # the low is accounted for when the bar completes
    paper.to(1)
    assert exits(paper) == [(SL, 1.096)]


@pytest.mark.parametrize(("side", "sl", "tp"), [(BUY, 1.096, 1.104), (SELL, 1.1041, 1.0961)])
def test_stop_before_target_when_a_bar_has_both(make_paper: MakePaper, side: int, sl: float, tp: float) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.105, 1.095, 1.1), FLAT])
    paper.deal(side, sl=sl, tp=tp)
    paper.to(2)
    assert exits(paper) == [(SL, sl)]


@pytest.mark.parametrize(
    ("side", "sl", "tp", "reached", "price"),
    [
        (BUY, 0.0, 1.104, bar(1.1, 1.104, 1.1, 1.1), 1.104),
        (SELL, 0.0, 1.096, bar(1.1, 1.1, 1.0959, 1.1), 1.096),  # by the ask: 1.09590 + 10 points
        (SELL, 1.104, 0.0, bar(1.1, 1.1039, 1.1, 1.1), 1.104),
    ],
)
def test_stops_of_longs_go_by_the_bid_and_of_shorts_by_the_ask(
    make_paper: MakePaper, side: int, sl: float, tp: float, reached: Any, price: float
) -> None:
    paper = make_paper([FLAT, reached, FLAT])
    paper.deal(side, sl=sl, tp=tp)
    paper.to(2)
    assert exits(paper) == [(SL if sl else TP, price)]


@pytest.mark.parametrize(
    ("side", "sl", "tp", "missed"),
    [
        (BUY, 0.0, 1.104, bar(1.1, 1.10399, 1.1, 1.1)),
        (SELL, 0.0, 1.096, bar(1.1, 1.1, 1.09591, 1.1)),
        (SELL, 1.104, 0.0, bar(1.1, 1.10389, 1.1, 1.1)),
        (BUY, 1.096, 0.0, bar(1.1, 1.1, 1.09601, 1.1)),
    ],
)
def test_a_point_short_of_a_stop_is_a_miss(make_paper: MakePaper, side: int, sl: float, tp: float, missed: Any) -> None:
    paper = make_paper([FLAT, missed, FLAT])
    paper.deal(side, sl=sl, tp=tp)
    assert len(paper.to(2).positions) == 1


@pytest.mark.parametrize(
    ("side", "sl", "tp", "gap", "reason", "price"),
    [
        (BUY, 1.096, 0.0, 1.09, SL, 1.09),
        (BUY, 0.0, 1.104, 1.11, TP, 1.11),
        (SELL, 1.104, 0.0, 1.11, SL, 1.1101),
        (SELL, 0.0, 1.096, 1.09, TP, 1.0901),
    ],
)
def test_a_gap_fills_at_the_open(
    make_paper: MakePaper, side: int, sl: float, tp: float, gap: float, reason: int, price: float
) -> None:
    paper = make_paper([FLAT, (gap,) * 4])
    paper.deal(side, sl=sl, tp=tp)
    paper.to(1)
    assert exits(paper) == [(reason, price)]


def test_server_closes_say_so(make_paper: MakePaper) -> None:
    paper = make_paper([bar(1.1, 1.1, 1.095, 1.1), FLAT])
    entry = paper.deal(BUY, sl=1.096, magic=77)
    paper.to(1)
    deal = paper.deals[-1]
    assert (deal.comment, deal.magic, deal.position_id) == ("[sl 1.09600]", 77, entry.order)
    assert deal.time_msc == 1_704_675_600_000 - 1
    (order,) = paper.trade.history_orders_get(ticket=deal.order)
    assert (order.reason, order.type, order.position_id) == (mt5.ORDER_REASON_SL, SELL, entry.order)


# Pending orders


@pytest.mark.parametrize(
    ("order_type", "price", "trigger", "fill"),
    [
        (mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, bar(1.1, 1.1, 1.0984, 1.1), 1.0985),
        (mt5.ORDER_TYPE_SELL_LIMIT, 1.1015, bar(1.1, 1.1015, 1.1, 1.1), 1.1015),
        (mt5.ORDER_TYPE_BUY_STOP, 1.1015, bar(1.1, 1.1014, 1.1, 1.1), 1.1015),
        (mt5.ORDER_TYPE_SELL_STOP, 1.0985, bar(1.1, 1.1, 1.0985, 1.1), 1.0985),
        # Gaps fill at the open: limits better, stops worse.
        (mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, (1.097,) * 4, 1.0971),
        (mt5.ORDER_TYPE_SELL_LIMIT, 1.1015, (1.103,) * 4, 1.103),
        (mt5.ORDER_TYPE_BUY_STOP, 1.1015, (1.103,) * 4, 1.1031),
        (mt5.ORDER_TYPE_SELL_STOP, 1.0985, (1.097,) * 4, 1.097),
    ],
)
def test_pending_orders_fill(make_paper: MakePaper, order_type: int, price: float, trigger: Any, fill: float) -> None:
    paper = make_paper([FLAT, trigger, FLAT])
    placed = paper.pending(order_type, price, comment="wait")
    assert (placed.retcode, placed.deal) == (mt5.TRADE_RETCODE_DONE, 0)
    assert paper.to(0.99).positions == ()
    paper.to(1.999)
    if len(set(trigger)) > 1:
        assert paper.positions == ()
    paper.to(2)
    (position,) = paper.positions
    assert (position.ticket, position.price_open, position.comment) == (placed.order, fill, "wait")
    assert paper.orders == ()
    (order,) = paper.trade.history_orders_get(ticket=placed.order)
    assert (order.state, order.type) == (mt5.ORDER_STATE_FILLED, order_type)


def test_a_pending_order_comes_before_the_stop_of_what_it_opens(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.1, 1.095, 1.1), FLAT])
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, sl=1.096)
    paper.to(2)
    assert [deal.price for deal in paper.deals] == [1.0985, 1.096]
    assert exits(paper) == [(SL, 1.096)]


def test_the_target_of_a_limit_waits_for_the_close_of_its_bar(make_paper: MakePaper) -> None:
    """Low and high in one bar: whether the high came after the entry nobody knows."""
    unknown = make_paper([FLAT, bar(1.1, 1.106, 1.098, 1.1), FLAT])
    unknown.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, tp=1.105)
    assert len(unknown.to(2).positions) == 1
    known = make_paper([FLAT, bar(1.1, 1.106, 1.098, 1.1055), FLAT])
    known.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0985, tp=1.105)
    known.to(2)
    assert exits(known) == [(TP, 1.105)]


def test_the_target_of_a_stop_order_may_be_reached_in_its_bar(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.106, 1.1, 1.1), FLAT])
    paper.pending(mt5.ORDER_TYPE_BUY_STOP, 1.102, tp=1.105)
    paper.to(2)
    assert exits(paper) == [(TP, 1.105)]


def test_a_stop_limit_becomes_a_limit_that_is_live_from_the_close_on(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.103, 1.097, 1.102), bar(1.102, 1.102, 1.1, 1.101), FLAT])
    order = paper.pending(mt5.ORDER_TYPE_BUY_STOP_LIMIT, 1.1025, stoplimit=1.1015).order
    paper.to(2)
    (waiting,) = paper.orders
    assert (waiting.ticket, waiting.type) == (order, mt5.ORDER_TYPE_BUY_LIMIT)
    assert (waiting.price_open, waiting.price_stoplimit) == (1.1015, 0.0)
    paper.to(3)
    assert [deal.price for deal in paper.deals] == [1.1015]


def test_a_stop_limit_that_closes_through_its_limit_fills_there(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.103, 1.1, 1.1), FLAT])
    paper.pending(mt5.ORDER_TYPE_BUY_STOP_LIMIT, 1.1025, stoplimit=1.1015)
    paper.to(2)
    assert [deal.price for deal in paper.deals] == [1.1015]


def test_a_gap_past_a_stop_limit_leaves_a_limit_waiting(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.105, 1.106, 1.103, 1.104), bar(1.104, 1.104, 1.1, 1.101), FLAT])
    paper.pending(mt5.ORDER_TYPE_BUY_STOP_LIMIT, 1.1025, stoplimit=1.1015)
    paper.to(1)
    assert [order.type for order in paper.orders] == [mt5.ORDER_TYPE_BUY_LIMIT]
    paper.to(3)
    assert [deal.price for deal in paper.deals] == [1.1015]


def test_the_order_nearest_to_the_open_fills_first(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.104, 1.095, 1.1), FLAT], account={"margin_mode": "netting"})
    paper.pending(mt5.ORDER_TYPE_SELL_LIMIT, 1.103, volume=0.2)
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.099, volume=0.1)
    paper.to(2)
    assert [deal.price for deal in paper.deals] == [1.099, 1.103]
    assert [deal.entry for deal in paper.deals] == [mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_INOUT]


def test_an_order_that_cannot_be_paid_is_cancelled_on_activation(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.1, 1.098, 1.1), FLAT], account={"balance": "500"})
    order = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.099, volume=1.0).order
    paper.to(2)
    (cancelled,) = paper.trade.history_orders_get(ticket=order)
    assert cancelled.state == mt5.ORDER_STATE_CANCELED
    assert paper.deals == ()


# Expiry


@pytest.mark.parametrize(
    ("type_time", "expiration", "leaves_at_hour"),
    [
        (mt5.ORDER_TIME_SPECIFIED, 1_704_672_000 + 5_400, 1.5),
        (mt5.ORDER_TIME_DAY, 0, 24),
        (mt5.ORDER_TIME_SPECIFIED_DAY, 1_704_672_000 + 86_400, 48),
    ],
)
def test_orders_expire(make_paper: MakePaper, type_time: int, expiration: int, leaves_at_hour: float) -> None:
    paper = make_paper([FLAT] * 60)
    order = paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.0, type_time=type_time, expiration=expiration).order
    paper.to(leaves_at_hour - 0.001)
    assert len(paper.orders) == 1
    paper.to(leaves_at_hour + 1)
    assert paper.orders == ()
    (expired,) = paper.trade.history_orders_get(ticket=order)
    assert expired.state == mt5.ORDER_STATE_EXPIRED
    assert expired.time_done == 1_704_672_000 + int(leaves_at_hour * 3_600)


def test_an_order_that_expires_at_an_open_is_not_filled_by_it(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, (1.09,) * 4])
    paper.pending(mt5.ORDER_TYPE_BUY_LIMIT, 1.095, type_time=mt5.ORDER_TIME_SPECIFIED, expiration=1_704_672_000 + 3_600)
    paper.to(2)
    assert paper.deals == ()


# Margin


def test_a_stop_out_closes_at_the_price_where_the_level_gives_way(make_paper: MakePaper) -> None:
    """1 lot at 1.10010 on 1,200: margin 1,100.10, stopped out at an equity of 550.05, 649.95 down."""
    paper = make_paper([FLAT, bar(1.1, 1.1, 1.08, 1.09), FLAT], account={"balance": "1200"})
    paper.deal(BUY, 1.0)
    paper.to(2)
    assert exits(paper) == [(SO, 1.0936)]  # 650 down: the first point at or under the level
    assert paper.account.balance == 550.0
    assert paper.deals[-1].comment == "so 50.00%"  # 550.00 / 1,100.10 is 49.9955 %


def test_a_stop_before_the_stop_out_saves_the_account(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.1, 1.08, 1.09), FLAT], account={"balance": "1200"})
    paper.deal(BUY, 1.0, sl=1.095)
    paper.to(2)
    assert exits(paper) == [(SL, 1.095)]
    level = make_paper([FLAT, bar(1.1, 1.1, 1.08, 1.09), FLAT], account={"balance": "1200"})
    level.deal(BUY, 1.0, sl=1.0936)
    level.to(2)
    assert exits(level) == [(SL, 1.0936)]
    beyond = make_paper([FLAT, bar(1.1, 1.1, 1.08, 1.09), FLAT], account={"balance": "1200"})
    beyond.deal(BUY, 1.0, sl=1.09)
    beyond.to(2)
    assert exits(beyond) == [(SO, 1.0936)]


def test_a_stop_out_takes_the_worst_position_first(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, (1.1, 1.1, 1.1, 1.1), bar(1.1, 1.1, 1.08, 1.09), FLAT], account={"balance": "1400"})
    paper.deal(BUY, 0.2)
    large = paper.deal(BUY, 0.9).order
    paper.to(3)
    stopped = [deal for deal in paper.deals if deal.reason == SO]
    assert stopped[0].position_id == large


def test_a_gap_through_the_stop_out_closes_at_the_open(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, (1.085,) * 4], account={"balance": "1200"})
    paper.deal(BUY, 1.0)
    paper.to(1)
    assert exits(paper) == [(SO, 1.085)]
    assert paper.account.balance == -310.0


def test_a_stop_that_unhedges_the_account_can_stop_it_out_at_once(make_paper: MakePaper) -> None:
    """A pair needs no margin here; once the long is stopped the short needs 1,100 of an equity of 1,070."""
    paper = make_paper(
        [FLAT, bar(1.1, 1.1, 1.095, 1.095), FLAT],
        symbol={"spread_points": 40, "margin_hedged": 0},
        account={"balance": "1150", "stop_out_level": 100},
    )
    paper.deal(BUY, 1.0, sl=1.098)
    paper.deal(SELL, 1.0)
    paper.to(2)
    assert exits(paper) == [(SL, 1.098), (SO, 1.0984)]


def test_shorts_are_stopped_out_on_the_way_up(make_paper: MakePaper) -> None:
    paper = make_paper([FLAT, bar(1.1, 1.12, 1.1, 1.11), FLAT], account={"balance": "1200"})
    paper.deal(SELL, 1.0)
    paper.to(2)
    assert exits(paper) == [(SO, 1.1065)]  # margin 1,100, equity 550 at 650 down


def test_margin_call_is_logged_once(make_paper: MakePaper, caplog: pytest.LogCaptureFixture) -> None:
    falling = [FLAT, (1.0985,) * 4, (1.0984,) * 4, FLAT]
    paper = make_paper(falling, account={"balance": "1200"})
    paper.deal(BUY, 1.0)
    paper.to(2.5)
    assert [record.message for record in caplog.records if "margin call" in record.message] != []
    assert sum("margin call" in record.message for record in caplog.records) == 1
    assert exits(paper) == []


# Slippage


def test_stops_slip_against_the_account_and_targets_do_not(make_paper: MakePaper) -> None:
    worst = []
    for seed in range(12):
        paper = make_paper([FLAT, bar(1.1, 1.1, 1.095, 1.1), FLAT], slippage_points=5, seed=seed)
        paper.deal(BUY, sl=1.096)
        paper.to(2)
        worst.append(round((1.096 - exits(paper)[0][1]) * 100_000))
    assert min(worst) >= 0
    assert max(worst) <= 5
    assert len(set(worst)) > 2
    paper = make_paper([FLAT, bar(1.1, 1.106, 1.1, 1.1), FLAT], slippage_points=5)
    paper.deal(BUY, tp=1.105)
    paper.to(2)
    assert exits(paper) == [(TP, 1.105)]
