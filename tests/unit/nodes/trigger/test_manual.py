from tests.support.node_context import AS_OF, FakeContext
from tradeloom.nodes.trigger.manual import Manual, ManualConfig


def test_tells_who_started_it_when_and_with_what() -> None:
    context = FakeContext(user_id="ann", payload={"symbol": "EURUSD"})
    output = Manual().run(ManualConfig(), context)
    assert output.model_dump(mode="json") == {
        "timestamp": "2017-06-01T12:00:00Z",
        "user_id": "ann",
        "payload": {"symbol": "EURUSD"},
    }
    assert output.timestamp == AS_OF


def test_the_test_payload_is_for_tests_started_without_one() -> None:
    config = ManualConfig(payload={"symbol": "GBPUSD"})
    assert Manual().run(config, FakeContext(test_mode=True)).payload == {"symbol": "GBPUSD"}
    assert Manual().run(config, FakeContext(test_mode=True, payload={"a": 1})).payload == {"a": 1}
    assert Manual().run(config, FakeContext()).payload == {}
