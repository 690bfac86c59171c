"""Virtual time, processes and their tasks: one thread, no real clock, the same order of events for the same seed.

Code under test is ordinary blocking code. Each of its threads of control runs in a greenlet; when it sleeps or waits,
the hub goes on with whatever is due next. A process can be killed at any *point*: its tasks are unwound by `Crash`, and
whatever handler of theirs still reaches for the world is refused, so that a kill leaves behind what a power cut would.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from greenlet import getcurrent, greenlet

EPOCH = datetime(2024, 1, 10, 12, tzinfo=UTC)
_EPOCH_S = EPOCH.timestamp()


class Crash(BaseException):
    """The process is no more. No `except Exception` of the code under test may catch it."""


class Task:
    """A thread of control. `turn` is the number of the event that it goes on at; below zero once it has ended."""

    __slots__ = ("process", "switch", "throw", "turn", "work")

    def __init__(self, process: "Process", work: Callable[[], None], runner: "_Runner") -> None:
        self.process = process
        self.work = work
        self.turn = 0
        self.switch, self.throw = runner.switch, runner.throw
        runner.task = self


class _Runner(greenlet):  # type: ignore[misc]  # greenlet tells no types
    """Carries one task after another: to make a greenlet costs more than to switch to one."""

    def __init__(self, hub: greenlet) -> None:
        super().__init__(self._serve, hub)
        self.task: Task | None = None
        self._idle = _IDLE.setdefault(hub, [])
        self._to_hub = hub.switch

    def _serve(self) -> None:
        while True:
            self._carry(self.task)
            self.task = None
            self._idle.append(self)
            self._to_hub()

    def _carry(self, task: Task | None) -> None:
        assert task is not None
        try:
            task.work()
        except Crash:
            pass
        finally:
            task.turn = -1
            task.process.tasks.remove(task)


_IDLE: dict[greenlet, list[_Runner]] = {}
"""By hub, of which each thread has one: the runners that wait for their next task."""


class Process:
    """A process of the simulated world; `on_exit` is called once when it is gone, however."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.tasks: list[Task] = []
        self.on_exit: Callable[[], None] | None = None

    def check(self) -> None:
        """Called by whatever the process reaches the world through."""
        if not self.alive:
            raise Crash


class Signal:
    """As `threading.Event`, in virtual time. `message` is what came with it."""

    __slots__ = ("_kernel", "_set", "_waiting", "message")

    def __init__(self, kernel: "Kernel") -> None:
        self._kernel = kernel
        self._set = False
        self._waiting: list[Task] = []
        self.message: bytes | None = None

    def is_set(self) -> bool:
        return self._set

    def set(self, message: bytes | None = None) -> None:
        self._set, self.message = True, message
        for task in self._waiting:
            self._kernel.wake(task)
        self._waiting.clear()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float) -> bool:
        if not self._set and timeout > 0:
            task = self._kernel.current
            self._waiting.append(task)
            try:
                self._kernel.park(timeout)
            finally:
                if not self._set:
                    self._waiting.remove(task)
        return self._set


class Kernel:
    """`now` is in seconds since the world began. `plan` says at which point, by number, whom to kill."""

    def __init__(self, plan: dict[int, Callable[[], None]], *, tracing: bool) -> None:
        self.now = 0.0
        self.trace: list[str] | None = [] if tracing else None
        self._plan = plan
        self._points = 0
        self._due: list[tuple[float, int, Any]] = []
        self._until = 0.0
        self._number = 0
        self._hub = getcurrent()
        self._to_hub = self._hub.switch
        self._idle = _IDLE.setdefault(self._hub, [])
        self._processes: dict[Process, None] = {}
        self._moment = 0.0, EPOCH
        self.current: Task

    # Clocks

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return _EPOCH_S + self.now

    def utc(self) -> datetime:
        if self._moment[0] != self.now:
            self._moment = self.now, EPOCH + timedelta(seconds=self.now)
        return self._moment[1]

    def say(self, who: str, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.now:10.4f}  {who:<10} {what}")

    # Tasks

    def spawn(self, process: Process, work: Callable[[], None]) -> None:
        """Starts a thread of control of a process, at this moment but not before the present one waits."""
        runner = self._idle.pop() if self._idle else _Runner(self._hub)
        task = Task(process, work, runner)
        self._processes[process] = None
        process.tasks.append(task)
        self.wake(task)

    def at(self, delay: float, call: Callable[[], None]) -> None:
        """Has the world do something later; `call` must not wait."""
        self._number += 1
        heappush(self._due, (self.now + delay, self._number, call))

    def sleep(self, seconds: float) -> None:
        self.park(seconds if seconds > 0.0 else 0.0)

    def park(self, seconds: float) -> None:
        """Waits until woken or until the time is over.

        What is due next goes on at once if it is a task: the way by the hub is twice as long.
        """
        task, due = self.current, self._due
        task.turn = self._number = number = self._number + 1
        heappush(due, (self.now + seconds, number, task))
        while type(due[0][2]) is Task and due[0][0] <= self._until:
            now, number, following = heappop(due)
            if following.turn == number:
                self.now, self.current = now, following
                if following is not task:
                    following.switch()
                return
        self._to_hub()

    def wake(self, task: Task) -> None:
        self._number += 1
        if task.turn >= 0:
            task.turn = self._number
            heappush(self._due, (self.now, self._number, task))

    def run(self, until: float) -> None:
        """Whatever is due by then; afterwards it is that late."""
        due, self._until = self._due, until
        while due and due[0][0] <= until:
            self.now, number, what = heappop(due)
            if type(what) is not Task:
                what()
            elif what.turn == number:
                self.current = what
                what.switch()
        self.now = until

    # Ends

    def point(self, process: Process, where: str) -> None:
        """A step at which something may die, by plan; the caller dies here when it is the one."""
        if not process.alive:
            raise Crash
        self._points += 1
        if self._points in self._plan:
            strike = self._plan[self._points]
            self.say(process.name, f"at {where}:")
            strike()
            process.check()

    def kill(self, process: Process) -> None:
        """At once, for its tasks' next step; those that wait are unwound as soon as the present task does."""
        if not process.alive:
            return
        process.alive = False
        self.say(process.name, "is killed")
        self.at(0.0, lambda: self._unwind(process))

    def exit(self, process: Process) -> None:
        """Leaves by itself."""
        if process.alive:
            process.alive = False
            if process.on_exit:
                process.on_exit()

    def end(self) -> None:
        """Unwinds whoever is left. The collector sees into no greenlet that waits: its world would never be freed."""
        self._due.clear()
        self._plan.clear()
        for process in self._processes:
            process.alive, process.on_exit = False, None
            if process.tasks:
                self._throw(process)
        del self.current

    def _unwind(self, process: Process) -> None:
        self._throw(process)
        if process.on_exit:
            process.on_exit()

    def _throw(self, process: Process) -> None:
        for task in list(process.tasks):
            self.current = task
            task.throw(Crash)
