"""Attacks on the port that take numbers, time or another's traffic: a real client is served meanwhile."""

import contextlib
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rpyc
from cryptography import x509
from rpyc.core.stream import SocketStream

from mt5_bridge.certificates import ensure_certificates
from tests.integration.bridge.rig import Rig, eventually
from tests.integration.bridge.test_port import dial, ended, good_context
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading import methods, protocol
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint

CROWD = 1_000


@pytest.fixture
def endpoint(rig: Rig) -> Endpoint:
    return Endpoint.from_state_file(rig.bridge.state_file)


@pytest.fixture(autouse=True)
def served_meanwhile(rig: Rig, endpoint: Endpoint) -> Iterator[None]:
    """An old client and new ones are answered as long as the attack lasts, and the bridge is whole afterwards."""
    over, failed = threading.Event(), []
    answered = 0

    def ask() -> None:
        nonlocal answered
        while not over.is_set():
            try:
                assert rig.client.account("paper").tick("EURUSD").bid > 0
                new = BridgeClient(endpoint)
                assert new.account("netting").tick("EURUSD").bid > 0
                new.close()
                answered += 1
            except Exception as error:
                failed.append(error)
            over.wait(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    yield
    eventually(lambda: answered > 2, "clients were served")
    over.set()
    asking.join()
    assert failed == []
    assert rig.client.health()["status"] == "ok"


class Crowd:
    """Many open connections to the port."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.members: list[socket.socket] = []
        self._address = (endpoint.host, endpoint.port)

    def grow(self, count: int, first: bytes) -> None:
        for _ in range(count):
            member = socket.create_connection(self._address, timeout=60)
            self.members.append(member)
            with contextlib.suppress(OSError):  # dropped already
                member.sendall(first)

    def close(self) -> None:
        for member in self.members:
            member.close()


@pytest.fixture
def crowd(endpoint: Endpoint) -> Iterator[Crowd]:
    made = Crowd(endpoint)
    yield made
    made.close()


def client_hello(endpoint: Endpoint) -> bytes:
    """A client's good first words."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = good_context(endpoint).wrap_bio(incoming, outgoing, server_hostname=endpoint.server_name)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("words", ["none", "a whole hello"])
def test_a_thousand_half_open_connections(endpoint: Endpoint, crowd: Crowd, words: str) -> None:
    crowd.grow(CROWD, b"" if words == "none" else client_hello(endpoint))
    assert ended(crowd.members[0])  # the oldest were dropped for the next
    assert ended(crowd.members[-1])  # the last when their time was up


def dripped(connection: socket.socket, data: bytes) -> int:
    """How many bytes could be sent one by one, five a second, before the other side hung up."""
    for number, byte in enumerate(data):
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return number
        time.sleep(0.2)
    return len(data)


def test_a_handshake_that_drips_is_ended(endpoint: Endpoint) -> None:
    """Slow loris: each byte comes well within any time-out, all together never."""
    hello = client_hello(endpoint)
    with socket.create_connection((endpoint.host, endpoint.port), timeout=60) as slow:
        sent = dripped(slow, hello)
    assert sent < len(hello)


def test_a_frame_that_drips_is_ended(endpoint: Endpoint) -> None:
    """By someone with a good certificate: 60,000 bytes announced, then one now and then."""
    with dial(endpoint) as connection:
        connection.sendall(struct.pack("!LB", 60_000, 0))
        assert dripped(connection, b"x" * 120) < 120


class Recorder(threading.Thread):
    """Stands on the line between a client and the bridge and keeps what the client sent."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(daemon=True)
        self._target = (endpoint.host, endpoint.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = b""
        self.start()

    def run(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    self.heard += data
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(60)
        self._listener.close()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


def test_recorded_traffic_opens_nothing_a_second_time(rig: Rig, endpoint: Endpoint) -> None:
    recorder = Recorder(endpoint)
    client = BridgeClient(endpoint.model_copy(update={"port": recorder.port}))
    intent = rig.buy("recorded")
    outcome = client.account("paper").send(intent)
    client.close()
    recorder.join(60)
    assert len(recorder.heard) > 1_000
    before = rig.deals()
    # Whole, cut short anywhere, and with its end sent twice.
    for replay in (recorder.heard, *(recorder.heard[:cut] for cut in (5, 200, 700, -1)), recorder.heard * 2):
        with socket.create_connection((endpoint.host, endpoint.port), timeout=60) as attacker:
            with contextlib.suppress(OSError):
                attacker.sendall(replay)
                attacker.shutdown(socket.SHUT_WR)
            assert ended(attacker)
    assert rig.deals() == before
    assert rig.broker.outcome(intent.client_order_id) == outcome


def test_a_connection_cut_in_the_middle_of_a_record_ends(endpoint: Endpoint) -> None:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=60)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = good_context(endpoint).wrap_bio(incoming, outgoing, server_hostname=endpoint.server_name)
    while True:
        try:
            secured.do_handshake()
            break
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
    plain.sendall(outgoing.read())
    secured.write(struct.pack("!LB", 100, 0) + b"x" * 100)
    record = outgoing.read()
    plain.sendall(record[: len(record) // 2])
    plain.shutdown(socket.SHUT_WR)
    assert ended(plain)
    plain.close()


def test_a_frame_that_would_swell_is_never_unpacked(endpoint: Endpoint) -> None:
    """One gigabyte of zeros in a megabyte, behind a length that is allowed and one that is not."""
    bomb = zlib.compress(bytes(50_000_000), 9)
    for claimed in (len(bomb), 60_000):
        with dial(endpoint) as connection, contextlib.suppress(OSError):
            connection.sendall(struct.pack("!LB", claimed, 1) + bomb[:claimed])
            assert ended(connection)


def test_an_expired_certificate_opens_nothing(endpoint: Endpoint, tmp_path: Path) -> None:
    """Signed by the bridge's own authority, two years ago too long."""
    own = endpoint.ca.parent
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).write_bytes((own / name).read_bytes())
    made = ensure_certificates(tmp_path, now=datetime.now(UTC) - timedelta(days=800))
    certificate = x509.load_pem_x509_certificate(made.client.read_bytes())
    assert certificate.not_valid_after_utc < datetime.now(UTC)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(endpoint.ca.read_bytes()))
    with pytest.raises(BrokerUnavailable, match="refused"):
        BridgeClient(endpoint.model_copy(update={"certificate": made.client, "key": made.client_key})).health()


def test_a_request_that_was_answered_is_not_carried_out_again(rig: Rig, endpoint: Endpoint) -> None:
    """The same frames again, by someone with the key: the journal answers, and one order is all there is."""
    intent = rig.buy("sent again")
    payload = protocol.encode_request("paper", methods.SendParams(intent=intent))
    call = (protocol.VERSION, "send", "same-id", time.time() + 30, payload)
    told = []
    for _ in range(3):
        peer = rpyc.connect_stream(SocketStream(dial(endpoint)), config={"sync_request_timeout": 30})
        told.append(protocol.decode_answer(peer.root.call(*call)).result)
        peer.close()
    assert told == [told[0]] * 3
    assert told[0]["status"] == "done"
    assert rig.deals().count(intent.magic) == 1
