"""What is lent to a client is kept as long as it holds it, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.compat.objects import Lent, Records, Struct
from mt5_bridge.compat.peer import MAX_LENT_BYTES, Lendings

MEGABYTE = 1024 * 1024


def tick(number: int = 0) -> Struct:
    return Struct("Tick", ("time",), (number,))


def test_a_thing_lent_twice_has_one_name_and_is_given_back_twice() -> None:
    lendings, thing = Lendings(), tick()
    name = lendings.lend(thing)
    assert lendings.lend(thing) == name
    lendings.give_back(thing, 1)
    assert lendings.find(name) is thing
    lendings.give_back(thing, 1)
    with pytest.raises(ReferenceError):
        lendings.find(name)
    lendings.give_back(thing, 1)  # late or twice: nobody is harmed
    assert lendings.lend(thing) != name


def test_a_client_that_keeps_everything_is_stopped_and_may_go_on_once_it_lets_go() -> None:
    lendings = Lendings()
    arrays: list[Lent] = [Records(b"x" * MEGABYTE, [("time", "<i8")], 1) for _ in range(MAX_LENT_BYTES // MEGABYTE)]
    for array in arrays[:-1]:
        lendings.lend(array)
    with pytest.raises(MemoryError, match="too many results"):
        lendings.lend(arrays[-1])
    lendings.give_back(arrays[0], 1)
    lendings.lend(tick())


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), max_size=60))
def test_what_is_held_is_what_was_lent_less_what_was_given_back(steps: list[tuple[int, int]]) -> None:
    """Even numbers lend, odd ones give back: a thing is found while its count is above zero."""
    lendings, things = Lendings(), [tick(number) for number in range(5)]
    counts = [0] * 5
    names: dict[int, tuple[str, int, int]] = {}
    for which, count in steps:
        if count == 1:
            names[which] = lendings.lend(things[which])
            counts[which] += 1
        else:
            lendings.give_back(things[which], count - 1)
            counts[which] = max(counts[which] - (count - 1), 0)
        for number, name in names.items():
            if counts[number]:
                assert lendings.find(name) is things[number]
            else:
                with pytest.raises(ReferenceError):
                    lendings.find(name)
