"""Two ends of one connection under the bridge's mutual TLS, in one process."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mt5_bridge.certificates import SERVER_NAME, Certificates, ensure_certificates
from mt5_bridge.server import server_context
from tradeloom.trading.mt5_transport import Endpoint, tls_context


class TlsLine:
    """Makes pairs; certificates in `directory` are made once."""

    def __init__(self, directory: Path) -> None:
        self._made: Certificates = ensure_certificates(directory)

    @contextmanager
    def pair(self) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
        """The client's end and the bridge's."""
        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as other:
            host, port = listener.getsockname()
            endpoint = Endpoint(
                host=host,
                port=port,
                server_name=SERVER_NAME,
                ca=self._made.ca,
                certificate=self._made.client,
                key=self._made.client_key,
            )
            plain = socket.create_connection((host, port), timeout=60)
            accepted = listener.accept()[0]
            accepted.settimeout(60)
            greeted = other.submit(server_context(self._made).wrap_socket, accepted, server_side=True)
            client = tls_context(endpoint).wrap_socket(plain, server_hostname=SERVER_NAME)
            bridge = greeted.result(60)
        with client, bridge:
            yield client, bridge
