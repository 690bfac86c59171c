"""The whole system as a user runs it: `tradeloom up` in a process of its own, spoken to over HTTP."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

ENDED = ("succeeded", "failed", "stopped", "timed_out")


class Up:
    """`tradeloom up` on a data directory. `victims` are its processes by their part in the system."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[str] | None = None
        self._api = ""
        self._token = ""

    def start(self, *options: str, timeout_s: float = 90) -> None:
        """Returns once it answers. `options` are of `tradeloom up`."""
        with (self.home.parent / "up.log").open("a") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("tradeloom"), "up", "--port", "0", "--json", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "TRADELOOM_HOME": str(self.home)},
            )
        assert self.process.stdout is not None
        told = ""
        deadline = time.monotonic() + timeout_s
        while not told.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, f"it ended: {told}"
            assert time.monotonic() < deadline, f"it did not start: {told}"
            told += line
        ready = json.loads(told)
        assert "api" in ready, told
        self._api = ready["api"]
        self._token = ready["page"].partition("#token=")[2]

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=90)
            self._forget()

    def kill(self) -> None:
        """kill -9 of the engine's process; those around it are left to notice."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def victims(self) -> dict[str, list[int]]:
        """Pids by part: engine, worker, front (the bridge's network process), terminal (its account workers)."""
        assert self.process is not None
        found: dict[str, list[int]] = {"engine": [self.process.pid], "worker": [], "front": [], "terminal": []}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(child.cmdline())
            except psutil.Error:
                continue
            if "tradeloom.engine.worker" in line:
                found["worker"].append(child.pid)
            elif "spawn_main" in line:
                found["terminal"].append(child.pid)
            elif "-m mt5_bridge" in line:
                found["front"].append(child.pid)
        return found

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises `urllib.error.HTTPError` for an error status."""
        request = urllib.request.Request(
            self._api + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.loads(answer.read() or "null")

    def wait(self, execution_id: str, timeout_s: float = 90) -> dict[str, Any]:
        """The execution once it has ended."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                execution: dict[str, Any] = self.call("GET", f"/executions/{execution_id}")
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                execution = {"status": "not to be read: 503"}  # for a moment after a kill, on a busy machine
            if execution["status"] in ENDED:
                return execution
            assert time.monotonic() < deadline, f"{execution_id} is still {execution['status']}"
            time.sleep(0.1)


def fills(home: Path, account: str = "paper") -> Counter[int]:
    """How many deals the broker made under each magic number: its own books, not ours. For a system that is down."""
    books = home / "terminals" / account / "paper.db"
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT magic FROM deals WHERE magic != '0' AND magic != 0").fetchall()
    return Counter(int(magic) for (magic,) in rows)
