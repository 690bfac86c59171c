"""One function as Lambda runs it: `awslambdaric` in a process of its own, talking to a Runtime API on loopback."""

import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fidelity.runtime_api import Answer, RuntimeApi
from tradeloom.compiler.compile import LOCAL_PREFIX
from tradeloom.nodes.naming import function_name, handler_module

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "functions"
PATIENCE_S = 60.0


class LambdaFunction:
    """Starts the process and waits until it is ready; `invoke` then answers as Lambda would.

    `handler` is relative to `folder`, which stands for the function's package (`/var/task`).
    """

    def __init__(
        self, name: str, handler: str, environment: Mapping[str, str] | None = None, *, folder: Path = FUNCTIONS
    ) -> None:
        self._handler = handler
        self._folder = folder
        self._environment = _environment(name, handler, folder) | dict(environment or {})
        self._api = RuntimeApi(f"{LOCAL_PREFIX}{name}:live", self._became_ready)
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._written: list[str] = []
        self._started = 0.0
        self.init_s = 0.0
        """Wall time from starting the process until it asked for its first event."""
        self.init_cpu_s = 0.0
        """Processor time spent by then."""

    @classmethod
    def of(cls, node_type: str, environment: Mapping[str, str]) -> "LambdaFunction":
        """The function of a node type, by the handler it has in the cloud."""
        name = function_name(node_type)
        handler = f"{handler_module(name).removeprefix('functions.')}.handler"
        return cls(name, handler, environment)

    def __enter__(self) -> Self:
        self._api.__enter__()
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", self._handler],
            cwd=self._folder,
            env=self._environment | {"AWS_LAMBDA_RUNTIME_API": self._api.address},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            failed = self._heard(self._api.ready)
            if failed is not None:
                raise failed
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._written = self.output()
        self._output.close()
        self._api.__exit__(kind, error, trace)

    def invoke(self, event: Any) -> Answer:
        self._api.hand_out(event, PATIENCE_S)
        return self._heard(self._api.answers)

    def output(self) -> list[str]:
        """The lines written to standard output and error so far."""
        if self._output.closed:
            return self._written
        # Read at an offset: the process shares this file's position, and writes where it is.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode().splitlines()

    def cpu_s(self) -> float:
        """Processor time the process has used."""
        assert self._process is not None
        # The clock id that clock_getcpuclockid(3) makes of a process id.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _became_ready(self) -> None:
        self.init_s = time.perf_counter() - self._started
        self.init_cpu_s = self.cpu_s()

    def _heard[T](self, said: "queue.Queue[T]") -> T:
        assert self._process is not None
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            over = self._process.poll() is not None
            try:
                return said.get(block=not over, timeout=0.1)
            except queue.Empty:
                if over:
                    break
        fate = "still runs" if self._process.poll() is None else f"ended with {self._process.returncode}"
        raise AssertionError("\n".join([f"The function said nothing more and {fate}. It wrote:", *self.output()[-40:]]))


def _environment(name: str, handler: str, folder: Path) -> dict[str, str]:
    """What Lambda sets, what our functions are deployed with, and where this repository's packages are.

    None of this process's own: modules must find, or leave, their bytecode, as layers are built with theirs.
    """
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": handler,
        "POWERTOOLS_SERVICE_NAME": "tradeloom",
        "POWERTOOLS_METRICS_NAMESPACE": "Tradeloom",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
