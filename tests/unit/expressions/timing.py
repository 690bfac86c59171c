"""How long work takes, so that tests may bound it."""

import sys
import time
from collections.abc import Callable

from tests.support.exam import FULL

ALLOWED_S = 0.1 if FULL else 0.4
"""What any one expression may cost, whatever it says: 100 ms in the exam, on a machine that does nothing else. Suites
that share their cores are given more, for a neighbour slows processor time too; what is unbounded takes seconds."""


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
