"""`make_backup`: one file with everything of a data directory, while Tradeloom runs on it or not.

In this order, so that each part knows at least what those before it name: the database, the blobs, the bridge's
journals, the paper broker's books.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psycopg

from tradeloom.errors import InvalidInput, StorageUnavailable
from tradeloom.local.backup.archive import FORMAT, Manifest, Writer, writing
from tradeloom.local.backup.books import copy_books
from tradeloom.local.home import Home
from tradeloom.local.settings import Settings
from tradeloom.storage.postgres.dump import dumping
from tradeloom.storage.postgres.migrations import applied_migrations
from tradeloom.storage.postgres.server import PostgresServer

LAST: Final = "last-backup.json"
"""In the data directory: when the last one was made, and where it is."""
_BOOKS: Final = ("journal.sqlite3", "guards.sqlite3", "flattens.sqlite3", "scripts.sqlite3")
_TERMINAL: Final = ("paper.json", "session")
_TERMINALS_BOOKS: Final = "paper.db"
_KEYS: Final = ("certificates",)

NO_KEY: Final = (
    "the key of the credentials ({file}): without it nobody, you included, can read the credentials in this backup, "
    "and they have to be entered again. Keep a copy of it elsewhere, or use --with-keys"
)
NO_CERTIFICATES: Final = "the bridge's certificates and the API token: a restored machine makes new ones"


@dataclass(frozen=True)
class Made:
    file: Path
    manifest: Manifest


def make_backup(settings: Settings, file: Path | None, *, with_keys: bool) -> Made:
    """Raises `InvalidInput` where there is nothing to back up, `Conflict` for a file that is there,
    `StorageUnavailable`."""
    home = Home(settings.home)
    if not home.postgres.exists() and not settings.database_url:
        raise InvalidInput(
            f"There is nothing to back up in {home.root}.", field="TRADELOOM_HOME", hint="Name the data directory."
        )
    target = (file or _usual_file(home)).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageUnavailable(f"{target.parent} cannot be made: {error.strerror}.", field="FILE") from error
    server = PostgresServer(home.postgres, url=settings.database_url or "")
    dsn = server.start()
    try:
        with writing(target) as archive, _staging(target.parent) as stage:
            manifest = _fill(archive, stage, home, settings, dsn, with_keys=with_keys)
    finally:
        server.stop()
    _remember(home, target, manifest)
    return Made(target, manifest)


def _usual_file(home: Home) -> Path:
    """Beside the data directory: what is inside is gone with it."""
    folder = home.root.with_name(f"{home.root.name}-backups")
    return folder / f"{home.root.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip"


def _staging(folder: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=".tradeloom-backup-", dir=folder)


def _fill(archive: Writer, stage: str, home: Home, settings: Settings, dsn: str, *, with_keys: bool) -> Manifest:
    made_at = datetime.now(UTC)
    applied = applied_migrations(dsn)
    if not applied:
        raise InvalidInput("The database is empty: there is nothing to back up.", field="TRADELOOM_HOME")
    dump = Path(stage) / "database.dump"
    with dumping(dsn, dump) as dumped:
        archive.add_file("database.dump", dump, compress=False)
        dump.unlink()
        _add_blobs(archive, home)
    archive.add_bytes("roles.json", json.dumps([dict(role) for role in dumped.roles]).encode())
    accounts = _add_bridge(archive, home, Path(stage))
    _add_terminals(archive, home, Path(stage))
    archive.add_bytes("settings.json", json.dumps(_settings(settings), indent=1).encode())
    without = _add_keys(archive, home, settings) if with_keys else _left_out(home, settings)
    manifest = Manifest(
        format=FORMAT,
        made_at=made_at,
        release=version("tradeloom"),
        schema_number=applied[-1].number,
        schema_checksums={each.number: each.checksum for each in applied},
        server_version=dumped.server_version,
        home=str(home.root),
        rows=dict(dumped.rows),
        accounts=sorted(accounts | _named_accounts(dsn)),
        without=without,
        parts=archive.parts,
    )
    archive.finish(manifest)
    return manifest


def _named_accounts(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT account FROM workflow_versions UNION SELECT account FROM executions"
        ).fetchall()
    return {account for (account,) in rows}


def _add_blobs(archive: Writer, home: Home) -> None:
    for path in _files(home.blobs):
        archive.add_file(f"blobs/{path.relative_to(home.blobs)}", path)


def _files(folder: Path) -> Iterator[Path]:
    """Those that are whole: what is being written begins with a dot."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lock" and not path.name.startswith("."):
            yield path


def _add_bridge(archive: Writer, home: Home, stage: Path) -> set[str]:
    """The accounts whose books it found."""
    found = set()
    for folder in sorted((home.bridge / "accounts").glob("*")):
        for name in _BOOKS:
            if (folder / name).exists():
                _add_books(archive, f"bridge/accounts/{folder.name}/{name}", folder / name, stage)
                found.add(folder.name)
    config = home.bridge / "config.json"
    if config.exists():
        archive.add_file("bridge/config.json", config)
    return found


def _add_terminals(archive: Writer, home: Home, stage: Path) -> None:
    for folder in sorted(home.terminals.glob("*")):
        for name in _TERMINAL:
            if (folder / name).exists():
                archive.add_file(f"terminals/{folder.name}/{name}", folder / name)
        if (folder / _TERMINALS_BOOKS).exists():
            _add_books(archive, f"terminals/{folder.name}/{_TERMINALS_BOOKS}", folder / _TERMINALS_BOOKS, stage)


def _add_books(archive: Writer, name: str, path: Path, stage: Path) -> None:
    copy = stage / "books"
    copy_books(path, copy)
    archive.add_file(name, copy)
    copy.unlink()


def _settings(settings: Settings) -> dict[str, object]:
    """What the environment said, for the person who restores. A database's address holds a password."""
    told = settings.model_dump(mode="json", exclude={"database_url"}, exclude_defaults=True)
    return told | {"home": str(settings.home), "database_of_its_own": not settings.database_url}


def _key_file(home: Home, settings: Settings) -> Path:
    return settings.key_file or home.key_file


def _left_out(home: Home, settings: Settings) -> list[str]:
    key = _key_file(home, settings)
    return [*([NO_KEY.format(file=key)] if key.exists() else []), NO_CERTIFICATES]


def _add_keys(archive: Writer, home: Home, settings: Settings) -> list[str]:
    key, token = _key_file(home, settings), home.root / "token"
    if key.exists():
        archive.add_file("keys/credentials.key", key)
    if token.exists():
        archive.add_file("keys/token", token)
    for folder in _KEYS:
        for path in _files(home.bridge / folder):
            archive.add_file(f"keys/{folder}/{path.relative_to(home.bridge / folder)}", path)
    return []


def _remember(home: Home, target: Path, manifest: Manifest) -> None:
    told = {"made_at": manifest.made_at.isoformat(), "file": str(target)}
    new = home.root / f".{LAST}"
    new.write_text(json.dumps(told), encoding="utf-8")
    new.replace(home.root / LAST)
