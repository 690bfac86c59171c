import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mt5_bridge.process_lock import ProcessLock
from tradeloom.errors import Conflict

HOLD = """
import sys
from pathlib import Path
from mt5_bridge.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds `lock`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_one_holder_at_a_time(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    lock = ProcessLock(tmp_path / "lock")
    with pytest.raises(Conflict, match=str(holder.pid)):
        lock.acquire(0.1)
    holder.kill()
    lock.acquire(60)  # the system frees what a dead process held
    lock.release()


def test_an_orphan_is_ended(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    lock = ProcessLock(tmp_path / "lock")
    lock.evict(60)
    assert holder.wait(60) != 0
    lock.release()
