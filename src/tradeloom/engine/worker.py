"""A worker process: `python -m tradeloom.engine.worker`, started by the pool with a socket to the engine.

It imports the handler of a task's function on first use, keeps it, and calls it as Lambda's Python client would: same
context, same error names. What a handler prints becomes log records.
"""

import importlib
import io
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tradeloom import stopping
from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidPayload
from tradeloom.engine.workers import channel, sandbox
from tradeloom.engine.workers.channel import Channel, EngineGone
from tradeloom.nodes.naming import handler_module
from tradeloom.runtime.observability import set_progress_sink, set_sink

MAX_RESPONSE_BYTES = 6_291_556
"""The largest answer of a Lambda function."""

FUNCTIONS = "functions.nodes"

Handler = Callable[[Any, Any], Any]


class Context:
    """What Lambda gives a handler beside its event."""

    function_version = "$LATEST"
    log_group_name = "local"
    log_stream_name = "local"
    memory_limit_in_mb = "0"
    identity = None
    client_context = None

    def __init__(self, request_id: str, function: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = function
        name = function.split(":function:", 1)[1].split(":", 1)[0] if ":function:" in function else function
        self.function_name = name
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class RuntimeFault(Exception):
    """A fault around the handler rather than in it, by the name Lambda gives it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class PrintedLines(io.TextIOBase):
    """Standard output or error of handlers, a log record a line. A line is redacted whole, then cut."""

    def __init__(
        self, stream: str, emit: Callable[[dict[str, Any]], None], redact: Callable[[str], str] = lambda text: text
    ) -> None:
        self._level = "info" if stream == "stdout" else "warning"
        self._stream = stream
        self._emit = emit
        self._redact = redact
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)

    def end_task(self) -> None:
        """What was printed without a line's end is a line too."""
        line, self._begun = self._begun, ""
        self._say(line)

    def _say(self, line: str) -> None:
        if line.strip():
            self._emit({"level": self._level, "message": self._redact(line)[:32_768], "stream": self._stream})


class Worker:
    def __init__(self, settings: dict[str, Any], connection: Channel) -> None:
        self._settings = settings
        self._channel = connection
        self._handlers: dict[str, Handler] = {}
        self._printed = [PrintedLines(stream, self._log, self._redact) for stream in ("stdout", "stderr")]

    def serve(self) -> None:
        """Run tasks until the engine goes."""
        sys.stdout, sys.stderr = self._printed
        set_sink(self._log)
        set_progress_sink(lambda record: self._channel.send({"say": "progress", "record": record}))
        for module in self._settings["preload"]:
            importlib.import_module(module)
        self._channel.send({"say": "ready", "pid": os.getpid()})
        while True:
            self._run(self._channel.receive())

    def _run(self, task: dict[str, Any]) -> None:
        stopping.begin()
        sandbox.limit_task_cpu(self._settings["cpu_s"])
        context = Context(task["id"], task["function"], time.monotonic() + task["timeout_s"])
        answer, failure = "", None
        try:
            answer = self._answer(self._handler(task["function"])(task["payload"], context))
        except RuntimeFault as fault:
            failure = _failed(fault.name, str(fault), [])
        except Exception as error:  # whatever a handler raises is its answer
            trace = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
            failure = _failed(type(error).__name__, self._redact(str(error)), trace)
        stopping.begin()
        for printed in self._printed:
            printed.end_task()
        if failure is None:
            self._channel.send_done(answer)
        else:
            self._channel.send(failure)
        self._channel.redactor.forget()

    def _answer(self, payload: Any) -> str:
        """A handler's answer as it travels, without secrets."""
        try:
            text = codec.dumps(payload)
            if self._channel.redactor.knows_any:
                text = codec.dumps(self._channel.redacted_payload(payload))
        except InvalidPayload as error:
            raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
        size = len(text)
        if size > MAX_RESPONSE_BYTES:
            raise RuntimeFault(
                "Function.ResponseSizeTooLarge",
                f"Response payload size ({size} bytes) exceeded maximum allowed payload size"
                f" ({MAX_RESPONSE_BYTES} bytes).",
            )
        return text

    def _handler(self, function: str) -> Handler:
        handler = self._handlers.get(function)
        if handler is None:
            handler = self._handlers[function] = self._imported(function)
        return handler

    def _imported(self, function: str) -> Handler:
        name = handler_module(function).replace(FUNCTIONS, self._settings["handlers"], 1)
        try:
            module = importlib.import_module(name)
        except SyntaxError as error:
            raise RuntimeFault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{name}': {error}") from error
        except (ImportError, ValueError) as error:
            raise RuntimeFault("Runtime.ImportModuleError", f"Unable to import module '{name}': {error}") from error
        handler: Handler | None = getattr(module, "handler", None)
        if handler is None:
            raise RuntimeFault("Runtime.HandlerNotFound", f"Handler 'handler' missing on module '{name}'")
        return handler

    def _redact(self, text: str) -> str:
        return self._channel.redactor.text(text)

    def _log(self, record: dict[str, Any]) -> None:
        try:
            self._channel.send({"say": "log", "record": record})
        except InvalidPayload:
            plain = {key: value if isinstance(value, str | int | bool) else str(value) for key, value in record.items()}
            self._channel.send({"say": "log", "record": plain})


def _failed(name: str, message: str, trace: list[str]) -> dict[str, Any]:
    return {"say": "failed", "error": name, "message": message[:100_000], "trace": trace[-20:]}


def main() -> None:
    settings = json.loads(sandbox.settings_of(os.environ))
    sandbox.die_with_parent(settings["parent"])
    sandbox.limit(
        open_files=settings["open_files"],
        file_bytes=settings["file_bytes"],
        memory_bytes=settings["memory_bytes"],
    )
    signal.signal(sandbox.STOP_SIGNAL, lambda number, frame: stopping.ask())
    sys.path[:0] = settings["paths"]
    os.set_inheritable(settings["fd"], False)  # processes a handler starts do not hold the socket
    connection = Channel(socket.socket(fileno=settings["fd"]))
    channel.use(connection)
    with suppress(EngineGone):
        Worker(settings, connection).serve()


if __name__ == "__main__":
    main()
