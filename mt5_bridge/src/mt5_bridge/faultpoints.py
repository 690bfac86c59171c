"""Named points at which tests stop a bridge process, as a power cut or a frozen terminal would.

Off unless the process's environment says otherwise when it starts:
`TRADELOOM_BRIDGE_FAULTS="worker.sent=kill:/tmp/mark"`. Each point fires once: it first creates its mark file, and does
nothing when the file is already there (so a restarted process goes on). Taking the mark away arms the point again.
`hold` stops it for a moment only, in which the mark says where it stands.
"""

import os
import signal
import sys
import time

VARIABLE = "TRADELOOM_BRIDGE_FAULTS"
_ARMED = os.environ.get(VARIABLE)
_HANG_S = 3600.0
_HOLD_S = 0.05


def reach(point: str) -> None:
    """Called where something may be made to fail."""
    if _ARMED:
        _fire(point, _ARMED)


def _fire(point: str, armed: str) -> None:
    for rule in armed.split(","):
        name, _, rest = rule.partition("=")
        action, _, mark = rest.partition(":")
        if name != point or not _first_time(mark):
            continue
        if action in ("hang", "hold"):
            time.sleep(_HANG_S if action == "hang" else _HOLD_S)
        elif sys.platform == "win32":
            os._exit(137)
        else:
            os.kill(os.getpid(), signal.SIGKILL)


def _first_time(mark: str) -> bool:
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
