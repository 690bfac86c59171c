"""What a worker may use, set by the worker itself before it runs anything else."""

import ctypes
import os
import resource
import signal
import sys
from typing import Any, Final

STOP_SIGNAL: Final = signal.SIGUSR1
"""Tells a worker that the execution its handler runs for was stopped."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent dies; leave at once when it is dead already."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(*, open_files: int, file_bytes: int, memory_bytes: int | None) -> None:
    """Limits that hold for the process's whole life."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, open_files)
    _lower(resource.RLIMIT_FSIZE, file_bytes)
    if memory_bytes is not None:
        _lower(resource.RLIMIT_AS, memory_bytes)


def limit_task_cpu(seconds: int) -> None:
    """Let the next task use this much CPU time; past it the kernel kills the worker."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = spent + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (least, least))


def settings_of(environment: Any) -> str:
    """Take the worker's settings out of the environment, so that handlers do not see them."""
    text: str = environment.pop("TRADELOOM_WORKER")
    return text
