"""A wait of plain code: for what other threads and processes do."""

import time
from collections.abc import Callable

from tests.support.local_machine import PATIENCE_S


def eventually[T](look: Callable[[], T], fits: Callable[[T], object], within_s: float = PATIENCE_S) -> T:
    """What is seen once it fits."""
    give_up = time.monotonic() + within_s
    while not fits(found := look()):
        assert time.monotonic() < give_up, found
        time.sleep(0.05)
    return found
