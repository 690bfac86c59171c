"""Running scripts with the unmodified `mt5linux` 1.0.11, each in a process of its own."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from tests.integration.bridge.rig import Rig

PACKAGE = Path(sys.prefix) / "mt5linux"
"""Where `make setup` puts it, apart from what is locked."""

COMPAT: Mapping[str, Any] = {"enabled": True, "port": 0, "account": "paper"}
_PRELUDE = """
import json, sys
from datetime import datetime, timedelta, timezone
from mt5linux import MetaTrader5
mt5 = MetaTrader5(host="127.0.0.1", port=int(sys.argv[1]))
def show(**values):
    print(json.dumps(values), flush=True)
def buy(**changes):
    request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": mt5.ORDER_TYPE_BUY,
               "price": mt5.symbol_info_tick("EURUSD").ask, "deviation": 20, "magic": 234000,
               "comment": "python script", "type_time": mt5.ORDER_TIME_GTC, "type_filling": mt5.ORDER_FILLING_IOC}
    return mt5.order_send(request | changes)
"""


def port_of(rig: Rig) -> int:
    return int(json.loads(rig.bridge.state_file.read_text())["compat_port"])


def start_script(rig: Rig, text: str) -> "subprocess.Popen[str]":
    assert PACKAGE.is_dir(), "run `make setup`: it installs mt5linux for this test"
    return subprocess.Popen(
        [sys.executable, "-c", _PRELUDE + text, str(port_of(rig))],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_script(rig: Rig, text: str) -> dict[str, Any]:
    """What it showed, all together."""
    script = start_script(rig, text)
    output, errors = script.communicate(timeout=110)
    assert script.returncode == 0, errors
    shown: dict[str, Any] = {}
    for line in output.splitlines():
        shown |= json.loads(line)
    return shown


def changed_files() -> list[str]:
    """Files of the installed package that are not as they were published."""
    (metadata,) = PACKAGE.glob("mt5linux-*.dist-info")
    published = PathDistribution(metadata)
    assert published.version == "1.0.11"
    changed = []
    for file in published.files or ():
        if file.hash is not None and file.suffix == ".py":
            digest = hashlib.new(file.hash.mode, (PACKAGE / file).read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                changed.append(str(file))
    return changed
