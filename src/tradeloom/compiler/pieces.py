"""The pieces every machine is made of: names of states and variables, records, retries and catches."""

import re
from typing import Any

from tradeloom.errors import OrderUnknown, TradeloomError
from tradeloom.nodes.base import Node as NodeType
from tradeloom.workflow.document import Node, RetryPolicy

State = dict[str, Any]
States = dict[str, State]

INVOKE = "arn:aws:states:::lambda:invoke"
PENDING = {"state": "pending", "port": None, "output": None}
SKIPPED = {"state": "skipped", "port": None, "output": None}
LAMBDA_FAULTS = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
ORDER_UNKNOWN: State = {
    "ErrorEquals": [OrderUnknown.__name__, "States.Timeout"],
    "IntervalSeconds": 2,
    "MaxAttempts": 5,
    "BackoffRate": 2.5,
    "MaxDelaySeconds": 60,
}
"""How a workflow waits for an order nobody knows the fate of: the node runs again after 2, 5, 12, 31 and 60 seconds and
asks for the outcome under the same id, past the minute after which the bridge gives an order up (its
`history_horizon_s`). A node that was cut off in the middle of an order is the same case."""
TIMEOUT_GRACE_S = 2
"""A state waits this much longer than its handler may take, so that the handler's own answer wins."""


def jsonata(expression: str) -> str:
    return "{% " + expression + " %}"


def state_name(node: Node) -> str:
    """The display name reduced to `[A-Za-z0-9_-]`, at most 48, then `-` and the id: unique, and under 80."""
    label = re.sub(r"[^A-Za-z0-9_-]+", "_", node.name).strip("_")[:48]
    return f"{label}-{node.id}" if label else node.id


def variable(node_id: str) -> str:
    return f"n_{node_id}"


def failure_variable(scope: str | None) -> str:
    """Each scope has its own: an inner scope may read an outer variable but never assign it."""
    return "failure" if scope is None else f"failure_{scope}"


def failure_of(node: str) -> State:
    """What a Catch knows of a failure, and whose it is."""
    cause = "$exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''"
    return {"name": jsonata("$states.errorOutput.Error"), "cause": jsonata(cause), "node": node}


def catches(caught: State) -> list[State]:
    """`States.ALL` does not cover data limits, so they are caught by name first."""
    return [{"ErrorEquals": ["States.DataLimitExceeded"], **caught}, {"ErrorEquals": ["States.ALL"], **caught}]


def retries(node_type: type[NodeType], policy: RetryPolicy) -> list[State]:
    """Retriers for the node's own errors that say so, for faults of Lambda itself, and for orders to become known."""
    service = {
        "ErrorEquals": LAMBDA_FAULTS,
        "IntervalSeconds": 1,
        "MaxAttempts": 3,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }
    own_errors = sorted(error.__name__ for error in node_type.errors if _worth_trying_again(error))
    waits = [ORDER_UNKNOWN] if OrderUnknown in node_type.errors else []
    if not own_errors or policy.max_attempts == 0:
        return [*waits, service]
    own = {
        "ErrorEquals": own_errors,
        "IntervalSeconds": policy.interval_s,
        "MaxAttempts": policy.max_attempts,
        "BackoffRate": policy.backoff_rate,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    }
    return [own, *waits, service]


def leads_to(state: State, target: str) -> bool:
    return any(rule.get("Next") == target for key in ("Catch", "Choices") for rule in state.get(key, ()))


def _worth_trying_again(error: type[TradeloomError]) -> bool:
    return error.retryable
