"""An event loop for unit tests, made before their sockets are taken away (a loop has a socket pair of its own)."""

import asyncio
import atexit
from collections.abc import Callable, Coroutine
from typing import Any

_runner = asyncio.Runner()
_runner.get_loop()
atexit.register(_runner.close)


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; every call uses the same loop."""
    return _runner.run(coroutine)


async def until(condition: Callable[[], object]) -> None:
    """Returns once it holds; a minute is a guard against hanging."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)
