"""The guards' file: one guard a wish, one of a kind a position, nothing lost, nothing done twice."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mt5_bridge.guard_store import MOST_ACTIVE, GuardStore, _once_set
from tests.unit.mt5_bridge.fake_terminal import NOW, guard, trailing
from tradeloom.errors import Conflict, NotFound, StorageUnavailable
from tradeloom.trading.guards import BreakEven, GuardMemory, GuardStatus, PartialClose

PART = PartialClose(trigger=Decimal("0.002"), fraction=Decimal("0.5"))
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GuardStore]:
    store = GuardStore(tmp_path / "guards.sqlite3")
    yield store
    store.close()


def test_the_same_wish_again_is_one_guard(store: GuardStore) -> None:
    first = store.set(trailing(7), NOW)
    assert first.is_active
    assert store.set(trailing(7), LATER) == first
    assert (store.count_active(), store.history(first.guard_id)) == (1, ["set"])


def test_while_it_is_active_a_node_that_runs_again_may_have_other_numbers(store: GuardStore) -> None:
    store.set(trailing(7), NOW)
    changed = store.set(trailing(7, "0.003"), NOW)
    assert changed.guard == trailing(7, "0.003")
    store.put(changed.told(status=GuardStatus.DONE), "done")
    assert store.set(trailing(7), NOW).report.status is GuardStatus.DONE


def test_another_execution_sets_it_anew_under_the_first_ones_name(store: GuardStore) -> None:
    first = store.set(trailing(7, activation=Decimal("0.001")), NOW)
    store.put(first.told(step=3, moves=2, trouble="no", memory=GuardMemory(triggered=True)), "refused")
    again = store.set(trailing(7, activation=Decimal("0.001")).model_copy(update={"execution_id": "f"}), LATER)
    assert (again.step, again.sender, again.report.moves, again.report.trouble) == (3, "e", 2, None)
    assert again.report.memory.triggered  # the same rule goes on from where it was
    other = store.set(trailing(7, activation=Decimal("0.004")).model_copy(update={"execution_id": "g"}), LATER)
    assert not other.report.memory.triggered


def test_one_trailing_stop_and_one_break_even_a_position_but_as_many_parts_as_nodes(store: GuardStore) -> None:
    store.set(trailing(7), NOW)
    store.set(guard(7, BreakEven(trigger=Decimal("0.002"))), NOW)
    for node in ("first", "second"):
        store.set(guard(7, PART, node=node), NOW)
    store.set(trailing(8), NOW)
    assert store.count_active() == 5
    replacing = trailing(7, "0.004").model_copy(update={"guard_id": "f" * 32, "node_id": "other"})
    store.set(replacing, NOW)
    old = store.find(trailing(7).guard_id)
    assert old is not None
    assert (old.report.status, old.report.reason) == (GuardStatus.REPLACED, "node other of workflow w set another")
    assert store.count_active() == 5


def test_a_part_that_was_closed_is_never_set_again(store: GuardStore) -> None:
    first = store.set(guard(7, PART), NOW)
    closed = first.told(status=GuardStatus.DONE, memory=GuardMemory(closed=True), moves=1)
    store.put(closed, "done")
    for execution in ("e", "f"):
        assert store.set(guard(7, PART, execution=execution), LATER) == closed
    assert store.count_active() == 0


def test_what_was_taken_away_stays_so_until_it_is_wanted_anew(store: GuardStore) -> None:
    store.set(guard(7, PART), NOW)
    guard_id = guard(7, PART).guard_id
    assert store.remove(guard_id).report.status is GuardStatus.REMOVED
    assert store.remove(guard_id).report.status is GuardStatus.REMOVED
    assert store.set(guard(7, PART), NOW).report.status is GuardStatus.REMOVED
    assert store.set(guard(7, PART, execution="f"), NOW).is_active
    with pytest.raises(NotFound):
        store.remove("0" * 32)


def test_an_id_has_one_owner(store: GuardStore) -> None:
    store.set(trailing(7), NOW)
    with pytest.raises(Conflict):
        store.set(trailing(7).model_copy(update={"workflow_id": "v"}), NOW)


def test_there_is_an_end_of_guards(store: GuardStore) -> None:
    with store._transaction() as db:
        for position in range(1, MOST_ACTIVE + 1):
            store._write(db, _once_set(None, trailing(position), NOW), "set")
    with pytest.raises(Conflict, match="500 guards"):
        store.set(trailing(9_999), NOW)
    assert store.set(trailing(1, "0.005"), NOW).is_active  # one there is may change


def test_lists_by_status_symbol_and_position(store: GuardStore) -> None:
    for position in (7, 8):
        store.set(trailing(position), NOW)
    store.remove(trailing(8).guard_id)

    def listed(**changes: object) -> list[int]:
        wanted = {"active_only": False, "symbol": None, "position": None} | changes
        return [report.guard.position for report in store.listed(**wanted)]  # type: ignore[arg-type]

    assert listed() == [7, 8]
    assert listed(active_only=True) == [7]
    assert listed(position=8) == [8]
    assert listed(symbol="GBPUSD") == []


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "guards.sqlite3"
    store = GuardStore(path)
    kept = store.put(store.set(trailing(7), NOW).told(step=4, moves=3, stop_loss=1.09), "acted")
    store.close()
    again = GuardStore(path)
    assert again.active() == [kept]
    again.close()


def test_a_damaged_or_newer_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "guards.sqlite3"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StorageUnavailable, match="guards' file"):
        GuardStore(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageUnavailable, match="newer"):
        GuardStore(path)
