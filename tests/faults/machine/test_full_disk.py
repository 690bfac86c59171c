"""The database's disk fills up in the middle of executions that wait, loop and trade; the engine is killed besides.

While the journal takes no more, nothing is started and no order leaves: what the broker executed is known to the
journal as begun. Once there is room again everything goes on, and no order is doubled or lost.
"""

import os
import subprocess
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults.machine.test_kill import doubled, lost
from tests.faults.machine.test_kill_at_order import start_again
from tests.faults.machine.test_kill_waits import PLACES, workflow
from tests.support.machine import Up, fills
from tradeloom.storage.postgres.server import PostgresServer
from tradeloom.trading.intents import client_order_id, magic_number, resend_id

DISK = "160m"
PATIENCE_S = 120.0
LIVE = ("--speed", "1")


class Disk:
    """A file system of the database's own."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._filler = place / "filler"
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", place], check=True)

    def fill(self) -> None:
        """To the last byte; what the database frees meanwhile, too, when called again."""
        with self._filler.open("ab", buffering=0) as file:
            for chunk in (1 << 20, 1 << 12):
                try:
                    while file.write(b"\0" * chunk) == chunk:
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        self._filler.unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", self._place], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("only root can give the database a disk of its own")
    try:
        made = Disk(tmp_path / "home" / "postgres")
    except subprocess.CalledProcessError:
        pytest.skip("no file system can be mounted here")
    yield made
    made.close()


@pytest.fixture
def system(tmp_path: Path, disk: Disk) -> Iterator[Up]:
    made = Up(tmp_path / "home")
    try:
        made.start(*LIVE, timeout_s=PATIENCE_S)
        yield made
    finally:
        made.stop()


@pytest.mark.timeout(900)
def test_a_full_disk_stops_orders_before_they_are_sent(system: Up, disk: Disk) -> None:
    drawn = system.call("POST", "/workflows", workflow())["id"]
    executions = [system.call("POST", f"/workflows/{drawn}/execute", {})["id"] for _ in range(3)]
    disk.fill()
    executions += _until_refused(system, disk, drawn)
    system.kill()
    disk.free()
    begun = _begun(system.home)
    executed = set(fills(system.home))
    assert executed <= begun, "an order left before the journal knew of it"

    start_again(system, *LIVE)
    statuses = {execution: system.wait(execution, PATIENCE_S)["status"] for execution in executions}
    after = system.call("POST", f"/workflows/{drawn}/execute", {})["id"]
    statuses[after] = system.wait(after, PATIENCE_S)["status"]
    system.stop()
    made = fills(system.home)
    print(f"{len(executions)} had begun, and ended as {dict(Counter(statuses.values()))}; {sum(made.values())} deals")
    assert statuses[after] == "succeeded"
    assert set(statuses.values()) <= {"succeeded", "failed"}, statuses
    assert doubled(statuses, made, PLACES) == []
    assert lost(statuses, made, PLACES) == {}


def _until_refused(system: Up, disk: Disk, drawn: str) -> list[str]:
    """Starts until one is refused: a database fills the pages it has before it asks for new ones."""
    started: list[str] = []
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        try:
            started.append(system.call("POST", f"/workflows/{drawn}/execute", {})["id"])
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return started
        disk.fill()
    raise AssertionError(f"{len(started)} executions were started on a full disk")


def _begun(home: Path) -> set[int]:
    """The magic numbers of every order of which the journal says that it was begun; for a system that is down."""
    server = PostgresServer(home / "postgres", url="")
    try:
        with psycopg.connect(server.start()) as connection:
            rows: list[Any] = connection.execute(
                "SELECT execution_id, node, iteration FROM node_runs WHERE kind = 'task'"
            ).fetchall()
    finally:
        server.stop()
    ids = [client_order_id(execution, node, iteration) for execution, node, iteration in rows]
    again = [resend_id(each) for each in ids]
    return {magic_number(each) for each in (*ids, *again, *(resend_id(each) for each in again))}
