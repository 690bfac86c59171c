"""One process per resource, enforced by the operating system: the lock falls with its holder, however that dies."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from tradeloom.errors import Conflict

_LOCKED_BYTE = 1 << 20
"""Windows locks bytes for reading too, so the locked one lies beyond the holder's process id."""


class ProcessLock:
    """A lock file that names its holder. Keep the object: dropping it lets the lock go."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self, wait_s: float = 0.0) -> None:
        """Raises `Conflict` naming the holder when it still has the lock after `wait_s`."""
        give_up = time.monotonic() + wait_s
        while not _try_lock(self._file):
            if time.monotonic() >= give_up:
                raise Conflict(f"{self._path} is held by process {self._holder() or 'unknown'}")
            time.sleep(0.05)
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, str(os.getpid()).encode())

    def evict(self, wait_s: float) -> None:
        """Ends the holder, which is known to be an orphan, and takes the lock. Raises `Conflict` if it will not die."""
        holder = self._holder()
        if holder:
            with contextlib.suppress(OSError):  # gone meanwhile, or not ours: acquiring tells
                os.kill(holder, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        self.acquire(wait_s)

    def release(self) -> None:
        os.close(self._file)

    def _holder(self) -> int:
        os.lseek(self._file, 0, os.SEEK_SET)
        text = os.read(self._file, 32)
        return int(text) if text.isdigit() else 0


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
