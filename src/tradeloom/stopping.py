"""The word that a running task is to end, as it reaches what runs it.

The process that runs tasks calls `begin` ahead of each and `ask` when the task's execution was stopped. What computes
for long calls `check` now and then; a wait that can be broken off without harm stands within `interruptible` and ends
at once. Everything else goes on: an order that is being handed in, a request that left and must not be sent twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tradeloom.errors import ExecutionStopped

_asked = False
_interruptible = 0


def begin() -> None:
    """A new task, of which nobody has said anything."""
    global _asked, _interruptible
    _asked, _interruptible = False, 0


def ask() -> None:
    """The running task is to end. Called on its thread, as from a signal's handler: raises `ExecutionStopped` into a
    wait that may be broken off."""
    global _asked
    first, _asked = not _asked, True
    if first and _interruptible:
        check()


def check() -> None:
    """Raises `ExecutionStopped` once the task is to end."""
    if _asked:
        raise ExecutionStopped("The execution was stopped while this ran.")


@contextmanager
def interruptible() -> Iterator[None]:
    """What stands within may be broken off anywhere: nobody outside learns of it, or it does no harm."""
    global _interruptible
    _interruptible += 1
    try:
        check()
        yield
    finally:
        _interruptible -= 1
