"""The pieces every machine is made of: names of states and variables, records, retries and catches."""

import re
from collections.abc import Iterable
from typing import Any

from tradeloom.errors import BrokerUnavailable, OrderUnknown, StorageUnavailable
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
TIMED_OUT = "States.Timeout"
"""What a state machine calls a node that took longer than it may."""
ORDER_UNKNOWN: State = {
    "ErrorEquals": [OrderUnknown.__name__, TIMED_OUT],
    "IntervalSeconds": 2,
    "MaxAttempts": 5,
    "BackoffRate": 2.5,
    "MaxDelaySeconds": 60,
}
"""How a workflow waits for an order nobody knows the fate of: the node runs again after 2, 5, 12, 31 and 60 seconds and
asks for the outcome under the same id, past the minute after which the bridge gives an order up (its
`history_horizon_s`). A node that was cut off in the middle of an order is the same case."""
AWAY = {BrokerUnavailable.__name__, StorageUnavailable.__name__}
AWAY_TRIES, AWAY_PAUSE_S = 5, 2
"""A bridge, a terminal or a database that is started again takes some seconds: a node that finds none tries at least so
often, first after so long, whatever its own policy says of other errors. Nothing was sent, and an order's deadline
keeps it from trading late."""
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
    worth = _wanted(node_type, policy) if policy.max_attempts else set()
    waits = [ORDER_UNKNOWN] if OrderUnknown in node_type.errors else []
    own = [_own_retrier(worth - AWAY, policy)] if worth - AWAY else []
    if worth & AWAY:
        patient = {
            "max_attempts": max(policy.max_attempts, AWAY_TRIES),
            "interval_s": max(policy.interval_s, AWAY_PAUSE_S),
        }
        own.append(_own_retrier(worth & AWAY, policy.model_copy(update=patient)))
    return [*own, *waits, service]


def may_be_retried(node_type: type[NodeType]) -> set[str]:
    """Names of the errors a node may be tried again after: those of its own whose class says so; for one that acts,
    that the journal could not be written, without which it does nothing; for any other, that it took too long."""
    own = {error.__name__ for error in node_type.errors if error.retryable}
    return own | {StorageUnavailable.__name__ if node_type.acts() else TIMED_OUT}


def _wanted(node_type: type[NodeType], policy: RetryPolicy) -> set[str]:
    """What a policy retries. A time-out only where it is named: it is long, and a second one takes as long again."""
    known = may_be_retried(node_type)
    return known - {TIMED_OUT} if policy.errors is None else known & set(policy.errors)


def _own_retrier(errors: Iterable[str], policy: RetryPolicy) -> State:
    longest = max(policy.max_interval_s, policy.interval_s + 1)  # AWS wants it above the first pause
    return {
        "ErrorEquals": sorted(errors),
        "IntervalSeconds": policy.interval_s,
        "MaxAttempts": policy.max_attempts,
        "BackoffRate": policy.backoff_rate,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL" if policy.jitter else "NONE",
    }


def leads_to(state: State, target: str) -> bool:
    return any(rule.get("Next") == target for key in ("Catch", "Choices") for rule in state.get(key, ()))
