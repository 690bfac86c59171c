"""Scripted faults: what the next `order_send` calls run into, in order.

The script comes from `paper.json` (`faults`) and from `control.arm_fault`. It is kept in the terminal's database, so
a fault that was used up stays used up when a killed worker starts again. Only well-formed requests use one up. Where
the script is empty, `random_faults` may strike, drawn from the terminal's seed.
"""

import ctypes
import os
import time
from typing import Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.conditions import Section, Share

FaultKind = Literal[
    "answered",
    "reply_lost",
    "timeout",
    "hang",
    "placed",
    "duplicate_reply",
    "wrong_login",
    "requote",
    "reject",
    "disconnected",
]

_NOT_BY_DEFAULT = {"timeout"}
_NEVER_EXECUTES = {"requote", "reject", "disconnected"}
_MAY_BE_LATE = {"reply_lost", "timeout", "placed"}
_SUCCESSES = (mt5.TRADE_RETCODE_PLACED, mt5.TRADE_RETCODE_DONE, mt5.TRADE_RETCODE_DONE_PARTIAL)

Seconds = Field(default=0.0, ge=0.0, le=3_600.0, allow_inf_nan=False)


class Fault(Section):
    """One fault.

    - `answered`: none by itself; for what the last three settings below do to an order that is answered truly.
    - `reply_lost`: the call answers None with -10005 (IPC timeout).
    - `timeout`: retcode 10012.
    - `hang`: after `seconds` the true answer, or None with -10005 if the order was not executed.
    - `placed`: retcode 10008; the order is carried out, or rejected, only after the answer.
    - `duplicate_reply`: the answer to the request before comes again, in place of this one's.
    - `wrong_login`: answered truly, but from then on the pipe leads to another account, until `control.reconnect()`.
    - `requote` (10004), `reject` (`retcode`, 10006), `disconnected` (10031, and again until `control.reconnect()`).

    `executed` says whether the broker nevertheless executes the order (default: yes, except after a time-out).
    `seconds` freezes the process before the answer and after the execution, whatever the kind. `delay_s` (seconds of
    the wall clock) makes the execution late: it comes after the answer, at the market of then. For `history_lag_s` the
    history does not show what the order did. `comment` is what the broker puts in the place of ours.
    """

    kind: FaultKind
    executed: bool | None = None
    seconds: float = Seconds
    delay_s: float = Seconds
    history_lag_s: float = Seconds
    comment: str | None = Field(default=None, max_length=29)
    retcode: int | None = Field(default=None, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _known_combination(self) -> Self:
        if self.executed and self.kind in _NEVER_EXECUTES:
            raise ValueError(f"a {self.kind} is never executed")
        if self.delay_s and self.kind not in _MAY_BE_LATE:
            raise ValueError(f"delay_s is for {', '.join(sorted(_MAY_BE_LATE))}")
        if not self.executes and self.kind != "placed" and (self.delay_s or self.history_lag_s or self.comment):
            raise ValueError("delay_s, history_lag_s and comment are for orders that are executed")
        if self.executed is False and self.kind in ("answered", "duplicate_reply", "wrong_login"):
            raise ValueError(f"{self.kind} is always executed")
        if self.retcode is not None and (self.kind != "reject" or self.retcode in _SUCCESSES):
            raise ValueError("retcode is for a reject, and no success")
        return self

    @property
    def executes(self) -> bool:
        if self.executed is None:
            return self.kind not in _NEVER_EXECUTES | _NOT_BY_DEFAULT
        return self.executed


class RandomFaults(Section):
    """One of `faults`, each as likely, strikes a request with the probability `rate`."""

    rate: Share
    faults: tuple[Fault, ...] = Field(min_length=1)


_Script = TypeAdapter(list[Fault])


def dump_script(faults: list[Fault]) -> str:
    return _Script.dump_json(faults).decode()


def load_script(text: str) -> list[Fault]:
    return _Script.validate_json(text)


def freeze(seconds: float) -> None:
    """Stops every thread of the process, as the real package does: it waits on its pipe without releasing the GIL.

    `ctypes.PyDLL` calls keep the GIL, `time.sleep` would let it go.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if os.name == "nt":
            ctypes.PyDLL("kernel32").Sleep(int(left * 1_000) + 1)
        else:
            ctypes.PyDLL(None).usleep(int(left * 1_000_000) + 1)
