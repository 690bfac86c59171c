"""Reads the lock: which distributions a layer holds, with everything they need.

`requirements/lock.txt` is the only list of versions. Its `# via` comments say who needs whom, so a layer is the
closure of the requirements that `pyproject.toml` names for it.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tradeloom.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
PROJECT = ROOT / "pyproject.toml"

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==")
_VIA = re.compile(r"^    # +(?:via\s+)?([A-Za-z0-9][A-Za-z0-9._-]*)$")


class BrokenLock(InvalidInput):
    """The lock lacks something that `pyproject.toml` asks for."""


@dataclass(frozen=True)
class Pin:
    """One distribution of the lock. `text` is its lines as they stand there, hashes included."""

    name: str
    text: str
    needed_by: frozenset[str]


def normalised(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> dict[str, Pin]:
    """`{normalised name: Pin}` of a hash-locked requirements file with `# via` annotations."""
    pins: dict[str, Pin] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        pin = _PIN.match(block)
        if pin is None:
            continue
        lines = block.splitlines()
        requirement = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        via = {normalised(found[1]) for line in lines if (found := _VIA.match(line)) and found[1] != "via"}
        name = normalised(pin[1])
        pins[name] = Pin(name, requirement, frozenset(via))
    return pins


def closure(pins: Mapping[str, Pin], roots: Iterable[str]) -> dict[str, Pin]:
    """The roots and everything they need, sorted by name. Raises `BrokenLock` for a root that is not locked."""
    wanted = [normalised(root) for root in roots]
    for root in wanted:
        if root not in pins:
            raise BrokenLock(f"{root} is asked for and not in {LOCK.name}.", hint="Lock again: make lock.")
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += [pin.name for pin in pins.values() if name in pin.needed_by]
    return {name: pins[name] for name in sorted(found)}


def requirements_of(extra: str | None) -> list[str]:
    """Names `pyproject.toml` lists: the project's own dependencies, or those of an extra."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    listed: list[str] = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return [re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0] for requirement in listed]
