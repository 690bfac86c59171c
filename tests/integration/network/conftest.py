from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.network.servers import Answer, Authority, HttpServer
from tradeloom.network.client import GuardedHttp
from tradeloom.network.policy import ALLOW, TRUST, Policy

Serve = Callable[..., HttpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test."""
    with ExitStack() as stack:

        def start(answer: Answer | None = None, **how: object) -> HttpServer:
            server = HttpServer(**how)  # type: ignore[arg-type]
            if answer is not None:
                server.answer = answer
            return stack.enter_context(server)

        yield start


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def canary(serve: Serve) -> HttpServer:
    """A service on loopback that nobody may reach."""
    return serve()


def allowing(*servers: HttpServer, trust: Path | None = None) -> Policy:
    allowed = ",".join(
        f"{server.host if ':' not in server.host else f'[{server.host}]'}:{server.port}" for server in servers
    )
    return Policy.of({ALLOW: allowed, TRUST: str(trust or "")})


def client(*servers: HttpServer, **how: object) -> GuardedHttp:
    return GuardedHttp(allowing(*servers), **how)  # type: ignore[arg-type]
