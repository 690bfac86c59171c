"""Running the bridge as a child process: for `tradeloom up` and for tests."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mt5_bridge.config import load_config
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.risk_limits import RiskLimits

_READY = "ready "


def write_paper_config(
    path: Path,
    *,
    data_dir: Path,
    terminal_path: Path,
    login: int,
    limits: RiskLimits,
    account: str = "paper",
    server_time_zone: str = "UTC",
) -> Path:
    """Writes a bridge configuration (JSON) for one paper account; returns its path."""
    document = {
        "data_dir": str(data_dir.absolute()),
        "accounts": [
            {
                "name": account,
                "terminal": "paper",
                "terminal_path": str(terminal_path.absolute()),
                "login": login,
                "server_time_zone": server_time_zone,
                "limits": limits.model_dump(mode="json"),
            }
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
    return path


class BridgeProcess:
    """A bridge of its own, which stops when this process does, however that ends. Also a context manager.

    `environment` is added to ours. Raises `InvalidInput` for a wrong configuration.
    """

    def __init__(self, config: Path, environment: Mapping[str, str] | None = None) -> None:
        self._config_path = config
        self._environment = dict(environment or {})
        self._config = load_config(config, {**os.environ, **self._environment})
        self._process: subprocess.Popen[str] | None = None

    @property
    def state_file(self) -> Path:
        """What a `BridgeClient` is given to find the bridge."""
        return self._config.state_file

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, timeout_s: float = 60.0) -> str:
        """Returns the bridge's ready line. Raises `BrokerUnavailable` with the reason if it does not get there."""
        log = self._config.data_dir / "logs" / "bridge-stderr.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as errors:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", "mt5_bridge", "--config", str(self._config_path), "--stop-with-input"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **self._environment},
            )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_forward, args=(self._process, lines), daemon=True).start()
        try:
            line = lines.get(timeout=timeout_s)
        except queue.Empty:
            line = ""
        if not line.startswith(_READY):
            self.stop(timeout_s=1)
            raise BrokerUnavailable(f"the bridge did not start: {log.read_text().strip() or 'no reason given'}")
        return line

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout_s: float = 20.0) -> int | None:
        """Lets it drain, ends it if that takes too long; returns its exit code, None if it never ran."""
        process, self._process = self._process, None
        if process is None:
            return None
        _close_input(process)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """As a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            _close_input(process)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _close_input(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(OSError):
        if process.stdin:
            process.stdin.close()


def _forward(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    if process.stdout is None:
        return
    with process.stdout as output:
        for line in output:
            lines.put(line.strip())
    lines.put("")
