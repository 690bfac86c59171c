"""How long work takes, so that tests may bound it."""

import sys
import time
from collections.abc import Callable

ALLOWED_S = 0.1
"""What any one expression may cost, whatever it says."""


def seconds_for(work: Callable[[], object]) -> float:
    """Processor time of the work; of up to three tries the best, for a garbage collection may fall into any of them.

    Coverage's tracing, which slows everything down several times over, pauses meanwhile.
    """
    best = float("inf")
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        for _ in range(3):
            start = time.thread_time()
            work()
            best = min(best, time.thread_time() - start)
            if best < ALLOWED_S:
                break
    finally:
        sys.settrace(tracer)
    return best
