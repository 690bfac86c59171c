"""Requests and answers over a real TLS connection: what rpyc would say, and no answer but the call's own is taken."""

import itertools
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import rpyc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpyc.core import brine, consts
from rpyc.core.stream import SocketStream

from tests.support.tls_pair import TlsLine
from tradeloom.trading import mt5_wire
from tradeloom.trading.mt5_frames import FrameStream

MOST = 100_000
LONG_S = 60.0
ROOT, METHOD = ("some.Root", 1, 94_000_000_000_000), ("some.method", 2, 140_000_000_000_000)
REQUEST, REPLY, EXCEPTION = b"\x01", b"\x02", b"\x03"
VALUE, TUPLE, LOCAL, REMOTE = consts.LABEL_VALUE, consts.LABEL_TUPLE, consts.LABEL_LOCAL_REF, consts.LABEL_REMOTE_REF


def soon() -> float:
    return time.monotonic() + LONG_S


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> TlsLine:
    return TlsLine(tmp_path_factory.mktemp("certificates"))


class Script:
    """A client, and the bridge's end of its line, where answers can be laid ready before they are asked for."""

    def __init__(self, there: ssl.SSLSocket, here: ssl.SSLSocket) -> None:
        self.end = FrameStream(here, max_content=MOST, stall_s=LONG_S)
        self.socket = here
        self.numbers = itertools.count()
        self.answer((REMOTE, ROOT))
        self.answer((REMOTE, METHOD))
        self.caller = mt5_wire.Caller(there, max_content=MOST, stall_s=LONG_S, give_up=soon())
        self.greeting = [self.heard(), self.heard()]

    def answer(self, content: Any, kind: bytes = REPLY, *, number: Any = None) -> None:
        """Lies ready for the next question, if it has that question's number."""
        expected = next(self.numbers)
        self.end.send(kind + brine.dump((expected if number is None else number, content)))

    def heard(self) -> bytes:
        return self.end.receive(soon())


@pytest.fixture
def script(line: TlsLine) -> Iterator[Script]:
    with line.pair() as (there, here):
        yield Script(there, here)


@pytest.fixture(scope="module")
def lasting(line: TlsLine) -> Iterator[Script]:
    with line.pair() as (there, here):
        yield Script(there, here)


one_value = st.integers() | st.text() | st.floats(allow_nan=False) | st.binary() | st.just(b"<arguments>") | st.none()


class TestTheClient:
    def test_asks_for_the_method_as_rpyc_does(self, script: Script) -> None:
        asked = (LOCAL, ROOT), (VALUE, "call")
        assert script.greeting == [
            REQUEST + brine.dump((0, (consts.HANDLE_GETROOT, (VALUE, ())))),
            REQUEST + brine.dump((1, (consts.HANDLE_GETATTR, (TUPLE, asked)))),
        ]

    @given(st.lists(one_value, max_size=6).map(tuple))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_calls_as_rpyc_does(self, lasting: Script, arguments: tuple[Any, ...]) -> None:
        """What is encoded once for all calls changes nothing of any."""
        lasting.answer((VALUE, b"answer"))
        assert lasting.caller.call(arguments, soon()) == b"answer"
        heard = lasting.heard()
        number, _ = brine.load(heard[1:])
        packed = (LOCAL, METHOD), (VALUE, arguments), (VALUE, ())
        assert heard == REQUEST + brine.dump((number, (consts.HANDLE_CALL, (TUPLE, packed))))

    def test_calls_a_stock_server(self, line: TlsLine) -> None:
        class Stock(rpyc.Service):  # type: ignore[misc]
            def exposed_call(self, *arguments: Any) -> bytes:
                return repr(arguments).encode()

        with line.pair() as (there, here):
            serving = threading.Thread(target=rpyc.connect_stream(SocketStream(here), Stock).serve_all)
            serving.start()
            caller = mt5_wire.Caller(there, max_content=MOST, stall_s=LONG_S, give_up=soon())
            for arguments in ((), (1, "a", 2.5, b"b"), (bytes(500),)):
                assert caller.call(arguments, soon()) == repr(arguments).encode()
            there.close()
            serving.join(LONG_S)

    def test_does_not_take_a_late_answer_for_the_next_calls(self, script: Script) -> None:
        with pytest.raises(TimeoutError):
            script.caller.call(("first",), time.monotonic() + 0.05)
        assert script.caller.quiet()
        script.answer((VALUE, b"of the first"))
        script.answer((VALUE, b"of the second"))
        with pytest.raises(EOFError, match="no answer to the call"):
            script.caller.call(("second",), soon())

    def test_is_not_quiet_when_more_came_than_was_asked(self, script: Script) -> None:
        """Also when it came in one record with the answer, and neither the socket nor TLS shows any of it."""
        frames = [
            len(data).to_bytes(4) + b"\0" + data + b"\n"
            for data in (REPLY + brine.dump((number, (VALUE, b"answer"))) for number in (2, 3))
        ]
        script.socket.sendall(b"".join(frames))
        assert script.caller.call((), soon()) == b"answer"
        assert not script.caller.quiet()

    def test_is_quiet_between_calls_and_not_when_the_line_is_cut(self, script: Script) -> None:
        assert script.caller.quiet()
        script.answer((VALUE, b"answer"))
        assert not script.caller.quiet()
        script.caller.call((), soon())
        assert script.caller.quiet()
        script.socket.close()
        deadline = soon()
        while script.caller.quiet():
            assert time.monotonic() < deadline

    @pytest.mark.parametrize(
        ("kind", "content", "number"),
        [
            (REPLY, (VALUE, b"answer"), 1),
            (REPLY, (VALUE, b"answer"), 3),
            (REPLY, (VALUE, b"answer"), "2"),
            (REQUEST, (VALUE, b"answer"), None),
            (b"\x09", (VALUE, b"answer"), None),
            (REPLY, (VALUE, "text"), None),
            (REPLY, (REMOTE, METHOD), None),
            (REPLY, (REMOTE, b"answer"), None),
            (REPLY, (TUPLE, ((VALUE, b"answer"),)), None),
            (REPLY, (), None),
            (REPLY, 5, None),
            (EXCEPTION, (("builtins", "KeyboardInterrupt"), (), (), ""), 1),
        ],
    )
    def test_takes_no_other_answer(self, script: Script, kind: bytes, content: Any, number: Any) -> None:
        script.answer(content, kind, number=number)
        with pytest.raises(EOFError):
            script.caller.call((), soon())

    def test_raises_no_class_the_peer_names(self, script: Script) -> None:
        script.answer((("builtins", "KeyboardInterrupt"), ("why",), (), "traceback"), EXCEPTION)
        with pytest.raises(RuntimeError, match=r"KeyboardInterrupt.*why"):
            script.caller.call((), soon())

    @given(st.binary(max_size=60))
    @settings(max_examples=150, deadline=None)
    def test_reads_garbage_as_the_lines_end(self, garbage: bytes) -> None:
        with pytest.raises((EOFError, RuntimeError)):
            mt5_wire._read_answer(garbage, 2, VALUE)


class TestTheBridge:
    @staticmethod
    def answered(request: Any, kind: bytes = REQUEST) -> Any:
        """What it makes of a request: the kind of its answer, and the answer."""

        def call(*arguments: Any) -> bytes:
            return repr(arguments).encode()

        answer = mt5_wire._answer(call, kind + brine.dump(request))
        return answer[:1], brine.load(answer[1:])

    def packed_call(self, method: Any, *arguments: Any) -> Any:
        return consts.HANDLE_CALL, (TUPLE, ((LOCAL, method), (VALUE, arguments), (VALUE, ())))

    def method(self) -> Any:
        _, (_, (label, root)) = self.answered((1, (consts.HANDLE_GETROOT, (VALUE, ()))))
        assert label == REMOTE
        asked = (LOCAL, root), (VALUE, "call")
        _, (_, (label, method)) = self.answered((2, (consts.HANDLE_GETATTR, (TUPLE, asked))))
        assert label == REMOTE
        return method

    def test_answers_a_call_under_its_number(self) -> None:
        for number in (0, 200, 2**70):
            told = self.answered((number, self.packed_call(self.method(), 1, b"x")))
            assert told == (REPLY, (number, (VALUE, b"(1, b'x')")))

    @given(st.integers(), st.lists(one_value, max_size=6).map(tuple), st.binary(max_size=4), st.booleans())
    @settings(max_examples=150, deadline=None)
    def test_reads_a_call_alike_in_one_go_and_in_parts(
        self, number: int, values: tuple[Any, ...], more: bytes, named: bool
    ) -> None:
        """Names are what is not read in one go, whatever bytes they end with."""
        heard: list[Any] = []

        def call(*arguments: Any, **names: Any) -> bytes:
            heard.append((arguments, names))
            return b""

        names = (("more", more + mt5_wire._AFTER),) if named else ()
        packed = (LOCAL, self.method()), (VALUE, values), (VALUE, names)
        request = REQUEST + brine.dump((number, (consts.HANDLE_CALL, (TUPLE, packed))))
        assert (mt5_wire._plain_call(request) is None) is named
        assert mt5_wire._answer(call, request) == REPLY + brine.dump((number, (VALUE, b"")))
        assert heard == [(values, dict(names))]

    def test_knows_no_object_by_its_name_as_a_value(self) -> None:
        given = (VALUE, (self.method(), (), ()))
        kind, (_, (described, *_)) = self.answered((1, (consts.HANDLE_CALL, given)))
        assert (kind, described) == (EXCEPTION, ("builtins", "TypeError"))

    @pytest.mark.parametrize("reference", [ROOT, METHOD, (), None, 5, ("tradeloom.Bridge.call", 1, 3)])
    def test_knows_no_other_object(self, reference: Any) -> None:
        kind, _ = self.answered((1, self.packed_call(reference)))
        assert kind == EXCEPTION

    @pytest.mark.parametrize(
        ("kind", "request_"),
        [
            (REPLY, (1, (VALUE, b""))),
            (EXCEPTION, (1, (VALUE, b""))),
            (b"", (1, (consts.HANDLE_PING, (VALUE, ())))),
            (REQUEST, ("1", (consts.HANDLE_PING, (VALUE, ())))),
            (REQUEST, (1, consts.HANDLE_PING)),
            (REQUEST, (1, (consts.HANDLE_CLOSE, (VALUE, ())))),
        ],
    )
    def test_ends_the_talk_with_who_does_not_ask(self, kind: bytes, request_: Any) -> None:
        with pytest.raises(EOFError):
            self.answered(request_, kind)

    @given(
        st.tuples(
            st.integers(0, 300),
            st.tuples(st.integers(0, 21), st.recursive(one_value, lambda part: st.lists(part, max_size=3).map(tuple))),
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_answers_any_question_or_ends_the_talk(self, request_: Any) -> None:
        verb = request_[1][0]
        if verb == consts.HANDLE_CLOSE:
            return
        kind, (number, _) = self.answered(request_)
        assert kind in (REPLY, EXCEPTION)
        assert number == request_[0]

    @pytest.mark.parametrize(
        ("limits", "sent", "error"),
        [
            ({"idle_s": 0.2}, b"", "idle"),
            ({"stall_s": 0.2}, b"\0", "stalled"),
            ({"whole_s": 0.2}, b"\0", "took too long"),
        ],
    )
    def test_waits_no_longer_than_it_says(
        self, line: TlsLine, limits: dict[str, float], sent: bytes, error: str
    ) -> None:
        waits = {"idle_s": LONG_S, "stall_s": LONG_S, "whole_s": LONG_S} | limits
        with line.pair() as (there, here):
            if sent:
                there.sendall(sent)
            with pytest.raises((EOFError, TimeoutError), match=error):
                mt5_wire.serve(lambda: b"", here, max_content=MOST, **waits)

    def test_answers_questions_that_came_together(self, line: TlsLine) -> None:
        with line.pair() as (there, here):
            asked = [REQUEST + brine.dump((number, (consts.HANDLE_PING, (VALUE, (number,))))) for number in range(5)]
            there.sendall(b"".join(len(data).to_bytes(4) + b"\0" + data + b"\n" for data in asked))
            with pytest.raises(EOFError, match="idle"):
                mt5_wire.serve(lambda: b"", here, max_content=MOST, idle_s=0.2, stall_s=LONG_S, whole_s=LONG_S)
            end = FrameStream(there, max_content=MOST, stall_s=LONG_S)
            answers = [end.receive(soon()) for _ in asked]
        assert answers == [REPLY + brine.dump((number, (VALUE, number))) for number in range(5)]
