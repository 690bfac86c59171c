"""Copies of SQLite files that others are writing: the bridge's journals, and the paper broker's books."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from tradeloom.errors import StorageUnavailable

_BUSY_S: Final = 1.0
_TRIES: Final = 50
_HEADER: Final = 32
"""Bytes of a write-ahead log's header: its salts change when the log begins anew."""


def copy_books(source: Path, target: Path) -> None:
    """What `source` held at one moment, as one file, checked. Raises `StorageUnavailable`."""
    try:
        try:
            _by_sqlite(source, target)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            _by_hand(source, target)
        _check(target)
    except (OSError, sqlite3.Error) as error:
        raise StorageUnavailable(
            f"{source} cannot be copied: {error}", hint="Stop Tradeloom and try again; a damaged file stays damaged."
        ) from error


def _by_sqlite(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=_BUSY_S)) as taken,
        closing(sqlite3.connect(target)) as copy,
    ):
        taken.execute("SELECT count(*) FROM sqlite_master")  # says when it is locked; a backup would wait for ever
        taken.backup(copy)


def _by_hand(source: Path, target: Path) -> None:
    """For a file whose process lets nobody else in, as a paper terminal does.

    The log holds every page that a checkpoint moves into the file, until it begins anew, and a commit is in it or is
    not. So the file, then the log, are together what one moment was, whatever was written meanwhile, as long as the
    log is the same one before and after.
    """
    log, copied = source.with_name(f"{source.name}-wal"), target.with_name(f"{target.name}-wal")
    for _ in range(_TRIES):
        before = _header(log)
        shutil.copyfile(source, target)
        if before is None:
            copied.unlink(missing_ok=True)
        else:
            try:
                shutil.copyfile(log, copied)
            except FileNotFoundError:
                continue
        if _header(log) == before:
            return
        time.sleep(0.02)
    raise StorageUnavailable(
        f"{source} changes too fast to be copied.", hint="Set the market's speed to 0, or stop it."
    )


def _header(log: Path) -> bytes | None:
    """None for no log, or one in which nothing is."""
    try:
        with log.open("rb") as file:
            return file.read(_HEADER) or None
    except FileNotFoundError:
        return None


def _check(target: Path) -> None:
    """Also brings what is in a copied log into the file, which is then alone."""
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        trouble = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if trouble != "ok":
            raise sqlite3.DatabaseError(trouble)
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copy.execute("PRAGMA journal_mode = DELETE")
    for suffix in ("-wal", "-shm"):
        target.with_name(f"{target.name}{suffix}").unlink(missing_ok=True)
