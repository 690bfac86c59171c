"""Errors through the real Lambda client: our class's name, the sentence with its field, and the function goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fidelity.cases import Case, case_of
from tests.fidelity.conftest import Directly, Surroundings
from tests.fidelity.lambda_process import LambdaFunction
from tests.fidelity.services import STOPPED, UNREACHABLE
from tradeloom.errors import TradeloomError
from tradeloom.runtime.names import readable_failure

Event = dict[str, Any]

RSI = {"value": 28.4, "previous": 31.2, "signal": "oversold"}

HALF = "\ud83d"
"""Half of an emoji: JSON can spell it, UTF-8 cannot, and Lambda's client ends when it must send it."""


def unchanged(event: Event) -> Event:
    return event


def with_rsi_skipped(event: Event) -> Event:
    skipped = {"state": "skipped", "port": None, "output": None}
    return event | {"inputs": event["inputs"] | {"rsi": skipped}}


def of_an_unknown_version(event: Event) -> Event:
    return event | {"run": event["run"] | {"version": "f" * 64}}


def of_an_unknown_node(event: Event) -> Event:
    return event | {"node": "nobody"}


def with_a_lost_claim(event: Event) -> Event:
    claim = {"$claim": {"sha256": "0" * 64, "bytes": 20_000}}
    return event | {"inputs": event["inputs"] | {"rsi": {"state": "succeeded", "port": "main", "output": claim}}}


@dataclass(frozen=True)
class Fault:
    node_type: str
    error: str
    says: str
    config: dict[str, Any] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    account: str = "paper"
    stopped: bool = False
    event: Callable[[Event], Event] = unchanged

    @property
    def case(self) -> Case:
        return case_of(self.node_type, config=self.config, outputs=self.outputs, account=self.account)


FAULTS = [
    Fault("condition.if", "NodeConfigError", "The task's payload is not one: run: Field required", event=lambda _: {}),
    Fault("condition.if", "NotFound", "There is no artefact of version", event=of_an_unknown_version),
    Fault("condition.if", "NotFound", "This version has no node 'nobody'.", event=of_an_unknown_node),
    Fault("condition.if", "NotFound", "There is no blob 000", event=with_a_lost_claim),
    Fault("condition.if", "MissingInput", "config.a: 'rsi' did not run, so its output", event=with_rsi_skipped),
    Fault("condition.if", "MissingInput", "config.a: a has no value.", outputs={"rsi": RSI | {"value": None}}),
    Fault(
        "condition.if",
        "ExpressionError",
        "config.b: ",
        config={"a": "= nodes.rsi.value", "operator": ">", "b": "= 1 / nodes.rsi.previous"},
        outputs={"rsi": RSI | {"previous": 0}},
    ),
    Fault("condition.if", "NotANumber", 'config.a: a is "\\ud83d"', outputs={"rsi": RSI | {"value": HALF}}),
    Fault(
        "utility.transform",
        "OutputNotUnicode",
        "A text in the output holds half of a surrogate pair",
        config={"rules": [{"op": "set", "path": "text", "value": "= trigger.payload.text"}]},
        outputs={"start": {"payload": {"text": HALF}}},
    ),
    Fault(
        "notify.dashboard",
        "NodeConfigError",
        "config.type: ",
        config={"title": "x", "message": "y", "type": "= trigger.payload.level"},
        outputs={"start": {"payload": {"level": "loud"}}},
    ),
    Fault("notify.dashboard", "ExecutionStopped", "The execution fidelity was stopped.", stopped=True),
    Fault(
        "utility.http", "NodeConfigError", "config.url: The URL's host cannot be read", config={"url": "https://[::x]/"}
    ),
    Fault(
        "utility.http",
        "CredentialProblem",
        "config.credential: The credential is of the kind hmac",
        config={"url": "https://c.example", "credential": "signing"},
    ),
    Fault(
        "notify.email",
        "NodeConfigError",
        "config.subject: The subject holds a line break",
        config={"credential": "mail", "to": ["a@b.example"], "subject": "= trigger.payload.subject", "body": "x"},
        outputs={"start": {"payload": {"subject": "x\r\nBcc: everybody@b.example"}}},
    ),
    Fault("notify.telegram", "ExecutionStopped", "The execution fidelity was stopped.", stopped=True),
    Fault("notify.webhook", "ExecutionStopped", "The execution fidelity was stopped.", stopped=True),
    Fault("market.account", "BrokerUnavailable", "The bridge does not answer. Is it running?", account=UNREACHABLE),
    Fault("order.market", "ExecutionStopped", "The execution fidelity was stopped.", stopped=True),
    Fault("order.market", "BrokerUnavailable", "The bridge does not answer.", account=UNREACHABLE),
]


def prepare(fault: Fault, around: Surroundings) -> None:
    around.publish(fault.case)
    stopped = around.folder / STOPPED
    stopped.touch() if fault.stopped else stopped.unlink(missing_ok=True)


@pytest.mark.parametrize("node_type", sorted({fault.node_type for fault in FAULTS}))
def test_errors_keep_their_names_and_say_where(node_type: str, around: Surroundings, directly: Directly) -> None:
    with LambdaFunction.of(node_type, around.environment) as function:
        for fault in [fault for fault in FAULTS if fault.node_type == node_type]:
            event = fault.event(fault.case.event)
            prepare(fault, around)
            answer = function.invoke(event)
            assert answer.error is not None, f"{fault} gave {answer.payload}"
            assert answer.error["errorType"] == fault.error
            assert answer.error["errorMessage"].startswith(fault.says)

            prepare(fault, directly.around)
            with pytest.raises(TradeloomError) as raised:
                directly.invoke(fault.case, event)
            assert answer.error["errorType"] == raised.value.name
            assert answer.error["errorMessage"] == str(raised.value)

            caught = {"name": fault.error, "cause": json.dumps(answer.error), "node": "x"}
            assert readable_failure(caught)["message"] == answer.error["errorMessage"]

        assert around.effects() == directly.around.effects() == []
        good = Fault(node_type, "", "")
        prepare(good, around)
        assert function.invoke(good.case.event).error is None
