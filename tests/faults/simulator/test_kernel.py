"""Virtual time: who goes on when."""

from tests.faults.simulator.kernel import Kernel, Process, Signal


def test_whoever_waits_goes_on_when_the_time_is_over_or_the_signal_comes() -> None:
    kernel, process = Kernel({}, tracing=False), Process("any")
    signal, went_on = Signal(kernel), []

    def wait(name: str, seconds: float) -> None:
        went_on.append((name, signal.wait(seconds), kernel.now))

    kernel.spawn(process, lambda: wait("impatient", 1.0))
    kernel.spawn(process, lambda: wait("patient", 9.0))
    kernel.at(2.0, signal.set)
    kernel.run(10.0)
    assert went_on == [("impatient", False, 1.0), ("patient", True, 2.0)]


def test_what_comes_after_a_wait_was_over_wakes_nobody() -> None:
    """Not out of a sleep that has nothing to do with it."""
    kernel, process = Kernel({}, tracing=False), Process("any")
    signal, woke = Signal(kernel), []

    def work() -> None:
        signal.wait(1.0)
        kernel.sleep(5.0)
        woke.append(kernel.now)

    kernel.spawn(process, work)
    kernel.at(2.0, signal.set)
    kernel.run(10.0)
    assert woke == [6.0]


def test_two_sleepers_take_turns() -> None:
    kernel, turns = Kernel({}, tracing=False), []

    def sleeper(name: str, nap: float) -> None:
        for _ in range(3):
            kernel.sleep(nap)
            turns.append((name, kernel.now))

    kernel.spawn(Process("one"), lambda: sleeper("one", 1.0))
    kernel.spawn(Process("other"), lambda: sleeper("other", 2.0))
    kernel.run(3.5)
    assert turns == [("one", 1.0), ("other", 2.0), ("one", 2.0), ("one", 3.0)]
    kernel.run(100.0)
    assert turns[4:] == [("other", 4.0), ("other", 6.0)]
