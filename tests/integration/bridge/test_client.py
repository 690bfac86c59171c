"""The client's connections: kept, replaced, and never shared between processes."""

import gc
import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import pytest

from tests.integration.bridge.rig import Rig
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_frames import FrameStream
from tradeloom.trading.mt5_transport import RpcTransport, _Link


def idle(client: BridgeClient) -> list[_Link]:
    transport = client._transport
    assert isinstance(transport, RpcTransport)
    return transport._idle


def test_one_connection_serves_one_thread_for_all_its_calls(rig: Rig) -> None:
    client = BridgeClient(rig.bridge.state_file)
    client.health()
    (first,) = idle(client)
    for _ in range(20):
        client.account("paper").market_clock()
    assert idle(client) == [first]
    client.close()
    assert idle(client) == []


def test_threads_have_connections_of_their_own(rig: Rig) -> None:
    client = BridgeClient(rig.bridge.state_file)
    together = threading.Barrier(6)

    def ask(_: int) -> float:
        together.wait()
        return client.account("paper").tick("EURUSD").bid

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    assert 1 < len(idle(client)) <= 6
    client.close()


def test_a_dead_connection_is_replaced_before_it_is_used(rig: Rig) -> None:
    client = BridgeClient(rig.bridge.state_file)
    client.health()
    idle(client)[0]._socket.shutdown(2)
    assert client.account("paper").send(rig.buy("over a new line")).order
    client.close()


def test_a_call_that_is_interrupted_leaves_no_connection_to_the_next(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer may still be under way."""
    client = BridgeClient(rig.bridge.state_file)
    client.health()
    (link,) = idle(client)
    receive = FrameStream.receive

    def interrupted(stream: FrameStream, give_up: float) -> bytes:
        monkeypatch.setattr(FrameStream, "receive", receive)
        raise KeyboardInterrupt

    monkeypatch.setattr(FrameStream, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.health()
    assert idle(client) == []
    assert link._socket.fileno() == -1
    assert client.account("paper").tick("EURUSD").bid > 0
    client.close()


def _ask_in_child(client: BridgeClient, answer: Connection) -> None:
    answer.send(client.account("paper").tick("EURUSD").bid)
    gc.collect()  # what was dropped and not closed would now be shut down, for the parent too


def test_a_forked_child_opens_its_own_and_leaves_its_parents_alone(rig: Rig) -> None:
    client = BridgeClient(rig.bridge.state_file)
    bid = client.account("paper").tick("EURUSD").bid
    mine = [id(link) for link in idle(client)]  # not the links themselves: the child would hold them too
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_ask_in_child, args=(client, theirs))
    child.start()
    child.join()
    assert ours.recv() == bid
    assert client.account("paper").tick("EURUSD").bid == bid
    assert [id(link) for link in idle(client)] == mine
    client.close()
    for end in (ours, theirs):
        end.close()


def test_a_clock_that_is_wrong_does_not_expire_calls(rig: Rig) -> None:
    """Deadlines are in the bridge's time, which the greeting tells."""
    client = BridgeClient(rig.bridge.state_file)
    client.health()
    (link,) = idle(client)
    assert abs(link._clock_ahead_s) < 1
    real = time.time
    try:
        time.time = lambda: real() - 3600
        fresh = BridgeClient(rig.bridge.state_file)
        assert fresh.account("paper").tick("EURUSD").bid > 0
        (link,) = idle(fresh)
        assert 3590 < link._clock_ahead_s < 3610
        fresh.close()
    finally:
        time.time = real
        client.close()
