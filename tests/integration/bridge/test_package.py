"""The bridge as it is installed on another machine: from wheels, into an environment that has nothing of this copy."""

import json
import os
import re
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.integration.bridge.rig import Rig
from tradeloom.trading.intents import OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "mt5_bridge"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return {path.name.partition("-")[0]: path for path in out.glob("*.whl")}


@pytest.fixture(scope="module")
def python(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the two wheels and, beside them, the packages they depend on."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = (home / "lib").glob("python*/site-packages")
    for wheel in wheels.values():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    # Added as a mere path: the links to this copy of the sources that lie in there have no effect.
    (packages / "dependencies.pth").write_text(site.getsitepackages()[0] + "\n")
    return home / "bin" / "python"


def run(python: Path, code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-P", "-c", code], cwd="/", env=environment, check=True, capture_output=True, text=True, timeout=100
    )
    return done.stdout


def test_it_runs_from_its_wheels(python: Path, tmp_path: Path) -> None:
    where = run(python, "import mt5_bridge, tradeloom; print(mt5_bridge.__file__); print(tradeloom.__file__)")
    assert [str(python.parents[1]) in line for line in where.splitlines()] == [True, True]
    rig = Rig(tmp_path)
    process = subprocess.Popen(
        [python, "-P", "-m", "mt5_bridge", "--config", str(rig.config), "--stop-with-input"],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("ready on port")
        client = BridgeClient(rig.bridge.state_file)
        assert client.account("paper").send(rig.buy()).status is OutcomeStatus.DONE
        assert client.health()["version"] == distribution("tradeloom-mt5-bridge").version
        client.close()
    finally:
        process.communicate(timeout=60)
    assert process.returncode == 0
    rig.client.close()


def test_the_command_is_registered(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["tradeloom_mt5_bridge"]) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
        assert "tradeloom-bridge = mt5_bridge.__main__:main" in wheel.read(name).decode()


IMPORTS = """
import importlib, importlib.metadata, json, pkgutil, sys
import mt5_bridge
for module in pkgutil.walk_packages(mt5_bridge.__path__, "mt5_bridge."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
known = importlib.metadata.packages_distributions()
print(json.dumps(sorted({name for top in {m.partition(".")[0] for m in sys.modules} for name in known.get(top, [])})))
"""


def test_its_dependencies_are_declared(python: Path, wheels: dict[str, Path]) -> None:
    """Whatever its modules import belongs to a package that pip brings along."""
    imported = {_normal(name) for name in json.loads(run(python, IMPORTS))}
    declared = set(_brought_along("tradeloom-mt5-bridge", wheels))
    assert imported - declared == set()
    assert {"rpyc", "cryptography", "numpy", "pydantic"} <= declared
    needs = dict(_requirements(wheels["tradeloom_mt5_bridge"]))
    assert needs["metatrader5"].marker is not None
    assert needs["metatrader5"].marker.evaluate({"sys_platform": "win32"})
    assert not needs["metatrader5"].marker.evaluate({"sys_platform": "linux"})


def _brought_along(name: str, wheels: dict[str, Path]) -> Iterator[str]:
    """The package and all it requires here, and what those require."""
    waiting, seen = [_normal(name)], set()
    while waiting:
        package = waiting.pop()
        if package in seen:
            continue
        seen.add(package)
        yield package
        wheel = wheels.get(package.replace("-", "_"))
        found = _requirements(wheel) if wheel else _installed(package)
        waiting += [each for each, needed in found if needed.marker is None or needed.marker.evaluate({"extra": ""})]


def _requirements(wheel: Path) -> list[tuple[str, Requirement]]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode().splitlines()
    return _named(line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: "))


def _installed(package: str) -> list[tuple[str, Requirement]]:
    return _named(iter(distribution(package).requires or ()))


def _named(lines: Iterator[str]) -> list[tuple[str, Requirement]]:
    return [(_normal(needed.name), needed) for needed in map(Requirement, lines)]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
