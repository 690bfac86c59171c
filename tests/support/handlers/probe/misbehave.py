"""A handler that fails in the way its payload names."""

import ctypes
import os
import subprocess
import sys
import time
from typing import Any


class StalePrice(Exception):
    pass


def handler(event: Any, context: Any) -> Any:
    match event["how"]:
        case "raise":
            raise StalePrice("The price is 9 minutes old.\0\ud800")
        case "exit":
            sys.exit(3)
        case "leave":
            os._exit(4)
        case "segfault":
            return ctypes.string_at(0)
        case "sleep":
            time.sleep(event["s"])
        case "spin":
            while True:
                pass
        case "nan":
            return {"value": float("nan")}
        case "object":
            return object()
        case "large":
            return "x" * event["bytes"]
        case "files":
            return len([open(os.devnull) for _ in range(10_000)])  # noqa: SIM115
        case "disk":
            with open(event["path"], "wb") as file:
                file.write(b"x" * event["bytes"])
        case "memory":
            return len(bytearray(event["bytes"]))
        case "child":
            return subprocess.Popen(["sleep", "300"]).pid
        case "child, then leave":
            with open(event["path"], "w") as file:
                file.write(str(subprocess.Popen(["sleep", "300"]).pid))
            os._exit(1)
        case "protocol":
            from tradeloom.engine.workers import channel

            channel.current()._connection.sendall(b"\xff\xff\xff\xff nonsense")
            time.sleep(30)
    return "done"
