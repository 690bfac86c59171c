import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

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


class CurrentPorts:
    """The ports of the test that runs. An API takes a fifth of a second to build and keeps nothing of a request, so
    one serves all tests."""

    ports: Ports

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ports, name)


@pytest.fixture(scope="session")
def current_ports() -> CurrentPorts:
    return CurrentPorts()


@pytest.fixture(scope="session")
def one_api(current_ports: CurrentPorts) -> Api:
    return Api(cast(Ports, current_ports))


@pytest.fixture
def api(one_api: Api, current_ports: CurrentPorts, ports: Ports) -> Api:
    current_ports.ports = ports
    return one_api


@pytest.fixture
def ask(api: Api) -> Ask:
    def send(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        made = api.resolve(event(method, f"/api/agentic{path}", body, **options), None)
        return Answer(made["statusCode"], made["headers"], made.get("body") or "")

    return send
