"""A `MetaTrader5` stand-in whose every answer a test can script; orders fill at the quote unless told otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mt5_bridge import constants as mt5
from mt5_bridge.config import AccountConfig
from mt5_bridge.journal import Journal
from mt5_bridge.worker import AccountWorker
from tradeloom.errors import Conflict
from tradeloom.trading.intents import CloseIntent, MarketOrderIntent, Side, client_order_id
from tradeloom.trading.protocol import MarketClock
from tradeloom.trading.risk import RiskLimits

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
LOGIN = 1001
LIMITS = RiskLimits(max_lot=Decimal(1), max_price_age_s=30, symbols=("EURUSD",))
RATES = np.dtype(
    [
        ("time", "<i8"),
        *((name, "<f8") for name in ("open", "high", "low", "close")),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)

type Script = Callable[["FakeTerminal", dict[str, Any]], Any]


class FakeTerminal:
    """Times are server times equal to UTC. `script` holds what the next `order_send` calls do, `sent` what they got."""

    def __init__(self) -> None:
        self.account: Any = SimpleNamespace(
            login=LOGIN, trade_mode=0, margin_mode=2, currency="USD", leverage=100, balance=1e4, equity=1e4,
            margin=0.0, margin_free=1e4, margin_level=0.0, profit=0.0,
        )  # fmt: skip
        self.state: Any = SimpleNamespace(connected=True, trade_allowed=True)
        self.symbols = {"EURUSD": make_symbol_info()}
        self.quote: Any = make_tick()
        self.positions: list[Any] = []
        self.orders: list[Any] = []
        self.history_orders: list[Any] = []
        self.deals: list[Any] = []
        self.rates: Any = np.zeros(0, RATES)
        self.script: list[Script] = []
        self.sent: list[dict[str, Any]] = []
        self.check: Any = SimpleNamespace(retcode=0, comment="Done")
        self.error = (1, "Success")
        self.ticket = 500

    # The package's functions

    def initialize(self, path: str, /, **options: Any) -> bool:
        return True

    def shutdown(self) -> None:
        pass

    def last_error(self) -> tuple[int, str]:
        return self.error

    def terminal_info(self) -> Any:
        return self.state

    def account_info(self) -> Any:
        return self.account

    def symbol_info(self, symbol: str, /) -> Any:
        return self.symbols.get(symbol)

    def symbol_info_tick(self, symbol: str, /) -> Any:
        return self.quote

    def symbol_select(self, symbol: str, enable: bool, /) -> bool:
        self.symbols[symbol].select = enable
        return True

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: int, count: int, /) -> Any:
        if self.rates is None:
            return None
        return self.rates[self.rates["time"] <= date_from][-count:]

    def positions_get(self, **filters: Any) -> Any:
        return tuple(p for p in self.positions if all(getattr(p, k) == v for k, v in filters.items()))

    def orders_get(self, **filters: Any) -> Any:
        if self.orders is None:
            return None
        return tuple(o for o in self.orders if all(getattr(o, k) == v for k, v in filters.items()))

    def history_orders_get(self, *dates: int, **filters: Any) -> Any:
        return tuple(o for o in self.history_orders if not dates or dates[0] <= o.time_done <= dates[1])

    def history_deals_get(self, *dates: int, **filters: Any) -> Any:
        names = {"ticket": "order", "position": "position_id"}
        found = [d for d in self.deals if all(getattr(d, names[k]) == v for k, v in filters.items())]
        return tuple(d for d in found if not dates or dates[0] <= d.time <= dates[1])

    def order_calc_profit(self, action: int, symbol: str, volume: float, opened: float, closed: float, /) -> Any:
        return (closed - opened) * volume * 100_000 * (1 if action == mt5.ORDER_TYPE_BUY else -1)

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float, /) -> Any:
        return volume * 100_000 * price / 100

    def order_check(self, request: dict[str, Any], /) -> Any:
        return self.check

    def order_send(self, request: dict[str, Any], /) -> Any:
        self.sent.append(dict(request))
        return (self.script.pop(0) if self.script else fill())(self, request)

    # What happens at the broker

    def execute(self, request: dict[str, Any], volume: float | None = None) -> Any:
        """Fills the request; returns the result a broker would send."""
        lots = request["volume"] if volume is None else volume
        self.ticket += 1
        order, closed = self.ticket, request.get("position", 0)
        self.history_orders.append(make_order(order, request, mt5.ORDER_STATE_FILLED))
        self.deals.append(make_deal(order, request, lots, position=closed or order, entry=1 if closed else 0))
        if closed:
            self.positions = [p for p in self.positions if p.ticket != closed]
        else:
            self.positions.append(make_position(order, request["type"], lots, magic=request["magic"]))
        retcode = 10009 if lots == request["volume"] else 10010
        return make_result(retcode, order=order, volume=lots, price=request["price"])


class FakeClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def reading(self) -> MarketClock:
        return MarketClock(time=self.time, speed=1.0, paper=False)

    def advance(self, to: datetime) -> MarketClock:
        raise Conflict("not a paper account")

    def set_speed(self, speed: float) -> MarketClock:
        raise Conflict("not a paper account")

    def next_event_time(self) -> datetime | None:
        raise Conflict("not a paper account")


class Bench:
    """A worker on a fake terminal, with its journal in a file."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.settings = AccountConfig(
            name="acc", terminal="metatrader5", terminal_path=path / "terminal", login=LOGIN,
            **{"server_time_zone": "UTC", "limits": LIMITS, "history_horizon_s": 0.0} | settings,
        )  # fmt: skip
        self.terminal = FakeTerminal()
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self._open: Journal | None = None
        self.restart()

    def restart(self) -> "Bench":
        """A new worker on the same terminal and the same file, as after a crash."""
        self.close()
        self.worker = AccountWorker(self.settings, self.terminal, self.clock, self.open_journal, self.pauses.append)
        return self

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def open_journal(self) -> Journal:
        journal = Journal(self.path / "journal.sqlite3")
        journal.set_limits(self.settings.limits)
        self._open = journal
        return journal

    @property
    def journal(self) -> Journal:
        assert self._open is not None
        return self._open

    @property
    def desk(self) -> Any:
        assert self.worker._desk is not None
        return self.worker._desk


# Scripts for order_send


def fill(volume: float | None = None) -> Script:
    return lambda terminal, request: terminal.execute(request, volume)


def answer(retcode: int, comment: str = "") -> Script:
    return lambda terminal, request: make_result(retcode, comment=comment)


def nothing(code: int, text: str = "failed", *, executed: bool = False) -> Script:
    def script(terminal: FakeTerminal, request: dict[str, Any]) -> None:
        if executed:
            terminal.execute(request)
        terminal.error = (code, text)

    return script


# Structs


def make_symbol_info(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "name": "EURUSD", "select": True, "digits": 5, "point": 1e-05, "trade_tick_size": 1e-05,
        "trade_contract_size": 100_000.0, "volume_min": 0.01, "volume_max": 100.0, "volume_step": 0.01,
        "trade_stops_level": 0, "trade_freeze_level": 0, "spread": 10, "filling_mode": 3, "trade_exemode": 2,
        "currency_base": "EUR", "currency_profit": "USD", "currency_margin": "EUR",
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


def make_tick(bid: float = 1.1, ask: float = 1.1001, time: datetime = NOW) -> Any:
    msc = int(time.timestamp() * 1000)
    return SimpleNamespace(time=msc // 1000, time_msc=msc, bid=bid, ask=ask, last=0.0, volume=0, volume_real=0.0)


def make_result(retcode: int, *, order: int = 0, volume: float = 0.0, price: float = 0.0, comment: str = "") -> Any:
    return SimpleNamespace(
        retcode=retcode, order=order, deal=order and order + 1000, volume=volume, price=price, comment=comment
    )


def make_order(ticket: int, request: dict[str, Any], state: int, **changes: Any) -> Any:
    seconds = int(NOW.timestamp())
    values = {"ticket": ticket, "magic": request["magic"], "reason": 3, "state": state, "symbol": request["symbol"]}
    return SimpleNamespace(**values | {"time_done": seconds} | changes)


def make_deal(order: int, request: dict[str, Any], volume: float, *, position: int, entry: int, **changes: Any) -> Any:
    values = {
        "ticket": order + 1000, "order": order, "magic": request["magic"], "type": request["type"], "entry": entry,
        "volume": volume, "price": request["price"], "profit": 12.5 if entry else 0.0, "position_id": position,
        "reason": 3, "time": int(NOW.timestamp()),
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


def make_position(ticket: int, side: int = 0, volume: float = 0.1, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "ticket": ticket, "symbol": "EURUSD", "type": side, "volume": volume, "price_open": 1.1, "sl": 0.0, "tp": 0.0,
        "price_current": 1.1, "profit": 0.0, "swap": 0.0, "magic": 0, "comment": "",
        "time_msc": int(NOW.timestamp() * 1000),
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


# Intents


def market(node: str = "n", **changes: Any) -> MarketOrderIntent:
    values: dict[str, Any] = {
        "client_order_id": client_order_id("e", node), "account": "acc", "execution_id": "e", "workflow_id": "w",
        "node_id": node, "created_at": NOW, "deadline": NOW + timedelta(minutes=1), "symbol": "EURUSD",
        "side": Side.BUY, "volume": Decimal("0.1"),
    }  # fmt: skip
    return MarketOrderIntent(**values | changes)


def close(position: int, node: str = "c", **changes: Any) -> CloseIntent:
    values: dict[str, Any] = {
        "client_order_id": client_order_id("e", node), "account": "acc", "execution_id": "e", "workflow_id": "w",
        "node_id": node, "created_at": NOW, "deadline": NOW + timedelta(minutes=1), "symbol": "EURUSD",
        "position": position,
    }  # fmt: skip
    return CloseIntent(**values | changes)
