"""Processors that do not go to sleep between two tasks, for a host that trades.

A node is two wakings and a call of the bridge two more. A processor that slept takes longest to wake where it belongs
to a virtual machine: up to some tenths of a millisecond each time. Linux keeps processors awake for as long as somebody
who may do so holds its PM QoS device open with a latency of nothing. That costs power, so it is done where it is asked
for.
"""

import logging
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

log: Final = logging.getLogger(__name__)

DEVICE: Final = Path("/dev/cpu_dma_latency")
_NO_LATENCY: Final = struct.pack("i", 0)


@contextmanager
def processors_awake(wanted: bool = True, *, device: Path = DEVICE) -> Iterator[bool]:
    """Whether processors stay awake while the context is open. Where this process may not have it so, the log says
    what to do, and all goes on as it is."""
    with ExitStack() as held:
        awake = False
        if wanted:
            try:
                held.enter_context(device.open("r+b", buffering=0)).write(_NO_LATENCY)
                awake = True
            except OSError as error:
                log.warning("processors are not kept awake: %s: %s. %s", device, error.strerror, remedy(error))
        yield awake


def remedy(error: OSError) -> str:
    """What to do where processors cannot be kept awake."""
    if isinstance(error, PermissionError):
        return "Let this user write it (a udev rule), or run as root."
    return "Set the power plan of this system to its highest performance instead."


def waking_ms(times: int = 200) -> float:
    """Median milliseconds until another process answers that slept, half of it: one waking and what carries it."""
    taken = []
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as other:  # noqa: S607
        assert other.stdin is not None
        assert other.stdout is not None
        for _ in range(times):
            time.sleep(0.0005)  # long enough for both to be asleep
            begun = time.perf_counter()
            other.stdin.write(b".")
            other.stdout.read(1)
            taken.append(time.perf_counter() - begun)
        other.stdin.close()
    return median(taken) * 1_000 / 2
