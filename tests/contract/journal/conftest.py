"""The order journal's rules on every store it can have. A test gets `open_journal`: the same journal each time, as a
process that starts anew finds it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mt5_bridge.journal import Journal
from mt5_bridge.journal_sqlite import SqliteJournalStore
from mt5_bridge.journal_store import JournalStore
from tests.faults.simulator.disk import Disk, SimulatedStore
from tests.faults.simulator.kernel import Kernel, Process

type OpenStore = Callable[[], JournalStore]
type OpenJournal = Callable[[], Journal]


@pytest.fixture(params=["sqlite", "simulated"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    opened: list[JournalStore] = []

    def keep(store: JournalStore) -> JournalStore:
        opened.append(store)
        return store

    if request.param == "sqlite":
        yield lambda: keep(SqliteJournalStore(tmp_path / "journal.sqlite3"))
    else:
        disk, kernel = Disk(), Kernel({}, tracing=False)
        yield lambda: keep(SimulatedStore(disk, kernel, Process("worker")))
    for store in opened:
        store.close()


@pytest.fixture
def open_journal(open_store: OpenStore) -> OpenJournal:
    return lambda: Journal(open_store())
