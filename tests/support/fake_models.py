"""A model store in memory, over the fake variables: the real store, with its files in a dict."""

import hashlib
from dataclasses import dataclass, field

from tradeloom.errors import NotFound


@dataclass
class FakeFiles:
    kept: dict[str, bytes] = field(default_factory=dict)

    def store_blob(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.kept[name] = content
        return name

    def load_blob(self, sha256: str) -> bytes:
        if sha256 not in self.kept:
            raise NotFound(f"There is no blob {sha256}.")
        return self.kept[sha256]
