"""What every store of drafts must do."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contract.storage.conftest import VERSION, OpenStores, opener_of_workflow, run
from tradeloom.engine.drafts import DraftRecord
from tradeloom.errors import Conflict, NotFound
from tradeloom.storage.memory.drafts import MemoryDrafts
from tradeloom.storage.postgres.drafts import PostgresDrafts

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
ODD = {"name": "half\0done", "nodes": [{"id": "x", "config": {"big": 2**60, "none": None}}], "connections": "wrong"}
DRAFT = DraftRecord(
    tenant="local", workflow_id="w1", document=ODD, base_version="v1", revision="r1", saved_by="ann", saved_at=NOW
)


@pytest.fixture(params=["memory", "postgres"])
def opened(request: pytest.FixtureRequest) -> OpenStores:
    return opener_of_workflow(request, MemoryDrafts, PostgresDrafts)


@run
async def test_a_draft_reads_back_whole_and_is_replaced_by_who_read_it(opened: OpenStores) -> None:
    async with opened() as (_, drafts):
        assert await drafts.draft("local", "w1") is None
        await drafts.write(DRAFT, over=None)
        assert await drafts.draft("local", "w1") == DRAFT
        second = replace(DRAFT, revision="r2", document={"name": "More"}, base_version="v2")
        await drafts.write(second, over="r1")
        assert await drafts.draft("local", "w1") == second


@run
async def test_a_draft_of_someone_else_is_not_overwritten_unasked(opened: OpenStores) -> None:
    async with opened() as (_, drafts):
        await drafts.write(DRAFT, over=None)
        for stale in (None, "r0"):
            with pytest.raises(Conflict):
                await drafts.write(replace(DRAFT, revision="r2"), over=stale)
        assert await drafts.draft("local", "w1") == DRAFT
        await drafts.write(replace(DRAFT, revision="r2"), over=None, whichever=True)
        assert (await drafts.draft("local", "w1")).revision == "r2"


@run
async def test_who_read_a_draft_that_was_discarded_is_told(opened: OpenStores) -> None:
    async with opened() as (_, drafts):
        await drafts.write(DRAFT, over=None)
        assert await drafts.discard("local", "w1")
        assert not await drafts.discard("local", "w1")
        with pytest.raises(Conflict):
            await drafts.write(replace(DRAFT, revision="r2"), over="r1")


@run
async def test_a_draft_is_its_tenants_and_goes_with_its_workflow(opened: OpenStores) -> None:
    async with opened() as (workflows, drafts):
        await drafts.write(DRAFT, over=None)
        for unknown in (("other", "w1"), ("local", "w2")):
            with pytest.raises(NotFound):
                await drafts.draft(*unknown)
            with pytest.raises(NotFound):
                await drafts.discard(*unknown)
        with pytest.raises(NotFound):
            await drafts.write(replace(DRAFT, workflow_id="w2"), over=None)
        await workflows.delete("local", "w1")
        with pytest.raises(NotFound):
            await drafts.draft("local", "w1")
        await workflows.save(VERSION, name="One", description="")
        assert await drafts.draft("local", "w1") is None
