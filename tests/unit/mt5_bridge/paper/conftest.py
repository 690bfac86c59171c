"""A paper terminal on a handful of bars, with its own session: no global module state between tests."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.connection import ConnectionCalls
from mt5_bridge.paper.market_calls import MarketCalls
from mt5_bridge.paper.session import Session
from mt5_bridge.paper.structs import AccountInfo, OrderSendResult, TradeDeal, TradeOrder, TradePosition
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.trade_calls import TradeCalls

Bar = tuple[float, float, float, float]

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
"""When the bars of most tests begin; hourly unless they say otherwise."""

FLAT: Bar = (1.10000, 1.10000, 1.10000, 1.10000)


def write_csv(path: Path, bars: Sequence[Bar], start: datetime = MONDAY, step: timedelta = timedelta(hours=1)) -> Path:
    rows = ["time,open,high,low,close,volume"]
    for number, prices in enumerate(bars):
        rows.append(",".join([(start + number * step).isoformat(), *map(str, prices), "100"]))
    path.write_text("\n".join(rows) + "\n")
    return path


def symbol_config(path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "EURUSD",
        "digits": 5,
        "currency_base": "EUR",
        "currency_profit": "USD",
        "currency_margin": "EUR",
        "spread_points": 10,
        "data": {"path": str(path), "timeframe": "H1", "price": "bid"},
    } | changes


class Paper:
    """One terminal and the package's functions on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.session = Session()
        self.connection = ConnectionCalls(self.session)
        self.market = MarketCalls(self.session)
        self.trade = TradeCalls(self.session)

    def open(self, wall: Callable[[], float] | None = None, freeze: Callable[[float], None] | None = None) -> "Paper":
        given = {"wall": wall, "freeze": freeze}
        seams: dict[str, Any] = {name: seam for name, seam in given.items() if seam is not None}
        self.session.terminal = PaperTerminal(self.directory, **seams)
        return self

    def reopen(self) -> "Paper":
        self.close()
        return self.open()

    def close(self) -> None:
        if self.session.terminal is not None:
            self.session.terminal.close()
            self.session.terminal = None

    def crash(self) -> None:
        """Loses the process: nothing is said goodbye to."""
        assert self.session.terminal is not None
        self.session.terminal.store.close()
        self.session.terminal = None

    @property
    def terminal(self) -> PaperTerminal:
        assert self.session.terminal is not None
        return self.session.terminal

    def to(self, hours: float) -> "Paper":
        """Advances the market to so many hours after `MONDAY`."""
        self.terminal.advance(MONDAY + timedelta(hours=hours))
        return self

    def send(self, **fields: Any) -> OrderSendResult:
        result = self.trade.order_send(fields)
        assert result is not None, self.session.error
        return result

    def deal(self, side: int = mt5.ORDER_TYPE_BUY, volume: float = 0.1, **fields: Any) -> OrderSendResult:
        """A market order at the standing price."""
        tick = self.market.symbol_info_tick(fields.get("symbol", "EURUSD"))
        assert tick is not None
        price = tick.ask if side == mt5.ORDER_TYPE_BUY else tick.bid
        request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": volume, "type": side, "price": price}
        return self.send(**(request | {"deviation": 20} | fields))

    def pending(self, order_type: int, price: float, volume: float = 0.1, **fields: Any) -> OrderSendResult:
        request = {"action": mt5.TRADE_ACTION_PENDING, "symbol": "EURUSD", "volume": volume, "type": order_type}
        return self.send(**(request | {"price": price, "type_filling": mt5.ORDER_FILLING_RETURN} | fields))

    @property
    def positions(self) -> tuple[TradePosition, ...]:
        positions = self.trade.positions_get()
        assert positions is not None
        return positions

    @property
    def orders(self) -> tuple[TradeOrder, ...]:
        orders = self.trade.orders_get()
        assert orders is not None
        return orders

    @property
    def deals(self) -> tuple[TradeDeal, ...]:
        """Without the deposit."""
        deals = self.trade.history_deals_get(0, 2**40)
        assert deals is not None
        return deals[1:]

    @property
    def account(self) -> AccountInfo:
        account = self.connection.account_info()
        assert account is not None
        return account


MakePaper = Callable[..., Paper]


@pytest.fixture
def make_paper(tmp_path: Path) -> Iterator[MakePaper]:
    """`make_paper(bars, symbol={…}, account={…}, **terminal)`: a terminal that stands at the first bar's opening."""
    made: list[Paper] = []

    def make(
        bars: Sequence[Bar],
        *,
        symbol: dict[str, Any] | None = None,
        account: dict[str, Any] | None = None,
        others: Sequence[tuple[str, Sequence[Bar], dict[str, Any]]] = (),
        **terminal: Any,
    ) -> Paper:
        directory = tmp_path / f"terminal{len(made)}"
        directory.mkdir()
        symbols = [symbol_config(write_csv(directory / "EURUSD.csv", bars), **(symbol or {}))]
        for name, other_bars, changes in others:
            path = write_csv(directory / f"{name}.csv", other_bars)
            names = {"name": name, "currency_base": name[:3], "currency_profit": name[3:6], "currency_margin": name[:3]}
            symbols.append(symbol_config(path, **(names | changes)))
        config = {
            "accounts": [{"login": 1, "balance": "10000"} | (account or {})],
            "symbols": symbols,
            "clock": {"start": MONDAY.isoformat()},
        }
        (directory / "paper.json").write_text(json.dumps(config | terminal))
        made.append(Paper(directory).open())
        return made[-1]

    yield make
    for paper in made:
        paper.close()
