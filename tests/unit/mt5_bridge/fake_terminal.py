"""A `MetaTrader5` stand-in whose every answer a test can script; orders fill at the quote unless told otherwise."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from mt5_bridge import constants as mt5
from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.config import AccountConfig
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import Journal
from tradeloom.errors import Conflict
from tradeloom.trading.guards import Guard, Trailing
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    ModifyIntent,
    PendingOrderIntent,
    PendingType,
    Side,
    client_order_id,
)
from tradeloom.trading.methods import MarketClock
from tradeloom.trading.risk_limits import RiskLimits

NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)
LOGIN = 1001
LIMITS = RiskLimits.for_paper(("EURUSD",), max_lot=Decimal(1), max_price_age_s=30)
RATES = np.dtype(
    [
        ("time", "<i8"),
        *((name, "<f8") for name in ("open", "high", "low", "close")),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
TICKS = np.dtype([("time_msc", "<i8"), *((name, "<f8") for name in ("bid", "ask", "last"))])

type Script = Callable[["FakeTerminal", dict[str, Any]], Any]


class FakeTerminal:
    """Times are server times equal to UTC. `script` holds what the next `order_send` calls do, `sent` what they got."""

    def __init__(self) -> None:
        self.account: Any = SimpleNamespace(
            login=LOGIN, trade_mode=0, margin_mode=2, currency="USD", leverage=100, balance=1e4, equity=1e4,
            margin=0.0, margin_free=1e4, margin_level=0.0, profit=0.0, credit=0.0,
        )  # fmt: skip
        self.state: Any = SimpleNamespace(connected=True, trade_allowed=True)
        self.symbols = {"EURUSD": make_symbol_info()}
        self.quote: Any = make_tick()
        self.positions: list[Any] = []
        self.orders: list[Any] = []
        self.history_orders: list[Any] = []
        self.deals: list[Any] = []
        self.rates: Any = np.zeros(0, RATES)
        self.ticks: Any = np.zeros(0, TICKS)
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

    def copy_ticks_from(self, symbol: str, date_from: int, count: int, flags: int, /) -> Any:
        return None if self.ticks is None else self.ticks[self.ticks["time_msc"] >= date_from * 1000][:count]

    def positions_get(self, **filters: Any) -> Any:
        return tuple(p for p in self.positions if all(getattr(p, k) == v for k, v in filters.items()))

    def orders_get(self, **filters: Any) -> Any:
        if self.orders is None:
            return None
        return tuple(o for o in self.orders if all(getattr(o, k) == v for k, v in filters.items()))

    def history_orders_get(self, *dates: int, **filters: Any) -> Any:
        found = [o for o in self.history_orders if all(getattr(o, k) == v for k, v in filters.items())]
        return tuple(o for o in found if not dates or dates[0] <= o.time_done <= dates[1])

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
        """Carries the request out; returns the result a broker would send."""
        if request.get("action", mt5.TRADE_ACTION_DEAL) != mt5.TRADE_ACTION_DEAL:
            return self._change(request)
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

    def _change(self, request: dict[str, Any]) -> Any:
        match request["action"]:
            case mt5.TRADE_ACTION_PENDING:
                self.ticket += 1
                self.orders.append(make_order(self.ticket, request, mt5.ORDER_STATE_PLACED))
                return make_result(10009, order=self.ticket, volume=request["volume"])
            case mt5.TRADE_ACTION_SLTP:
                (position,) = [p for p in self.positions if p.ticket == request["position"]]
                position.sl, position.tp = request["sl"], request["tp"]
                return make_result(10009)
            case mt5.TRADE_ACTION_MODIFY:
                (order,) = [o for o in self.orders if o.ticket == request["order"]]
                order.price_open, order.price_stoplimit = request["price"], request["stoplimit"]
                order.sl, order.tp = request["sl"], request["tp"]
                order.type_time, order.time_expiration = request["type_time"], request["expiration"]
                return make_result(10009, order=order.ticket)
            case _:
                self.leave(request["order"], mt5.ORDER_STATE_CANCELED)
                return make_result(10009, order=request["order"])

    def leave(self, ticket: int, state: int) -> Any:
        """A pending order goes to the history: cancelled, expired, or filled, whose position this gives."""
        (order,) = [o for o in self.orders if o.ticket == ticket]
        self.orders.remove(order)
        order.state, order.time_done = state, int(NOW.timestamp())
        self.history_orders.append(order)
        if state != mt5.ORDER_STATE_FILLED:
            return None
        request = {"magic": order.magic, "type": order.type % 2, "price": order.price_open, "symbol": order.symbol}
        order.volume_current, order.position_id = 0.0, ticket
        self.deals.append(make_deal(ticket, request, order.volume_initial, position=ticket, entry=0))
        self.positions.append(make_position(ticket, order.type % 2, order.volume_initial, magic=order.magic))
        return self.positions[-1]


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

    def hold(self) -> None:
        pass

    def is_held(self) -> bool:
        return False

    def set_alarms(self, alarms: Any) -> None:
        pass


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
        self._guards: GuardStore | None = None
        self.restart()

    def restart(self) -> "Bench":
        """A new worker on the same terminal and the same file, as after a crash."""
        self.close()
        self.worker = AccountWorker(
            self.settings, self.terminal, self.clock, self.open_journal, self.open_guards, self.pauses.append
        )
        return self

    def close(self) -> None:
        for file in (self._open, self._guards):
            if file is not None:
                file.close()
        self._open = self._guards = None

    def open_journal(self) -> Journal:
        journal = Journal(self.path / "journal.sqlite3")
        journal.set_limits(self.settings.limits)
        self._open = journal
        return journal

    def open_guards(self) -> GuardStore:
        self._guards = GuardStore(self.path / "guards.sqlite3")
        return self._guards

    @property
    def guards(self) -> GuardStore:
        assert self._guards is not None
        return self._guards

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
    volume = request.get("volume", 0.1)
    values = {
        "ticket": ticket, "magic": request["magic"], "reason": 3, "state": state, "symbol": request["symbol"],
        "type": request.get("type", 0), "time_done": seconds, "time_setup_msc": seconds * 1000,
        "time_done_msc": seconds * 1000,
        "price_open": request.get("price", 0.0), "price_stoplimit": request.get("stoplimit", 0.0),
        "price_current": 1.1, "sl": request.get("sl", 0.0), "tp": request.get("tp", 0.0),
        "type_time": request.get("type_time", 0), "time_expiration": request.get("expiration", 0),
        "volume_initial": volume, "volume_current": volume, "position_id": 0, "comment": request.get("comment", ""),
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


def make_deal(order: int, request: dict[str, Any], volume: float, *, position: int, entry: int, **changes: Any) -> Any:
    values = {
        "ticket": order + 1000, "order": order, "magic": request["magic"], "type": request["type"], "entry": entry,
        "volume": volume, "price": request["price"], "profit": 12.5 if entry else 0.0, "position_id": position,
        "reason": 3, "time": int(NOW.timestamp()), "time_msc": int(NOW.timestamp() * 1000), "symbol": request["symbol"],
        "commission": 0.0, "swap": 0.0, "fee": 0.0, "comment": "",
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


def make_position(ticket: int, side: int = 0, volume: float = 0.1, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "ticket": ticket, "symbol": "EURUSD", "type": side, "volume": volume, "price_open": 1.1, "sl": 0.0, "tp": 0.0,
        "price_current": 1.1, "profit": 0.0, "swap": 0.0, "magic": 0, "comment": "",
        "time_msc": int(NOW.timestamp() * 1000), "identifier": ticket,
    }  # fmt: skip
    return SimpleNamespace(**values | changes)


# Intents


def market(node: str = "n", **changes: Any) -> MarketOrderIntent:
    return MarketOrderIntent(**_common(node) | {"side": Side.BUY, "volume": Decimal("0.1")} | changes)


def close(position: int, node: str = "c", **changes: Any) -> CloseIntent:
    return CloseIntent(**_common(node) | {"position": position} | changes)


def pending(node: str = "p", **changes: Any) -> PendingOrderIntent:
    """A buy limit ten pips below the market."""
    values = {"side": Side.BUY, "type": PendingType.LIMIT, "volume": Decimal("0.1"), "price": Decimal("1.0991")}
    return PendingOrderIntent(**_common(node) | values | changes)


def modify(ticket: int, node: str = "m", **changes: Any) -> ModifyIntent:
    return ModifyIntent(**_common(node) | {"target": "position", "ticket": ticket} | changes)


def cancel(order: int, node: str = "x", **changes: Any) -> CancelIntent:
    return CancelIntent(**_common(node) | {"order": order} | changes)


def _common(node: str) -> dict[str, Any]:
    return {
        "client_order_id": client_order_id("e", node), "account": "acc", "execution_id": "e", "workflow_id": "w",
        "node_id": node, "created_at": NOW, "deadline": NOW + timedelta(minutes=1), "symbol": "EURUSD",
    }  # fmt: skip


# Guards


def guard(position: int, rule: Any, *, node: str = "g", execution: str = "e", side: Side = Side.BUY) -> Guard:
    return Guard(
        guard_id=f"{sha256(f'{node} {rule.kind} {position}'.encode()).hexdigest():.32}", account="acc", symbol="EURUSD",
        position=position, side=side, execution_id=execution, workflow_id="w", node_id=node, rule=rule,
    )  # fmt: skip


def trailing(position: int, distance: str = "0.002", **rule: Any) -> Guard:
    return guard(position, Trailing(distance=Decimal(distance), **rule))
