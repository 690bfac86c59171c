"""Attacks on the port: every one is refused, and the bridge goes on answering."""

import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rpyc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpyc.core import brine, consts
from rpyc.core.channel import Channel
from rpyc.core.stream import SocketStream

from mt5_bridge.certificates import ensure_certificates
from tests.integration.bridge.rig import Rig, eventually
from tradeloom.errors import BrokerUnavailable, InvalidInput
from tradeloom.trading import methods, protocol
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.mt5_transport import Endpoint


@pytest.fixture(autouse=True)
def still_alive(rig: Rig) -> Iterator[None]:
    yield
    assert rig.client.account("paper").tick("EURUSD").bid > 0
    assert rig.client.health()["status"] == "ok"


@pytest.fixture
def endpoint(rig: Rig) -> Endpoint:
    return Endpoint.from_state_file(rig.bridge.state_file)


def dial(endpoint: Endpoint, context: ssl.SSLContext | None = None, name: str | None = None) -> ssl.SSLSocket:
    """A TLS connection of an attacker who holds a good client certificate, unless the context says otherwise."""
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=60)
    try:
        return (context or good_context(endpoint)).wrap_socket(plain, server_hostname=name or endpoint.server_name)
    except BaseException:
        plain.close()
        raise


def good_context(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(endpoint.ca))
    context.load_cert_chain(endpoint.certificate, endpoint.key)
    return context


def ended(connection: socket.socket, within_s: float = 60.0) -> bool:
    """Whether the other side hangs up in time."""
    connection.settimeout(within_s)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


class TestIdentity:
    def refused(self, endpoint: Endpoint, **changes: Any) -> str:
        with pytest.raises(BrokerUnavailable) as caught:
            BridgeClient(endpoint.model_copy(update=changes)).health()
        return caught.value.message

    def test_a_stranger_with_a_certificate_of_his_own_is_refused(self, endpoint: Endpoint, tmp_path: Path) -> None:
        other = ensure_certificates(tmp_path)
        assert "refused" in self.refused(endpoint, certificate=other.client, key=other.client_key)

    def test_a_bridge_of_another_authority_is_not_believed(self, endpoint: Endpoint, tmp_path: Path) -> None:
        other = ensure_certificates(tmp_path)
        assert "CERTIFICATE_VERIFY_FAILED" in self.refused(endpoint, ca=other.ca)

    def test_a_bridge_of_another_name_is_not_believed(self, endpoint: Endpoint) -> None:
        assert "CERTIFICATE_VERIFY_FAILED" in self.refused(endpoint, server_name="other-bridge")

    def test_the_servers_own_certificate_opens_nothing(self, endpoint: Endpoint) -> None:
        directory = endpoint.ca.parent
        self.refused(endpoint, certificate=directory / "server.pem", key=directory / "server.key")

    def test_no_certificate_opens_nothing(self, endpoint: Endpoint) -> None:
        connection = dial(endpoint, ssl.create_default_context(cafile=str(endpoint.ca)))
        assert ended(connection)
        connection.close()

    def test_older_tls_is_refused(self, endpoint: Endpoint) -> None:
        context = good_context(endpoint)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError):
            dial(endpoint, context)

    def test_plain_text_is_refused(self, endpoint: Endpoint) -> None:
        with socket.create_connection((endpoint.host, endpoint.port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert ended(plain)

    def test_a_client_of_classic_rpyc_gets_nowhere(self, endpoint: Endpoint) -> None:
        with pytest.raises((EOFError, OSError)):
            rpyc.classic.connect(endpoint.host, endpoint.port)


class TestGoodCertificateBadManners:
    """Someone who stole a client's key still gets one method and no objects."""

    @pytest.fixture
    def peer(self, endpoint: Endpoint) -> Iterator[Any]:
        config = {"allow_all_attrs": True, "allow_pickle": True, "sync_request_timeout": 5, "close_catchall": True}
        peer = rpyc.connect_stream(SocketStream(dial(endpoint)), config=config)
        yield peer
        peer.close()

    @staticmethod
    def envelope(method: str, payload: Any) -> tuple[Any, ...]:
        return protocol.VERSION, method, "r", time.time() + 5, payload

    def test_the_method_itself_works_for_a_stock_client(self, peer: Any) -> None:
        payload = protocol.encode_request("paper", methods.SymbolParams(symbol="EURUSD"))
        answer = protocol.decode_answer(peer.root.call(*self.envelope("tick", payload)))
        assert answer.result["symbol"] == "EURUSD"

    @pytest.mark.parametrize(
        "name",
        ["_call", "__class__", "__init__", "__dict__", "get_service_name", "exposed_call", "on_connect", "_connect",
         "getconn", "execute", "eval", "getmodule", "namespace", "modules"],
    )  # fmt: skip
    def test_no_attribute_is_reached(self, peer: Any, name: str) -> None:
        with pytest.raises(Exception, match=r"only call|denied|cannot access"):
            peer.sync_request(consts.HANDLE_GETATTR, peer.root, name)

    @pytest.mark.parametrize("name", ["__self__", "__func__", "__globals__", "__code__", "__class__", "__call__"])
    def test_nor_through_the_method(self, peer: Any, name: str) -> None:
        with pytest.raises(Exception, match="cannot access"):
            peer.sync_request(consts.HANDLE_GETATTR, peer.root.call, name)

    @pytest.mark.parametrize(
        ("handler", "arguments"),
        [
            (consts.HANDLE_PICKLE, (2,)),
            (consts.HANDLE_SETATTR, ("call", 5)),
            (consts.HANDLE_DELATTR, ("call",)),
            (consts.HANDLE_DIR, ()),
            (consts.HANDLE_REPR, ()),
            (consts.HANDLE_STR, ()),
            (consts.HANDLE_HASH, ()),
            (consts.HANDLE_CMP, (5, "__reduce__")),
            (consts.HANDLE_CALLATTR, ("__class__", (), ())),
            (consts.HANDLE_BUFFITER, (5,)),
            (consts.HANDLE_OLDSLICING, ("__class__", "__class__", 0, 1, ())),
            (consts.HANDLE_CTXEXIT, (None,)),
            (consts.HANDLE_INSTANCECHECK, (("builtins.int", 1, 0),)),
            (consts.HANDLE_CALL, ((), ())),
            (999, ()),
        ],
    )
    def test_no_other_verb_of_rpyc_works(self, peer: Any, handler: int, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011  rpyc hands over whatever class the other side named
            peer.sync_request(handler, peer.root, *arguments)

    def test_references_to_the_callers_objects_are_not_taken(self, peer: Any) -> None:
        with pytest.raises(Exception, match="only values"):
            peer.root.call(*self.envelope("tick", {"a": "mutable dict"}))
        with pytest.raises(Exception, match="only values"):
            peer.root.call(lambda: 1)

    def test_no_traceback_comes_back(self, peer: Any) -> None:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            peer.sync_request(consts.HANDLE_GETATTR, peer.root, "__class__")
        assert "site-packages" not in str(caught.value)
        assert "traceback denied" in str(caught.value)

    def test_wrong_calls_are_answered_with_a_typed_error(self, peer: Any) -> None:
        for arguments in (("x",) * 5, (1, "order_send", "r", 0, b""), self.envelope("tick", b"\x80\x04garbage")):
            with pytest.raises(InvalidInput):
                protocol.decode_answer(peer.root.call(*arguments))
        with pytest.raises(TypeError):
            peer.root.call()

    def test_an_oversized_payload_ends_the_connection(self, peer: Any) -> None:
        with pytest.raises(EOFError):
            peer.root.call(*self.envelope("tick", b"x" * 200_000))


class TestFrames:
    def test_a_frame_that_claims_too_much_is_not_waited_for(self, endpoint: Endpoint) -> None:
        with dial(endpoint) as connection:
            connection.sendall(struct.pack("!LB", 2**31, 0) + b"x" * 100)
            assert ended(connection)

    def test_a_compressed_frame_is_not_unpacked(self, endpoint: Endpoint) -> None:
        with dial(endpoint) as connection:
            connection.sendall(struct.pack("!LB", 100, 1) + b"x" * 101)
            assert ended(connection)

    @given(st.binary(max_size=64))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_garbage_in_a_frame_harms_nobody_else(self, endpoint: Endpoint, rig: Rig, body: bytes) -> None:
        with dial(endpoint) as connection:
            connection.sendall(struct.pack("!LB", len(body), 0) + body + b"\n")
        assert rig.client.account("paper").market_clock().paper

    @given(st.binary(max_size=200))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_garbage_before_the_handshake_harms_nobody_else(self, endpoint: Endpoint, rig: Rig, body: bytes) -> None:
        with socket.create_connection((endpoint.host, endpoint.port)) as plain:
            plain.sendall(body)
        assert rig.client.account("paper").market_clock().paper

    def test_deep_and_wide_values_are_refused(self, endpoint: Endpoint) -> None:
        deep: Any = ()
        for _ in range(150):
            deep = (deep,)
        bombs = [
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_TUP1 * 60_000,
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_TUP_L4 + struct.pack("!L", 2**32 - 1),
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_INT_L4 + struct.pack("!L", 9000) + b"9" * 9000,
            b"\x01" + brine.dump((1, (consts.HANDLE_PING, (consts.LABEL_VALUE, deep)))),
        ]
        for bomb in bombs:
            with dial(endpoint) as connection:
                channel = Channel(SocketStream(connection), compress=False)
                channel.send(bomb)
                started = time.monotonic()
                ended(connection, 2)
                assert time.monotonic() - started < 30


def test_slow_peers_do_not_hold_anyone_up(endpoint: Endpoint, rig: Rig) -> None:
    with socket.create_connection((endpoint.host, endpoint.port)) as silent, dial(endpoint) as half:
        half.sendall(struct.pack("!LB", 1000, 0) + b"x")
        started = time.monotonic()
        rig.client.account("paper").tick("EURUSD")
        assert time.monotonic() - started < 8
        assert ended(silent)  # the handshake's time is up


def test_more_connections_than_allowed_are_turned_away(tmp_path: Path) -> None:
    with Rig(tmp_path, listen={"max_connections": 3}) as small:
        endpoint = Endpoint.from_state_file(small.bridge.state_file)
        held = [dial(endpoint) for _ in range(3)]
        with pytest.raises(BrokerUnavailable):
            small.client.health()
        for connection in held:
            connection.close()
        eventually(lambda: answers(small.client), "a place is free again")


def answers(client: BridgeClient) -> bool:
    try:
        return bool(client.health()["status"] == "ok")
    except BrokerUnavailable:
        return False


def test_keys_and_state_are_not_for_everyone(rig: Rig) -> None:
    state = json.loads(rig.bridge.state_file.read_text())
    assert os.stat(state["key"]).st_mode & 0o077 == 0
    assert set(state) >= {"host", "port", "server_name", "ca", "certificate", "key", "pid"}
