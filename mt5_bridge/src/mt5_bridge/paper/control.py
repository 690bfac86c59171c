"""What a paper terminal has and the real package has not: its clock, and scripted faults.

All functions work on the terminal that `mt5_bridge.paper.metatrader5` has open in this process, and raise
`BrokerUnavailable` before `initialize`. Times are aware datetimes; answers are in UTC.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mt5_bridge.alarms import Alarm
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.metatrader5 import SESSION
from mt5_bridge.paper.terminal import PaperTerminal
from tradeloom.errors import InvalidInput, NotFound


def market_time() -> datetime:
    with _open_terminal() as terminal:
        return terminal.market_time()


def advance(to: datetime) -> datetime:
    """Moves the market clock to `to`; everything due until then happens, in order, and is on the disk when this
    returns the new time, which is earlier than `to` if an alarm rang on the way. Raises `InvalidInput` for an earlier
    time than now."""
    with _open_terminal() as terminal:
        return terminal.advance(to)


def speed() -> float:
    """Market seconds a wall-clock second; 0 while the clock stands."""
    with _open_terminal() as terminal:
        return terminal.clock.speed


def set_speed(x: float) -> None:
    with _open_terminal() as terminal:
        terminal.set_speed(x)


def next_event_time() -> datetime | None:
    """When something next happens by itself (a quote, a close of the market, an expiry, a swap); None: never again."""
    with _open_terminal() as terminal:
        return terminal.next_event_time()


def set_alarms(alarms: Mapping[str, Alarm]) -> None:
    """Prices at which the market is to stop by itself; if it stands at one it goes on. Empty: it never stops."""
    with _open_terminal() as terminal:
        terminal.set_alarms(alarms)


def hold() -> None:
    """The market stands where it is until `set_alarms`, whatever the clock's speed."""
    with _open_terminal() as terminal:
        terminal.hold()


def is_held() -> bool:
    """Whether the market stands at an alarm, or was told to."""
    with _open_terminal() as terminal:
        return terminal.is_held


def is_open(symbol: str) -> bool:
    """Whether the symbol's market is open now. Raises `NotFound`."""
    with _open_terminal() as terminal:
        if symbol not in terminal.symbols:
            raise NotFound(f"no symbol {symbol}", field="symbol")
        return terminal.market.is_open(symbol)


def arm_fault(fault: Fault | Mapping[str, Any]) -> None:
    """Appends a fault to the script of the coming `order_send` calls: `arm_fault({"kind": "reply_lost"})`."""
    with _open_terminal() as terminal:
        try:
            terminal.arm_fault(fault if isinstance(fault, Fault) else Fault.model_validate(dict(fault)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "fault"
            raise InvalidInput(f"{field}: {first['msg']}", field=field) from error


def faults() -> list[Fault]:
    """The faults not yet used up."""
    with _open_terminal() as terminal:
        return terminal.faults


def reconnect() -> None:
    """Ends a disconnection, and a pipe that leads to another account."""
    with _open_terminal() as terminal:
        terminal.server.reconnect()


@contextmanager
def _open_terminal() -> Iterator[PaperTerminal]:
    with SESSION.lock:
        yield SESSION.open_terminal()
