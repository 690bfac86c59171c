"""The bridge as one process: certificates, front, server, and the file that tells clients where it is."""

import json
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mt5_bridge.certificates import SERVER_NAME, Certificates, ensure_certificates
from mt5_bridge.config import BridgeConfig, load_config
from mt5_bridge.front import Front
from mt5_bridge.logs import log_to
from mt5_bridge.process_lock import ProcessLock
from mt5_bridge.server import BridgeServer, server_context
from mt5_bridge.status_server import Picture, StatusServer
from tradeloom.errors import Conflict

if TYPE_CHECKING:
    from mt5_bridge.compat.server import CompatServer

_log = logging.getLogger(__name__)


class BridgeService:
    """Start it, wait for a reason to stop, stop it. One per data directory: a second raises `Conflict`."""

    def __init__(self, config: BridgeConfig) -> None:
        self._config = config
        self._lock = ProcessLock(config.data_dir / "bridge.lock")
        try:
            self._lock.acquire()
        except Conflict:
            self._lock.release()
            raise
        certificates = ensure_certificates(config.certificate_dir, config.listen.names)
        self._front = Front(config)
        self._server = BridgeServer(config.listen, server_context(certificates), self._front.call)
        self._certificates = certificates
        self._status = StatusServer(config.status.port, self._picture) if config.status.enabled else None
        self._scripts = self._for_scripts() if config.compat.enabled else None

    def _for_scripts(self) -> "CompatServer":
        from mt5_bridge.compat.server import CompatServer  # and with it RPyC, which few bridges need

        return CompatServer(self._config, self._config.compat, self._front)

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> dict[str, Any]:
        """Returns its health once each account's terminal has been tried; one that failed is tried again later."""
        self._front.start()
        self._server.start()
        if self._status is not None:
            self._status.start()
        if self._scripts is not None:
            self._scripts.start()
        self._write_state(self._certificates)
        _log.info("listening on %s:%s", self._config.listen.host, self.port)
        if self._status is not None:
            _log.info("status page at %s", self._status.url)
        return self._front.health()

    def stop(self) -> None:
        """No new connection, no new call; what is under way finishes; workers leave; the state file goes."""
        self._config.state_file.unlink(missing_ok=True)
        self._server.stop_accepting()
        if self._scripts is not None:
            self._scripts.stop_accepting()
        self._front.drain(self._config.drain_timeout_s)
        if self._status is not None:
            self._status.close()
        self._server.close()
        if self._scripts is not None:
            self._scripts.close()
        self._lock.release()
        _log.info("stopped")

    def _picture(self) -> Picture:
        health = self._front.health() | {"connections": self._server.connections()}
        return Picture(health, self._front.metrics.figures(), self._front.books())

    def _write_state(self, certificates: Certificates) -> None:
        listen = self._config.listen
        state = {
            "host": "127.0.0.1" if listen.host in ("0.0.0.0", "") else listen.host,  # noqa: S104  reading, not binding
            "port": self.port,
            "server_name": SERVER_NAME,
            "ca": str(certificates.ca),
            "certificate": str(certificates.client),
            "key": str(certificates.client_key),
            "status": None if self._status is None else self._status.url,
            "pid": os.getpid(),
            "compat_port": None if self._scripts is None else self._scripts.port,
            "started_at": datetime.now(UTC).isoformat(),
            "accounts": {account.name: account.terminal for account in self._config.accounts},
        }
        temporary = self._config.state_file.with_suffix(".new")
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self._config.state_file)


def run_until_stopped(config_path: Path, *, watch_input: bool) -> None:
    """Runs a bridge until SIGINT or SIGTERM, or, with `watch_input`, until standard input ends.

    Prints one line once it is ready. Raises `InvalidInput` for a wrong configuration, `Conflict` when another bridge
    has the data directory or the port is taken.
    """
    config = load_config(config_path)
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_to(config.data_dir / "logs" / "bridge.log", config.log_level)
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):  # the last is Windows' own
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    service = BridgeService(config)
    if watch_input:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    try:
        health = service.start()
        accounts = ", ".join(f"{name} {account['status']}" for name, account in health["accounts"].items())
        print(f"ready on port {service.port} ({accounts})", flush=True)
        while not stop.wait(1.0):  # a bare wait() would not be interrupted on Windows
            pass
    finally:
        service.stop()


def _stop_at_end_of_input(stop: threading.Event) -> None:
    """Whoever started us holds the other end of our input; when it dies, however that happens, the input ends."""
    while os.read(sys.stdin.fileno(), 4096):  # not through a buffer, whose lock the end of the process would trip over
        pass
    stop.set()
