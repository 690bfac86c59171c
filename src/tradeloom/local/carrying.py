"""Outputs as records carry them, for whoever makes or shows records outside a handler."""

from typing import Any, cast

from tradeloom.engine.stores import Blobs
from tradeloom.runtime.claims import check_in
from tradeloom.runtime.services import Services


class _BlobServices:
    """As much of `Services` as claims need."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def store_blob(self, content: bytes) -> str:
        return self._blobs.put(content)

    def load_blob(self, sha256: str) -> bytes:
        return self._blobs.get(sha256)


def blob_services(blobs: Blobs) -> Services:
    """Services for reading and writing claims, and for nothing else."""
    return cast(Services, _BlobServices(blobs))


def made_record(blobs: Blobs, output: Any, port: str = "main") -> dict[str, Any]:
    """The record of a node that gave this. Raises `OutputTooLarge`, `OutputNotUnicode`."""
    return {"state": "succeeded", "port": port, "output": check_in(output, blob_services(blobs))}
