"""`restore`: a data directory from a backup, after everything in that was found whole.

What happened after the backup is not in it: orders that were sent since then are in the broker's books, and the
restored executions and journals know nothing of them. So every account is halted until a person resumes it. What trades
and had not ended is stopped when the restored machine starts; what trades nothing goes on where it was.
"""

import asyncio
import json
import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from mt5_bridge.journal import Journal
from mt5_bridge.journal_sqlite import SqliteJournalStore
from tradeloom.engine.kill_wishes import KillWish
from tradeloom.errors import Conflict, NotFound, StorageUnavailable
from tradeloom.local.backup.archive import Manifest, Reader, reading
from tradeloom.local.home import Home
from tradeloom.local.places import bundled_bars
from tradeloom.local.settings import Settings
from tradeloom.local.storage import TENANT
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.dump import count_rows, require_empty, restore_dump
from tradeloom.storage.postgres.kill_wishes import PostgresKillWishes
from tradeloom.storage.postgres.migrations import migrate, migrations
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.storage.tenants.provisioning import make_role
from tradeloom.trading.risk import AccountState

log: Final = logging.getLogger(__name__)

BY: Final = "restore"
_JOURNAL: Final = "journal.sqlite3"


@dataclass
class Restored:
    """`aside` is where the directory that was there before is now; `notes` is what the person has to know."""

    home: Path
    manifest: Manifest
    aside: Path | None = None
    migrated: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def restore(settings: Settings, file: Path, *, replace: bool) -> Restored:
    """Raises `InvalidInput` for what is no backup, `BackupDamaged` naming the part, `Conflict` for a data directory
    that is in use or not empty, `StorageUnavailable` for a newer schema. What fails leaves what was there before."""
    with reading(file) as backup:
        _check_schema(backup.manifest)
        home = Home(settings.home)
        if settings.database_url:
            require_empty(settings.database_url)
        with _place_for(home, replace=replace) as aside:
            told = Restored(home.root, backup.manifest, aside)
            _restore_files(backup, home, settings, told)
            _restore_database(backup, home, settings, told)
    return told


def _check_schema(manifest: Manifest) -> None:
    known = {each.number: each.checksum for each in migrations()}
    for number, checksum in manifest.schema_checksums.items():
        if number not in known:
            raise StorageUnavailable(
                f"The backup was made by a newer release ({manifest.release}, migration {number}).",
                field="FILE",
                hint="Install that release, or a newer one, and restore with it. Nothing was changed.",
            )
        if known[number] != checksum:
            raise StorageUnavailable(
                f"The backup's migration {number} is not this release's.",
                field="FILE",
                hint=f"Restore it with the release that made it ({manifest.release}). Nothing was changed.",
            )


@contextmanager
def _place_for(home: Home, *, replace: bool) -> Iterator[Path | None]:
    """An empty directory to restore into, locked. What was there is kept aside, and comes back when this fails."""
    aside = _put_aside(home) if _is_used(home, replace=replace) else None
    home.open()
    try:
        home.begin_restoring()
        try:
            yield aside
            home.end_restoring()
        finally:
            home.close()
    except BaseException:
        shutil.rmtree(home.root, ignore_errors=True)
        if aside is not None:
            aside.rename(home.root)
        raise


def _is_used(home: Home, *, replace: bool) -> bool:
    if not home.root.exists() or not any(home.root.iterdir()):
        return False
    if not replace:
        raise Conflict(
            f"{home.root} is not empty.",
            field="--home",
            hint="Name another directory with --home, or say --replace: then what is there is kept aside.",
        )
    return True


def _put_aside(home: Home) -> Path:
    """Raises `AlreadyRunning`, or `Conflict` while somebody uses its database."""
    home.open()
    try:
        if (home.postgres / "data" / "postmaster.pid").exists():
            server = PostgresServer(home.postgres, url="")
            server.start()
            server.stop()
            if (home.postgres / "data" / "postmaster.pid").exists():
                raise Conflict(f"Another process uses the database in {home.root}.", hint="End it, then try again.")
        aside = home.root.with_name(f"{home.root.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        home.root.rename(aside)
    finally:
        home.close()
    return aside


def _restore_files(backup: Reader, home: Home, settings: Settings, told: Restored) -> None:
    for name in (*backup.names("blobs/"), *backup.names("bridge/"), *backup.names("terminals/")):
        backup.unpack(name, home.root / name)
    for name in backup.names("keys/certificates/"):
        backup.unpack(name, home.bridge / name.removeprefix("keys/"))
    if backup.has("keys/token"):
        backup.unpack("keys/token", home.root / "token")
    _restore_key(backup, settings.key_file or home.key_file, told)
    _find_bars(home, told)
    for journal in sorted((home.bridge / "accounts").glob(f"*/{_JOURNAL}")):
        _halt(journal, backup.manifest)


def _restore_key(backup: Reader, key: Path, told: Restored) -> None:
    if backup.has("keys/credentials.key"):
        content = backup.read("keys/credentials.key")
        if not key.exists():
            backup.unpack("keys/credentials.key", key)
        elif key.read_bytes() != content:
            aside = key.with_name(f"{key.name}.from-backup-{secrets.token_hex(4)}")
            backup.unpack("keys/credentials.key", aside)
            told.notes.append(
                f"{key} is another key than the backup's, and stays; the backup's is in {aside}. "
                "Put it in its place if the restored credentials cannot be read."
            )
    elif not key.exists() and backup.manifest.rows.get("public.credentials"):
        told.notes.append(
            f"{backup.manifest.rows['public.credentials']} credentials cannot be read without their key: put its copy "
            f"at {key}, or enter them again."
        )


def _find_bars(home: Home, told: Restored) -> None:
    """A paper terminal names its bars by their path, which may be another machine's."""
    for config in sorted(home.terminals.glob("*/paper.json")):
        document = json.loads(config.read_text(encoding="utf-8"))
        changed = False
        for symbol in document.get("symbols", []):
            path = Path(symbol["data"]["path"])
            if path.exists():
                continue
            with suppress(NotFound):
                if bundled_bars().name == path.name:
                    symbol["data"]["path"], changed = str(bundled_bars()), True
                    continue
            told.notes.append(f"The bars {path} of {symbol['name']} are not on this machine: copy them there.")
        if changed:
            config.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _halt(journal: Path, manifest: Manifest) -> None:
    """The gate is closed before a bridge first opens the journal."""
    store = SqliteJournalStore(journal)
    with closing(Journal(store)) as opened:
        with store.reading() as rows:
            trades = rows.account() is not None
        if trades:
            opened.set_state(AccountState.HALTED, reason=_reason(manifest), by=BY, clear=False)
        else:
            log.info("%s needs no halt: an account that never had limits lets nothing through", journal)


def _reason(manifest: Manifest) -> str:
    return (
        f"restored from a backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: what was sent after that is at the "
        "broker and not in the journal. Compare the positions and orders there, then resume"
    )


def _restore_database(backup: Reader, home: Home, settings: Settings, told: Restored) -> None:
    server = PostgresServer(home.postgres, url=settings.database_url or "")
    dsn = server.start()
    dump = home.root / "database.dump"
    try:
        asyncio.run(_make_roles(dsn, backup.json("roles.json")))
        backup.unpack("database.dump", dump)
        restore_dump(dsn, dump)
        _compare(dsn, backup.manifest)
        told.migrated = migrate(dsn)
        asyncio.run(_wish_halts(dsn, backup.manifest))
    finally:
        dump.unlink(missing_ok=True)
        server.stop()


async def _make_roles(dsn: str, roles: list[dict[str, str]]) -> None:
    """Before the dump, whose tables belong to them."""
    database = Database(dsn, pool_size=1)
    await database.open()
    try:
        for role in roles:
            async with database.connection() as connection:
                await make_role(connection, role["role"], role["password"])
    finally:
        await database.close()


def _compare(dsn: str, manifest: Manifest) -> None:
    with psycopg.connect(dsn) as connection:
        found = count_rows(connection)
    told = manifest.rows
    for table in sorted(found.keys() | told.keys()):
        if found.get(table) == told.get(table):
            continue
        raise StorageUnavailable(
            f"{table} has {found.get(table, 0)} rows after restoring, {told.get(table, 0)} when backed up.",
            field="database.dump",
            hint="Nothing was kept of the attempt.",
        )


async def _wish_halts(dsn: str, manifest: Manifest) -> None:
    """Said again where the machine keeps what a person asked for: it holds before any bridge answers, and reaches those
    whose journals are not in the backup."""
    database = Database(dsn, pool_size=1)
    await database.open()
    try:
        for account in manifest.accounts:
            wish = KillWish(
                tenant=TENANT,
                account=account,
                id=secrets.token_hex(16),
                mode="pause",
                reason=_reason(manifest),
                by=BY,
                wished_at=datetime.now(UTC),
            )
            await PostgresKillWishes(database).keep(wish)
    finally:
        await database.close()
