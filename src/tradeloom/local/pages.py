"""The files of the web page, read once at start: nothing outside this list can be asked for."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from tradeloom.local.places import static_folder

_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True)
class Page:
    content: bytes
    media_type: str
    etag: str


def load_pages(folder: Path | None = None) -> dict[str, Page]:
    """`{address: file}`: `/` is index.html, everything else stands under `/static/`."""
    root = folder or static_folder()
    pages = {}
    for file in sorted(root.rglob("*")):
        if file.is_file():
            pages[f"/static/{file.relative_to(root).as_posix()}"] = _page(file)
    if "/static/index.html" in pages:
        pages["/"] = pages["/static/index.html"]
    if "/static/icon.svg" in pages:
        pages["/favicon.ico"] = pages["/static/icon.svg"]
    return pages


def _page(file: Path) -> Page:
    content = file.read_bytes()
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return Page(content, kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
