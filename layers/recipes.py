"""What each Lambda layer holds, and the digest that says whether a built one is still that.

Third-party layers are closures of the lock less what the core layer brings; the `tradeloom` layer is our own package.
A function takes `core` and `tradeloom`, and of the others what its node needs; `ml` stands on `quant`.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from layers.lock import LOCK, PROJECT, ROOT, Pin, closure, read_lock, requirements_of

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_34"
"""Lambda's Python 3.13 runs on Amazon Linux 2023, whose glibc is 2.34; numpy has no wheel for an older one any more."""

BUILT = ROOT / "build" / "layers"
PACKAGE = ROOT / "src" / "tradeloom"

RECIPE = 1
"""Raise when the way layers are built changes: it makes every built one stale."""

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit on a function with all its layers, unzipped."""

CORE = "core"
CODE = "tradeloom"
QUANT = "quant"
BROKER = "broker"
ML = "ml"
NETWORK = "network"
SENTIMENT = "sentiment"
DATABASE = "database"

THIRD_PARTY = {
    CORE: None,
    QUANT: "quant",
    BROKER: "broker",
    ML: "ml",
    NETWORK: "network",
    SENTIMENT: "sentiment",
    DATABASE: "database",
}
"""Layer → the extra of `pyproject.toml` it is made from; None is the project's own dependencies."""

BENEATH = {ML: (CORE, QUANT)}
"""Layers a layer is always carried with, so that it need not hold what they bring; the others stand on `core`."""

ALL = (CORE, CODE, QUANT, BROKER, ML, NETWORK, SENTIMENT, DATABASE)

LOCAL_ONLY = {"cli", "data", "engine", "local"}
"""Parts of the package that run on one machine only: the engine, the command line, the bundled sample bars."""


@cache
def pins_of(layer: str) -> dict[str, Pin]:
    """What a third-party layer holds: the closure of its extra, less that of the layers beneath it."""
    pins = read_lock(LOCK.read_text())
    beneath = () if layer == CORE else BENEATH.get(layer, (CORE,))
    brought = {name for under in beneath for name in closure(pins, requirements_of(THIRD_PARTY[under]))}
    extra = THIRD_PARTY[layer]
    return {name: pin for name, pin in closure(pins, requirements_of(extra)).items() if name not in brought}


def source_files() -> list[Path]:
    """Files of our package that go into the cloud, relative to it, sorted."""
    files = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file())
    ours = (path for path in files if path.parts[0].removesuffix(".py") not in LOCAL_ONLY)
    return sorted(path for path in ours if "__pycache__" not in path.parts)


def package_metadata() -> str:
    """Our package's METADATA, from which the API tells its version."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    return f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"


def recipe_digest(layer: str) -> str:
    """SHA-256 over everything a layer is built from: the same digest means the same layer."""
    digest = hashlib.sha256(json.dumps([RECIPE, PYTHON, PLATFORM, layer]).encode())
    if layer == CODE:
        digest.update(package_metadata().encode())
        for path in source_files():
            digest.update(path.as_posix().encode() + b"\0" + (PACKAGE / path).read_bytes() + b"\0")
    else:
        digest.update("\n".join(pin.text for pin in pins_of(layer).values()).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Marker:
    """What is written beside a built layer. Sizes are bytes; `sha256` is the zip's."""

    layer: str
    recipe: str
    sha256: str
    zipped_bytes: int
    unzipped_bytes: int

    @staticmethod
    def path(layer: str, folder: Path) -> Path:
        return folder / f"{layer}.json"

    @staticmethod
    def zip(layer: str, folder: Path) -> Path:
        return folder / f"{layer}.zip"

    def write(self, folder: Path) -> None:
        self.path(self.layer, folder).write_text(json.dumps(self.__dict__, indent=2) + "\n")

    @classmethod
    def read(cls, layer: str, folder: Path) -> "Marker | None":
        """None where the layer was never built there, or not to its end."""
        if not cls.path(layer, folder).is_file() or not cls.zip(layer, folder).is_file():
            return None
        return cls(**json.loads(cls.path(layer, folder).read_text()))
