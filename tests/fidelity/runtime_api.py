"""The Lambda Runtime API as a function's process sees it: HTTP on loopback, one invocation at a time."""

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

VERSION = "/2018-06-01/runtime"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


@dataclass(frozen=True)
class Answer:
    """What a function posted. `error` is `{errorType, errorMessage, stackTrace, …}` where it failed, else None.

    `took_s` runs from handing out the event to the answer's arrival.
    """

    payload: Any
    error: dict[str, Any] | None
    took_s: float


class InitFailed(Exception):
    """The function never became ready: it posted to `/init/error`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['errorType']}: {error['errorMessage']}")
        self.error = error


@dataclass
class _Invocation:
    event: bytes
    deadline_ms: int
    id: str = field(default_factory=lambda: str(uuid4()))
    handed_out: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # the process may be killed while it is connected
            super().handle_error(request, client_address)


class RuntimeApi:
    """Serves one process. `on_ready` is called once, when it first asks for an event."""

    def __init__(self, function_arn: str, on_ready: Callable[[], None] = lambda: None) -> None:
        self._arn = function_arn
        self._on_ready = on_ready
        self._waiting: queue.Queue[_Invocation | None] = queue.Queue()
        self._running: dict[str, _Invocation] = {}
        self.ready: queue.Queue[InitFailed | None] = queue.Queue()
        """Holds what ended init: None, or what went wrong."""
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._asked = False
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def hand_out(self, event: Any, timeout_s: float) -> None:
        """Give the process an event as soon as it asks for one; the answer comes to `answers`."""
        deadline_ms = int((time.time() + timeout_s) * 1000)
        self._waiting.put(_Invocation(json.dumps(event).encode(), deadline_ms))

    def next_event(self) -> tuple[bytes, dict[str, str]] | None:
        if not self._asked:
            self._asked = True
            self._on_ready()
            self.ready.put(None)
        invocation = self._waiting.get()
        if invocation is None:
            return None
        self._running[invocation.id] = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        invocation.handed_out = time.perf_counter()
        return invocation.event, headers

    def answered(self, request_id: str, payload: Any, error: dict[str, Any] | None) -> None:
        took = time.perf_counter() - self._running.pop(request_id).handed_out
        self.answers.put(Answer(payload, error, took))

    def init_failed(self, error: dict[str, Any]) -> None:
        self.ready.put(InitFailed(error))


def _handler_of(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The header and body of a small answer leave in two writes; do not let the second wait for an acknowledgement.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            given = api.next_event() if self.path == f"{VERSION}/invocation/next" else None
            if given is None:
                self.close_connection = True
                return
            self._reply(200, *given)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            match self.path.removeprefix(VERSION).split("/")[1:]:
                case ["invocation", request_id, "response"]:
                    api.answered(request_id, body, None)
                case ["invocation", request_id, "error"]:
                    api.answered(request_id, None, body)
                case ["init", "error"]:
                    assert self.headers[ERROR_TYPE] == body["errorType"]
                    api.init_failed(body)
                case _:
                    self._reply(404, b'{"errorMessage": "no such path"}', {})
                    return
            self._reply(202, b'{"status": "OK"}', {})

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler
