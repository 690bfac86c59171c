"""What a browser fetches before the editor stands, read from the built console."""

import gzip
import json
from pathlib import Path
from typing import Final

DIST: Final = Path(__file__).parents[2] / "web" / "dist"
MANIFEST: Final = DIST / ".vite" / "manifest.json"
ENTRIES: Final = ("index.html", "src/editor/Editor.tsx")


def gzipped_sizes() -> dict[str, int]:
    """Bytes over the wire of each script of `ENTRIES` and of all that these import at once."""
    manifest: dict[str, dict[str, object]] = json.loads(MANIFEST.read_text())
    files = (str(manifest[chunk]["file"]) for chunk in _imported_at_once(manifest))
    return {file: len(gzip.compress((DIST / file).read_bytes())) for file in files}


def _imported_at_once(manifest: dict[str, dict[str, object]]) -> set[str]:
    """The chunks, without what is fetched only when it is asked for."""
    found: set[str] = set()
    waiting = list(ENTRIES)
    while waiting:
        chunk = waiting.pop()
        if chunk not in found:
            found.add(chunk)
            imports = manifest[chunk].get("imports", [])
            assert isinstance(imports, list)
            waiting += imports
    return found
