"""A worker's connection as a tenant's role: opened on first use, time-bounded, with errors in our own words."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Connection, RawCursor, errors
from psycopg.abc import Buffer
from psycopg.types.json import JsonLoader
from psycopg.types.string import TextLoader

from tradeloom.errors import (
    QueryFailed,
    QueryRefused,
    QueryTimeout,
    ResultTooLarge,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.nodes.tenant_database import MAX_RESULT_BYTES

CONNECT_TIMEOUT_S: Final = 5
CANCEL_AFTER_S: Final = 0.2
"""How long after the server's own time-out it is asked once more to stop."""
GIVE_UP_AFTER_S: Final = 0.4
"""How long after that the connection is cut, whatever the server does."""
WRITE_TIMEOUT_S: Final = 5.0

# Whatever parses or prints differently under another setting is set here, not left to the server's configuration.
_SESSION: Final[Mapping[str, str]] = {
    "standard_conforming_strings": "on",
    "backslash_quote": "off",
    "transform_null_equals": "off",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "default_transaction_isolation": "read committed",
    "from_collapse_limit": "8",
    "join_collapse_limit": "8",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}

Access = Callable[[bool], Mapping[str, Any]]
"""Answers `{conninfo, schema}` of the tenant's role; told True, it sets the role's password again first."""


class _BoundedJsonLoader(JsonLoader):
    """Refuses a value before it is parsed: one aggregate may be a hundred megabytes, which takes Python seconds."""

    def load(self, data: Buffer) -> Any:
        if len(data) > MAX_RESULT_BYTES:
            raise ResultTooLarge(
                f"One value of the result has {len(data):,} bytes; {MAX_RESULT_BYTES:,} are the most.",
                hint="Take fewer rows or columns.",
            )
        return super().load(data)


class TenantConnection:
    """One tenant's connection in this process. Not for several threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._connection: Connection[Any] | None = None
        self.schema = ""

    @contextmanager
    def transaction(self, *, read_only: bool, seconds: float, keep: bool = True) -> Iterator[Connection[Any]]:
        """A transaction of our own making, rolled back unless it is to be kept and came to its end.

        Each statement has `seconds` on the server; the whole has little more, then the connection is cut. Raises
        `QueryTimeout` and the other errors of this module instead of psycopg's.
        """
        connection = self._alive()
        try:
            with _told(seconds, read_only=read_only), _Deadline(connection, seconds):
                mode: LiteralString = "READ ONLY" if read_only else "READ WRITE"
                connection.execute("BEGIN " + mode)
                connection.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
                yield connection
                connection.execute("COMMIT" if keep and not read_only else "ROLLBACK")
        except BaseException:
            self._settle(connection)
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _alive(self) -> Connection[Any]:
        if self._connection is not None:
            if not self._connection.closed and self._answers(self._connection):
                return self._connection
            self.close()
        self._connection = self._connect()
        return self._connection

    def _answers(self, connection: Connection[Any]) -> bool:
        """Whether the server is still there: it may have been started anew since the last task."""
        try:
            connection.execute("")
        except psycopg.Error:
            return False
        return True

    def _connect(self) -> Connection[Any]:
        try:
            return self._log_in(renew=False)
        except (errors.InvalidPassword, errors.InvalidAuthorizationSpecification):
            pass
        except psycopg.OperationalError as error:
            # Before a session stands, libpq tells no SQLSTATE.
            if "authentication failed" not in str(error):
                raise _unavailable(error) from error
        try:
            return self._log_in(renew=True)
        except psycopg.Error as error:
            raise _unavailable(error) from error

    def _log_in(self, *, renew: bool) -> Connection[Any]:
        told = self._access(renew)
        self.schema = str(told["schema"])
        session = {**_SESSION, "search_path": f"pg_catalog,{self.schema}"}
        connection: Connection[Any] = psycopg.connect(
            str(told["conninfo"]),
            autocommit=True,
            prepare_threshold=None,
            cursor_factory=RawCursor,
            connect_timeout=CONNECT_TIMEOUT_S,
            options=" ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in session.items()),
        )
        # Python's own type forgets months.
        connection.adapters.register_loader("interval", TextLoader)
        for kind in ("json", "jsonb"):
            connection.adapters.register_loader(kind, _BoundedJsonLoader)
        return connection

    def _settle(self, connection: Connection[Any]) -> None:
        """Go on with the connection if it can be brought to rest, or let it go."""
        if not connection.closed and connection.info.transaction_status in {
            psycopg.pq.TransactionStatus.INTRANS,
            psycopg.pq.TransactionStatus.INERROR,
        }:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
        if connection.closed or connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
            self.close()


class _Deadline:
    """Ends what runs on a connection when its time is over: by a cancel, and by cutting the connection at last.

    The server's own time-out comes first; this is for the statement that does not look at its watch.
    """

    def __init__(self, connection: Connection[Any], seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep, name="deadline", daemon=True)
        self._fired = False

    def __enter__(self) -> None:
        self._watch.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._over.set()
        self._watch.join()
        if not self._fired:
            return
        # The cancel may still be on its way, and must not meet the next task's statement.
        self._connection.close()
        if isinstance(error, psycopg.Error):
            raise errors.QueryCanceled("cut off") from error

    def _keep(self) -> None:
        if self._over.wait(self._seconds + CANCEL_AFTER_S):
            return
        self._fired = True
        with suppress(psycopg.Error, OSError):
            self._connection.cancel_safe(timeout=GIVE_UP_AFTER_S)
        if self._over.wait(GIVE_UP_AFTER_S):
            return
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)


@contextmanager
def _told(seconds: float, *, read_only: bool) -> Iterator[None]:
    """PostgreSQL's complaints as errors of ours. A write that took too long may be tried again: its effect is one."""
    try:
        yield
    except TradeloomError:
        raise
    except (errors.QueryCanceled, errors.TransactionTimeout, errors.IdleInTransactionSessionTimeout) as error:
        if not read_only:
            raise StorageUnavailable(f"The database did not take the row within {seconds:g} seconds.") from error
        raise QueryTimeout(
            f"The query took longer than {seconds:g} seconds.",
            hint="Narrow it down with WHERE, read fewer rows, or give it more time.",
        ) from error
    except (errors.ConfigurationLimitExceeded, errors.OutOfMemory, errors.ProgramLimitExceeded) as error:
        raise ResultTooLarge(
            f"The query needs more room than it may have: {first_line(error)}",
            hint="Narrow it down with WHERE, or take fewer rows and columns.",
        ) from error
    except (errors.DiskFull, errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure) as error:
        raise StorageUnavailable(f"The database is busy or full: {first_line(error)}") from error
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise QueryRefused(f"PostgreSQL does not allow it: {first_line(error)}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _unavailable(error) from error
    except (psycopg.Error, UnicodeError) as error:
        raise QueryFailed(f"PostgreSQL cannot answer: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """PostgreSQL's message without the excerpt and the caret below it."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    lines = (primary or str(error)).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


def _unavailable(error: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"The database is not available: {first_line(error)}")
