"""A machine that is to keep processors awake does so for as long as it runs."""

import os
from pathlib import Path

import pytest

from tests.support.local_machine import RunningMachine
from tradeloom.local.wakefulness import DEVICE


@pytest.mark.skipif(not os.access(DEVICE, os.R_OK | os.W_OK), reason="this user may not keep processors awake here")
def test_processors_are_kept_awake_while_a_machine_runs(postgres_dsn: str, tmp_path: Path) -> None:
    with RunningMachine(tmp_path, postgres_dsn, awake=True):
        assert _held()
    assert not _held()


def _held() -> bool:
    return any(os.path.realpath(link) == str(DEVICE) for link in Path("/proc/self/fd").iterdir())
