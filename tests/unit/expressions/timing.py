"""How long work takes, so that tests may bound it."""

import time
from collections.abc import Callable

from tests.support.exam import FULL

ALLOWED_S = 0.1 if FULL else 2.0
"""What any one expression may cost, whatever it says: 100 ms in the exam, on a machine that does nothing else.
Elsewhere neighbours slow processor time too: there it only tells what ends from what does not."""


def seconds_for(work: Callable[[], object]) -> float:
    """Processor time of the work; of up to three tries the best, for a garbage collection may fall into any of them."""
    best = float("inf")
    for _ in range(3):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
        if best < ALLOWED_S:
            break
    return best
