from datetime import UTC, datetime

import pytest

from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import NodeConfigError
from tradeloom.nodes.trigger.error import Error, ErrorConfig

FAILURE = {
    "execution_id": "e1",
    "workflow_id": "wf-1",
    "workflow_name": "Dip buyer",
    "version": "v1",
    "status": "timed_out",
    "error": "States.Timeout",
    "message": "The execution ran longer than 60 seconds.",
    "hint": "",
    "node_id": "",
    "node_name": "",
    "node_type": "",
    "trigger": "clock",
    "account": "live",
    "as_of": "2026-01-05T09:00:00+01:00",
    "failed_at": "2026-01-05T08:01:00Z",
}


def test_tells_of_the_failure_it_was_started_for() -> None:
    output = Error().run(ErrorConfig(), FakeContext(payload=FAILURE))
    told = output.model_dump(mode="json")
    assert told == FAILURE | {"as_of": "2026-01-05T08:00:00Z"}
    assert output.failed_at == datetime(2026, 1, 5, 8, 1, tzinfo=UTC)


def test_started_by_hand_it_is_a_sample_with_what_was_given() -> None:
    output = Error().run(ErrorConfig(), FakeContext())
    assert (output.status, output.as_of, output.node_type) == ("failed", AS_OF, "market.live_price")
    assert "sample" in output.message
    given = Error().run(ErrorConfig(), FakeContext(payload={"error": "OrderUnknown", "status": "stopped"}))
    assert (given.error, given.status, given.workflow_id) == ("OrderUnknown", "stopped", "sample")


@pytest.mark.parametrize(
    "payload", [{"status": "sad"}, {"failed_at": "yesterday"}, {"message": 7}, {"as_of": "0001-01-01T00:00:00+23:59"}]
)
def test_a_payload_of_another_kind_is_refused(payload: dict[str, object]) -> None:
    with pytest.raises(NodeConfigError) as caught:
        Error().run(ErrorConfig(), FakeContext(payload=payload))
    assert caught.value.field == "payload"
