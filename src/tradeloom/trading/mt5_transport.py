"""How a call reaches the bridge: the seam, and its implementation over mutual TLS.

Every failure is one of two: `BrokerUnavailable` when the bridge certainly did not get the call, `CallLost` when it may
have. A transport by queue would stand beside `RpcTransport`.
"""

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradeloom.errors import BrokerTimeout, BrokerUnavailable
from tradeloom.trading import methods, protocol

CONNECT_TIMEOUT_S = 5.0
_STALL_S = 15.0
_IDLE_KEPT = 8
"""Idle connections kept for the next calls; more are closed."""


class CallLost(BrokerTimeout):
    """The call left and no answer came: the bridge may or may not have acted on it."""


class Transport(Protocol):
    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The bridge's answer. Raises `BrokerUnavailable` (not received) or `CallLost` (perhaps received)."""
        ...

    def close(self) -> None: ...


class Endpoint(BaseModel):
    """Where a bridge listens, and what proves both sides' identity. `server_name` is checked in its certificate."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(ge=1, le=65_535)
    server_name: str
    ca: Path
    certificate: Path
    key: Path

    @classmethod
    def from_state_file(cls, path: Path) -> "Endpoint":
        """Reads the `bridge.json` a running bridge writes into its data directory.

        Raises `BrokerUnavailable` when there is none: the bridge is not running.
        """
        try:
            state = json.loads(path.read_text())
            return cls.model_validate({name: state.get(name) for name in cls.model_fields})
        except FileNotFoundError as error:
            raise BrokerUnavailable(f"no bridge is running: {path} does not exist") from error
        except (OSError, ValueError, AttributeError, ValidationError) as error:
            raise BrokerUnavailable(f"the bridge's state file {path} cannot be read") from error


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """TLS 1.3, the bridge's certificate and host name checked, our own shown. Raises `BrokerUnavailable`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname by default
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(endpoint.ca)
        context.load_cert_chain(endpoint.certificate, endpoint.key)
    except OSError as error:
        raise BrokerUnavailable(f"the certificates for the bridge cannot be loaded: {error}") from error
    return context


class RpcTransport:
    """Calls over kept-alive connections, one per concurrent call; a dead one is replaced, also across a restart.

    Thread-safe, and safe after a fork: connections are never shared between processes.
    """

    def __init__(self, endpoint: Callable[[], Endpoint]) -> None:
        self._endpoint = endpoint
        self._idle: list[_Link] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closed = False

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        give_up = time.monotonic() + timeout_s
        link = self._take(min(CONNECT_TIMEOUT_S, timeout_s))
        left = max(give_up - time.monotonic(), 0.001)
        try:
            answer = link.call(method, payload, left)
        except TimeoutError as error:
            link.close()
            raise CallLost(f"the bridge did not answer {method} within {timeout_s:g} s") from error
        except Exception as error:
            # Whatever went wrong after the frame began to leave (EOF, TLS, a malformed reply): same consequence.
            link.close()
            raise CallLost(f"the connection to the bridge broke during {method}: {error or 'closed'}") from error
        except BaseException:  # interrupted: the answer may come yet, and would be taken for another's
            link.close()
            raise
        self._give_back(link)
        return answer

    def close(self) -> None:
        with self._lock:
            links, self._idle = self._idle, []
            self._closed = True
        for link in links:
            link.close()

    def _take(self, timeout_s: float) -> "_Link":
        with self._lock:
            if self._pid != os.getpid():
                # Forked: those connections are our parent's. Closed here they stay open there.
                for link in self._idle:
                    link.close()
                self._idle, self._pid = [], os.getpid()
            while self._idle:
                link = self._idle.pop()
                if link.quiet():
                    return link
                link.close()
        return _Link(self._endpoint(), timeout_s)

    def _give_back(self, link: "_Link") -> None:
        with self._lock:
            # A call that was under way when the transport was closed has nobody left to keep its connection for.
            if not self._closed and len(self._idle) < _IDLE_KEPT:
                self._idle.append(link)
                return
        link.close()


class _Link:
    """One connection, greeted: its protocol version agreed and the bridge's clock known."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        self._socket = _dial(endpoint, timeout_s)
        try:
            self._open(timeout_s)
        except BaseException:
            self._socket.close()
            raise

    def _open(self, timeout_s: float) -> None:
        from tradeloom.trading import mt5_wire

        max_content = protocol.MAX_ANSWER_BYTES + mt5_wire.FRAME_OVERHEAD
        give_up = time.monotonic() + timeout_s
        try:
            self._caller = mt5_wire.Caller(self._socket, max_content=max_content, stall_s=_STALL_S, give_up=give_up)
            self._clock_ahead_s = 0.0
            before = time.time()
            hello = self.call("health", protocol.encode_request("", methods.NoParams()), timeout_s)
        except Exception as error:
            # With TLS 1.3 a refused client certificate shows only at the first read.
            raise BrokerUnavailable(f"the bridge refused the connection: {error or 'closed'}") from error
        answer = protocol.decode_answer(hello)
        self._clock_ahead_s = float(answer.result["time"]) - (before + time.time()) / 2

    def call(self, method: str, payload: bytes, timeout_s: float) -> bytes:
        # The bridge's own deadline comes a little earlier, so that its word of it still reaches us.
        deadline = time.time() + self._clock_ahead_s + timeout_s - min(timeout_s / 4, 0.5)
        arguments = (protocol.VERSION, method, os.urandom(8).hex(), deadline, payload)
        return self._caller.call(arguments, time.monotonic() + timeout_s)

    def quiet(self) -> bool:
        """Whether nothing waits to be read: between calls only the end of the connection could."""
        return self._caller.quiet()

    def close(self) -> None:
        # Not shut down, which would end it in every process that has it.
        self._socket.close()


def _dial(endpoint: Endpoint, timeout_s: float) -> ssl.SSLSocket:
    context = tls_context(endpoint)
    try:
        plain = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s)
    except OSError as error:
        where = f"{endpoint.host}:{endpoint.port}"
        raise BrokerUnavailable(f"the bridge at {where} cannot be reached: {error}") from error
    try:
        return context.wrap_socket(plain, server_hostname=endpoint.server_name)
    except OSError as error:
        plain.close()
        raise BrokerUnavailable(f"the bridge's identity could not be established: {error}") from error
