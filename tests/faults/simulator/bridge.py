"""The bridge as processes of the simulated world: the real `Front`, the real `AccountWorker`, a simulated pipe between.

What the operating system and the supervisor's thread do in a bridge is done here with virtual time: one call at a time
through the pipe, a worker that died or hangs is replaced, an orphan of a dead front is let finish and then ended. In
the front's modules the clock and the ways to files and processes are put in place by `seen_by_the_front`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from math import inf
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from mt5_bridge import front as front_module
from mt5_bridge import seat as seat_module
from mt5_bridge.account_worker import AccountWorker
from mt5_bridge.clock import WallClock
from mt5_bridge.config import BridgeConfig
from mt5_bridge.front import Front
from mt5_bridge.journal import Journal
from mt5_bridge.supervisor import HandedOver
from tests.faults.simulator.disk import Disk, SimulatedStore
from tests.faults.simulator.kernel import Kernel, Process, Signal
from tests.faults.simulator.terminal import Connection, SimulatedTerminal
from tradeloom.errors import BrokerUnavailable, StorageUnavailable
from tradeloom.trading import mt5_answers, mt5_client, mt5_hand_in, protocol

_RESTART_S = 0.1
_PULSE_S, _BUSY_PULSE_S = 30.0, 2.0
"""How often an idle worker is woken: in a bridge every few seconds; here only as often as it matters. One that has
nothing to catch up with sleeps once all is calm and it has seen its terminal connected: nothing changes by itself."""
_ORPHAN_LEAVES_S = 3.0


class MarketClock(WallClock):
    """A live account's clock, in virtual time."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def now(self) -> datetime:
        return self._kernel.utc()


class Machine:
    """The trading host: its disk, its terminal, and the bridge's processes. `front` is None while it is down."""

    def __init__(
        self, kernel: Kernel, disk: Disk, terminal: SimulatedTerminal, config: BridgeConfig, rng: Random
    ) -> None:
        self.kernel = kernel
        self.disk = disk
        self.terminal = terminal
        self.config = config
        self.settings = config.accounts[0]
        self.rng = rng
        self.watch_until = 0.0
        self.front: Front | None = None
        self.front_process = Process("front")
        self.link: Link | None = None
        self._fronts = 0

    def start_front(self) -> None:
        self._fronts += 1
        process = self.front_process = Process(f"front {self._fronts}")
        process.on_exit = self._front_is_gone

        def begin() -> None:
            with seen_by(self):
                self.front = Front(self.config)
            self.front.start()
            self.kernel.say(process.name, "listens")

        self.kernel.spawn(process, begin)

    def _front_is_gone(self) -> None:
        self.front = None
        if self.link is not None:
            self.link.orphan()
        self.kernel.at(_RESTART_S, self.start_front)

    def lose_power(self, share_lost: float) -> None:
        """Everything stops at once; what was not synced is gone in part."""
        self.kernel.say("machine", "loses its power")
        self.disk.lose_power(share_lost)
        for process in (self.front_process, self.link.process if self.link else None):
            if process is not None:
                self.kernel.kill(process)
        self.terminal.restart()

    def end(self) -> None:
        """Lets go of the bridge's processes."""
        self.front = self.link = None

    def journal(self, process: Process) -> Journal:
        return Journal(SimulatedStore(self.disk, self.kernel, process), self.kernel.utc)


class Link:
    """A worker process and the pipe to it. `gone` is set once the process has ended."""

    def __init__(self, machine: Machine, number: int) -> None:
        self._machine = machine
        self._kernel = machine.kernel
        self.process = Process(f"worker {number}")
        self.gone = Signal(self._kernel)
        self.greeted = Signal(self._kernel)
        self.trouble: str | None = None
        self.recycle = False
        self.busy = False
        self._line: list[Signal] = []
        self._number = 0
        self._unanswered = False
        self._inbox: tuple[int, str, bytes] | None = None
        self._mail = Signal(self._kernel)
        self._answer: bytes | None = None
        self._answered = Signal(self._kernel)
        self._closed = False
        self.process.on_exit = self._is_gone
        self._kernel.spawn(self.process, self._work)

    # In the worker's process

    def _work(self) -> None:
        kernel, machine = self._kernel, self._machine
        kernel.sleep(0.05)
        kernel.point(self.process, "its start")
        try:
            worker = AccountWorker(
                machine.settings,
                Connection(machine.terminal, self.process),
                MarketClock(kernel),
                lambda: machine.journal(self.process),
                _no_file,
                kernel.sleep,
                wall=kernel.utc,
                jitter=machine.rng.uniform,
            )
        except BrokerUnavailable as error:
            self.trouble = error.message
            kernel.exit(self.process)
            return
        kernel.say(self.process.name, "is ready")
        self.greeted.set()
        try:
            self._serve(worker)
        finally:
            vars(worker).clear()  # its parts hold it and each other: nobody would take them away but the collector

    def _serve(self, worker: AccountWorker) -> None:
        kernel, machine = self._kernel, self._machine
        seen_calm = False
        while not self._closed:
            if self._inbox is None:
                at_rest = seen_calm and not worker.is_behind()
                self._mail.clear()
                called = self._mail.wait(inf if at_rest else self._pulse_s())
                if called and kernel.now >= machine.watch_until and not worker.is_behind():
                    continue  # nothing can have come to pass that the call itself does not look for
                if not at_rest and not self._closed:
                    worker.catch_up()
                    worker.note_connection()
                    seen_calm = machine.terminal.calm and worker.tally.connected is True
                continue
            number, method, payload = self._inbox
            self._inbox = None
            answer = worker.handle(method, payload)
            kernel.point(self.process, "its answer")
            self._receive(number, answer, recycle=worker.recycle)
        kernel.exit(self.process)

    def _pulse_s(self) -> float:
        return _BUSY_PULSE_S if self._kernel.now < self._machine.watch_until else _PULSE_S

    def _is_gone(self) -> None:
        self.gone.set()
        self.greeted.set()
        self._answered.set()

    # In the front's process

    def orphan(self) -> None:
        """The front is gone: what is under way is finished, unless that takes too long."""
        self._closed = True
        self._mail.set()
        self._kernel.at(_ORPHAN_LEAVES_S, lambda: self._kernel.kill(self.process))

    def take_turn(self, give_up: float) -> bool:
        """The pipe's lock: calls go through one after another."""
        if not self.busy:
            self.busy = True
            return True
        turn = Signal(self._kernel)
        self._line.append(turn)
        turn.wait(give_up - self._kernel.now)
        if not turn.is_set():
            self._line.remove(turn)
            return False
        return True

    def end_turn(self) -> None:
        if self._line:
            self._line.pop(0).set()
        else:
            self.busy = False

    def exchange(self, method: str, payload: bytes, give_up: float) -> bytes:
        if self._unanswered and not self._heard(give_up):
            raise BrokerUnavailable("the account's worker is still busy with an earlier call; nothing was sent")
        if self.gone.is_set():
            raise HandedOver("the account's worker stopped", self.gone)  # type: ignore[arg-type]  # in virtual time
        self._number += 1
        number = self._number
        self._unanswered, self._answer, self._answered = True, None, Signal(self._kernel)
        self._inbox = number, method, payload
        self._mail.set()
        self._watch(number, give_up)
        if not self._heard(give_up):
            raise HandedOver(f"the account's worker did not answer {method} in time", self.gone)  # type: ignore[arg-type]
        assert self._answer is not None
        return self._answer

    def _watch(self, number: int, give_up: float) -> None:
        """A worker that does not answer in time is given up, whether or not anybody waits for it still."""
        hang_timeout_s = self._machine.settings.hang_timeout_s
        if give_up - self._kernel.now <= hang_timeout_s:
            self._kernel.at(hang_timeout_s, lambda: self._kill_if_hung(number))
        elif not self._answered.wait(hang_timeout_s):
            self._kill_if_hung(number)

    def _heard(self, give_up: float) -> bool:
        self._answered.wait(give_up - self._kernel.now)
        if self._answer is None and self.gone.is_set():
            raise HandedOver("the account's worker stopped while it was working", self.gone)  # type: ignore[arg-type]
        return self._answer is not None

    def _receive(self, number: int, answer: bytes, *, recycle: bool) -> None:
        if self._closed:
            return
        self._answer, self._unanswered = answer, False
        self.recycle |= recycle
        self._answered.set()
        if recycle:
            self._closed = True

    def _kill_if_hung(self, number: int) -> None:
        if self._unanswered and self._number == number and self.process.alive and not self._closed:
            self._kernel.say("front", "gives up a worker that does not answer")
            self._kernel.kill(self.process)


class SimulatedSupervisor:
    """Keeps the worker alive, as `Supervisor` does."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self._machine = machine
        self._kernel = machine.kernel
        self._process = process
        self._starts = 0
        self._trouble: str | None = None

    def start(self) -> None:
        self._spawn()

    def wait_first_start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def health(self) -> dict[str, Any]:
        return {"status": "ready"}

    def request(self, method: str, payload: bytes, give_up: float) -> bytes:
        self._process.check()
        link = self._ready(give_up)
        if not link.take_turn(give_up):
            raise BrokerUnavailable("the account is busy; nothing was sent")
        try:
            return link.exchange(method, payload, give_up)
        finally:
            link.end_turn()

    def _ready(self, give_up: float) -> Link:
        while True:
            link = self._machine.link
            if link is not None and link.process.alive and link.greeted.is_set() and not link.recycle:
                return link
            if self._kernel.now >= give_up or self._trouble:
                raise BrokerUnavailable("the account's worker is not running; nothing was sent")
            self._kernel.sleep(min(0.1, give_up - self._kernel.now))

    def _spawn(self) -> None:
        """Once whoever holds the account's lock is gone."""
        if not self._process.alive:
            return
        before = self._machine.link
        if before is not None and not before.gone.is_set():
            self._kernel.at(_RESTART_S, self._spawn)
            return
        self._starts += 1
        link = self._machine.link = Link(self._machine, self._starts)
        leave = link.process.on_exit
        assert leave is not None

        def on_exit() -> None:
            leave()
            self._kernel.at(_RESTART_S, self._spawn)

        link.process.on_exit = on_exit


def _no_file(*_where: Any) -> Any:
    raise StorageUnavailable("not part of this world")


_NOWHERE = Path("/simulated/accounts")
"""Where every file would be: none is opened."""

_MACHINE: list[Machine] = []


@contextmanager
def seen_by(machine: Machine) -> Iterator[None]:
    """While a front is made: whose files and processes it finds."""
    _MACHINE.append(machine)
    try:
        yield
    finally:
        _MACHINE.pop()


@contextmanager
def seen_by_the_front(running: Sequence[Kernel]) -> Iterator[None]:
    """Puts virtual time (of the one kernel that is `running`), the simulated disk and the simulated pipe behind the
    names the front's modules use. What has been decoded once is not decoded anew: front and worker read the same
    request, and most answers come more than once; both are values.
    """
    decode_outcome = lru_cache(maxsize=256)(mt5_answers.decode_outcome)
    clock = SimpleNamespace(
        monotonic=lambda: running[0].now,
        time=lambda: running[0].time(),
        sleep=lambda seconds: running[0].sleep(seconds),
    )

    def journal(_path: Path) -> Journal:
        return _MACHINE[-1].journal(_MACHINE[-1].front_process)

    def supervisor(*_settings: Any) -> SimulatedSupervisor:
        return SimulatedSupervisor(_MACHINE[-1], _MACHINE[-1].front_process)

    with (
        patch.object(front_module, "time", clock),
        patch.object(BridgeConfig, "_of_account", lambda _config, *_parts: _NOWHERE),
        patch.object(protocol, "decode_request", lru_cache(maxsize=256)(protocol.decode_request)),
        patch.object(mt5_hand_in, "decode_outcome", decode_outcome),
        patch.object(mt5_client, "decode_outcome", decode_outcome),
        patch.object(seat_module, "Journal", journal),
        patch.object(seat_module, "Supervisor", supervisor),
        patch.object(seat_module, "GuardStore", _no_file),
        patch.object(seat_module, "FlattenStore", _no_file),
    ):
        yield
