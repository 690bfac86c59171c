"""Blobs in memory."""

import hashlib
import json

from tradeloom.errors import NotFound


class MemoryBlobs:
    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._artefacts: dict[str, str] = {}

    def put(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self._blobs[name] = content
        return name

    def get(self, sha256: str) -> bytes:
        if sha256 not in self._blobs:
            raise NotFound(f"There is no blob {sha256}.")
        return self._blobs[sha256]

    def put_artefact(self, version: str, artefact: dict[str, object]) -> str:
        name = self.put(json.dumps(artefact).encode())
        return self._artefacts.setdefault(version, name)

    def artefact(self, version: str) -> dict[str, object]:
        if version not in self._artefacts:
            raise NotFound(f"There is no artefact of version {version!r}.")
        value = json.loads(self.get(self._artefacts[version]))
        assert isinstance(value, dict)
        return value
