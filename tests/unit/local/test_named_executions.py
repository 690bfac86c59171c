"""Executions by id, or the last of a workflow."""

from datetime import timedelta

import pytest

from tests.support.loop import run
from tests.unit.engine.fakes import AS_OF
from tradeloom.api.models.nodes import NodeTest
from tradeloom.engine.journal import Execution
from tradeloom.errors import NotFound
from tradeloom.local.named_executions import execution_named_or_last
from tradeloom.local.node_inputs import RecordedInputs
from tradeloom.nodes.registry import node_types
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryJournal


async def two_ran() -> MemoryJournal:
    journal = MemoryJournal()
    await journal.open()
    for number in range(2):
        at = AS_OF + timedelta(seconds=number)
        row = Execution(
            id=f"e{number}", tenant="local", workflow_id="w1", version="v1", definition="d", trigger="start",
            account="paper", run={}, input=None, as_of=at, created_at=at,
        )  # fmt: skip
        assert await journal.create(row)
    return journal


@pytest.mark.parametrize(
    ("execution_id", "workflow_id", "found"),
    [("e0", None, "e0"), ("e0", "w2", "e0"), (None, "w1", "e1"), (None, "w2", None), (None, None, None)],
)
def test_the_named_one_or_the_last(execution_id: str | None, workflow_id: str | None, found: str | None) -> None:
    async def body() -> Execution | None:
        journal = await two_ran()
        try:
            return await execution_named_or_last(journal, "local", execution_id, workflow_id)
        finally:
            await journal.close()

    row = run(body())
    assert (row.id if row is not None else None) == found


@pytest.mark.parametrize(
    ("given", "field"), [({"execution_id": "e9"}, "execution_id"), ({"workflow_id": "w2"}, "workflow_id")]
)
def test_a_node_cannot_be_tested_on_what_never_ran(given: dict[str, str], field: str) -> None:
    async def body() -> None:
        journal = await two_ran()
        try:
            test = NodeTest.model_validate({"type": "condition.if", "node": "dip", "config": {}, **given})
            await RecordedInputs(journal, MemoryBlobs()).fill("local", test, node_types()["condition.if"])
        finally:
            await journal.close()

    with pytest.raises(NotFound) as caught:
        run(body())
    assert caught.value.field == field
