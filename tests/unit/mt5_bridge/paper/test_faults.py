import threading
import time
from itertools import pairwise

import pytest
from pydantic import ValidationError

from mt5_bridge.paper.faults import Fault, dump_script, freeze, load_script


def test_a_frozen_process_runs_no_thread() -> None:
    """As the real package, which waits on its pipe with the interpreter locked."""
    beats: list[float] = []
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            beats.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    time.sleep(0.02)
    began = time.monotonic()
    freeze(0.15)
    ended = time.monotonic()
    stop.set()
    thread.join()
    assert ended - began >= 0.15
    assert max(later - beat for beat, later in pairwise([*beats, ended])) >= 0.14


def test_scripts_survive_being_stored() -> None:
    script = [Fault(kind="reply_lost"), Fault(kind="timeout", executed=True), Fault(kind="hang", seconds=2.5)]
    assert load_script(dump_script(script)) == script


def test_what_executes() -> None:
    assert Fault(kind="reply_lost").executes
    assert Fault(kind="hang").executes
    assert not Fault(kind="timeout").executes
    assert Fault(kind="timeout", executed=True).executes
    assert not Fault(kind="reject").executes
    for nonsense in ({"kind": "reject", "executed": True}, {"kind": "hang", "seconds": -1}, {"kind": "x"}, {}):
        with pytest.raises(ValidationError):
            Fault.model_validate(nonsense)
