"""A worker's end of its socket: frames to and from the engine. Light: imported by every worker first."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidPayload
from tradeloom.runtime.redaction import ANSWER_WORDS, LOG_WORDS, NOTIFICATION_WORDS, Redactor

_ASK_WORDS = NOTIFICATION_WORDS | {"execution_id", "node"}


_READ_BYTES = 32_768
"""Small enough for the allocator's own memory: larger reads are fresh pages of the kernel each time."""


class EngineGone(BaseException):
    """The engine closed the socket. Not an `Exception`, so that no handler swallows it."""


class Channel:
    """Blocking. Handlers may log from threads of their own; questions are asked one at a time.

    `redactor` knows the credentials the running task was given: nothing of them leaves by here.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = codec.FrameReader()
        self._arrived: Iterator[Any] = iter(())
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        self.redactor = Redactor()

    def send(self, message: dict[str, Any]) -> None:
        """Raises `InvalidPayload` when the message is not JSON; nothing was sent then."""
        self._write(codec.frame(self._redacted(message) if self.redactor.knows_any else message))

    def send_done(self, payload: str) -> None:
        """Give a task's answer, which is JSON without secrets already."""
        self._write(codec.frame_of(f'{{"say":"done","payload":{payload}}}'))

    def _write(self, data: bytes) -> None:
        try:
            with self._sending:
                self._connection.sendall(data)
        except OSError as error:
            raise EngineGone from error

    def _redacted(self, message: dict[str, Any]) -> dict[str, Any]:
        """What a handler says, without what it must not tell; the words of the protocol stay."""
        said, redactor = message["say"], self.redactor
        try:
            if said in {"log", "progress"}:
                return {**message, "record": redactor.record(message["record"], LOG_WORDS)}
            if said == "ask":
                return {**message, "body": redactor.record(message["body"], _ASK_WORDS)}
            if said == "failed":
                return {
                    **message,
                    "message": redactor.text(message["message"]),
                    "trace": redactor.value(message["trace"]),
                }
        except RecursionError as error:
            raise InvalidPayload("nested too deeply") from error
        return message

    def redacted_payload(self, payload: Any) -> Any:
        """A handler's answer without secrets."""
        if isinstance(payload, dict):
            return self.redactor.record(payload, ANSWER_WORDS)
        return self.redactor.value(payload)

    def receive(self) -> dict[str, Any]:
        while True:
            for message in self._arrived:
                return dict(message)
            try:
                data = self._connection.recv(_READ_BYTES)
            except OSError as error:
                raise EngineGone from error
            if not data:
                raise EngineGone
            self._arrived = self._frames.feed(data)

    def ask(self, what: str, body: dict[str, Any]) -> Any:
        """Ask the engine on behalf of the running task and wait for its answer.

        `{value}` is given back; `{error: {name, message}}` is raised as the Tradeloom error of that name.
        """
        with self._asking:
            self.send({"say": "ask", "what": what, "body": body})
            answer = self.receive()
        if "error" in answer:
            from tradeloom.engine.worker_services import error_named

            raise error_named(answer["error"])
        return answer.get("value")


_current: Channel | None = None


def use(channel: Channel) -> None:
    """Make `channel` this process's own."""
    global _current
    _current = channel


def current() -> Channel:
    if _current is None:
        raise RuntimeError("this process is not a worker of an engine")
    return _current
