"""What every store of pinned outputs must do."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contract.storage.conftest import OpenStores, opener_of_workflow, run
from tradeloom.engine.pins import PinRecord
from tradeloom.errors import NotFound
from tradeloom.storage.memory.pins import MemoryPins
from tradeloom.storage.postgres.pins import PostgresPins

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
ODD = {"nul": "a\0b", "big": 2**60, "none": None, "deep": [[1.5]]}
PIN = PinRecord(tenant="local", workflow_id="w1", node="rsi", port="main", output=ODD, pinned_by="ann", pinned_at=NOW)


@pytest.fixture(params=["memory", "postgres"])
def opened(request: pytest.FixtureRequest) -> OpenStores:
    return opener_of_workflow(request, MemoryPins, PostgresPins)


@run
async def test_a_pin_reads_back_whole_and_the_last_one_stands(opened: OpenStores) -> None:
    async with opened() as (_, pins):
        await pins.pin(replace(PIN, output=None, pinned_by="bob"))
        await pins.pin(PIN)
        await pins.pin(replace(PIN, node="atr", port="other"))
        assert await pins.pins("local", "w1") == [replace(PIN, node="atr", port="other"), PIN]


@run
async def test_unpinning_says_whether_there_was_one(opened: OpenStores) -> None:
    async with opened() as (_, pins):
        await pins.pin(PIN)
        assert await pins.unpin("local", "w1", "rsi") is True
        assert await pins.unpin("local", "w1", "rsi") is False
        assert await pins.pins("local", "w1") == []


@run
async def test_pins_are_their_tenants_and_their_workflows(opened: OpenStores) -> None:
    async with opened() as (_, pins):
        await pins.pin(PIN)
        assert await pins.pins("other", "w1") == []
        assert await pins.pins("local", "w2") == []
        assert await pins.unpin("other", "w1", "rsi") is False
        with pytest.raises(NotFound):
            await pins.pin(replace(PIN, workflow_id="nothing"))


@run
async def test_they_go_with_their_workflow(opened: OpenStores) -> None:
    async with opened() as (workflows, pins):
        await pins.pin(PIN)
        await workflows.delete("local", "w1")
        assert await pins.pins("local", "w1") == []
