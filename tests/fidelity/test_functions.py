"""Every node's function through the real Lambda client: answers, effects and logs of its handler called directly."""

import json
from typing import Any

import pytest

from tests.fidelity.cases import case_of
from tests.fidelity.conftest import Directly, Surroundings
from tests.fidelity.lambda_process import LambdaFunction
from tests.fidelity.runtime_api import InitFailed
from tradeloom.nodes.registry import node_types

NODES = node_types()


def as_logged(record: dict[str, Any]) -> dict[str, Any]:
    """A node's log record as it stands in Lambda's log, less what the logger adds of itself."""
    return json.loads(json.dumps(record | {"level": record["level"].upper()}))  # type: ignore[no-any-return]


@pytest.mark.parametrize("node_type", NODES)
def test_does_as_the_handler_does(node_type: str, around: Surroundings, directly: Directly) -> None:
    case = case_of(node_type)
    around.publish(case)
    with LambdaFunction.of(node_type, around.environment) as function:
        answers = [function.invoke(case.event), function.invoke(case.event)]
    assert [answer.error for answer in answers] == [None, None]
    assert [answer.payload for answer in answers] == [directly.invoke(case), directly.invoke(case)]
    assert answers[0].payload["state"] == "succeeded"
    assert answers[0].payload["port"] in {port.name for port in NODES[node_type].ports}

    assert around.effects() == directly.around.effects()
    assert bool(around.effects()) == NODES[node_type].acts()

    logged = [json.loads(line) for line in function.output()]
    assert [{key: line[key] for key in record} for line, record in zip(logged, directly.logs, strict=True)] == [
        as_logged(record) for record in directly.logs
    ]


def test_logs_are_one_line_of_json_each(around: Surroundings, directly: Directly) -> None:
    config = {"title": "x" * 1_000, "message": "first line\nsecond line, ½ \u2028 {{ nodes.rsi.value }}"}
    case = case_of("notify.dashboard", config=config)
    around.publish(case)
    with LambdaFunction.of("notify.dashboard", around.environment) as function:
        assert function.invoke(case.event).error is None
        assert "errorType" in (function.invoke({"node": "line\nbreak"}).error or {})
    directly.invoke(case)
    lines = function.output()
    assert len(lines) == 2
    said, failed = (json.loads(line) for line in lines)
    assert said["service"] == "tradeloom"
    assert (said["level"], said["node"], said["execution_id"]) == ("WARNING", "dashboard", "fidelity")
    assert as_logged(directly.logs[0]).items() <= said.items()
    assert (failed["level"], failed["errorType"]) == ("ERROR", "NodeConfigError")
    assert failed["timestamp"]


def test_a_function_that_cannot_be_loaded_says_so_at_init() -> None:
    with (
        pytest.raises(InitFailed, match=r"^Runtime.ImportModuleError: .*nodes\.condition\.whether"),
        LambdaFunction("tradeloom-condition-whether", "nodes.condition.whether.handler"),
    ):
        pass
