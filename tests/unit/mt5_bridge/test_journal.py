import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mt5_bridge import schema
from mt5_bridge.journal import _STATE_OF, SENDABLE, UNSETTLED, Journal, OrderState
from tests.unit.mt5_bridge.fake_terminal import LIMITS, NOW, close, market
from tradeloom.errors import Conflict, StorageUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState

ID = market().client_order_id
REQUEST = {"symbol": "EURUSD", "volume": 0.1}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "deep" / "journal.sqlite3")
    journal.set_limits(LIMITS)
    yield journal
    journal.close()


def state(journal: Journal) -> OrderState:
    entry = journal.entry(ID)
    assert entry is not None
    return entry.state


def done(**changes: object) -> OrderOutcome:
    return OrderOutcome(client_order_id=ID, status=OutcomeStatus.DONE, volume=Decimal("0.1")).model_copy(update=changes)


def test_an_order_walks_from_new_over_sent_to_done(journal: Journal) -> None:
    assert journal.entry(ID) is None
    assert journal.claim(market()).state is OrderState.NEW
    journal.sending(ID, REQUEST, NOW)
    entry = journal.entry(ID)
    assert entry is not None
    assert (entry.state, entry.attempts, entry.sent_at, entry.request) == (OrderState.SENT, 1, NOW, REQUEST)
    assert entry.intent == market()
    journal.settle(done())
    assert journal.claim(market()).outcome() == done()
    assert [what for what, _ in journal.history(ID)] == ["new", "sent", "done"]


def test_everything_is_on_the_disk_when_a_method_returns(journal: Journal) -> None:
    journal.claim(market())
    journal.sending(ID, REQUEST, NOW)
    other = Journal(journal.path)
    assert state(other) is OrderState.SENT
    assert journal._db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert journal._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    other.close()


def test_claiming_again_changes_nothing(journal: Journal) -> None:
    journal.claim(market())
    journal.sending(ID, REQUEST, NOW)
    again = journal.claim(market(created_at=datetime(2030, 1, 1, tzinfo=UTC)))
    assert (again.state, again.attempts) == (OrderState.SENT, 1)


@pytest.mark.parametrize("origin", ["account", "workflow_id", "execution_id", "node_id"])
def test_an_id_belongs_to_one_node_of_one_execution(journal: Journal, origin: str) -> None:
    journal.claim(market())
    with pytest.raises(Conflict):
        journal.claim(market(**{origin: "other"}))


OTHER_DECISIONS = [market(volume=Decimal("0.2")), market(symbol="GBPUSD"), market(stop_loss=Decimal(1)), close(5, "n")]


@pytest.mark.parametrize("other", OTHER_DECISIONS)
def test_a_newer_decision_replaces_one_that_was_not_sent_and_no_other(journal: Journal, other: OrderIntent) -> None:
    other = other.model_copy(update={"client_order_id": ID})
    journal.claim(market())
    assert journal.claim(other).intent == other
    journal.sending(ID, REQUEST, NOW)
    assert journal.claim(market()).intent == other


def test_equal_numbers_written_differently_are_equal(journal: Journal) -> None:
    journal.claim(market())
    assert journal.claim(market(volume=Decimal("0.100"))).state is OrderState.NEW


def test_a_magic_number_belongs_to_one_order(journal: Journal) -> None:
    journal.claim(market())
    journal._db.execute("UPDATE orders SET magic = ?", (market("other").magic,))
    with pytest.raises(Conflict, match="magic"):
        journal.claim(market("other"))


def test_what_was_sent_when_the_process_died_is_unknown(journal: Journal) -> None:
    journal.claim(market())
    assert journal.recover() == 0
    assert state(journal) is OrderState.NEW  # nothing was sent: it may go on
    journal.sending(ID, REQUEST, NOW)
    assert journal.recover() == 1
    assert state(journal) is OrderState.UNKNOWN
    assert journal.unsettled() == [ID]


@pytest.mark.parametrize("order_state", OrderState)
def test_what_may_be_told_of_each_state(journal: Journal, order_state: OrderState) -> None:
    entry = journal.claim(market())
    told = type(entry)(entry.intent, order_state, 1, NOW, REQUEST, None, entry.updated_at).outcome()
    if order_state in SENDABLE:
        assert told is None
    else:
        assert told is not None
        assert told.status is OutcomeStatus.UNKNOWN
    assert not (SENDABLE & UNSETTLED)


def test_the_log_cannot_be_rewritten(journal: Journal) -> None:
    journal.claim(market())
    for statement in ("UPDATE log SET what = 'x'", "DELETE FROM log"):
        with pytest.raises(sqlite3.IntegrityError, match="final"):
            journal._db.execute(statement)


def test_the_schema_knows_exactly_the_states_of_the_code() -> None:
    listed = {name.strip("'") for name in schema._STATES.split(",")}
    assert listed == set(OrderState)
    assert set(_STATE_OF) == set(OutcomeStatus)


class TestAccount:
    def test_limits_are_needed_before_anything(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path / "j")
        with pytest.raises(StorageUnavailable, match="limits"):
            journal.status()
        with pytest.raises(StorageUnavailable, match="limits"):
            journal.set_state(AccountState.HALTED, reason="r", by="b", clear=False)
        journal.close()

    def test_state_survives_restart_and_new_limits(self, journal: Journal) -> None:
        journal.set_state(AccountState.HALTED, reason="loss", by="watcher", clear=False)
        journal.close()
        again = Journal(journal.path)
        again.set_limits(LIMITS.model_copy(update={"max_lot": Decimal(5)}))
        status = again.status()
        assert (status.state, status.reason, status.by) == (AccountState.HALTED, "loss", "watcher")
        assert status.limits.max_lot == 5
        again.close()

    def test_only_a_person_loosens(self, journal: Journal) -> None:
        journal.set_state(AccountState.HALTED, reason="loss", by="watcher", clear=False)
        for wanted in (AccountState.REDUCING, AccountState.ACTIVE):
            with pytest.raises(Conflict):
                journal.set_state(wanted, reason="r", by="watcher", clear=False)
        assert journal.set_state(AccountState.ACTIVE, reason="seen", by="Ada", clear=True).state is AccountState.ACTIVE


class TestBrokenFiles:
    def test_a_full_disk_refuses_before_sending_and_keeps_what_is_there(self, journal: Journal) -> None:
        journal.claim(market())
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageUnavailable, match="full"):
            _ = [journal.claim(market(f"node {number}")) for number in range(1000)]
        with pytest.raises(StorageUnavailable, match="nothing was sent"):
            journal.sending(ID, {"comment": "x" * 100_000}, NOW)
        assert state(journal) is OrderState.NEW

    @pytest.mark.parametrize("damage", ["header", "middle"])
    def test_damage_is_found_at_start(self, journal: Journal, damage: str) -> None:
        for number in range(50):
            journal.claim(market(f"node {number}"))
        journal.close()
        content = bytearray(journal.path.read_bytes())
        start = 0 if damage == "header" else len(content) // 2 // 4096 * 4096
        content[start : start + 4096] = b"\xff" * 4096
        journal.path.write_bytes(content)
        with pytest.raises(StorageUnavailable, match="damaged") as caught:
            Journal(journal.path)
        assert "restore" in str(caught.value.hint)

    def test_a_newer_bridges_file_is_left_alone(self, journal: Journal) -> None:
        journal._db.execute("PRAGMA user_version = 99")
        journal.close()
        with pytest.raises(StorageUnavailable, match="newer"):
            Journal(journal.path)

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageUnavailable, match="file"):
            Journal(tmp_path / "file" / "journal.sqlite3")


def test_workflows_are_known_by_magic(journal: Journal) -> None:
    journal.claim(market())
    assert journal.workflows([market().magic, 7]) == {market().magic: "w"}
    assert journal.workflows([]) == {}
