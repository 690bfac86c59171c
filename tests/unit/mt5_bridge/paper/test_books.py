"""Laws of the books, whatever happens: random markets, random requests."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.paper.records import Deal
from mt5_bridge.paper.store import DEALS, ORDERS
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.views import account_struct

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
MEMORY = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""Thousands of commits: these laws are not about the disk."""

BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)
LIVE = (mt5.ORDER_STATE_PLACED, mt5.ORDER_STATE_PARTIAL)

moves = st.integers(-900, 900)
bars = st.tuples(moves, st.integers(0, 600), st.integers(0, 600), moves)
lots = st.sampled_from([0.01, 0.1, 0.37, 1.0, 2.0, 3.5])
distances = st.one_of(st.just(0), st.integers(1, 800))
"""Of stops, in points; 0 for none, so that the stop-out has something to do."""
steps = st.one_of(
    st.tuples(st.just("deal"), st.sampled_from([BUY, SELL]), lots, distances, distances),
    st.tuples(st.just("pending"), st.integers(2, 7), lots, distances, distances),
    st.tuples(st.just("close"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("stops"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("close_by"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("cancel"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("wait"), st.integers(1, 9), lots, distances, distances),
)
FILLINGS = (mt5.ORDER_FILLING_FOK, mt5.ORDER_FILLING_IOC, mt5.ORDER_FILLING_RETURN)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "liquidity_lots": st.sampled_from(["0.01", "0.3", "2"]),
        "execution": st.sampled_from(["market", "exchange"]),
        "requote_probability": st.sampled_from([0.3, 0.5]),
        "price_off_probability": st.just(0.2),
        "rollover_spread": st.just({"minutes": 90, "factor": "7.5"}),
        "slippage": st.sampled_from([{"model": "range", "share": "0.1"}, {"model": "fixed", "points": 9}]),
        "commission_per_deal": st.just("0.51"),
        "swap_mode": st.sampled_from(["interest_current", "interest_open", "currency_base", "currency_deposit"]),
        "margin_hedged": st.sampled_from(["0", "50000"]),
    },
)
"""Trading conditions, any of them together."""


def write_terminal(directory: Path, path: list[tuple[int, int, int, int]], margin_mode: str, **changes: Any) -> None:
    price, rows = 110_000, ["time,open,high,low,close,volume"]
    for number, (gap, up, down, body) in enumerate(path):
        opened = max(20_000, price + gap)
        price = max(20_000, opened + body)
        high, low = max(opened, price) + up, min(opened, price) - down
        time = (MONDAY + timedelta(hours=number)).isoformat()
        rows.append(",".join([time, *(str(points / 100_000) for points in (opened, high, low, price)), "9"]))
    (directory / "bars.csv").write_text("\n".join(rows))
    symbol = {
        "name": "EURUSD",
        "digits": 5,
        "currency_base": "EUR",
        "currency_profit": "USD",
        "currency_margin": "EUR",
        "spread_points": 12,
        "commission_per_lot": "3.33",
        "swap_long": "-6.1",
        "swap_short": "0.7",
        "data": {"path": "bars.csv", "timeframe": "H1", "price": "ask"},
    }
    account = {"login": 1, "balance": "5000", "margin_mode": margin_mode}
    config = {"accounts": [account], "symbols": [symbol | changes], "clock": {"start": MONDAY.isoformat()}}
    (directory / "paper.json").write_text(json.dumps(config | {"slippage_points": 4}))


def request_of(
    terminal: PaperTerminal, kind: str, choice: int, volume: float, sl: int, tp: int, filling: int = 0
) -> dict[str, Any]:
    price = terminal.market.price("EURUSD")
    assert price is not None
    bid, ask = price
    positions = list(terminal.account.positions.values())
    position = positions[choice % len(positions)] if positions else None
    is_buy = choice % 2 == 0
    sign = 1 if is_buy else -1

    def at(points: int) -> float:
        return max(1, points) / 100_000

    def stops(price: int, sl: int, tp: int) -> dict[str, float]:
        return {
            name: at(level)
            for name, level, far in (("sl", price - sign * sl, sl), ("tp", price + sign * tp, tp))
            if far
        }

    market = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": volume, "deviation": 100}
    market["type_filling"] = filling
    match kind:
        case "deal":
            levels = stops(bid if is_buy else ask, sl, tp)
            return market | {"type": choice, "price": at(ask if is_buy else bid), **levels}
        case "pending":
            below = choice in (mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_SELL_STOP, mt5.ORDER_TYPE_SELL_STOP_LIMIT)
            away = max(1, sl)
            entry = (ask if is_buy else bid) + (-away if below else away)
            modes = (mt5.ORDER_FILLING_RETURN, mt5.ORDER_FILLING_FOK, mt5.ORDER_FILLING_IOC)
            resting = {"action": mt5.TRADE_ACTION_PENDING, "type_filling": modes[filling], "type": choice}
            terms = market | resting | {"price": at(entry)}
            if choice in (mt5.ORDER_TYPE_BUY_STOP_LIMIT, mt5.ORDER_TYPE_SELL_STOP_LIMIT):
                limit = entry - sign * (1 + away // 2)
                return terms | {"stoplimit": at(limit)} | stops(limit, tp, tp)
            return terms | stops(entry, tp, tp)
        case "cancel" if terminal.account.orders:
            orders = list(terminal.account.orders)
            return {"action": mt5.TRADE_ACTION_REMOVE, "order": orders[choice % len(orders)]}
        case "close" if position is not None:
            side, level = (SELL, bid) if position.is_long else (BUY, ask)
            volume = min(volume, float(position.volume))
            return market | {"type": side, "price": at(level), "position": position.ticket, "volume": volume}
        case "stops" if position is not None:
            level = bid - sl if position.is_long else ask + sl
            return {"action": mt5.TRADE_ACTION_SLTP, "position": position.ticket, "sl": at(level)}
        case "close_by" if len(positions) > 1:
            return {
                "action": mt5.TRADE_ACTION_CLOSE_BY,
                "position": positions[0].ticket,
                "position_by": positions[1 + choice % (len(positions) - 1)].ticket,
            }
        case _:
            return {}


def all_deals(terminal: PaperTerminal) -> list[Deal]:
    return terminal.store.select(DEALS, "login = ?", 1)


def check_laws(terminal: PaperTerminal) -> None:
    account, deals = terminal.account, all_deals(terminal)
    # Balance is what the deals add up to, deposit included, to the last cent.
    assert account.balance == sum((d.profit + d.commission + d.swap for d in deals), Decimal(0))
    # Every position holds what its deals bought less what they sold.
    signed: dict[int, Decimal] = {}
    for deal in deals:
        if deal.type in TRADES:
            volume = deal.volume if deal.type == mt5.DEAL_TYPE_BUY else -deal.volume
            signed[deal.position_id] = signed.get(deal.position_id, Decimal(0)) + volume
    held = {position.identifier: position.sign * position.volume for position in account.positions.values()}
    assert {identifier: volume for identifier, volume in signed.items() if volume} == held
    if not account.is_hedging:
        assert len(held) <= 1
        assert sum(signed.values(), Decimal(0)) == sum(held.values(), Decimal(0))
    # Equity is balance, credit and what is open; margin is never negative, and free is what is left.
    info = account_struct(account, account.login)
    assert account.equity() == account.balance + sum(
        (account.floating(position) + position.swap for position in account.positions.values()), Decimal(0)
    )
    assert info.equity == pytest.approx(info.balance + info.credit + info.profit, abs=0.005)
    assert info.margin >= 0
    assert (info.margin > 0) <= bool(held)
    assert info.margin_free == pytest.approx(info.equity - info.margin, abs=0.005)
    # An order has filled what its deals say, in parts or at once (each side of a close by is a deal of its own).
    filled: dict[int, Decimal] = {}
    for deal in deals:
        filled[deal.order_ticket] = filled.get(deal.order_ticket, Decimal(0)) + deal.volume
    for order in terminal.store.select(ORDERS, "login = ?", 1):
        sides = 2 if order.type == mt5.ORDER_TYPE_CLOSE_BY else 1
        assert filled.get(order.ticket, Decimal(0)) == sides * (order.volume_initial - order.volume_current)
        assert 0 <= order.volume_current <= order.volume_initial
        is_whole = order.volume_current == 0
        assert is_whole == (order.state == mt5.ORDER_STATE_FILLED)
        assert (order.state in LIVE) == (order.time_done_msc == 0) == (order.ticket in account.orders)
    # Tickets are given once, and time goes on.
    assert len({deal.ticket for deal in deals}) == len(deals)
    assert [deal.time_msc for deal in deals] == sorted(deal.time_msc for deal in deals)


@pytest.mark.parametrize("margin_mode", ["netting", "hedging"])
@settings(max_examples=25, deadline=None)
@given(
    path=st.lists(bars, min_size=20, max_size=60),
    script=st.lists(st.tuples(steps, st.integers(0, 2)), max_size=25),
    changes=conditions,
)
def test_the_books_balance_whatever_happens(
    margin_mode: str, path: list[tuple[int, int, int, int]], script: list[Any], changes: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        directory = Path(folder)
        write_terminal(directory, path, margin_mode, **changes)
        terminal = PaperTerminal(directory)
        try:
            for (kind, *details), filling in script:
                if kind == "wait":
                    terminal.advance(terminal.market_time() + timedelta(hours=details[0]))
                elif request := request_of(terminal, kind, *(*details, filling)):
                    terminal.send(trade_request((request,), {}))
                check_laws(terminal)
            terminal.advance(terminal.market_time() + timedelta(hours=len(path)))
            check_laws(terminal)
            before = all_deals(terminal), terminal.account.positions, terminal.account.balance
            terminal.store.close()
            terminal = PaperTerminal(directory)
            assert (all_deals(terminal), terminal.account.positions, terminal.account.balance) == before
        finally:
            terminal.close()


@settings(max_examples=15, deadline=None)
@given(
    path=st.lists(bars, min_size=30, max_size=50),
    script=st.lists(steps, min_size=3, max_size=12),
    cut=st.integers(10, 25),
    changes=conditions,
)
def test_no_fill_depends_on_what_comes_after(
    path: list[tuple[int, int, int, int]], script: list[Any], cut: int, changes: dict[str, Any]
) -> None:
    """The deals until hour `cut` are the same whether the file goes on after it or ends there."""
    seen = []
    for length in (len(path), cut):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            write_terminal(Path(folder), path[:length], "hedging", **changes)
            terminal = PaperTerminal(Path(folder))
            try:
                end = MONDAY + timedelta(hours=cut) - timedelta(milliseconds=1)
                for kind, *details in script:
                    if kind == "wait":
                        terminal.advance(min(end, terminal.market_time() + timedelta(hours=details[0])))
                    elif request := request_of(terminal, kind, *details):
                        terminal.send(trade_request((request,), {}))
                terminal.advance(end)
                seen.append((all_deals(terminal), terminal.account.positions, terminal.account.equity()))
            finally:
                terminal.close()
    assert seen[0] == seen[1]


@settings(max_examples=15, deadline=None)
@given(
    path=st.lists(bars, min_size=20, max_size=40),
    script=st.lists(st.tuples(steps, st.integers(0, 2)), min_size=3, max_size=15),
    changes=conditions,
    margin_mode=st.sampled_from(["netting", "hedging"]),
)
def test_how_often_anybody_looks_changes_nothing(
    path: list[tuple[int, int, int, int]], script: list[Any], changes: dict[str, Any], margin_mode: str
) -> None:
    """One goes from request to request; the other stops every twenty minutes, looks, and checks what it never sends."""
    seen = []
    for watched in (False, True):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            write_terminal(Path(folder), path, margin_mode, **changes)
            terminal = PaperTerminal(Path(folder))
            try:
                for (kind, *details), filling in script:
                    if kind != "wait":
                        if request := request_of(terminal, kind, *(*details, filling)):
                            terminal.send(trade_request((request,), {}))
                        continue
                    until = terminal.market_time() + timedelta(hours=details[0])
                    while watched and terminal.market_time() + timedelta(minutes=20) < until:
                        terminal.advance(terminal.market_time() + timedelta(minutes=20))
                        account_struct(terminal.account, 1)
                        if request := request_of(terminal, "deal", BUY, 0.1, 0, 0):
                            terminal.check(trade_request((request,), {}))
                    terminal.advance(until)
                orders = terminal.store.select(ORDERS, "login = ?", 1)
                seen.append((all_deals(terminal), orders, terminal.account.positions, terminal.account.equity()))
            finally:
                terminal.close()
    assert seen[0] == seen[1]
