"""The file of a backup: a zip whose last entries are the manifest and its checksum.

Parts are named `database.dump`, `roles.json`, `settings.json`, `blobs/…`, `bridge/…`, `terminals/…` and, when asked
for, `keys/…`. The manifest holds the sha256 of each: a reader knows all of them whole before it touches anything.
"""

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tradeloom.errors import Conflict, InvalidInput, StorageUnavailable
from tradeloom.storage.blobs import sync_folder

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
CHECKSUM: Final = "manifest.sha256"
_BLOCK: Final = 1 << 20


class BackupDamaged(InvalidInput):
    """A backup that is not what was written. `field` names the part."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int


class Manifest(BaseModel):
    """What a backup holds, made when and by what. `rows` counts by `schema.table`; `accounts` are those whose books are
    in it or that its workflows name; `without` says what was left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    made_at: AwareDatetime
    release: str
    schema_number: int
    schema_checksums: dict[int, str]
    server_version: str
    home: str
    rows: dict[str, int]
    accounts: list[str]
    without: list[str]
    parts: dict[str, Part]


class Writer:
    """Parts of a backup that is being made."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: dict[str, Part] = {}

    def add_file(self, name: str, path: Path, *, compress: bool = True) -> None:
        digest, size = hashlib.sha256(), 0
        kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with path.open("rb") as source, self._entry(name, kind) as target:
            while block := source.read(_BLOCK):
                digest.update(block)
                size += len(block)
                target.write(block)
        self.parts[name] = Part(sha256=digest.hexdigest(), size=size)

    def add_bytes(self, name: str, content: bytes) -> None:
        with self._entry(name, zipfile.ZIP_DEFLATED) as target:
            target.write(content)
        self.parts[name] = Part(sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def finish(self, manifest: Manifest) -> None:
        text = manifest.model_dump_json(indent=1).encode()
        self.add_bytes(MANIFEST, text)
        self.add_bytes(CHECKSUM, hashlib.sha256(text).hexdigest().encode())

    def _entry(self, name: str, kind: int) -> IO[bytes]:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = kind
        entry.external_attr = 0o600 << 16
        return self._archive.open(entry, "w", force_zip64=True)


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    """A backup under its name once it is whole and on the disk, readable by its owner only; nothing when it fails.

    Raises `Conflict` when the file is there, `StorageUnavailable` when it cannot be written.
    """
    if file.exists():
        raise Conflict(f"{file} is there already.", field="FILE", hint="Name another file, or move that one away.")
    partial = file.with_name(f".{file.name}.partial-{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                yield Writer(archive)
            raw.flush()
            os.fsync(raw.fileno())
        partial.rename(file)
        sync_folder(file.parent)
    except OSError as error:
        raise StorageUnavailable(
            f"The backup {file} cannot be written: {error.strerror or error}.",
            field="FILE",
            hint="Free some space, or name a place that can be written to. Nothing was left behind.",
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()


class Reader:
    """A backup that was verified whole."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.manifest.parts if name.startswith(prefix))

    def has(self, name: str) -> bool:
        return name in self.manifest.parts

    def read(self, name: str) -> bytes:
        return self._archive.read(name)

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))

    def unpack(self, name: str, path: Path) -> None:
        """Readable by its owner only."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with self._archive.open(name) as source, os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(source, target, _BLOCK)
            target.flush()
            os.fsync(target.fileno())


@contextmanager
def reading(file: Path) -> Iterator[Reader]:
    """Every part is compared with the manifest before this yields. Raises `InvalidInput` for what is no backup,
    `BackupDamaged` naming the part for one that was changed, cut or added to."""
    try:
        archive = zipfile.ZipFile(file)
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {file}.", field="FILE") from error
    except zipfile.BadZipFile as error:
        raise BackupDamaged(f"{file} is no backup, or was cut off.", field="FILE", hint=_OTHER) from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}.", field="FILE") from error
    with archive:
        manifest = _manifest(archive, file)
        _verify(archive, manifest)
        yield Reader(archive, manifest)


_OTHER: Final = "Nothing was changed. Take another backup."


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    names = archive.namelist()
    if MANIFEST not in names or CHECKSUM not in names:
        raise BackupDamaged(f"{file} is no backup of Tradeloom's, or was cut off.", field="FILE", hint=_OTHER)
    try:
        text, told = archive.read(MANIFEST), archive.read(CHECKSUM).decode("ascii", "replace")
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise BackupDamaged("The backup's manifest is damaged.", field=MANIFEST, hint=_OTHER) from error
    if hashlib.sha256(text).hexdigest() != told:
        raise BackupDamaged("The backup's manifest is not what was written.", field=MANIFEST, hint=_OTHER)
    written = json.loads(text).get("format")
    if written != FORMAT:
        raise InvalidInput(
            f"The backup has format {written}; this release reads {FORMAT}.",
            field=MANIFEST,
            hint="Restore it with a newer release.",
        )
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BackupDamaged("The backup's manifest cannot be understood.", field=MANIFEST, hint=_OTHER) from error


def _verify(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    known = {*manifest.parts, MANIFEST, CHECKSUM}
    for name, times in Counter(archive.namelist()).items():
        if times > 1 or name not in known:
            raise BackupDamaged(f"{name} does not belong into the backup.", field=name, hint=_OTHER)
    for name, part in manifest.parts.items():
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise BackupDamaged(f"{name!r} is no name of a part.", field=name, hint=_OTHER)
        if not _is_whole(archive, name, part):
            raise BackupDamaged(f"{name} is not what was written.", field=name, hint=_OTHER)


def _is_whole(archive: zipfile.ZipFile, name: str, part: Part) -> bool:
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as source:
            while block := source.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except (KeyError, zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, zlib.error):
        return False
    return (size, digest.hexdigest()) == (part.size, part.sha256)
