"""A folder of adapters for a function in a process of its own, and an equal one for the handler called here."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fidelity import services
from tests.fidelity.cases import Case
from tradeloom.nodes.naming import function_name, handler_module
from tradeloom.runtime.observability import set_sink
from tradeloom.runtime.services import VARIABLE, current
from tradeloom.storage.blobs import FileBlobs

SERVICES = f"{services.__name__}:services"


@dataclass(frozen=True)
class Surroundings:
    """What a function finds around it, in `folder`."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {VARIABLE: SERVICES, services.FOLDER: str(self.folder)}

    def publish(self, case: Case) -> None:
        FileBlobs(self.folder).put_artefact(case.compiled.version, case.compiled.artefact)

    def effects(self) -> list[dict[str, Any]]:
        """Every notification and order so far, as they were made."""
        path = self.folder / services.EFFECTS
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(frozen=True)
class Directly:
    """Handlers called in this process."""

    around: Surroundings
    logs: list[dict[str, Any]]

    def invoke(self, case: Case, event: Any = None) -> Any:
        self.around.publish(case)
        handler = importlib.import_module(handler_module(function_name(case.node_type))).handler
        answer = handler(json.loads(json.dumps(case.event if event is None else event)), None)
        return json.loads(json.dumps(answer))


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    folder = tmp_path / "function"
    folder.mkdir()
    return Surroundings(folder)


@pytest.fixture
def directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directly]:
    folder = tmp_path / "direct"
    folder.mkdir()
    made = Directly(Surroundings(folder), [])
    for name, value in made.around.environment.items():
        monkeypatch.setenv(name, value)
    current.cache_clear()
    set_sink(made.logs.append)
    yield made
    set_sink(None)
    current.cache_clear()
