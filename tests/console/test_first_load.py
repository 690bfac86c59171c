"""What a browser fetches before the editor stands: all script that is imported at once, as it goes over the wire."""

import gzip
import json
from pathlib import Path

import pytest

DIST = Path(__file__).parents[2] / "web" / "dist"
MANIFEST = DIST / ".vite" / "manifest.json"
LIMIT_BYTES = 250_000
ENTRIES = ("index.html", "src/editor/Editor.tsx")


def imported_at_once(manifest: dict[str, dict[str, object]]) -> set[str]:
    """The chunks of `ENTRIES` and all that these import, not what is fetched when it is asked for."""
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


@pytest.mark.skipif(not MANIFEST.exists(), reason="no console here: make console")
def test_the_editor_is_there_with_little_script() -> None:
    manifest = json.loads(MANIFEST.read_text())
    sizes = {
        file: len(gzip.compress((DIST / file).read_bytes()))
        for file in (str(manifest[chunk]["file"]) for chunk in imported_at_once(manifest))
    }
    largest = sorted(sizes.items(), key=lambda each: -each[1])[:8]
    assert sum(sizes.values()) < LIMIT_BYTES, f"{sum(sizes.values())} bytes gzipped; the largest: {largest}"
