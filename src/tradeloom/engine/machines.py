"""Definitions as machines, the latest kept parsed."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidDefinition
from tradeloom.engine.interpreter.definition import Machine
from tradeloom.engine.interpreter.reading import read
from tradeloom.engine.stores import Blobs

KEPT: Final = 256


class Machines:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._known: OrderedDict[str, Machine] = OrderedDict()

    async def of(self, definition: Mapping[str, Any] | str) -> tuple[str, Machine]:
        """A definition's sha256 and its machine; kept as a blob first, so that a resume finds it.

        Raises `InvalidDefinition`, `NotFound`, `StorageUnavailable`.
        """
        if isinstance(definition, str):
            digest, content = definition, None
        else:
            content = codec.dumps(dict(definition)).encode("ascii")
            digest = hashlib.sha256(content).hexdigest()
        machine = self._known.get(digest)
        if machine is not None:
            self._known.move_to_end(digest)
            return digest, machine
        if content is None:
            content = await asyncio.to_thread(self._blobs.get, digest)
        else:
            await asyncio.to_thread(self._blobs.put, content)
        value = codec.loads(content)
        if not isinstance(value, dict):
            raise InvalidDefinition("a state machine is an object")
        machine = self._known[digest] = read(value)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return digest, machine
