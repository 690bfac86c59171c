"""The console's files, read once at start: nothing outside this list can be asked for."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from tradeloom.local.places import console_folder

_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webm": "video/webm", ".webp": "image/webp"}
_NONCE = b"__CSP_NONCE__"
_NOT_BUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tradeloom</title>
<h1>The console is not built here</h1>
<p>Run <code>make console</code> in the repository and start Tradeloom again. The command line does without:
<code>tradeloom --help</code>.</p>
</html>
"""


@dataclass(frozen=True)
class Page:
    """`kept` says that a file of this name never changes: its name holds its hash."""

    content: bytes
    media_type: str
    etag: str
    kept: bool = False

    @property
    def takes_nonce(self) -> bool:
        """Whether each answer holds a number of its own, by which the page may add style elements."""
        return _NONCE in self.content

    def with_nonce(self, nonce: str) -> bytes:
        return self.content.replace(_NONCE, nonce.encode())


def load_pages(folder: Path | None = None) -> dict[str, Page]:
    """`{address: file}`: `/` is index.html, everything else stands under `/static/`."""
    root = folder or console_folder()
    if root is None or not (root / "index.html").is_file():
        return {"/": _page(Path("index.html"), _NOT_BUILT)}
    pages = {}
    for file in sorted(root.rglob("*")):
        if file.is_file() and not file.relative_to(root).as_posix().startswith("."):
            name = file.relative_to(root).as_posix()
            pages[f"/static/{name}"] = _page(file, file.read_bytes(), kept=name.startswith("assets/"))
    pages["/"] = pages.pop("/static/index.html")
    if "/static/icon.svg" in pages:
        pages["/favicon.ico"] = pages["/static/icon.svg"]
    return pages


def _page(file: Path, content: bytes, *, kept: bool = False) -> Page:
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return Page(content, kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"', kept)
