"""One worker process as the engine sees it."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, Final

from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidPayload, WorkersUnavailable
from tradeloom.engine.interpreter.failures import StatesError, lambda_failure
from tradeloom.engine.workers.invocation import Invocation
from tradeloom.engine.workers.sandbox import STOP_SIGNAL
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.errors import TradeloomError

log: Final = logging.getLogger(__name__)

_LAST_WORDS: Final = 20
_LONGEST_LINE: Final = 8192
_READ_BYTES: Final = 65_536
"""Read into one buffer, over and over: asyncio's own 256 KiB for each read are fresh pages of the kernel every time, at
several times the price of the read."""


class WorkerProcess(asyncio.BufferedProtocol):
    """`spawn` gives one that is ready. It runs one task at a time; once `dead` it is not used again."""

    def __init__(
        self,
        settings: WorkerSettings,
        on_free: Callable[["WorkerProcess"], None],
        on_dead: Callable[["WorkerProcess"], None],
    ) -> None:
        self._settings = settings
        self._on_free = on_free
        self._on_dead = on_dead
        self._frames = codec.FrameReader()
        self._read = bytearray(_READ_BYTES)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: Invocation | None = None
        self._reached: tuple[Any, StatesError | None] | None = None
        """What the worker gave for its task, before what it printed is read to its end."""
        self._printing = _Output(self)
        self._pipe: IO[bytes] | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None
        self._output: asyncio.BaseTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._killed: StatesError | None = None
        self._due = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._burial: asyncio.Task[None] | None = None
        self.last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self.warm: set[str] = set()
        self.dead = False
        self.dying = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def spawn(self) -> None:
        """Start the process and wait until it takes tasks. Raises `WorkersUnavailable`."""
        loop = asyncio.get_running_loop()
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            self._on_dead(self)
            raise WorkersUnavailable(f"A worker cannot be reached: {error}") from error
        ours.setblocking(False)
        try:
            self._process = subprocess.Popen(  # the command is ours
                [sys.executable, "-I", "-m", "tradeloom.engine.worker"],
                env=self._settings.given_to(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            self._on_dead(self)
            raise WorkersUnavailable(f"A worker process cannot be started: {error}") from error
        finally:
            theirs.close()
        await loop.create_connection(lambda: self, sock=ours)
        assert self._process.stdout is not None
        await self.listen_to(self._process.stdout)
        try:
            async with asyncio.timeout(self._settings.start_s):
                await self._ready
        except TimeoutError as error:
            self.kill()
            raise WorkersUnavailable(f"A worker did not get ready within {self._settings.start_s} s.") from error

    async def listen_to(self, pipe: IO[bytes]) -> None:
        """Hear what the process prints past its socket."""
        self._pipe = pipe
        self._output, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self._printing, pipe)

    # -- tasks --------------------------------------------------------------------------------------------------

    def begin(self, invocation: Invocation) -> None:
        """Have the handler run; the invocation is told how it ended."""
        assert self._task is None
        assert self._transport is not None
        limit_s = min(invocation.timeout_s or self._settings.longest_task_s, self._settings.longest_task_s)
        self._task = invocation
        invocation.holder = self
        task = {"id": invocation.id, "function": invocation.function, "payload": invocation.payload}
        try:
            invocation.on_begin()
            data = codec.frame({"do": "task", "timeout_s": limit_s, **task})
        except Exception as error:  # of this task alone: the worker has not heard of it
            self._end_task(None, error)
            return
        self._transport.write(data)
        self._set_alarm(limit_s)

    def _end_task(self, payload: Any, error: BaseException | None) -> None:
        """The worker may have another one before whoever waits for this hears of it, and goes on in here."""
        invocation, self._task, self._reached = self._task, None, None
        assert invocation is not None
        invocation.holder = None
        self.warm.add(invocation.function)
        try:
            self._on_free(self)
        finally:  # whatever the next task's begin does, this one has ended
            invocation.on_end(payload, error)

    def _set_alarm(self, limit_s: float) -> None:
        """The running task may take this long. One alarm serves task after task: hardly any is still there when it
        rings, and a timer for each would cost more than many a task's own work."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + limit_s
        if self._alarm is None or self._alarm.when() > self._due:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_at(self._due, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        if self._task is None:
            return
        if loop.time() < self._due:
            self._alarm = loop.call_at(self._due, self._ring, loop)
        elif self._reached is None:
            self._time_out(self._task)

    def _time_out(self, invocation: Invocation) -> None:
        """The state's time-out shows as the state's; a function's own as Lambda's."""
        longest_s = self._settings.longest_task_s
        if invocation.timeout_s is not None and invocation.timeout_s <= longest_s:
            self._killed = StatesError("States.Timeout", f"The task ran longer than {invocation.timeout_s:g} seconds.")
        else:
            message = f"RequestId: {invocation.id} Error: Task timed out after {longest_s:.2f} seconds"
            self._killed = lambda_failure("Sandbox.Timedout", message)
        self.kill()

    def interrupt(self, invocation: Invocation) -> None:
        """Tell the running handler to end where it can. The signal is there before any later task is, so that it never
        reaches the wrong one."""
        if self._reached is None and not self.dying:
            with suppress(ProcessLookupError):
                os.kill(self.pid, STOP_SIGNAL)

    def cancel(self, invocation: Invocation) -> None:
        self.kill()
        self._end_task(None, asyncio.CancelledError())

    def kill(self) -> None:
        """End the process and whatever it started, now."""
        if self._process is None or self.dead:
            return
        self.dying = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """Let the process end by itself: it leaves when its socket closes."""
        if self._transport is not None:
            self._transport.close()

    # -- what the process says ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._read

    def buffer_updated(self, nbytes: int) -> None:
        try:
            for message in self._frames.feed(memoryview(self._read)[:nbytes]):
                self._heard(message)
        except (InvalidPayload, KeyError, TypeError) as error:
            log.error("worker %s broke the protocol: %s", self.pid, error)
            self._killed = lambda_failure("Runtime.ExitError", "The worker broke the protocol.")
            self.kill()
        if self._reached is not None:
            self._read_output()
            if self._task is not None:
                self._end_task(*self._reached)

    def _heard(self, message: dict[str, Any]) -> None:
        said = message["say"]
        if said == "ready":
            if not self._ready.done():
                self._ready.set_result(None)
        elif self._task is None:
            log.debug("worker %s says %s after its task ended", self.pid, said)
        elif said == "done":
            self._reached = (message["payload"], None)
        elif said == "failed":
            self._reached = (None, lambda_failure(message["error"], message["message"], message["trace"]))
        elif said == "log":
            self._task.on_log(message["record"])
        elif said == "progress":
            self._task.on_progress(message["record"])
        elif said == "ask":
            answering = asyncio.ensure_future(self._answer(self._task, message["what"], message["body"]))
            self._answers.add(answering)
            answering.add_done_callback(self._answers.discard)

    async def _answer(self, invocation: Invocation, what: str, body: dict[str, Any]) -> None:
        try:
            reply = codec.frame({"do": "answer", "value": await invocation.on_ask(what, body)})
        except TradeloomError as error:
            reply = codec.frame({"do": "answer", "error": _described(error)})
        except Exception:
            log.exception("a worker's question %r could not be answered", what)
            failure = {"name": "StorageUnavailable", "message": "The engine failed."}
            reply = codec.frame({"do": "answer", "error": failure})
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)

    def printed(self, line: str) -> None:
        """A line that came past Python's own streams: from C code, or a process's last words."""
        self.last_words.append(line)
        if self._task is not None:
            self._task.on_log({"level": "warning", "message": line, "stream": "process"})
        else:
            log.warning("worker %s: %s", self.pid, line)

    def _read_output(self) -> None:
        """Hear what was printed before the answer that is there: it comes another way, and the loop may turn to that
        later."""
        with suppress(OSError, ValueError):  # there is no more, or the pipe is closed
            while self._pipe is not None and (data := os.read(self._pipe.fileno(), _READ_BYTES)):
                self._printing.data_received(data)

    # -- its end ------------------------------------------------------------------------------------------------

    def connection_lost(self, error: Exception | None) -> None:
        self.dying = True
        self._burial = asyncio.ensure_future(self._bury())

    async def _bury(self) -> None:
        """The socket is closed: make sure of the process, then tell whoever waits."""
        assert self._process is not None
        code = await asyncio.get_running_loop().run_in_executor(None, _reap, self._process)
        self.dead = True
        if self._alarm is not None:
            self._alarm.cancel()
        if self._output is not None:
            self._output.close()
        if not self._ready.done():
            words = " / ".join(self.last_words) or _ending(code)
            self._ready.set_exception(WorkersUnavailable(f"A worker process ended before it was ready: {words}"))
            self._ready.exception()  # nobody may be waiting any more
        try:
            if self._task is not None:
                message = f"RequestId: {self._task.id} Error: Runtime exited with error: {_ending(code)}"
                self._end_task(None, self._killed or lambda_failure("Runtime.ExitError", message))
        finally:
            self._on_dead(self)


class _Output(asyncio.Protocol):
    """The process's own standard output and error."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._begun = self._begun[: _LONGEST_LINE + 1]
        for line in lines:
            if len(line) > _LONGEST_LINE:
                # Where a line is cut, so may be a secret, and a part of one is not recognised.
                self._worker.printed(f"(a line of more than {_LONGEST_LINE:,} bytes was left out)")
            elif line.strip():
                self._worker.printed(line.decode("utf-8", "replace"))


def _described(error: TradeloomError) -> dict[str, Any]:
    """An error as it travels to a worker: under a name every worker knows, without what is of no use there."""
    known = next(kind for kind in type(error).__mro__ if kind.__module__ == TradeloomError.__module__)
    return {"name": known.__name__, "message": error.message, "field": error.field, "hint": error.hint}


def _reap(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process whose socket is closed. One that lingers is killed, and so are its children."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"signal: {signal.Signals(-code).name}"
    return f"signal: {-code}"
