"""What a node's expressions give: on what ran last, on what is pinned, and on what the screen says."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.loop import run
from tests.unit.engine.fakes import AS_OF
from tradeloom.api.models.previews import ExpressionPreview, ExpressionPreviewRequest
from tradeloom.engine.clock import Clock
from tradeloom.engine.journal import Execution, NodeRun
from tradeloom.engine.pins import PinRecord
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import InvalidInput, NotFound
from tradeloom.local.expression_previews import ExpressionPreviews
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.pins import MemoryPins
from tradeloom.storage.memory.stores import MemoryStores

DOCUMENT: dict[str, Any] = {
    "name": "Dip",
    "nodes": [
        {"id": "start", "type": "trigger.manual"},
        {"id": "rsi", "type": "indicator.rsi"},
        {"id": "dip", "type": "condition.if", "config": {"expression": "= nodes.rsi.value < 30"}},
    ],
    "connections": [{"source": "start", "target": "rsi"}, {"source": "rsi", "target": "dip"}],
}


def no_clock(account: str) -> Clock:
    raise InvalidInput(f"There is no account {account!r}.")


async def preview(*, recorded: float | None = None, pinned: float | None = None, **wanted: Any) -> ExpressionPreview:
    """Of the condition, after an execution in which the RSI was `recorded`."""
    journal, stores = MemoryJournal(), MemoryStores()
    pins = MemoryPins(stores)
    await journal.open()
    version = VersionRecord(
        tenant="local", workflow_id="w1", version="v1", artefact="a", definition="d", account="paper", created_at=AS_OF
    )
    await stores.save(version, name="Dip", description="")
    if recorded is not None:
        ran = Execution(
            id="e1", tenant="local", workflow_id="w1", version="v1", definition="d", trigger="start", account="paper",
            run={}, input=None, as_of=AS_OF, created_at=AS_OF, status="SUCCEEDED",
        )  # fmt: skip
        assert await journal.create(ran)
        for seq, (node, output) in enumerate({"rsi": {"value": recorded}, "gone": {}}.items(), start=1):
            journal.record(
                NodeRun(
                    execution_id="e1", path=node, attempt=1, kind="task", node=node, state=node, status="SUCCEEDED",
                    started_at=AS_OF + timedelta(seconds=seq), started_seq=seq,
                    output={"state": "succeeded", "port": "main", "output": output},
                )
            )  # fmt: skip
        await journal.barrier("e1")
    if pinned is not None:
        await pins.pin(
            PinRecord(
                tenant="local", workflow_id="w1", node="rsi", port="main", output={"value": pinned}, pinned_by="me",
                pinned_at=AS_OF,
            )
        )  # fmt: skip
    previews = ExpressionPreviews(journal=journal, blobs=MemoryBlobs(), pins=pins, clock_for_account=no_clock)
    asked = ExpressionPreviewRequest.model_validate({"document": DOCUMENT, "node": "dip", "workflow_id": "w1"} | wanted)
    try:
        return await previews.preview("local", asked)
    finally:
        await journal.close()


@pytest.mark.parametrize(
    ("seen", "holds"),
    [
        ({"recorded": 20}, True),
        ({"recorded": 20, "pinned": 40}, False),
        ({"recorded": 40, "pinned": 40, "outputs": {"rsi": {"value": 20}}}, True),
        ({"outputs": {"rsi": {"value": 40}}}, False),
    ],
)
def test_the_screen_stands_before_a_pin_and_a_pin_before_what_was_recorded(seen: dict[str, Any], holds: bool) -> None:
    told = run(preview(**seen))
    assert [(each.field, each.value, each.error) for each in told.fields] == [("config.expression", holds, None)]
    assert told.seen == ["rsi"]  # and nothing of a node that is no longer drawn


def test_what_nothing_gave_has_no_value() -> None:
    told = run(preview())
    assert (told.execution_id, told.seen) == (None, [])
    assert told.fields[0].error


def test_now_is_when_the_execution_was() -> None:
    told = run(preview(recorded=20))
    assert (told.execution_id, told.as_of) == ("e1", AS_OF)


def test_a_node_or_an_execution_that_is_not_there() -> None:
    with pytest.raises(NotFound) as caught:
        run(preview(node="nowhere"))
    assert caught.value.field == "node"
    with pytest.raises(NotFound) as caught:
        run(preview(execution_id="e2"))
    assert caught.value.field == "execution_id"
