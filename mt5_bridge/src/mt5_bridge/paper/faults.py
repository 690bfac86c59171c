"""Scripted faults: what the next `order_send` calls run into, in order.

The script comes from `paper.json` (`faults`) and from `control.arm_fault`. It is kept in the terminal's database, so
a fault that was used up stays used up when a killed worker starts again. Only well-formed requests use one up.
"""

import ctypes
import os
import time
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

FaultKind = Literal["reply_lost", "timeout", "hang", "requote", "reject", "disconnected"]

_EXECUTES_BY_DEFAULT = {"reply_lost", "hang"}
_NEVER_EXECUTES = {"requote", "reject", "disconnected"}


class Fault(BaseModel):
    """One fault.

    - `reply_lost`: the call answers None with -10005 (IPC timeout).
    - `timeout`: retcode 10012.
    - `hang`: after `seconds` the true answer, or None with -10005 if the order was not executed.
    - `requote` (10004), `reject` (10006), `disconnected` (10031, and again until `control.reconnect()`).

    `executed` says whether the broker nevertheless executes the order (default: yes for the lost reply and the hang,
    no for the time-out). `seconds` freezes the process before the answer and after the execution, whatever the kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    executed: bool | None = None
    seconds: float = Field(default=0.0, ge=0.0, le=3_600.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _known_combination(self) -> Self:
        if self.executed and self.kind in _NEVER_EXECUTES:
            raise ValueError(f"a {self.kind} is never executed")
        return self

    @property
    def executes(self) -> bool:
        return self.kind in _EXECUTES_BY_DEFAULT if self.executed is None else self.executed


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
