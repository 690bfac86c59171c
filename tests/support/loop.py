"""An event loop for unit tests, made before their sockets are taken away (a loop has a socket pair of its own)."""

import asyncio
import atexit
from collections.abc import Coroutine
from typing import Any

_runner = asyncio.Runner()
_runner.get_loop()
atexit.register(_runner.close)


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; every call uses the same loop."""
    return _runner.run(coroutine)
