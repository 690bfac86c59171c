"""The doctor's look at one data directory: what it holds, who can read it, and whether it could be restored."""

import asyncio
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tradeloom.cli.findings import CheckFailed, Finding
from tradeloom.errors import StorageUnavailable
from tradeloom.local.backup.making import LAST
from tradeloom.local.home import Home
from tradeloom.local.settings import DEFAULT_PORT, Settings

BACKUP_DAYS: Final = 7
LARGE_BYTES: Final = 20 * 1024**3
CERTIFICATE_DAYS: Final = 14
SKEW_S: Final = 2.0
ZONES: Final = ("UTC", "Europe/Athens", "Europe/London", "America/New_York", "Asia/Tokyo", "Australia/Sydney")

Check = Callable[[], str | Finding]


class HomeChecks:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = Home(settings.home)

    def checks(self) -> dict[str, Check]:
        return {
            "port": self._port,
            "locks": self._locks,
            "keys": self._keys,
            "database": self._database,
            "certificates": self._certificates,
            "clock": self._clock,
            "time zones": time_zones,
            "workers": worker_starts,
            "backup": self._backup,
        }

    def _port(self) -> str | Finding:
        address = self._home.address()
        if address is not None:
            return f"Tradeloom answers at {address}"
        wanted = DEFAULT_PORT if self._settings.port is None else self._settings.port
        with closing(socket.socket(socket.AF_INET6 if ":" in self._settings.host else socket.AF_INET)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._settings.host, wanted))
            except OSError as error:
                told = f"{wanted} of {self._settings.host} is taken: {error.strerror or error}"
                if self._settings.port is None:
                    return Finding("port", "warning", told, "Any free one is used; set TRADELOOM_PORT to have one.")
                raise CheckFailed(told, "Stop what uses it, or set TRADELOOM_PORT to another; 0 is any.") from error
        return f"{wanted} of {self._settings.host} is free" if wanted else "any free one"

    def _locks(self) -> str | Finding:
        """What a broken-off start, stop, backup or restore left behind."""
        root = self._home.root
        if (root / "restoring").exists():
            raise CheckFailed(
                f"a restore into {root} was broken off",
                f"Delete {root} and restore again; what was there before is beside it ({root.name}.before-restore-…).",
            )
        left = [*root.parent.glob(f"{root.name}-backups/.*.partial-*")]
        left += root.parent.glob(f"{root.name}-backups/.tradeloom-backup-*")
        if left:
            told = f"{len(left)} parts of backups that were broken off"
            return Finding("locks", "warning", told, f"Delete {left[0]}" + (" and its like." if len(left) > 1 else "."))
        pid_file = self._home.postgres / "data" / "postmaster.pid"
        if pid_file.exists() and not _alive(pid_file) and self._home.address() is None:
            return Finding(
                "locks", "ok", "PostgreSQL was killed", "Nothing: the next start removes its lock and recovers."
            )
        return "none left behind"

    def _keys(self) -> str | Finding:
        key = self._settings.key_file or self._home.key_file
        for file, what in ((key, "the key of the credentials"), (self._home.root / "token", "the API's token")):
            if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise CheckFailed(f"others can read {what}: {file}", f"chmod 600 {file}")
        if key.exists():
            return f"{key}, for its owner only; a backup holds it with --with-keys only"
        return "none yet: the first credential makes it"

    def _database(self) -> str | Finding:
        from tradeloom.storage.postgres.migrations import migrations
        from tradeloom.storage.postgres.migrations.runner import applied_migrations, check
        from tradeloom.storage.postgres.server import PostgresServer

        if not self._has_database():
            return "none yet: the first start makes it"
        server = PostgresServer(self._home.postgres, url=self._settings.database_url or "")
        try:
            dsn = server.start()
        except StorageUnavailable as error:
            if self._settings.database_url:
                return Finding("database", "warning", "not looked at", "See PostgreSQL above.")
            raise CheckFailed(error.message, error.hint or "") from error
        try:
            applied, known = applied_migrations(dsn), {each.number: each for each in migrations()}
            check(applied, known)
            size, credentials = _figures(dsn, tables=bool(applied))
        finally:
            server.stop()
        stands = applied[-1].number if applied else 0
        told = f"migration {stands} of {max(known)}, {size / 1024**2:.0f} MB"
        key = self._settings.key_file or self._home.key_file
        if credentials and not key.exists():
            raise CheckFailed(
                f"{credentials} credentials, and no key to read them: {key} is missing",
                "Put its copy there, or enter the credentials again.",
            )
        if size > LARGE_BYTES:
            return Finding("database", "warning", told, "See what `tradeloom retention` would let go of.")
        if stands < max(known):
            return Finding("database", "ok", told, "The next start brings it forward; make a backup before.")
        return told

    def _certificates(self) -> str | Finding:
        from cryptography import x509

        folder = self._home.bridge / "certificates"
        ends: dict[str, datetime] = {}
        for path in sorted(folder.glob("*.pem")):
            try:
                ends[path.name] = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
            except (OSError, ValueError) as error:
                raise CheckFailed(
                    f"{path} cannot be read: {error}", f"Delete {folder}; the bridge makes new ones."
                ) from error
        if not ends:
            return "none yet: the bridge makes them when it first starts"
        name, end = min(ends.items(), key=lambda each: each[1])
        left = end - datetime.now(UTC)
        told = f"{name} is good for {left.days} days"
        if left < timedelta(0):
            raise CheckFailed(f"{name} ran out on {end:%Y-%m-%d}", "Restart Tradeloom: the bridge renews it.")
        if left < timedelta(days=CERTIFICATE_DAYS):
            return Finding("certificates", "warning", told, "Restart Tradeloom once: the bridge renews it.")
        return told

    def _clock(self) -> str | Finding:
        """Against the bridge's, which may be another machine's; and against what was written down last."""
        from tradeloom.errors import TradeloomError
        from tradeloom.trading.mt5_client import BridgeClient

        state = self._home.bridge / "bridge.json"
        if not state.exists() or self._home.address() is None:
            return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; no bridge runs to compare it with"
        client = BridgeClient(state)
        try:
            before = time.time()
            theirs = float(client.health()["time"])
            skew_s = theirs - (before + time.time()) / 2
        except (TradeloomError, KeyError, TypeError, ValueError) as error:
            raise CheckFailed(f"the bridge does not answer: {error}", f"See {self._home.bridge / 'logs'}.") from error
        finally:
            client.close()
        if abs(skew_s) > SKEW_S:
            told = f"{skew_s:+.1f} s between the bridge and here"
            return Finding("clock", "warning", told, "Let both machines keep time (NTP): deadlines go by it.")
        return f"within {max(abs(skew_s), 0.001):.3f} s of the bridge's"

    def _backup(self) -> str | Finding:
        if not self._has_database():
            return "nothing to back up yet"
        try:
            told = json.loads((self._home.root / LAST).read_text("utf-8"))
            made_at, file = datetime.fromisoformat(told["made_at"]), Path(told["file"])
        except (OSError, ValueError, KeyError, TypeError):
            return Finding("backup", "warning", "never", "Run `tradeloom backup`, and keep the file on another disk.")
        age = datetime.now(UTC) - made_at
        what = f"{file}, {age.days} days old"
        if age > timedelta(days=BACKUP_DAYS):
            return Finding("backup", "warning", what, "Run `tradeloom backup`, every day from cron.")
        return what if file.exists() else f"{what}; it is not there any more"

    def _has_database(self) -> bool:
        return bool(self._settings.database_url) or (self._home.postgres / "data" / "PG_VERSION").exists()


def time_zones() -> str:
    """Schedules go by the operating system's rules, or by the package's where it has none."""
    for name in ZONES:
        try:
            ZoneInfo(name)
        except ZoneInfoNotFoundError as error:
            raise CheckFailed(f"no data of {name}", "Install the package tzdata.") from error
    summer, winter = (datetime(2027, month, 1, tzinfo=ZoneInfo("America/New_York")).utcoffset() for month in (7, 1))
    if summer == winter:
        raise CheckFailed("New York has no summer time in 2027", "The time-zone data is damaged: install tzdata anew.")
    return f"tzdata {version('tzdata')}"


def worker_starts() -> str:
    from tradeloom.engine.errors import WorkersUnavailable
    from tradeloom.engine.workers.pool import WorkerPool
    from tradeloom.engine.workers.settings import WorkerSettings
    from tradeloom.local.places import functions_root

    async def started(folder: str) -> float:
        pool = WorkerPool(WorkerSettings(paths=(functions_root(),), blob_directory=Path(folder), least=1, most=1))
        begun = time.monotonic()
        try:
            await pool.start()
            return time.monotonic() - begun
        finally:
            await pool.close()

    with tempfile.TemporaryDirectory(prefix="tradeloom-doctor-") as folder:
        try:
            took_s = asyncio.run(started(folder))
        except WorkersUnavailable as error:
            raise CheckFailed(
                error.message, "See the log; memory or a limit on processes is the usual cause."
            ) from error
    return f"one started in {took_s:.1f} s"


def _figures(dsn: str, *, tables: bool) -> tuple[int, int]:
    """The database's bytes, and how many credentials are in it."""
    import psycopg

    with psycopg.connect(dsn, connect_timeout=5) as connection:
        size: Any = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        if not tables or connection.execute("SELECT to_regclass('credentials')").fetchone() == (None,):
            return int(size[0]), 0
        row: Any = connection.execute("SELECT count(*) FROM credentials").fetchone()
        return int(size[0]), int(row[0])


def _alive(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text("utf-8").split("\n", 1)[0]), 0)
    except (OSError, ValueError):
        return False
    return True
