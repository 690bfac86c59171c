"""Attacks on the door for scripts: whatever a local user sends, nothing runs, and the bridge goes on answering."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import rpyc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpyc.core import brine, consts
from rpyc.core.channel import Channel
from rpyc.core.stream import SocketStream

from tests.integration.bridge.rig import Rig, eventually
from tests.integration.bridge.scripts import COMPAT, port_of, start_script
from tests.support import exam


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("door"), compat=COMPAT) as rig:
        yield rig


@pytest.fixture(autouse=True)
def still_alive(rig: Rig, tmp_path: Path) -> Iterator[None]:
    """After each attack a script is served as before, the broker has done nothing, and nothing ran."""
    yield
    with closing(classic(rig)) as peer:
        assert ask(peer, "mt5.symbol_info_tick('EURUSD')").bid > 0
    assert rig.client.health()["status"] == "ok"
    assert rig.deals() == []
    assert not (tmp_path / "proof").exists()


def classic(rig: Rig) -> Any:
    """rpyc's own classic client, with all it can do."""
    return rpyc.classic.connect("127.0.0.1", port_of(rig))


def ask(peer: Any, text: str) -> Any:
    peer.eval("mt5.initialize(*(),**{})")
    return peer.eval(text)


@pytest.fixture
def peer(rig: Rig) -> Iterator[Any]:
    with closing(classic(rig)) as connection:
        yield connection


class TestAClassicClient:
    """It takes the bridge for a machine of its own, as `rpyc.classic` does with any server."""

    def test_gets_no_modules(self, peer: Any) -> None:
        assert peer.modules["os"] is None
        assert peer.modules.builtins is None
        assert peer.builtins is None
        assert peer.namespace is None

    def test_executes_nothing(self, peer: Any, tmp_path: Path) -> None:
        proof = tmp_path / "proof"
        for text in (f"open({str(proof)!r}, 'w')", f"import pathlib; pathlib.Path({str(proof)!r}).touch()", "x = 1"):
            with pytest.raises(ValueError, match="no statements"):
                peer.execute(text)

    def test_evaluates_nothing(self, peer: Any, tmp_path: Path) -> None:
        proof = str(tmp_path / "proof")
        for text in (
            f"__import__('pathlib').Path({proof!r}).touch()",
            f"mt5.positions_get(symbol=open({proof!r}, 'w'))",
            "mt5.initialize.__globals__",
            "mt5.__class__.__mro__",
            "[c for c in ().__class__.__base__.__subclasses__()]",
            "mt5.terminal_info().__class__",
            "mt5.order_send",
            "(lambda: 1)()",
            "mt5.symbol_info('EURUSD').point",
        ):
            with pytest.raises(ValueError, match=r"only calls|plain numbers"):
                peer.eval(text)

    def test_teleports_and_delivers_nothing(self, peer: Any) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011  it trips over the modules it does not get
            peer.teleport(lambda: 1)
        with pytest.raises(Exception):  # noqa: B017, PT011
            rpyc.classic.deliver(peer, {"a": 1})
        with pytest.raises(Exception):  # noqa: B017, PT011
            rpyc.classic.upload(peer, __file__, "proof")

    def test_gets_no_pickles_but_arrays(self, peer: Any) -> None:
        account = ask(peer, "mt5.account_info(*(),**{})")
        with pytest.raises(ValueError, match="only arrays"):
            rpyc.classic.obtain(account)
        with pytest.raises(ValueError, match="only arrays"):
            rpyc.classic.obtain(peer.root)

    def test_walks_no_attributes(self, peer: Any) -> None:
        account = ask(peer, "mt5.account_info(*(),**{})")
        as_dict = account._asdict()
        function = peer.root.eval
        names = ("__dict__", "__globals__", "__self__", "__func__", "__code__", "__init__", "__subclasses__",
                 "__reduce__", "__mro__", "gi_frame", "_conn", "methods", "plain", "_content", "getconn")  # fmt: skip
        for thing in (account, as_dict, function, peer.root):
            for name in names:
                with pytest.raises(AttributeError):
                    peer.sync_request(consts.HANDLE_GETATTR, thing, name)
                with pytest.raises((AttributeError, TypeError)):
                    peer.sync_request(consts.HANDLE_CALLATTR, thing, name, ())
            with pytest.raises(AttributeError):
                peer.sync_request(consts.HANDLE_CMP, thing, 1, "__getattribute__")

    def test_hands_in_no_objects_of_its_own(self, peer: Any) -> None:
        """The bridge would have to ask the client what they are, and so be led."""
        for thing in (lambda: 1, [1], {"a": 1}, object(), Exception):
            with pytest.raises(ValueError, match="not taken"):
                peer.eval(thing)
            with pytest.raises(ValueError, match="not taken"):
                peer.sync_request(consts.HANDLE_CMP, peer.root, thing, "__eq__")

    @pytest.mark.parametrize(
        ("verb", "arguments"),
        [
            (consts.HANDLE_SETATTR, ("eval", 1)),
            (consts.HANDLE_DELATTR, ("eval",)),
            (consts.HANDLE_CTXEXIT, (None,)),
            (consts.HANDLE_INSTANCECHECK, (("builtins.int", 1, 0),)),
            (consts.HANDLE_BUFFITER, (10,)),
            (consts.HANDLE_OLDSLICING, ("__getitem__", "__getslice__", 0, 1, ())),
            (consts.HANDLE_PICKLE, (2,)),
            (consts.HANDLE_CALL, ((), ())),
            (999, ()),
            (-1, ()),
        ],
    )
    def test_knows_no_other_verb(self, peer: Any, verb: int, arguments: tuple[Any, ...]) -> None:
        with pytest.raises((ValueError, TypeError)):
            peer.sync_request(verb, peer.root, *arguments)

    def test_cannot_name_objects_it_was_not_given(self, rig: Rig, peer: Any) -> None:
        account = ask(peer, "mt5.account_info(*(),**{})")
        name = object.__getattribute__(account, "____id_pack__")
        with closing(classic(rig)) as other, pytest.raises(ReferenceError):
            other.sync_request(consts.HANDLE_INSPECT, name)
        for made_up in (("builtins.int", 1, 1), (0, 0, 0), (), "x", None, (name[0], name[1], name[2] + 1000)):
            with pytest.raises((ReferenceError, TypeError)):
                peer.sync_request(consts.HANDLE_INSPECT, made_up)

    def test_gives_back_no_more_than_it_has(self, peer: Any) -> None:
        account = ask(peer, "mt5.account_info(*(),**{})")
        for count in (0, -1, True, 2**70, "x"):
            with pytest.raises(TypeError):
                peer.sync_request(consts.HANDLE_DEL, account, count)
        peer.sync_request(consts.HANDLE_DEL, account, 5)
        with pytest.raises(ReferenceError):
            _ = account.login

    def test_sees_no_traceback(self, peer: Any) -> None:
        with pytest.raises(AttributeError) as caught:
            _ = peer.root.__dict__
        assert "traceback denied" in str(caught.value)
        assert "mt5_bridge" not in str(caught.value)


class TestFrames:
    def talk(self, rig: Rig, *frames: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port_of(rig)), timeout=60)
        for frame in frames:
            connection.sendall(frame)
        return connection

    @pytest.mark.parametrize(
        "frame",
        [
            struct.pack("!LB", 2**31, 0) + b"x" * 100,
            struct.pack("!LB", 4097, 0) + b"x" * 100,
            struct.pack("!LB", 100, 1) + b"x" * 101,
            struct.pack("!LB", 0, 0) + b"\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
        ],
        ids=["huge", "one too many", "compressed", "empty", "http", "tls"],
    )
    def test_that_are_none_end_the_connection(self, rig: Rig, frame: bytes) -> None:
        with self.talk(rig, frame) as connection:
            assert ended(connection)

    @given(st.binary(max_size=200))
    @pytest.mark.exam
    @settings(
        max_examples=exam.sized(40, 3_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_of_garbage_harm_nobody_else(self, rig: Rig, body: bytes) -> None:
        with self.talk(rig, struct.pack("!LB", len(body), 0) + body + b"\n"):
            pass

    def test_of_nested_values_are_refused(self, rig: Rig) -> None:
        deep: Any = ()
        for _ in range(150):
            deep = (deep,)
        bombs = [
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_TUP1 * 4_000,
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_TUP_L4 + struct.pack("!L", 2**32 - 1),
            b"\x01" + brine.TAG_TUP2 + brine.dump(1) + brine.TAG_INT_L4 + struct.pack("!L", 4000) + b"9" * 4000,
            b"\x01" + brine.dump((1, 2)),
            b"\x01" + brine.dump((1, (consts.HANDLE_PING, 5))),
            b"\x02" + brine.dump((1, (consts.LABEL_VALUE, 5))),
            b"\x01" + brine.dump((1, (consts.HANDLE_PING, (consts.LABEL_VALUE, deep)))),
        ]
        for bomb in bombs:
            with self.talk(rig) as connection:
                Channel(SocketStream(connection), compress=False).send(bomb)
                connection.settimeout(60)
                connection.recv(1)  # an answer that refuses it, or the end: no silence

    def test_that_come_slowly_hold_nobody_up(self, rig: Rig) -> None:
        with self.talk(rig, struct.pack("!LB", 1000, 0) + b"x"), self.talk(rig):
            started = time.monotonic()
            with closing(classic(rig)) as peer:
                assert ask(peer, "mt5.symbols_total(*(),**{})") == 1
            assert time.monotonic() - started < 30


def ended(connection: socket.socket, within_s: float = 60.0) -> bool:
    """Whether the other side hangs up in time."""
    connection.settimeout(within_s)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_more_scripts_than_allowed_are_turned_away_and_silent_ones_leave(tmp_path: Path) -> None:
    few: dict[str, Any] = {"max_connections": 2, "idle_timeout_s": 0.5}
    with Rig(tmp_path / "few", compat={**COMPAT, **few}) as small:
        port = port_of(small)
        first = classic(small)
        assert first.eval("mt5.initialize(*(),**{})") is True
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as third:
            assert ended(third)
        eventually(lambda: _is_ended(first), "the silent script's connection is ended")
        eventually(lambda: _is_served(small), "a place is free again")


def _is_ended(peer: Any) -> bool:
    time.sleep(0.6)
    try:
        peer.eval("mt5.last_error(*(),**{})")
    except EOFError:
        return True
    return False


def _is_served(rig: Rig) -> bool:
    try:
        with closing(classic(rig)) as peer:
            return bool(peer.eval("mt5.initialize(*(),**{})"))
    except (EOFError, ConnectionError):
        return False


def test_passwords_of_scripts_are_written_nowhere(rig: Rig) -> None:
    script = start_script(
        rig, 'mt5.initialize(login=5001001, password="s3cr3t-pass")\nshow(login=mt5.account_info().login)'
    )
    output, _ = script.communicate(timeout=110)
    assert json.loads(output) == {"login": 5001001}
    for file in (rig.directory / "data").rglob("*"):
        if file.is_file():
            assert b"s3cr3t-pass" not in file.read_bytes(), file


def test_the_door_is_shut_unless_it_is_opened(tmp_path: Path) -> None:
    with Rig(tmp_path / "shut") as shut:
        assert json.loads(shut.bridge.state_file.read_text())["compat_port"] is None
