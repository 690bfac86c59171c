"""Every way a call may reach the bridge, each in front of the same real bridge and its journal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.bridge.test_lost_and_killed import CuttingProxy
from tests.integration.bridge.rig import Rig
from tests.support.queue_transport import Poller, Queue, QueueTransport
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint, RpcTransport, Transport


class Line(Protocol):
    """A transport whose line a test can spoil."""

    transport: Transport

    def lose_answer(self) -> None:
        """The next call arrives, and its answer does not."""
        ...

    def cut(self) -> None:
        """Calls certainly do not arrive any more."""
        ...

    def end(self) -> None: ...


class RpcLine:
    def __init__(self, rig: Rig) -> None:
        endpoint = Endpoint.from_state_file(rig.bridge.state_file)
        self._proxy = CuttingProxy((endpoint.host, endpoint.port))
        self._endpoint = endpoint.model_copy(update={"port": self._proxy.port})
        self.transport: Transport = RpcTransport(lambda: self._endpoint)

    def lose_answer(self) -> None:
        self.transport.call("health", b'{"account": "", "params": {}}', timeout_s=5)  # the line is up, so not the hello
        self._proxy.cut = True

    def cut(self) -> None:
        self.transport.close()
        self._endpoint = self._endpoint.model_copy(update={"port": 1})
        self.transport = RpcTransport(lambda: self._endpoint)

    def end(self) -> None:
        self.transport.close()
        self._proxy.listener.close()


class QueueLine:
    def __init__(self, rig: Rig) -> None:
        self.queue = Queue()
        self._behind = RpcTransport(lambda: Endpoint.from_state_file(rig.bridge.state_file))
        self.poller = Poller(
            self.queue, lambda method, payload, left: self._behind.call(method, payload, timeout_s=left)
        )
        self.transport: Transport = QueueTransport(self.queue)

    def lose_answer(self) -> None:
        self.poller.lose = 1

    def cut(self) -> None:
        self.queue.open = False

    def end(self) -> None:
        self.poller.stop()
        self._behind.close()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory: Path = tmp_path_factory.mktemp("bridge")
    with Rig(directory) as running:
        yield running


@pytest.fixture(params=[RpcLine, QueueLine], ids=["rpc", "queue"])
def line(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Line]:
    made: Line = request.param(rig)
    yield made
    made.end()


@pytest.fixture
def queue_line(rig: Rig) -> Iterator[QueueLine]:
    made = QueueLine(rig)
    yield made
    made.end()


def broker_on(line: Line, **limits: float) -> MT5Broker:
    return BridgeClient(transport=line.transport, **limits).account("paper")  # type: ignore[arg-type]
