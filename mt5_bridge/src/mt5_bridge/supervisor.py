"""Keeps one account's worker alive: starts it, hands it one call at a time, replaces it when it dies or hangs."""

import json
import logging
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import connection as pipes
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mt5_bridge import logs, worker_start
from mt5_bridge.config import AccountConfig
from tradeloom.errors import BrokerError, BrokerTimeout, BrokerUnavailable
from tradeloom.trading.methods import NoParams
from tradeloom.trading.protocol import MAX_ANSWER_BYTES, encode_request

_log = logging.getLogger(__name__)

_WATCH_S = 0.1
_FIRST_RESTART_S = 0.1
_SLOWEST_RESTART_S = 15.0
_PULSE_WAIT_S = 0.2
_LONGEST_ID = 64
_LONGEST_NEWS = 64 * 1024
_HEALTHY_S = 30.0
"""A worker that lived this long has earned a prompt restart."""


class HandedOver(BrokerError):
    """The call reached the worker's pipe and no answer came: the worker may have acted on it.

    `gone` is set once the worker's process has ended, after which its journal holds all there is to know.
    """

    def __init__(self, message: str, gone: threading.Event) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass
class _Link:
    """A running worker and the pipe to it. `busy_since` is monotonic time of the call it is working on; `take_tally`
    gets what the worker counted."""

    process: BaseProcess
    pipe: "pipes.Connection[Any, Any]"
    take_tally: Callable[[bytes], None]
    gone: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    unanswered: bool = False
    busy_since: float | None = None
    heard_at: float = field(default_factory=time.monotonic)
    recycle: bool = False

    def exchange(self, method: str, payload: bytes, give_up: float) -> bytes:
        """One call and its answer. Whoever calls holds `lock`. Raises `HandedOver`, or `BrokerUnavailable` before."""
        if self.unanswered and not self._answered_meanwhile(give_up):
            raise BrokerUnavailable("the account's worker is still busy with an earlier call; nothing was sent")
        self.number += 1
        self.unanswered, self.busy_since = True, time.monotonic()
        name, request_id = method.encode(), logs.current("request").encode()[:_LONGEST_ID]
        head = worker_start.REQUEST_HEAD.pack(self.number, len(name), len(request_id)) + name + request_id
        try:
            self.pipe.send_bytes(head + payload)
        except (OSError, ValueError) as error:
            raise HandedOver("the account's worker stopped", self.gone) from error
        answer = self._receive(self.number, give_up)
        if answer is None:
            raise HandedOver(f"the account's worker did not answer {method} in time", self.gone)
        return answer

    def take_pulse(self, payload: bytes, idle_s: float) -> None:
        """After `idle_s` without a call: makes one, so that a worker that hangs between calls, looking after its
        guards, is as busy as one that hangs in a call. An answer somebody did not wait for is taken, too."""
        if (not self.unanswered and time.monotonic() - self.heard_at < idle_s) or not self.lock.acquire(blocking=False):
            return
        try:
            if self.unanswered:
                self._answered_meanwhile(time.monotonic())
            else:
                self.exchange("market_clock", payload, time.monotonic() + _PULSE_WAIT_S)
        except (HandedOver, BrokerUnavailable):
            pass  # dead or busy, which whoever watches sees
        finally:
            self.lock.release()

    def _answered_meanwhile(self, give_up: float) -> bool:
        """Waits for the answer to a call whose caller gave up; it is dropped."""
        try:
            return self._receive(self.number, give_up) is not None
        except HandedOver as lost:  # that was the earlier call: this one never left
            raise BrokerUnavailable(lost.message) from lost

    def _receive(self, number: int, give_up: float) -> bytes | None:
        """The answer with this number, None if it does not come in time."""
        try:
            if not _readable(self.pipe, max(give_up - time.monotonic(), 0)):
                return None
            message = self.pipe.recv_bytes(MAX_ANSWER_BYTES + worker_start.ANSWER_HEAD.size)
        except (EOFError, OSError) as error:
            raise HandedOver("the account's worker stopped while it was working on the call", self.gone) from error
        answered, recycle, told = worker_start.ANSWER_HEAD.unpack_from(message)
        if answered != number:
            raise HandedOver("the account's worker answered out of turn", self.gone)
        self.unanswered, self.busy_since, self.heard_at = False, None, time.monotonic()
        self.recycle |= bool(recycle)
        if told:
            self.take_tally(message[worker_start.ANSWER_HEAD.size :][:told])
        return message[worker_start.ANSWER_HEAD.size + told :]


class Supervisor:
    """One account's worker. Thread-safe; `start` returns at once, `wait_first_start` when the first try is decided.

    `take_tally` is called, in any thread, with what the worker counted since its last answer, `hear` with what it says
    by itself (see `MarketScout`), and with None when it is gone.
    """

    def __init__(
        self,
        settings: AccountConfig,
        directory: Path,
        log_level: str,
        take_tally: Callable[[bytes], None],
        hear: Callable[[bytes | None], None] = lambda message: None,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._log_level = log_level
        self._take_tally = take_tally
        self._hear = hear
        self._link: _Link | None = None
        self._changed = threading.Condition()
        self._in_line = 0
        self._stopping = threading.Event()
        self._tried = threading.Event()
        self._status = "starting"
        self._trouble: str | None = None
        self._since = datetime.now(UTC)
        self._starts = 0
        self._turned_away = 0
        self._pulse = encode_request(settings.name, NoParams())
        self._thread = threading.Thread(target=self._run, name=f"supervisor-{settings.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_first_start(self) -> None:
        self._tried.wait(self._settings.start_timeout_s + 10)

    def stop(self) -> None:
        """Closes the pipe, which makes the worker leave, and ends it if it does not."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(15)

    def request(self, method: str, payload: bytes, give_up: float) -> bytes:
        """The worker's answer, by monotonic time `give_up`.

        Raises `BrokerUnavailable` when the worker never got the call, `HandedOver` when it did and did not answer.
        """
        with self._changed:
            busy = self._in_line >= self._settings.max_waiting
            self._turned_away += busy
            self._in_line += not busy
        if busy:
            raise BrokerUnavailable(f"account {self._settings.name} is busy: too many calls are waiting; try again")
        try:
            link = self._ready_link(give_up)
            if not link.lock.acquire(timeout=max(give_up - time.monotonic(), 0)):
                raise BrokerUnavailable(f"account {self._settings.name} is busy; nothing was sent")
            try:
                return link.exchange(method, payload, give_up)
            finally:
                link.lock.release()
        finally:
            with self._changed:
                self._in_line -= 1

    def health(self) -> dict[str, Any]:
        link = self._link
        busy = link.busy_since if link else None
        return {
            "status": self._status,
            "since": self._since.isoformat(),
            "restarts": max(self._starts - 1, 0),
            "trouble": self._trouble,
            "process": link.process.pid if link else None,
            "waiting": self._in_line,
            "turned_away": self._turned_away,
            "busy_s": None if busy is None else round(time.monotonic() - busy, 3),
        }

    def _ready_link(self, give_up: float) -> _Link:
        """The running worker; a restart is waited for, a terminal that could not be started is not."""
        with self._changed:
            while self._link is None or self._link.gone.is_set() or self._link.recycle:
                left = give_up - time.monotonic()
                if left <= 0 or self._status == "down" or self._stopping.is_set():
                    why = f": {self._trouble}" if self._trouble else ""
                    raise BrokerUnavailable(f"account {self._settings.name}'s worker is {self._status}{why}")
                self._changed.wait(left)
            return self._link

    def _run(self) -> None:
        pause = _FIRST_RESTART_S
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                link = self._spawn()
            except (BrokerUnavailable, OSError) as error:
                self._report("down", str(error))
                _log.error("account %s: %s", self._settings.name, error)
            else:
                self._report("ready", None, link)
                self._tried.set()
                reason = self._watch(link)
                self._report("stopped" if self._stopping.is_set() else "restarting", reason)
                self._retire(link)
            self._tried.set()
            if time.monotonic() - began > _HEALTHY_S:
                pause = _FIRST_RESTART_S
            self._stopping.wait(pause)
            pause = min(pause * 2, _SLOWEST_RESTART_S)

    def _spawn(self) -> _Link:
        self._starts += 1
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        news, told = context.Pipe(duplex=False)
        arguments = (theirs, self._settings.model_dump_json(), str(self._directory), self._log_level, told)
        process = context.Process(
            target=worker_start.main, args=arguments, daemon=True, name=f"worker-{self._settings.name}"
        )
        process.start()
        theirs.close()
        told.close()
        listener = threading.Thread(target=self._listen, args=(news,), daemon=True, name=f"news-{self._settings.name}")
        listener.start()
        link = _Link(process, ours, self._take_tally)
        try:
            self._wait_for_greeting(ours)
            greeting = json.loads(ours.recv_bytes(64 * 1024))
        except (BrokerTimeout, EOFError, OSError, ValueError) as error:
            self._retire(link, kill=True)
            raise BrokerUnavailable(f"the worker could not be started: {error or 'it stopped at once'}") from error
        if "error" in greeting:
            self._retire(link)
            raise BrokerUnavailable(str(greeting["error"]))
        return link

    def _listen(self, news: "pipes.Connection[Any, Any]") -> None:
        """Reads at all times, so that a worker never waits to be heard; ends with the worker."""
        try:
            while True:
                self._hear(news.recv_bytes(_LONGEST_NEWS))
        except (EOFError, OSError):
            self._hear(None)
        finally:
            news.close()

    def _wait_for_greeting(self, pipe: "pipes.Connection[Any, Any]") -> None:
        give_up = time.monotonic() + self._settings.start_timeout_s
        while not pipe.poll(_WATCH_S):
            if self._stopping.is_set():
                raise BrokerTimeout("the bridge is stopping")
            if time.monotonic() > give_up:
                raise BrokerTimeout("it did not start in time")

    def _watch(self, link: _Link) -> str | None:
        """Returns, with the reason, when the worker is dead or must be replaced."""
        while not self._stopping.is_set():
            if pipes.wait([link.process.sentinel], timeout=_WATCH_S):
                return f"the worker ended with code {link.process.exitcode}"
            if link.recycle:
                return "the terminal's pipe could not be trusted any more"
            link.take_pulse(self._pulse, self._settings.hang_timeout_s / 2)
            busy = link.busy_since
            if busy is not None and time.monotonic() - busy > self._settings.hang_timeout_s:
                link.process.kill()
                return f"the terminal did not answer for {self._settings.hang_timeout_s:g} s"
        return None

    def _retire(self, link: _Link, *, kill: bool = False) -> None:
        """Ends the process and says so; an order it was working on stays in the journal as it was."""
        if kill:
            link.process.kill()
        elif link.process.is_alive():
            # It leaves when its pipe closes. Whoever still waits for its answer gets the time to receive it.
            held = link.lock.acquire(timeout=self._settings.hang_timeout_s)
            link.pipe.close()
            if held:
                link.lock.release()
        link.process.join(5)
        if link.process.is_alive():
            link.process.kill()
            link.process.join()
        link.gone.set()
        if link.lock.acquire(timeout=1):
            link.pipe.close()
            link.lock.release()

    def _report(self, status: str, trouble: str | None, link: _Link | None = None) -> None:
        if trouble and status != "stopped":
            _log.warning("account %s is %s: %s", self._settings.name, status, trouble)
        with self._changed:
            self._status, self._trouble, self._link = status, trouble, link
            self._since = datetime.now(UTC)
            self._changed.notify_all()


if hasattr(select, "poll"):

    def _readable(pipe: Any, timeout_s: float) -> bool:
        """As `pipe.poll`, which builds a selector for every call."""
        watch = select.poll()
        watch.register(pipe.fileno(), select.POLLIN)
        return bool(watch.poll(timeout_s * 1000))
else:

    def _readable(pipe: Any, timeout_s: float) -> bool:
        return bool(pipe.poll(timeout_s))
