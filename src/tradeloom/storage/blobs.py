"""Blobs as files: one file a blob, named by its sha256, written once, read from any process.

Putting one that is there renews its age. A clean-up deletes what is old and nobody names, one file at a time and alone:
whoever puts the same content at that moment either finds it young or writes it again.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tradeloom.errors import InvalidInput, NotFound, StorageUnavailable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class FileBlobs:
    """Files under `directory`: `blobs/ab/abcdef…` and, pointing at them, `artefacts/<version>`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = self._path(name)
        with self._lock(fcntl.LOCK_SH):
            if not _renew(path):
                _write_durably(path, content)
        return name

    def get(self, sha256: str) -> bytes:
        path = self._path(sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"There is no blob {sha256}.") from error
        except OSError as error:
            raise StorageUnavailable(f"The blob {sha256} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StorageUnavailable(
                f"The blob {sha256} is not what was stored.", hint=f"Restore {path} from a backup."
            )
        return content

    def put_artefact(self, version: str, artefact: dict[str, Any]) -> str:
        pointer = self._pointer(version)
        with self._lock(fcntl.LOCK_SH):
            if _renew(pointer) and _renew(self._path(name := pointer.read_text("ascii"))):
                return name
            name = self.put(json.dumps(artefact).encode("ascii"))
            _write_durably(pointer, name.encode("ascii"))
            return name

    def artefact(self, version: str) -> dict[str, Any]:
        try:
            name = self._pointer(version).read_text("ascii")
        except FileNotFoundError as error:
            raise NotFound(f"There is no artefact of version {version!r}.") from error
        value = json.loads(self.get(name))  # as it was put: the document's hash must come out the same
        if not isinstance(value, dict):
            raise StorageUnavailable(f"The artefact of version {version!r} is not an object.")
        return value

    def blobs(self) -> Iterator[tuple[str, float, int]]:
        """Every blob's name, age in seconds since it was last put, and bytes."""
        yield from self._aged(self.directory / "blobs", _SHA256)

    def artefacts(self) -> Iterator[tuple[str, float, int]]:
        """Every version that has an artefact here, with its age and bytes."""
        yield from self._aged(self.directory / "artefacts", _VERSION)

    def artefact_blob(self, version: str) -> str:
        """The blob a version's artefact is in; empty where there is none any more."""
        try:
            return self._pointer(version).read_text("ascii")
        except FileNotFoundError:
            return ""

    def delete_blob(self, sha256: str, older_than_s: float) -> bool:
        """Whether it was old enough and is gone."""
        return self._delete(self._path(sha256), older_than_s)

    def delete_artefact(self, version: str, older_than_s: float) -> bool:
        return self._delete(self._pointer(version), older_than_s)

    def _delete(self, path: Path, older_than_s: float) -> bool:
        with self._lock(fcntl.LOCK_EX):
            try:
                if time.time() - path.stat().st_mtime < older_than_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
            return True

    @staticmethod
    def _aged(folder: Path, name: re.Pattern[str]) -> Iterator[tuple[str, float, int]]:
        now = time.time()
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                if name.fullmatch(path.name) and path.is_file():
                    told = path.stat()
                    yield path.name, now - told.st_mtime, told.st_size

    @contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        """Shared by all who put, in all processes; one who deletes has it alone."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailable(f"{self.directory} cannot be written to: {error}") from error
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidInput(f"{sha256!r} is not a sha256 in hex.")
        return self.directory / "blobs" / sha256[:2] / sha256

    def _pointer(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise InvalidInput(f"{version!r} cannot name a version.")
        return self.directory / "artefacts" / version


def _renew(path: Path) -> bool:
    """Whether it is there, and young again."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageUnavailable(f"{path} cannot be written: {error}") from error
    return True


def _write_durably(path: Path, content: bytes) -> None:
    """All or nothing, and on disk when this returns: temporary file, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StorageUnavailable(f"{path} cannot be written: {error}", hint="Is the disk full?") from error


def sync_folder(folder: Path) -> None:
    """Have what was renamed or made in it on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
