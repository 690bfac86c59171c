"""Frames over a real TLS connection: however their bytes arrive, and what ends it."""

import itertools
import math
import os
import ssl
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpyc.core.channel import Channel
from rpyc.core.stream import SocketStream

from tests.support.tls_pair import TlsLine
from tradeloom.trading.mt5_frames import FrameStream

MOST = 50_000
RECORD = 16 * 1024
LONG_S = 60.0

type Ends = tuple[ssl.SSLSocket, ssl.SSLSocket]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> TlsLine:
    return TlsLine(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def ends(line: TlsLine) -> Iterator[Ends]:
    with line.pair() as both:
        yield both


@pytest.fixture(scope="module")
def kept_ends(line: TlsLine) -> Iterator[tuple[ssl.SSLSocket, FrameStream]]:
    """One connection for all examples: each reads as much as it wrote."""
    with line.pair() as (there, here):
        yield there, stream(here)


def stream(sock: ssl.SSLSocket, *, stall_s: float = LONG_S) -> FrameStream:
    return FrameStream(sock, max_content=MOST, stall_s=stall_s)


def soon() -> float:
    return time.monotonic() + LONG_S


def frame(content: bytes) -> bytes:
    return struct.pack("!LB", len(content), 0) + content + b"\n"


contents = st.lists(st.binary(max_size=30) | st.integers(0, 40_000).map(bytes), min_size=1, max_size=4)


class TestHoweverTheBytesArrive:
    @given(contents=contents, cuts=st.lists(st.integers(0, 60_000) | st.integers(0, 60), max_size=12))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_split_gives_the_same_frames(
        self, kept_ends: tuple[ssl.SSLSocket, FrameStream], contents: list[bytes], cuts: list[int]
    ) -> None:
        there, here = kept_ends
        data = b"".join(map(frame, contents))
        sender = threading.Thread(target=send_in_pieces, args=(there, data, cuts))
        sender.start()
        assert [here.receive(soon()) for _ in contents] == contents
        sender.join(LONG_S)
        assert not here.wait(0)

    @pytest.mark.parametrize("size", [0, 1, RECORD - 7, RECORD - 6, RECORD - 5, 2 * RECORD, MOST])
    def test_any_size_up_to_the_largest(self, ends: Ends, size: int) -> None:
        there, here = stream(ends[0]), stream(ends[1])
        content = bytes(size)
        there.send(content, soon())
        there.send(b"next")
        assert here.receive(soon()) == content
        assert here.receive(soon()) == b"next"

    def test_frames_in_one_record_are_all_seen(self, ends: Ends) -> None:
        there, here = ends[0], stream(ends[1])
        there.sendall(frame(b"one") + frame(b"two") + frame(b"three")[:3])
        assert here.wait(LONG_S)
        assert here.receive(soon()) == b"one"
        assert ends[1].pending() == 0  # TLS has nothing left, and the socket neither
        assert here.wait(0)
        assert here.receive(soon()) == b"two"
        assert here.wait(0)  # a part of a head
        there.sendall(frame(b"three")[3:])
        assert here.receive(soon()) == b"three"
        assert not here.wait(0)

    def test_what_tls_still_holds_is_seen(self, ends: Ends) -> None:
        """The rest of a frame is read exactly, and the next one may have come in the same record."""
        there, here = ends[0], stream(ends[1])
        there.sendall(frame(b"one")[:6])
        there.sendall(frame(b"one")[6:] + frame(b"two"))
        assert here.receive(soon()) == b"one"
        assert ends[1].pending() == len(frame(b"two"))
        assert here.wait(0)
        assert here.receive(soon()) == b"two"
        assert not here.wait(0)

    def test_rpycs_own_channel_is_understood_and_understands(self, ends: Ends) -> None:
        theirs, ours = Channel(SocketStream(ends[0]), compress=False), stream(ends[1])
        for content in (b"", b"short", bytes(MOST)):
            theirs.send(content)
            assert ours.receive(soon()) == content
            ours.send(content)
            assert theirs.recv() == content


def send_in_pieces(there: ssl.SSLSocket, data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    for start, end in itertools.pairwise(places):
        there.sendall(data[start:end])


class TestWhatEndsIt:
    def test_one_byte_too_many_is_refused_at_its_head(self, ends: Ends) -> None:
        ends[0].sendall(struct.pack("!LB", MOST + 1, 0))
        with pytest.raises(EOFError, match=f"a frame of {MOST + 1} bytes was refused"):
            stream(ends[1]).receive(soon())

    def test_so_is_a_compressed_one(self, ends: Ends) -> None:
        ends[0].sendall(struct.pack("!LB", 5, 1) + b"12345\n")
        with pytest.raises(EOFError, match="refused"):
            stream(ends[1]).receive(soon())

    @pytest.mark.parametrize("arrived", [0, 3, 5, 9, 10])
    def test_the_end_of_the_connection_within_a_frame(self, ends: Ends, arrived: int) -> None:
        ends[0].sendall(frame(b"12345")[:arrived])
        ends[0].close()
        here = stream(ends[1])
        assert here.wait(LONG_S)
        with pytest.raises((EOFError, ssl.SSLError)):
            here.receive(soon())

    @pytest.mark.parametrize("arrived", [0, 3, 5, 9, 10])
    def test_a_frame_that_stalls(self, ends: Ends, arrived: int) -> None:
        ends[0].sendall(frame(b"12345")[:arrived])
        with pytest.raises(EOFError, match="stalled"):
            stream(ends[1], stall_s=0.2).receive(soon())

    def test_a_frame_that_drips(self, ends: Ends) -> None:
        """Every byte comes long before the stall, the whole never."""
        over = threading.Event()

        def drip() -> None:
            ends[0].sendall(struct.pack("!LB", MOST, 0))
            while not over.wait(0.02):
                ends[0].sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            stream(ends[1]).receive(started + 0.5)
        over.set()
        dripping.join(LONG_S)
        assert time.monotonic() - started >= 0.5

    def test_a_record_that_is_not_whole_in_time(self, ends: Ends) -> None:
        """A part of one makes the socket readable, and gives nothing to read."""
        here = stream(ends[1], stall_s=10 * LONG_S)
        os.write(ends[0].fileno(), b"\x17\x03\x03\x01\x00" + b"x" * 20)  # 256 bytes announced, beneath TLS
        assert here.wait(LONG_S)
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            here.receive(started + 0.3)
        assert time.monotonic() - started < LONG_S

    @pytest.mark.parametrize(("stall_s", "patience_s", "error"), [(0.2, LONG_S, EOFError), (LONG_S, 0.3, TimeoutError)])
    def test_a_peer_that_does_not_read(
        self, ends: Ends, stall_s: float, patience_s: float, error: type[Exception]
    ) -> None:
        here = stream(ends[1], stall_s=stall_s)
        with pytest.raises(error):
            here.send(bytes(50_000_000), time.monotonic() + patience_s)

    def test_what_is_late_already_is_not_begun(self, ends: Ends) -> None:
        there, here = stream(ends[0]), stream(ends[1])
        with pytest.raises(TimeoutError):
            there.send(b"late", time.monotonic() - 1)
        assert not here.wait(0.05)
        there.send(b"in time", math.inf)
        assert here.receive(soon()) == b"in time"
