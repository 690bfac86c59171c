"""The line between an engine and the bridge: slow, broken, and now and then it delivers twice."""

from random import Random

from tests.faults.simulator.bridge import Machine
from tests.faults.simulator.kernel import Kernel, Process, Signal
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading import protocol
from tradeloom.trading.mt5_transport import CallLost

_DEAD_LINE_S = 1.5


class SimulatedTransport:
    """The `Transport` port. `trouble` is how likely a call is to suffer something, until `calm_at`."""

    def __init__(self, machine: Machine, process: Process, rng: Random, *, trouble: float, calm_at: float) -> None:
        self._machine = machine
        self._kernel: Kernel = machine.kernel
        self._process = process
        self._rng = rng
        self._trouble = trouble
        self._calm_at = calm_at
        self._calls = 0

    def close(self) -> None:
        pass

    def call(self, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        kernel, rng = self._kernel, self._rng
        kernel.point(self._process, f"a call of {method}")
        give_up = kernel.now + timeout_s
        ail = _FINE
        if kernel.now < self._calm_at and rng.random() < self._trouble:
            ail = rng.choice(_AILMENTS)
            kernel.say(self._process.name, f"{method}: {ail}")
        if self._machine.front is None:
            raise BrokerUnavailable("no bridge is running")
        if ail == _NO_CONNECTION:
            kernel.sleep(0.01)
            raise BrokerUnavailable("the bridge cannot be reached")
        if ail == _REQUEST_LOST:
            self._break_off(rng.uniform(0.0, _DEAD_LINE_S), give_up)
        self._calls += 1
        request_id = f"{self._process.name}-{self._calls}"
        reply = Signal(kernel)
        arrives = rng.uniform(0.0, 2.0) if ail == _SLOW else 0.001
        deadline = kernel.time() + timeout_s
        self._deliver(arrives, method, request_id, deadline, payload, reply)
        if ail == _TWICE:
            self._deliver(rng.uniform(0.0, 5.0), method, request_id, deadline + 10, payload, Signal(kernel))
        if ail == _REPLY_LOST:
            self._break_off(rng.uniform(0.01, _DEAD_LINE_S), give_up)
        reply.wait(min(timeout_s, 0.3 if ail == _BREAKS else timeout_s))
        kernel.point(self._process, f"the answer to {method}")
        if reply.message is None:
            raise CallLost(f"the bridge did not answer {method}")
        return reply.message

    def _break_off(self, after: float, give_up: float) -> None:
        self._kernel.sleep(min(after, max(give_up - self._kernel.now, 0.0)))
        raise CallLost("the connection to the bridge broke")

    def _deliver(
        self, after: float, method: str, request_id: str, deadline: float, payload: bytes, reply: Signal
    ) -> None:
        """To whatever front runs then; the connection ends with it, which is a reply without a message."""
        kernel, machine = self._kernel, self._machine

        def arrive() -> None:
            front, process = machine.front, machine.front_process
            if front is None or not process.alive:
                reply.set()
                return

            def answer() -> None:
                told: bytes | None = None
                try:
                    told = front.call(protocol.VERSION, method, request_id, deadline, payload)
                    kernel.point(process, f"the reply to {method}")
                finally:
                    reply.set(told if process.alive else None)

            kernel.spawn(process, answer)

        kernel.at(after, arrive)


_FINE, _NO_CONNECTION, _REQUEST_LOST = "fine", "no connection", "the request is lost"
_SLOW, _TWICE, _REPLY_LOST, _BREAKS = "the request is slow", "delivered twice", "the reply is lost", "breaks off"
_AILMENTS = (_NO_CONNECTION, _REQUEST_LOST, _SLOW, _TWICE, _REPLY_LOST, _REPLY_LOST, _BREAKS)
