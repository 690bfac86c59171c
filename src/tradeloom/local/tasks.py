"""Work side by side, and its end."""

import asyncio
import contextlib
from typing import Any


async def ended(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def together(*work: Any) -> list[Any]:
    """All results; the first failure once every part has come to its end, so that what started can be taken down."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return list(done)
