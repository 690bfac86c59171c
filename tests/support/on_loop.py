"""The way from the API's threads to the engine's loop, for tests that run one thing after another."""

from collections.abc import Coroutine
from typing import Any

from tests.support.loop import run
from tradeloom.local.bridging import OnLoop


class _Here(OnLoop):
    def __init__(self) -> None:
        """Without an engine: the loop is that of `run`."""

    def __call__[T](self, work: Coroutine[Any, Any, T], timeout_s: float = 0) -> T:
        return run(work)


on_loop = _Here()
