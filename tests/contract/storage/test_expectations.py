"""Expected runs as they are kept: one suite for every adapter, and what the journal tells of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.storage.conftest import OpenJournal, OpenStores, opener, run
from tests.contract.storage.journal_rows import execution
from tradeloom.engine.expectations import Expectation
from tradeloom.engine.journal import KeyedStart
from tradeloom.storage.memory.expectations import MemoryExpectations
from tradeloom.storage.postgres.expectations import PostgresExpectations

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = Expectation(
    tenant="acme", workflow_id="w1", name="clock@s", activated_at=NOW, checked_until=NOW, telling_until=NOW + HOUR
)


@pytest.fixture(params=["memory", "postgres"])
def open_expectations(request: pytest.FixtureRequest) -> OpenStores:
    return opener(request, MemoryExpectations, PostgresExpectations)


@run
async def test_they_are_read_as_kept_and_dropped_with_their_workflow(open_expectations: OpenStores) -> None:
    other = replace(ONE, workflow_id="w2", name="£ \u0416")
    async with open_expectations() as store:
        for each in (ONE, replace(ONE, name="silence"), other, replace(ONE, tenant="globex")):
            await store.keep(each)
    async with open_expectations() as store:
        assert await store.all("acme") == [ONE, replace(ONE, name="silence"), other]
        await store.keep(replace(ONE, checked_until=NOW + HOUR))
        await store.drop("acme", "w2")
        assert await store.all("acme") == [replace(ONE, checked_until=NOW + HOUR), replace(ONE, name="silence")]
        assert len(await store.all("globex")) == 1


@run
async def test_an_earlier_activation_changes_nothing(open_expectations: OpenStores) -> None:
    later = replace(ONE, activated_at=NOW + HOUR)
    async with open_expectations() as store:
        await store.keep(later)
        await store.keep(ONE)
        assert await store.all("acme") == [later]


@run
async def test_what_became_of_starts(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        ran = execution("e1", dedupe_key="k1")
        queued = execution("e2", dedupe_key="k2", stop_reason="its turn came too late")
        for row in (ran, queued, execution("e3", dedupe_key="k3"), execution("e4", tenant="globex", dedupe_key="k4")):
            assert await journal.create(row)
        ran.status, ran.started_at = "SUCCEEDED", NOW
        queued.status = "STOPPED"
        for row in (ran, queued):
            journal.record(row)
        await journal.barrier("e2")
        assert await journal.starts("local", ["k1", "k2", "k3", "k4", "unheard of \u0000"]) == {
            "k1": KeyedStart("e1", "SUCCEEDED", True, None),
            "k2": KeyedStart("e2", "STOPPED", False, "its turn came too late"),
            "k3": KeyedStart("e3", "PENDING", False, None),
        }
        assert await journal.starts("local", []) == {}


@run
async def test_when_a_workflow_ran_last(open_journal: OpenJournal) -> None:
    async with open_journal() as journal:
        made = [
            execution("e1", as_of=NOW, created_at=NOW, started_at=NOW),
            execution("e2", as_of=NOW + HOUR, created_at=NOW + HOUR, started_at=NOW),
            execution("e3", as_of=NOW + 2 * HOUR, created_at=NOW + 2 * HOUR, started_at=NOW, test_mode=True),
            execution("e4", as_of=NOW + 3 * HOUR, created_at=NOW + 3 * HOUR),
            execution("e5", as_of=NOW + 4 * HOUR, created_at=NOW + 4 * HOUR, started_at=NOW, workflow_id="w2"),
        ]
        for row in made:
            assert await journal.create(row)
        assert await journal.last_as_of("local", "w1", NOW + 9 * HOUR) == NOW + HOUR
        assert await journal.last_as_of("local", "w1", NOW) == NOW
        assert await journal.last_as_of("local", "w1", NOW - HOUR) is None
        assert await journal.last_as_of("globex", "w1", NOW + 9 * HOUR) is None
