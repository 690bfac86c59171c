"""A handler that fails in the way its payload names."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tradeloom.engine.workers import channel


class StalePrice(Exception):
    pass


def stale(event: Any) -> Any:
    raise StalePrice("The price is 9 minutes old.\0\ud800")


def spin(event: Any) -> Any:
    while True:
        pass


def disk(event: Any) -> Any:
    with Path(event["path"]).open("wb") as file:
        file.write(b"x" * event["bytes"])


def child(event: Any) -> int:
    return subprocess.Popen(["sleep", "300"]).pid


def leave_a_child(event: Any) -> Any:
    Path(event["path"]).write_text(str(child(event)))
    os._exit(1)


def break_protocol(event: Any) -> Any:
    channel.current()._connection.sendall(b"\xff\xff\xff\xff nonsense")
    time.sleep(30)


def sleep(event: Any) -> str:
    time.sleep(event["s"])
    return "done"


WAYS = {
    "raise": stale,
    "exit": lambda event: sys.exit(3),
    "leave": lambda event: os._exit(4),
    "segfault": lambda event: ctypes.string_at(0),
    "sleep": sleep,
    "spin": spin,
    "nan": lambda event: {"value": float("nan")},
    "object": lambda event: object(),
    "large": lambda event: "x" * event["bytes"],
    "files": lambda event: len([Path(os.devnull).open() for _ in range(10_000)]),  # noqa: SIM115 (the point is to keep it open)
    "disk": disk,
    "memory": lambda event: len(bytearray(event["bytes"])),
    "child": child,
    "child, then leave": leave_a_child,
    "protocol": break_protocol,
}


def handler(event: Any, context: Any) -> Any:
    return WAYS[event["how"]](event)
