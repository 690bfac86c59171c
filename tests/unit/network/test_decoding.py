"""A body comes out as it was packed, however its bytes were cut on the way, and never more of it than asked for."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeloom.errors import BadResponse, ResponseTooLarge
from tradeloom.network.decoding import Body

STEP = 64 * 1024

PACKINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", lambda data: data),
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", lambda data: zlib.compress(data, wbits=-15)),
}

SIZES = st.integers(0, 3).map(lambda steps: steps * STEP) | st.integers(0, 3 * STEP)


@pytest.mark.parametrize("packing", PACKINGS)
@given(size=SIZES, varied=st.binary(max_size=300), piece=st.integers(1, 5_000), near=st.integers(-2, 2))
def test_whatever_was_packed_comes_out(packing: str, size: int, varied: bytes, piece: int, near: int) -> None:
    encoding, pack = PACKINGS[packing]
    data = varied + b"\0" * max(0, size + near)
    packed = pack(data)
    body = Body(encoding, "a", most=4 * STEP, cut=False)
    for start in range(0, len(packed), piece):
        body.take(packed[start : start + piece])
    assert body.finished() == data


@pytest.mark.parametrize("packing", PACKINGS)
@given(size=st.integers(1, 3 * STEP), most=st.integers(0, 3 * STEP))
def test_never_more_than_asked_for(packing: str, size: int, most: int) -> None:
    encoding, pack = PACKINGS[packing]
    packed = pack(b"x" * size)
    cutting = Body(encoding, "a", most=most, cut=True)
    cutting.take(packed)
    assert cutting.finished() == b"x" * min(size, most)
    strict = Body(encoding, "a", most=most, cut=False)
    if size > most:
        with pytest.raises(ResponseTooLarge):
            strict.take(packed)
    else:
        strict.take(packed)
        assert len(strict.finished()) == size


@given(st.sampled_from(["gzip", "deflate"]), st.binary(min_size=1, max_size=200))
def test_any_bytes_are_a_body_or_a_typed_error(encoding: str, data: bytes) -> None:
    body = Body(encoding, "a", most=1_000, cut=False)
    try:
        body.take(data)
        body.finished()
    except (BadResponse, ResponseTooLarge):
        pass
