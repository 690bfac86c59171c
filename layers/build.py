"""Builds the Lambda layers into `build/layers`, without Docker: `python -m layers.build [LAYER …] [--force]`.

Wheels come from the lock, hashes checked, for Lambda's platform whatever this machine is; bytecode is compiled with
unchecked hashes, because `/opt` is read-only and file times are not kept. The same recipe gives the same zip.
"""

import argparse
import compileall
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from py_compile import PycInvalidationMode

from layers.lock import LOCK, ROOT, Pin, closure, normalised, read_lock, requirements_of
from layers.recipes import (
    ALL,
    BUILT,
    CODE,
    MAX_UNZIPPED_BYTES,
    PACKAGE,
    PLATFORM,
    PYTHON,
    THIRD_PARTY,
    Marker,
    package_metadata,
    pins_of,
    recipe_digest,
    source_files,
)
from tradeloom.errors import InvalidInput, TradeloomError

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
TEST_FOLDER = "tests"
SOURCES = {".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx"}
"""What compiled modules were made from, and stubs: nothing reads them at run time."""
UNNEEDED_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json", "uv_build.json"}


class BuildFailed(InvalidInput):
    """A layer could not be built; nothing of it was kept."""


def build(layer: str, folder: Path = BUILT) -> Marker:
    """Build one layer and write its zip and marker. Raises `BuildFailed`, and keeps what stood there before."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON:
        raise BuildFailed(f"Bytecode for Lambda must be compiled by Python {PYTHON}, not {sys.version.split()[0]}.")
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "python"
        tree.mkdir()
        if layer == CODE:
            copy_package(tree)
        else:
            install(layer, tree)
            trim(tree)
        compile_tree(tree)
        unzipped = size(tree)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{layer}.zip.part"
        write_zip(tree, unfinished)
    digest = hashlib.sha256(unfinished.read_bytes()).hexdigest()
    marker = Marker(layer, recipe_digest(layer), digest, unfinished.stat().st_size, unzipped)
    unfinished.replace(Marker.zip(layer, folder))
    marker.write(folder)
    return marker


def copy_package(tree: Path) -> None:
    for path in source_files():
        target = tree / PACKAGE.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / path, target)
    metadata = tree / f"{PACKAGE.name}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(package_metadata())


def install(layer: str, tree: Path) -> None:
    """Install the layer's whole closure, so that nothing missing goes unseen, then take out what core brings."""
    wanted = closure(read_lock(LOCK.read_text()), requirements_of(THIRD_PARTY[layer]))
    run_uv(wanted.values(), tree)
    own = pins_of(layer)
    for distribution in list(distributions(path=[str(tree)])):
        if normalised(distribution.name) not in own:
            remove(distribution)
    found = {normalised(distribution.name) for distribution in distributions(path=[str(tree)])}
    if found != own.keys():
        raise BuildFailed(f"{layer} should hold {sorted(own)} and holds {sorted(found)}.")


def run_uv(pins: Iterable[Pin], tree: Path) -> None:
    requirements = tree.parent / "requirements.txt"
    requirements.write_text("\n".join(pin.text for pin in pins) + "\n")
    local = ROOT / ".tools" / "bin" / "uv"
    command: list[str] = [str(local) if local.exists() else "uv", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--target", str(tree), "--python-version", PYTHON, "--python-platform", PLATFORM]
    command += ["--only-binary", ":all:", "--no-compile-bytecode", "--link-mode", "copy", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildFailed(f"uv could not install the wheels:\n{done.stderr.strip()}")


def remove(distribution: Distribution) -> None:
    """Delete a distribution's files, and the folders that leaves empty."""
    for entry in distribution.files or ():
        path = Path(str(distribution.locate_file(entry)))
        path.unlink(missing_ok=True)
        parent = path.parent
        while parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent


def trim(tree: Path) -> None:
    """Leave out what never runs in Lambda, and metadata that differs from build to build."""
    shutil.rmtree(tree / "bin", ignore_errors=True)
    for path in sorted(tree.glob(f"*/**/{TEST_FOLDER}")):
        if path.exists():  # one inside another is gone already
            shutil.rmtree(path)
    for path in sorted(tree.rglob("*")):
        metadata = path.parent.name.endswith(".dist-info") and path.name in UNNEEDED_METADATA
        if path.is_file() and (metadata or path.suffix in SOURCES or path.name == ".lock"):
            path.unlink()


def compile_tree(tree: Path) -> None:
    done = compileall.compile_dir(
        tree,
        quiet=1,
        force=True,
        stripdir=str(tree),
        prependdir="/opt/python",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise BuildFailed("Some module does not compile.")


def size(tree: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())


def write_zip(tree: Path, target: Path) -> None:
    """A zip with `tree` at its root: entries sorted, one fixed time, one mode."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(tree.parent).as_posix(), ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def check_sizes(markers: Iterable[Marker]) -> int:
    """Bytes of all layers together, which the hungriest function carries. Raises `BuildFailed` past Lambda's limit."""
    total = sum(marker.unzipped_bytes for marker in markers)
    if total > MAX_UNZIPPED_BYTES:
        raise BuildFailed(f"The layers take {total:,} bytes unzipped; Lambda allows {MAX_UNZIPPED_BYTES:,}.")
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the Lambda layers into build/layers.")
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=f"which ({', '.join(ALL)}); all when none is named")
    parser.add_argument("--force", action="store_true", help="build even those that are up to date")
    options = parser.parse_args(arguments)
    unknown = set(options.layers) - set(ALL)
    if unknown:
        parser.error(f"no such layer: {', '.join(sorted(unknown))}")
    markers = []
    try:
        for layer in options.layers or ALL:
            marker = Marker.read(layer, BUILT)
            fresh = marker is not None and marker.recipe == recipe_digest(layer)
            if marker is None or not fresh or options.force:
                marker, fresh = build(layer), False
            markers.append(marker)
            done = "up to date" if fresh else "built"
            print(f"{layer:10} {marker.unzipped_bytes / 1e6:7.1f} MB {marker.zipped_bytes / 1e6:7.1f} MB zip  {done}")
        total = check_sizes(markers)
        print(f"{'together':10} {total / 1e6:7.1f} MB of {MAX_UNZIPPED_BYTES / 1e6:.1f} MB")
    except TradeloomError as error:
        print(f"{error.name}: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
