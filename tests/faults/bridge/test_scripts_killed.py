"""Script, worker or front is killed at a random moment of an order; the script is started again until it is told."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.bridge.rig import Rig
from tests.integration.bridge.scripts import COMPAT, start_script
from tests.support import exam
from tradeloom.errors import BrokerError
from tradeloom.trading.intents import magic_number

ROUNDS = exam.sized(3, 100)
DONE, TIMEOUT, REJECTED = 10009, 10012, 10006
WISH = """
show(connected=True)
mt5.initialize()
sent = buy(comment={comment!r})
show(retcode=None if sent is None else sent.retcode)
"""


def told(script: "subprocess.Popen[str]") -> int | None:
    """The retcode the script was given; None when it was given none, or did not live to see it."""
    output, _ = script.communicate(timeout=90)
    shown = [json.loads(line) for line in output.splitlines()]
    code = shown[-1].get("retcode") if shown else None
    return None if code is None else int(code)


def magics_of(rig: Rig, comment: str) -> list[int]:
    """Our magic numbers of the orders the script gave this comment."""
    path = rig.directory / "data" / "accounts" / "paper" / "scripts.sqlite3"
    with closing(sqlite3.connect(path)) as store:
        rows = store.execute("SELECT client_order_id FROM scripts WHERE script_comment = ?", (comment,)).fetchall()
    return [magic_number(order_id) for (order_id,) in rows]


def strike(rig: Rig, script: "subprocess.Popen[str]", whom: str) -> None:
    match whom:
        case "script":
            script.kill()
        case "worker":
            os.kill(rig.worker_pid(), signal.SIGKILL)
        case "front":
            rig.bridge.kill()
            rig.restart()


@pytest.mark.exam
@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_each_wish_of_a_script_has_one_effect_whoever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(5)
    struck = dict.fromkeys(("script", "worker", "front"), 0)
    with Rig(tmp_path, compat=COMPAT, account={"history_horizon_s": 0.3}) as rig:
        done = 0
        for number in range(ROUNDS):
            comment = f"round {number}"
            whom = ("script", "worker", "front")[number % 3]
            script = start_script(rig, WISH.format(comment=comment))
            assert script.stdout is not None
            script.stdout.readline()  # it is connected: the order is next
            time.sleep(chance.uniform(0, 0.15))
            strike(rig, script, whom)
            code = told(script)
            while code in (None, TIMEOUT):
                struck[whom] += code is None
                assert ready(rig)
                code = told(start_script(rig, WISH.format(comment=comment)))
            magics = magics_of(rig, comment)
            effects = [magic for magic in rig.deals() if magic in magics]
            # A killed script may have had its answer, and said nothing of it: then what it asks is another wish.
            most = 2 if whom == "script" else 1
            assert code in (DONE, REJECTED), comment
            assert (code == DONE) <= len(effects) <= (most if code == DONE else 0), comment
            done += len(effects)
        assert len(rig.deals()) == len(set(rig.deals())) == done
        assert rig.client.health()["accounts"]["paper"]["unsettled"] == 0
    exam.record("scripts killed", rounds=ROUNDS, **struck)


def ready(rig: Rig) -> bool:
    """Waited for, so that a killed worker's successor is there."""
    for _ in range(1_200):
        try:
            if rig.client.health()["accounts"]["paper"]["status"] == "ready":
                return True
        except BrokerError:
            pass
        time.sleep(0.05)
    return False
