"""JSON on the wire: what goes in comes out, and what is not JSON is refused."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.engine import codec
from tradeloom.engine.errors import InvalidPayload

texts = st.text(st.characters(codec=None), max_size=20)  # lone surrogates and NUL included
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_a_trip_keeps_the_value(value: Any) -> None:
    assert codec.canonical(value) == value
    assert codec.canonical(codec.canonical(value)) == codec.canonical(value)


@given(values)
def test_text_is_ascii_and_json(value: Any) -> None:
    text = codec.dumps(value)
    assert text.isascii()
    assert "\0" not in text
    assert json.loads(text) == value


@given(values)
def test_whole_numbers_are_integers(value: Any) -> None:
    def check(item: Any) -> None:
        if isinstance(item, float):
            assert not item.is_integer() or abs(item) > 2**53
        elif isinstance(item, list):
            for inner in item:
                check(inner)
        elif isinstance(item, dict):
            for inner in item.values():
                check(inner)

    check(codec.canonical(value))


@given(values)
def test_size_counts_utf8(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert codec.size(value) == len(text.encode("utf-8", "surrogatepass"))


@given(values, st.integers(0, 400))
def test_at_most_never_lets_more_pass(value: Any, limit: int) -> None:
    if codec.at_most(value, limit):
        assert codec.size(value) <= limit


@pytest.mark.parametrize("number", [1e-5, 1e16, 1e22, -1e-7, 1.5e300, 5e-324])
def test_at_most_knows_how_exponents_are_printed(number: float) -> None:
    value = [number] * 1_000
    assert not codec.at_most(value, codec.size(value) - 1)
    assert codec.at_most(value, codec.size(value) * 2)


@given(st.lists(values, max_size=5), st.lists(st.integers(1, 50), max_size=30))
def test_frames_survive_any_cutting(messages: list[Any], cuts: list[int]) -> None:
    stream = b"".join(map(codec.frame, messages))
    reader, arrived = codec.FrameReader(), []
    for length in [*cuts, len(stream) + 1]:
        piece, stream = stream[:length], stream[length:]
        arrived += list(reader.feed(piece))
    assert arrived == messages


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for(noise: bytes) -> None:
    reader = codec.FrameReader()
    try:
        list(reader.feed(noise))
    except InvalidPayload:
        return


def test_a_frame_too_large_is_refused_on_both_sides() -> None:
    with pytest.raises(InvalidPayload):
        codec.frame("x" * codec.MAX_FRAME_BYTES)
    with pytest.raises(InvalidPayload):
        list(codec.FrameReader().feed(b"\xff\xff\xff\xff"))


def cycle() -> Any:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, {1, 2}, b"x", object(), {"a": {(1, 2): 3}}, cycle()],
    ids=["nan", "inf", "-inf", "set", "bytes", "object", "tuple key", "cycle"],
)
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidPayload):
        codec.dumps(value)


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "[1,]", "{", "1e999", "[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_text_is_refused(text: Any) -> None:
    with pytest.raises(InvalidPayload):
        codec.loads(text)
