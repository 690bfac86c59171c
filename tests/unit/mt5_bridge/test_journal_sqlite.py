import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mt5_bridge import schema
from mt5_bridge.journal import _STATE_OF, Journal, OrderState
from mt5_bridge.journal_sqlite import SqliteJournalStore
from tests.unit.mt5_bridge.fake_terminal import LIMITS, NOW, market
from tradeloom.errors import StorageUnavailable
from tradeloom.trading.intents import OutcomeStatus

ID = market().client_order_id
REQUEST = {"symbol": "EURUSD", "volume": 0.1}
VERSION_1 = tuple(statement for statement in schema.SCHEMA if "facts" not in statement and "sent_at)" not in statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    journal.set_limits(LIMITS)
    yield journal
    journal.close()


@pytest.fixture
def db(journal: Journal, path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the same file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def state(journal: Journal) -> OrderState:
    entry = journal.entry(ID)
    assert entry is not None
    return entry.state


def test_everything_is_on_the_disk_when_a_method_returns(journal: Journal, path: Path) -> None:
    journal.claim(market())
    journal.sending(ID, REQUEST, NOW)
    with closing(Journal(path)) as other:
        assert state(other) is OrderState.SENT
    with closing(SqliteJournalStore(path)) as store:
        assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_the_log_cannot_be_rewritten(journal: Journal, db: sqlite3.Connection) -> None:
    journal.claim(market())
    for statement in ("UPDATE log SET what = 'x'", "DELETE FROM log"):
        with pytest.raises(sqlite3.IntegrityError, match="final"):
            db.execute(statement)


def test_the_schema_knows_exactly_the_states_of_the_code() -> None:
    listed = {name.strip("'") for name in schema._STATES.split(",")}
    assert listed == set(OrderState)
    assert set(_STATE_OF) == set(OutcomeStatus)


def test_a_file_of_the_first_version_comes_up_to_this_one(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        for statement in (*VERSION_1, "PRAGMA user_version = 1"):
            old.execute(statement)
        old.execute("INSERT INTO account VALUES (1, 'halted', 'loss', 'watcher', '2024-01-01T00:00:00+00:00', '{}')")
        old.commit()
    with closing(Journal(path)) as journal:
        journal.set_limits(LIMITS)  # whatever the old limits were, the configured ones are in force
        assert journal.status().reason == "loss"
        journal.keep({"day": 1})
        assert journal.fact("day") == 1


def test_limits_that_are_not_understood_stop_trading(journal: Journal, db: sqlite3.Connection) -> None:
    db.execute("UPDATE account SET limits = '{}'")
    with pytest.raises(StorageUnavailable, match="limits"):
        journal.status()


@pytest.mark.parametrize("column", ["intent", "outcome"])
def test_a_row_nobody_wrote_is_damage(journal: Journal, db: sqlite3.Connection, column: str) -> None:
    journal.claim(market())
    db.execute(f"UPDATE orders SET {column} = '[]'")
    with pytest.raises(StorageUnavailable, match="damaged"):
        journal.entry(ID)


def test_a_full_disk_refuses_before_sending_and_keeps_what_is_there(path: Path) -> None:
    with closing(SqliteJournalStore(path)) as store:
        journal = Journal(store)
        journal.claim(market())
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageUnavailable, match="full"):
            _ = [journal.claim(market(f"node {number}")) for number in range(1000)]
        with pytest.raises(StorageUnavailable, match="nothing was sent"):
            journal.sending(ID, {"comment": "x" * 100_000}, NOW)
        assert state(journal) is OrderState.NEW


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_damage_is_found_at_start(journal: Journal, path: Path, damage: str) -> None:
    for number in range(50):
        journal.claim(market(f"node {number}"))
    journal.close()
    content = bytearray(path.read_bytes())
    start = 0 if damage == "header" else len(content) // 2 // 4096 * 4096
    content[start : start + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StorageUnavailable, match="damaged") as caught:
        Journal(path)
    assert "restore" in str(caught.value.hint)


def test_a_newer_bridges_file_is_left_alone(journal: Journal, path: Path, db: sqlite3.Connection) -> None:
    db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageUnavailable, match="newer"):
        Journal(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable, match="file"):
        Journal(tmp_path / "file" / "journal.sqlite3")
