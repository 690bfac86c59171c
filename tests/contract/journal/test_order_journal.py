from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from mt5_bridge.journal import SENDABLE, UNSETTLED, Entry, Journal, OrderState
from mt5_bridge.journal_store import JournalStore
from tests.contract.journal.conftest import OpenJournal, OpenStore
from tests.unit.mt5_bridge.fake_terminal import LIMITS, NOW, close, market, pending
from tradeloom.errors import Conflict, StorageUnavailable
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, Side
from tradeloom.trading.risk import AccountState

ID = market().client_order_id
REQUEST = {"symbol": "EURUSD", "volume": 0.1}


@pytest.fixture
def journal(open_journal: OpenJournal) -> Journal:
    journal = open_journal()
    journal.set_limits(LIMITS)
    return journal


def state(journal: Journal, order_id: str = ID) -> OrderState:
    entry = journal.entry(order_id)
    assert entry is not None
    return entry.state


def done(**changes: object) -> OrderOutcome:
    return OrderOutcome(client_order_id=ID, status=OutcomeStatus.DONE, volume=Decimal("0.1")).model_copy(update=changes)


class TestOrders:
    def test_one_walks_from_new_over_sent_to_done(self, journal: Journal) -> None:
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

    def test_what_a_method_wrote_another_process_finds(self, journal: Journal, open_journal: OpenJournal) -> None:
        journal.claim(market())
        journal.sending(ID, REQUEST, NOW)
        other = open_journal()
        assert state(other) is OrderState.SENT
        other.settle(done())
        assert state(journal) is OrderState.DONE

    def test_claiming_again_changes_nothing(self, journal: Journal) -> None:
        journal.claim(market())
        journal.sending(ID, REQUEST, NOW)
        again = journal.claim(market(created_at=datetime(2030, 1, 1, tzinfo=UTC)))
        assert (again.state, again.attempts) == (OrderState.SENT, 1)

    @pytest.mark.parametrize("origin", ["account", "workflow_id", "execution_id", "node_id"])
    def test_an_id_belongs_to_one_node_of_one_execution(self, journal: Journal, origin: str) -> None:
        journal.claim(market())
        with pytest.raises(Conflict):
            journal.claim(market(**{origin: "other"}))

    @pytest.mark.parametrize(
        "other",
        [market(volume=Decimal("0.2")), market(symbol="GBPUSD"), market(stop_loss=Decimal(1)), close(5, "n")],
    )
    def test_a_newer_decision_replaces_one_that_was_not_sent_and_no_other(
        self, journal: Journal, other: OrderIntent
    ) -> None:
        other = other.model_copy(update={"client_order_id": ID})
        journal.claim(market())
        assert journal.claim(other).intent == other
        journal.sending(ID, REQUEST, NOW)
        assert journal.claim(market()).intent == other
        assert [what for what, _ in journal.history(ID)] == ["new", "new", "sent"]

    def test_equal_numbers_written_differently_are_equal(self, journal: Journal) -> None:
        journal.claim(market())
        assert journal.claim(market(volume=Decimal("0.100"))).state is OrderState.NEW
        assert [what for what, _ in journal.history(ID)] == ["new"]

    def test_a_magic_number_belongs_to_one_order(self, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
        journal.claim(market())
        monkeypatch.setattr("tradeloom.trading.intents.magic_number", lambda order_id: 7)
        journal.claim(market("first"))
        with pytest.raises(Conflict, match="magic"):
            journal.claim(market("second"))
        assert journal.entry(market("second").client_order_id) is None

    def test_what_was_sent_when_the_process_died_is_unknown(self, journal: Journal) -> None:
        journal.claim(market())
        assert journal.recover() == 0
        assert state(journal) is OrderState.NEW  # nothing was sent: it may go on
        journal.sending(ID, REQUEST, NOW)
        assert journal.recover() == 1
        assert state(journal) is OrderState.UNKNOWN
        assert journal.unsettled() == [ID]

    def test_nothing_is_recorded_of_an_order_that_was_not_claimed(self, journal: Journal) -> None:
        with pytest.raises(StorageUnavailable, match="no order"):
            journal.sending(ID, REQUEST, NOW)
        with pytest.raises(StorageUnavailable, match="no order"):
            journal.settle(done())
        assert journal.history(ID) == []

    @pytest.mark.parametrize("order_state", OrderState)
    def test_what_may_be_told_of_each_state(self, journal: Journal, order_state: OrderState) -> None:
        entry = journal.claim(market())
        told = Entry(entry.intent, order_state, 1, NOW, REQUEST, None, entry.updated_at).outcome()
        if order_state in SENDABLE:
            assert told is None
        else:
            assert told is not None
            assert told.status is OutcomeStatus.UNKNOWN
        assert not (SENDABLE & UNSETTLED)

    def test_the_undecided_are_counted_and_listed_in_the_order_they_came(self, journal: Journal) -> None:
        intents: list[OrderIntent] = [
            pending("resting"),
            market("accepted"),
            market("lost"),
            market("parked"),
            market("over"),
        ]
        ids = [intent.client_order_id for intent in intents]
        for intent in intents:
            journal.claim(intent)
            journal.sending(intent.client_order_id, REQUEST, NOW)
        for order_id, status in zip(ids, ("placed", "placed", "unknown", "unknown", "done"), strict=True):
            journal.settle(OrderOutcome(client_order_id=order_id, status=OutcomeStatus(status)))
        journal.fence(ids[3])
        journal.park(ids[3])
        assert journal.unsettled() == ids[:4]
        assert journal.undecided() == 3  # a pending order at rest is no riddle

    def test_workflows_are_known_by_magic(self, journal: Journal) -> None:
        journal.claim(market())
        assert journal.workflows([market().magic, 7]) == {market().magic: "w"}
        assert journal.workflows([]) == {}

    def test_openings_are_told_by_the_time_they_were_sent(self, journal: Journal) -> None:
        sent: list[OrderIntent] = [
            market("a"), pending("b", side=Side.SELL), close(5, "c"), market("d", workflow_id="other", symbol="GBPUSD"),
        ]  # fmt: skip
        for number, intent in enumerate(sent):
            journal.claim(intent)
            journal.sending(intent.client_order_id, REQUEST, NOW + timedelta(milliseconds=500 * number))
        journal.claim(market("never sent"))
        found = journal.openings(NOW)
        assert [(each.workflow_id, each.symbol, each.side) for each in found] == [
            ("w", "EURUSD", "buy"), ("w", "EURUSD", "sell"), ("other", "GBPUSD", "buy"),
        ]  # fmt: skip
        assert [each.client_order_id for each in found] == [sent[i].client_order_id for i in (0, 1, 3)]
        assert found[1].sent_at == NOW + timedelta(milliseconds=500)
        assert len(journal.openings(NOW + timedelta(milliseconds=250))) == 2
        assert journal.openings(NOW + timedelta(seconds=1.5)) == found[2:]
        assert journal.openings(NOW + timedelta(seconds=2)) == []


class TestAccount:
    def test_limits_are_needed_before_anything(self, open_journal: OpenJournal) -> None:
        journal = open_journal()
        with pytest.raises(StorageUnavailable, match="limits"):
            journal.status()
        with pytest.raises(StorageUnavailable, match="limits"):
            journal.set_state(AccountState.HALTED, reason="r", by="b", clear=False)

    def test_state_survives_restart_and_new_limits(self, journal: Journal, open_journal: OpenJournal) -> None:
        journal.set_state(AccountState.HALTED, reason="loss", by="watcher", clear=False)
        again = open_journal()
        again.set_limits(LIMITS.model_copy(update={"max_lot": Decimal(5)}))
        status = again.status()
        assert (status.state, status.reason, status.by) == (AccountState.HALTED, "loss", "watcher")
        assert status.limits.max_lot == 5

    def test_only_a_person_loosens(self, journal: Journal) -> None:
        journal.set_state(AccountState.HALTED, reason="loss", by="watcher", clear=False)
        for wanted in (AccountState.REDUCING, AccountState.ACTIVE):
            with pytest.raises(Conflict):
                journal.set_state(wanted, reason="r", by="watcher", clear=False)
        assert journal.status().reason == "loss"
        assert journal.set_state(AccountState.ACTIVE, reason="seen", by="Ada", clear=True).state is AccountState.ACTIVE


class TestFacts:
    def test_they_survive_and_can_be_taken_away(self, journal: Journal, open_journal: OpenJournal) -> None:
        journal.keep({"day/equity": "1000.10", "day/date": "2024-01-10", "peak": {"equity": 5}})
        journal.keep({"day/date": None, "day/equity": "900"})
        other = open_journal()
        assert other.facts("day/") == {"day/equity": "900"}
        assert other.fact("peak") == {"equity": 5}
        assert other.fact("day/date") is None
        assert other.facts("").items() >= {"day/equity": "900", "peak": {"equity": 5}}.items()

    def test_a_prefix_means_itself(self, journal: Journal) -> None:
        journal.keep({"a%b": 1, "axb": 2, "A%b": 3, "a_b": 4})
        assert journal.facts("a%") == {"a%b": 1}
        assert journal.facts("a_") == {"a_b": 4}


class TestStore:
    """What the journal relies on."""

    def test_a_transaction_that_fails_leaves_nothing(self, journal: Journal, open_store: OpenStore) -> None:
        store = open_store()
        journal.claim(market())
        entry = journal.entry(ID)
        assert entry is not None
        with pytest.raises(ZeroDivisionError), store.transaction() as writer:  # noqa: PT012
            writer.insert(Entry(market("other"), OrderState.NEW, 0, None, None, None, NOW))
            writer.update(Entry(entry.intent, OrderState.DONE, 3, NOW, REQUEST, done(), NOW))
            writer.log(ID, NOW, "odd", {})
            writer.put_fact("key", 1, NOW)
            assert writer.order(ID) != entry
            assert writer.fact("key") == 1
            raise ZeroDivisionError
        with store.reading() as reader:
            assert reader.order(ID) == entry
            assert reader.order(market("other").client_order_id) is None
            assert reader.fact("key") is None
            assert [what for what, _ in reader.log_of(ID)] == ["new"]

    @pytest.mark.parametrize("taken", ["id", "magic"])
    def test_an_id_and_a_magic_number_are_taken_once(
        self, open_store: OpenStore, taken: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = open_store()
        entry = Entry(market(), OrderState.NEW, 0, None, None, None, NOW)
        if taken == "magic":
            monkeypatch.setattr("tradeloom.trading.intents.magic_number", lambda order_id: 7)
        with store.transaction() as writer:
            writer.insert(entry)
            assert writer.owner_of_magic(entry.intent.magic) == ID
        second = market() if taken == "id" else market("other")
        with pytest.raises(StorageUnavailable), store.transaction() as writer:
            writer.insert(Entry(second, OrderState.NEW, 0, None, None, None, NOW))

    def test_what_was_handed_over_can_be_changed_without_harm(self, open_store: OpenStore) -> None:
        store = open_store()
        request = dict(REQUEST)
        with store.transaction() as writer:
            writer.insert(Entry(market(), OrderState.SENT, 1, NOW, request, None, NOW))
            writer.log(ID, NOW, "sent", request)
            writer.put_fact("key", request, NOW)
        request["volume"] = 99
        with store.reading() as reader:
            entry = reader.order(ID)
            assert entry is not None
            assert entry.request == REQUEST
            assert reader.log_of(ID) == [("sent", REQUEST)]
            assert reader.fact("key") == REQUEST

    def test_every_state_is_kept(self, open_store: OpenStore) -> None:
        store = open_store()
        entry = Entry(market(), OrderState.NEW, 0, None, None, None, NOW)
        with store.transaction() as writer:
            writer.insert(entry)
        for _, wanted in pairwise((OrderState.NEW, *OrderState)):
            with store.transaction() as writer:
                writer.update(Entry(entry.intent, wanted, 2, NOW, REQUEST, done(), NOW))
            with store.reading() as reader:
                assert reader.order(ID) == Entry(entry.intent, wanted, 2, NOW, REQUEST, done(), NOW)
                assert reader.orders_in({wanted}) == [ID]
                assert reader.orders_in({wanted}, besides_kind="pending") == [ID]
                assert reader.orders_in({wanted}, besides_kind="market") == []
                assert reader.orders_in(set(OrderState) - {wanted}) == []

    def test_a_closed_store_can_be_opened_again(self, open_store: OpenStore) -> None:
        store: JournalStore = open_store()
        with store.transaction() as writer:
            writer.put_fact("key", 1, NOW)
        store.close()
        with open_store().reading() as reader:
            assert reader.fact("key") == 1
