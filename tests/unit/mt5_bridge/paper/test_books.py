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
from mt5_bridge.paper.store import DEALS
from mt5_bridge.paper.terminal import PaperTerminal

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
MEMORY = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""Thousands of commits: these laws are not about the disk."""

BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)

moves = st.integers(-900, 900)
bars = st.tuples(moves, st.integers(0, 600), st.integers(0, 600), moves)
lots = st.sampled_from([0.01, 0.1, 0.37, 1.0, 2.0, 3.5])
distances = st.one_of(st.just(0), st.integers(1, 800))
"""Of stops, in points; 0 for none, so that the stop-out has something to do."""
steps = st.one_of(
    st.tuples(st.just("deal"), st.sampled_from([BUY, SELL]), lots, distances, distances),
    st.tuples(st.just("pending"), st.integers(2, 5), lots, distances, distances),
    st.tuples(st.just("close"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("stops"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("close_by"), st.integers(0, 5), lots, distances, distances),
    st.tuples(st.just("wait"), st.integers(1, 9), lots, distances, distances),
)


def write_terminal(directory: Path, path: list[tuple[int, int, int, int]], margin_mode: str) -> None:
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
    config = {"accounts": [account], "symbols": [symbol], "clock": {"start": MONDAY.isoformat()}}
    (directory / "paper.json").write_text(json.dumps(config | {"slippage_points": 4}))


def request_of(terminal: PaperTerminal, kind: str, choice: int, volume: float, sl: int, tp: int) -> dict[str, Any]:
    price = terminal.market.price("EURUSD")
    assert price is not None
    bid, ask = price
    positions = list(terminal.account.positions.values())
    position = positions[choice % len(positions)] if positions else None
    is_buy = choice in (BUY, mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_BUY_STOP)
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
    match kind:
        case "deal":
            levels = stops(bid if is_buy else ask, sl, tp)
            return market | {"type": choice, "price": at(ask if is_buy else bid), **levels}
        case "pending":
            below = choice in (mt5.ORDER_TYPE_BUY_LIMIT, mt5.ORDER_TYPE_SELL_STOP)
            away = max(1, sl)
            entry = (ask if is_buy else bid) + (-away if below else away)
            resting = {"action": mt5.TRADE_ACTION_PENDING, "type_filling": mt5.ORDER_FILLING_RETURN, "type": choice}
            return market | resting | {"price": at(entry)} | stops(entry, tp, tp)
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
    # Tickets are given once, and time goes on.
    assert len({deal.ticket for deal in deals}) == len(deals)
    assert [deal.time_msc for deal in deals] == sorted(deal.time_msc for deal in deals)


@pytest.mark.parametrize("margin_mode", ["netting", "hedging"])
@settings(max_examples=25, deadline=None)
@given(path=st.lists(bars, min_size=20, max_size=60), script=st.lists(steps, max_size=25))
def test_the_books_balance_whatever_happens(
    margin_mode: str, path: list[tuple[int, int, int, int]], script: list[Any]
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        directory = Path(folder)
        write_terminal(directory, path, margin_mode)
        terminal = PaperTerminal(directory)
        try:
            for kind, *details in script:
                if kind == "wait":
                    terminal.advance(terminal.market_time() + timedelta(hours=details[0]))
                elif request := request_of(terminal, kind, *details):
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
)
def test_no_fill_depends_on_what_comes_after(
    path: list[tuple[int, int, int, int]], script: list[Any], cut: int
) -> None:
    """The deals until hour `cut` are the same whether the file goes on after it or ends there."""
    seen = []
    for length in (len(path), cut):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            write_terminal(Path(folder), path[:length], "hedging")
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
