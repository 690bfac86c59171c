"""Netting and hedging accounts through `order_send`."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
RISING = [(1.1, 1.1, 1.1, 1.1), (1.101, 1.101, 1.101, 1.101), (1.103, 1.103, 1.103, 1.103), (1.104,) * 4]
NETTING = {"margin_mode": "netting"}


def test_netting_averages_by_volume(make_paper: MakePaper) -> None:
    paper = make_paper(RISING, account=NETTING)
    first = paper.deal(BUY, 0.1)
    paper.to(1).deal(BUY, 0.3, sl=1.09)
    (position,) = paper.positions
    assert position.ticket == position.identifier == first.order
    assert position.volume == 0.4
    # (0.1 x 1.10010 + 0.3 x 1.10110) / 0.4
    assert position.price_open == 1.10085
    assert position.sl == 1.09
    assert [deal.entry for deal in paper.deals] == [mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_IN]
    assert paper.account.margin == pytest.approx(0.4 * 100_000 * 1.10085 / 100)


def test_netting_reduces_at_an_unchanged_price_then_closes(make_paper: MakePaper) -> None:
    paper = make_paper(RISING, account=NETTING)
    paper.deal(BUY, 0.3)
    paper.to(1).deal(SELL, 0.1)
    (position,) = paper.positions
    assert (position.volume, position.price_open) == (0.2, 1.1001)
    paper.to(2).deal(SELL, 0.2)
    assert paper.positions == ()
    reduce, close = paper.deals[1:]
    assert (reduce.entry, reduce.profit) == (mt5.DEAL_ENTRY_OUT, 9.0)  # 0.1 x (1.10100 - 1.10010)
    assert (close.entry, close.profit) == (mt5.DEAL_ENTRY_OUT, 58.0)  # 0.2 x (1.10300 - 1.10010)
    assert {deal.position_id for deal in paper.deals} == {position.identifier}
    assert paper.account.balance == 10_067.0


def test_netting_reverses_in_one_deal(make_paper: MakePaper) -> None:
    paper = make_paper(RISING, account=NETTING)
    opened = paper.deal(BUY, 0.1, sl=1.09, magic=7)
    reversed_by = paper.to(1).deal(SELL, 0.3, magic=8)
    (position,) = paper.positions
    assert (position.type, position.volume, position.price_open) == (mt5.POSITION_TYPE_SELL, 0.2, 1.101)
    assert (position.ticket, position.identifier) == (reversed_by.order, opened.order)
    assert (position.sl, position.magic) == (0.0, 8)
    deal = paper.deals[-1]
    assert (deal.entry, deal.volume, deal.profit) == (mt5.DEAL_ENTRY_INOUT, 0.3, 9.0)
    assert (deal.order, deal.position_id) == (reversed_by.order, opened.order)


def test_a_second_close_without_position_reverses_a_netting_account(make_paper: MakePaper) -> None:
    """Why closes must name their position."""
    paper = make_paper(RISING, account=NETTING)
    ticket = paper.deal(BUY, 0.1).order
    assert paper.deal(SELL, 0.1, position=ticket).retcode == mt5.TRADE_RETCODE_DONE
    assert paper.deal(SELL, 0.1, position=ticket).retcode == mt5.TRADE_RETCODE_POSITION_CLOSED
    assert paper.positions == ()
    paper.deal(SELL, 0.1)
    assert paper.positions[0].type == mt5.POSITION_TYPE_SELL


def test_hedging_keeps_both_sides(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    paper.deal(BUY, 0.3)
    paper.deal(SELL, 0.1)
    assert [(position.type, position.volume) for position in paper.positions] == [(BUY, 0.3), (SELL, 0.1)]
    surplus, hedged = 0.2 * 1_100.10, 0.1 * (0.3 * 1_100.10 + 0.1 * 1_100.00) / 0.4
    assert paper.account.margin == pytest.approx(surplus + hedged, abs=0.01)


def test_hedging_closes_a_part_by_ticket(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    ticket = paper.deal(BUY, 0.3, comment="entry", magic=5).order
    closing = paper.to(1).deal(SELL, 0.1, position=ticket, comment="exit", magic=6)
    (position,) = paper.positions
    assert (position.ticket, position.volume, position.comment, position.magic) == (ticket, 0.2, "entry", 5)
    deal = paper.deals[-1]
    assert (deal.order, deal.position_id, deal.entry) == (closing.order, ticket, mt5.DEAL_ENTRY_OUT)
    assert (deal.comment, deal.magic, deal.reason) == ("exit", 6, mt5.DEAL_REASON_EXPERT)
    assert deal.profit == 9.0


def test_close_by_settles_two_positions_without_the_spread(make_paper: MakePaper) -> None:
    paper = make_paper(RISING, symbol={"commission_per_lot": 3.5})
    long = paper.deal(BUY, 0.3).order
    short = paper.to(1).deal(SELL, 0.1).order
    result = paper.send(action=mt5.TRADE_ACTION_CLOSE_BY, position=long, position_by=short)
    assert result.retcode == mt5.TRADE_RETCODE_DONE
    (left,) = paper.positions
    assert (left.ticket, left.volume) == (long, 0.2)
    first, second = paper.deals[-2:]
    assert {first.entry, second.entry} == {mt5.DEAL_ENTRY_OUT_BY}
    assert (first.position_id, second.position_id) == (long, short)
    assert (first.profit, second.profit) == (9.0, 0.0)  # bought at 1.10010, sold at 1.10100
    assert first.commission == second.commission == 0.0
    (order,) = paper.trade.history_orders_get(ticket=result.order)
    assert (order.position_id, order.position_by_id, order.type) == (long, short, mt5.ORDER_TYPE_CLOSE_BY)


def test_commission_is_charged_on_both_deals(make_paper: MakePaper) -> None:
    paper = make_paper(RISING, symbol={"commission_per_lot": 3.5})
    ticket = paper.deal(BUY, 0.1).order
    assert paper.account.balance == 9_999.65
    paper.deal(SELL, 0.1, position=ticket)
    assert [deal.commission for deal in paper.deals] == [-0.35, -0.35]
    assert paper.account.balance == 9_998.3  # the spread of 1.00, and commission twice


def test_order_position_and_deal_are_linked(make_paper: MakePaper) -> None:
    paper = make_paper(RISING)
    result = paper.deal(BUY, 0.1, magic=2**64 - 1)
    (by_order,) = paper.trade.history_deals_get(ticket=result.order)
    (by_position,) = paper.trade.history_deals_get(position=result.order)
    assert by_order == by_position
    assert (by_order.ticket, by_order.magic) == (result.deal, 2**64 - 1)
    assert paper.trade.history_deals_get(ticket=result.deal) == ()  # the ORDER ticket is meant
    (order,) = paper.trade.history_orders_get(position=result.order)
    assert (order.ticket, order.state, order.volume_current) == (result.order, mt5.ORDER_STATE_FILLED, 0.0)
    assert Decimal(str(result.volume)) == Decimal("0.1")
