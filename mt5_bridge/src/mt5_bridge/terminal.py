"""The terminal module as the worker sees it, and what its failures mean.

The real `MetaTrader5` package and the paper terminal both satisfy `Terminal`. Both answer a failure with None and keep
the reason in `last_error()`, which the next call overwrites: read it at once.
"""

import importlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, cast

from mt5_bridge.alarms import Alarm
from mt5_bridge.retcodes import pipe_is_suspect
from tradeloom.errors import BrokerError, BrokerUnavailable, NotFound, TradeloomError

_MODULES = {"metatrader5": "MetaTrader5", "paper": "mt5_bridge.paper.metatrader5"}

_RES_S_OK = 1


class Terminal(Protocol):
    """The functions the bridge calls; a module satisfies it. Signatures are the package's own, results its structs."""

    def initialize(self, path: str, /, **options: Any) -> bool: ...
    def shutdown(self) -> None: ...
    def last_error(self) -> tuple[int, str]: ...
    def terminal_info(self) -> Any: ...
    def account_info(self) -> Any: ...
    def symbol_info(self, symbol: str, /) -> Any: ...
    def symbol_info_tick(self, symbol: str, /) -> Any: ...
    def symbol_select(self, symbol: str, enable: bool, /) -> bool: ...
    def copy_rates_from(self, symbol: str, timeframe: int, date_from: int, count: int, /) -> Any: ...
    def copy_ticks_from(self, symbol: str, date_from: int, count: int, flags: int, /) -> Any: ...
    def positions_get(self, **filters: Any) -> Any: ...
    def orders_get(self, **filters: Any) -> Any: ...
    def history_orders_get(self, *dates: int, **filters: Any) -> Any: ...
    def history_deals_get(self, *dates: int, **filters: Any) -> Any: ...
    def order_calc_profit(self, action: int, symbol: str, volume: float, opened: float, closed: float, /) -> Any: ...
    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float, /) -> Any: ...
    def order_check(self, request: dict[str, Any], /) -> Any: ...
    def order_send(self, request: dict[str, Any], /) -> Any: ...


class PaperControl(Protocol):
    """What only the paper terminal offers: its clock, which can be held and stops by itself at alarms."""

    def market_time(self) -> datetime: ...
    def advance(self, to: datetime) -> datetime: ...
    def speed(self) -> float: ...
    def set_speed(self, speed: float, /) -> None: ...
    def next_event_time(self) -> datetime | None: ...
    def hold(self) -> None: ...
    def is_held(self) -> bool: ...
    def set_alarms(self, alarms: Mapping[str, Alarm], /) -> None: ...


class PipeBroken(BrokerUnavailable):
    """The terminal can no longer be asked from this process: the worker is to be replaced."""

    @property
    def name(self) -> str:
        return BrokerUnavailable.__name__


def load_terminal(kind: Literal["metatrader5", "paper"]) -> tuple[Terminal, PaperControl | None]:
    """The terminal module, and the paper clock if it has one. Raises `BrokerUnavailable` where it is not installed."""
    try:
        terminal = cast(Terminal, importlib.import_module(_MODULES[kind]))
    except ImportError as error:
        raise BrokerUnavailable(
            f"the module {_MODULES[kind]} is not installed here", hint="the MetaTrader5 package exists for Windows only"
        ) from error
    if kind != "paper":
        return terminal, None
    return terminal, cast(PaperControl, importlib.import_module("mt5_bridge.paper.control"))


def failure(terminal: Terminal, doing: str) -> TradeloomError:
    """The error for a terminal call that has just returned None. To be raised by the caller."""
    code, text = terminal.last_error()
    message = f"{doing}: {text or 'the terminal gave no reason'} ({code})"
    return PipeBroken(message) if pipe_is_suspect(code) else BrokerError(message)


def read_all(terminal: Terminal, function: str, *dates: int, **filters: Any) -> tuple[Any, ...]:
    """What one of the `…_get` functions finds. Raises `BrokerError` or `PipeBroken` when it cannot be read."""
    found = getattr(terminal, function)(*dates, **filters)
    if found is None:
        # Some versions answer "nothing there" with None and success.
        code, _ = terminal.last_error()
        if code == _RES_S_OK:
            return ()
        raise failure(terminal, function)
    return tuple(found)


def connected_account(terminal: Terminal, login: int) -> Any:
    """The AccountInfo of the account a worker is for. Raises `BrokerError` or one of its kinds when it is another's (a
    crossed pipe shows so), or may not be as it is at the broker: a terminal without its trade server tells what it
    knew last, or zeros."""
    account = terminal.account_info()
    if account is None:
        raise failure(terminal, "reading the account")
    if account.login != login:
        raise PipeBroken(f"the terminal is logged in to account {account.login}, not {login}")
    info = terminal.terminal_info()
    if info is None:
        raise failure(terminal, "reading the terminal's state")
    if not info.connected:
        raise BrokerUnavailable("the terminal has no connection to the trade server; nothing was sent")
    return account


def symbol_facts(terminal: Terminal, symbol: str) -> Any:
    """The symbol's SymbolInfo, selected into Market Watch if it was not: unselected symbols have no quotes.

    Raises `NotFound` for a symbol the broker does not have.
    """
    info = terminal.symbol_info(symbol)
    if info is None:
        code, text = terminal.last_error()
        if pipe_is_suspect(code):
            raise PipeBroken(f"reading the symbol {symbol}: {text} ({code})")
        raise NotFound(f"the broker has no symbol {symbol}", field="symbol")
    if not info.select:
        if not terminal.symbol_select(symbol, True):
            raise failure(terminal, f"selecting the symbol {symbol}")
        info = terminal.symbol_info(symbol) or info
    return info
