"""A transport by queue, as the cloud may have one: no inbound port, a bridge that polls. In memory.

The queue behaves as queues do: a message may be delivered more than once and late, an answer may get lost. What stands
behind it is whatever answers a call; in the contract suite that is a real bridge, with its journal.
"""

import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tradeloom.errors import BrokerUnavailable, TradeloomError
from tradeloom.trading import protocol
from tradeloom.trading.mt5_transport import CallLost

Handle = Callable[[str, bytes, float], bytes]
"""Answers (method, payload, seconds left): the bridge's side of a call."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    method: str
    payload: bytes
    deadline: float


class Queue:
    """Messages one way, answers by the message's id the other. `open` is whether it takes messages at all."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self.open = True
        self._answers: dict[str, bytes] = {}
        self._arrived = threading.Condition()

    def put(self, message: Message) -> None:
        """Raises `BrokerUnavailable` when the queue certainly did not take it."""
        if not self.open:
            raise BrokerUnavailable("the queue does not take messages; nothing was sent")
        self.messages.put(message)

    def answer(self, message_id: str, content: bytes) -> None:
        with self._arrived:
            self._answers[message_id] = content
            self._arrived.notify_all()

    def wait(self, message_id: str, timeout_s: float) -> bytes | None:
        """The answer, once; None when none came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: message_id in self._answers, timeout_s)
            return self._answers.pop(message_id, None)


class QueueTransport:
    """The client's end."""

    def __init__(self, messages: Queue) -> None:
        self._queue = messages

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        message = Message(uuid.uuid4().hex, method, payload, time.time() + timeout_s)
        self._queue.put(message)
        # From here on the bridge may have it, or get it later: a message in a queue cannot be called back.
        content = self._queue.wait(message.id, timeout_s)
        if content is None:
            raise CallLost(f"the bridge did not answer {method} within {timeout_s:g} s")
        return content

    def close(self) -> None:
        pass


class Poller(threading.Thread):
    """The bridge's end: takes one message after the other, acts on it unless its deadline has passed, answers.

    `deliveries` is how often each message arrives; `lose` is how many of the coming answers get lost.
    """

    def __init__(self, messages: Queue, handle: Handle) -> None:
        super().__init__(daemon=True)
        self._queue = messages
        self._reply_to = handle
        self._stopped = False
        self.deliveries = 1
        self.lose = 0
        self.polling = threading.Event()
        self.polling.set()
        self.start()

    def run(self) -> None:
        while not self._stopped:
            try:
                message = self._queue.messages.get(timeout=0.01)
            except queue.Empty:
                continue
            while not self.polling.wait(0.05) and not self._stopped:
                pass
            for _ in range(self.deliveries):
                self._act(message)

    def _act(self, message: Message) -> None:
        left = message.deadline - time.time()
        if left <= 0:
            return  # too late to act on; whoever sent it asks for the outcome
        try:
            content = self._reply_to(message.method, message.payload, left)
        except TradeloomError as error:
            content = protocol.encode_error(error)
        if self.lose:
            self.lose -= 1
        else:
            self._queue.answer(message.id, content)

    def stop(self) -> None:
        self._stopped = True
        self.join(60)
