import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.api.fakes import event, fake_ports
from tradeloom.api.app import Api
from tradeloom.api.ports import Ports


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found


Ask = Callable[..., Answer]


@pytest.fixture
def ports() -> Ports:
    return fake_ports()


@pytest.fixture
def api(ports: Ports) -> Api:
    return Api(ports)


@pytest.fixture
def ask(api: Api) -> Ask:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        made = api.resolve(event(method, f"/api/agentic{path}", body, **options), None)
        return Answer(made["statusCode"], made["headers"], made.get("body") or "")

    return send
