"""The word of a stop: where it breaks in, where it waits to be looked for, and that it is forgotten with its task."""

from collections.abc import Iterator

import pytest

from tradeloom import stopping
from tradeloom.errors import ExecutionStopped


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    stopping.begin()
    yield
    stopping.begin()


def test_nothing_is_broken_off_that_does_not_say_it_may_be() -> None:
    stopping.check()
    stopping.ask()
    with pytest.raises(ExecutionStopped):
        stopping.check()


def test_a_wait_that_may_be_broken_off_is() -> None:
    with pytest.raises(ExecutionStopped), stopping.interruptible():
        stopping.ask()


def test_a_wait_does_not_begin_after_the_word() -> None:
    stopping.ask()
    with pytest.raises(ExecutionStopped), stopping.interruptible():
        pytest.fail("the wait began")


def test_a_second_word_breaks_into_no_cleaning_up() -> None:
    cleaned = []

    def wait() -> None:
        try:
            stopping.ask()
        finally:
            stopping.ask()
            cleaned.append(True)

    with pytest.raises(ExecutionStopped), stopping.interruptible():
        wait()
    assert cleaned


def test_what_follows_a_wait_is_not_broken_off() -> None:
    with stopping.interruptible(), stopping.interruptible():
        pass
    stopping.ask()


def test_the_next_task_hears_nothing_of_it() -> None:
    stopping.ask()
    stopping.begin()
    stopping.check()
    with stopping.interruptible():
        pass
