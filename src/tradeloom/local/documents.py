"""Documents of saved versions, read once: a version never changes."""

import asyncio
from functools import lru_cache
from typing import Final

from tradeloom.engine.stores import Blobs
from tradeloom.workflow.document import Workflow

KEPT: Final = 64


class Documents:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._kept = lru_cache(maxsize=KEPT)(self._read)

    async def of(self, version: str) -> Workflow:
        """Raises `NotFound` for a version whose artefact is gone."""
        return await asyncio.to_thread(self._kept, version)

    def _read(self, version: str) -> Workflow:
        return Workflow.model_validate(self._blobs.artefact(version)["document"])
