"""Blobs as files: one file a blob, named by its sha256, written once, read from any process."""

import hashlib
import json
import os
import re
import secrets
from contextlib import suppress
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
        if not path.exists():
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
        if not pointer.exists():
            name = self.put(json.dumps(artefact).encode("ascii"))
            _write_durably(pointer, name.encode("ascii"))
        return pointer.read_text("ascii")

    def artefact(self, version: str) -> dict[str, Any]:
        try:
            name = self._pointer(version).read_text("ascii")
        except FileNotFoundError as error:
            raise NotFound(f"There is no artefact of version {version!r}.") from error
        value = json.loads(self.get(name))  # as it was put: the document's hash must come out the same
        if not isinstance(value, dict):
            raise StorageUnavailable(f"The artefact of version {version!r} is not an object.")
        return value

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidInput(f"{sha256!r} is not a sha256 in hex.")
        return self.directory / "blobs" / sha256[:2] / sha256

    def _pointer(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise InvalidInput(f"{version!r} cannot name a version.")
        return self.directory / "artefacts" / version


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
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StorageUnavailable(f"{path} cannot be written: {error}", hint="Is the disk full?") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
