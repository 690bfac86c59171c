"""The data directory: what lies where, who may use it, and the token."""

import fcntl
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from tradeloom.errors import Conflict, NotFound, StorageUnavailable

_FOLDER_MODE = 0o700
_SECRET_MODE = 0o600
_AT = "at "


class AlreadyRunning(Conflict):
    """Another Tradeloom uses this data directory."""


class Home:
    """One data directory. Nobody but its owner may look into it; one process uses it at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.postgres = root / "postgres"
        self.blobs = root / "blobs"
        self.bridge = root / "bridge"
        self.terminals = root / "terminals"
        self.log = root / "logs" / "tradeloom.log"
        self.key_file = root.with_name(f"{root.name}.key")
        """Beside the data directory, so that a copy of that opens no credential."""
        self._lock: Any = None

    def open(self) -> None:
        """Make the directory and take its lock. Raises `AlreadyRunning` or `StorageUnavailable`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            self.root.chmod(_FOLDER_MODE)
            self.log.parent.mkdir(exist_ok=True)
            self._lock = (self.root / "lock").open("a+", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            told = self._lock.read().strip()
            self._lock.close()
            self._lock = None
            raise AlreadyRunning(
                f"Tradeloom is already running on {self.root}" + (f" ({told})." if told else "."),
                hint="Use that one, stop it, or set TRADELOOM_HOME to another directory.",
            ) from None
        except OSError as error:
            raise StorageUnavailable(
                f"The data directory {self.root} cannot be used: {error.strerror or error}.",
                field="TRADELOOM_HOME",
                hint="Make it writable, or set TRADELOOM_HOME to another directory.",
            ) from error
        if self._restoring.exists():
            self.close()
            raise StorageUnavailable(
                f"A restore into {self.root} was broken off: what is in it is not whole.",
                field="TRADELOOM_HOME",
                hint="Delete it and restore again; what was there before is beside it, as "
                f"{self.root.name}.before-restore-….",
            )
        self.tell(f"process {os.getpid()}")

    def must_exist(self) -> None:
        """Raises `NotFound` where no Tradeloom ever kept anything: what only looks makes no data directory."""
        if not any(path.exists() for path in (self.root / "lock", self.postgres, self.log.parent)):
            raise NotFound(
                f"There is no data directory of Tradeloom at {self.root}.",
                field="--home",
                hint="Name the right one with --home or TRADELOOM_HOME. `tradeloom up` makes one.",
            )

    @property
    def _restoring(self) -> Path:
        return self.root / "restoring"

    def begin_restoring(self) -> None:
        """From now on nobody opens the directory until `end_restoring`."""
        self._restoring.touch()

    def end_restoring(self) -> None:
        self._restoring.unlink()

    def address(self) -> str | None:
        """Where the Tradeloom that uses this directory is reached; None while none does, or it is still starting."""
        try:
            with (self.root / "lock").open(encoding="utf-8") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    told = lock.read().strip()
                    return told.removeprefix(_AT) if told.startswith(_AT) else None
        except OSError:
            return None
        return None  # what a process that is gone had told

    def tell_address(self, address: str) -> None:
        self.tell(f"{_AT}{address}")

    def tell(self, text: str) -> None:
        """What the next one who finds the lock taken is told."""
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(text)
        self._lock.flush()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def token(self) -> tuple[str, bool]:
        """The bearer token, made when there is none yet; and whether it was made just now."""
        file = self.root / "token"
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET_MODE)
        except FileExistsError:
            return self._stored_token(file)
        token = secrets.token_urlsafe(32)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(token)
        return token, True

    def _stored_token(self, file: Path) -> tuple[str, bool]:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise StorageUnavailable(
                f"Others on this machine can read the token in {file}.",
                hint=f"Delete {file}; the next start makes a new one.",
            )
        token = file.read_text(encoding="ascii").strip()
        if len(token) < 32:
            raise StorageUnavailable(f"{file} holds no token.", hint="Delete it; the next start makes a new one.")
        return token, False
