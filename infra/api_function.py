"""What the API's function may do. It writes what people write; what runs, it asks for by message."""

from types import MappingProxyType

from aws_cdk import aws_kms as kms

from infra import names
from infra.function import FunctionSpec
from infra.grants import Grant, allow, blob_grant, merged, table_grant
from layers.recipes import CODE, CORE
from tradeloom.nodes.registry import node_types

TIMEOUT_S = 29
"""API Gateway gives up after 30 s."""
MEMORY_MB = 512

READ = ("GetItem", "Query")
WRITE = (*READ, "PutItem", "UpdateItem", "DeleteItem")

TABLE_ACTIONS = MappingProxyType(
    {
        "workflows": WRITE,
        "versions": (*READ, "PutItem"),
        "executions": (*READ, "UpdateItem"),
        "node_runs": READ,
        "notifications": (*READ, "UpdateItem"),
        "credentials": WRITE,
        "quotas": (*READ, "UpdateItem"),
        "idempotency": ("GetItem", "PutItem", "UpdateItem"),
    }
)
"""Versions are immutable, executions begin in the dispatcher, and a credential is sealed here but only opened by the
node that uses it."""

PORTS = "tradeloom.storage.cloud:ports"
"""Where the API finds its adapters, beside those of the nodes."""

QUEUES = MappingProxyType(
    {"TRADELOOM_STARTS_QUEUE": names.STARTS_QUEUE, "TRADELOOM_PUBLISH_QUEUE": names.PUBLISH_QUEUE}
)
"""Starting and activating are messages, so the API starts no machine and creates none."""


def api_spec(credentials_key: kms.IKey) -> FunctionSpec:
    grant = merged(
        *(table_grant(table, *actions) for table, actions in TABLE_ACTIONS.items()),
        blob_grant("artefacts", "GetObject", "PutObject"),
        blob_grant("claims", "GetObject"),
        _queues(),
        _node_tests(),
        Grant((allow("CredentialsKey", ["kms:GenerateDataKey", "kms:Decrypt"], credentials_key.key_arn),)),
    )
    return FunctionSpec(
        name=names.API_FUNCTION,
        handler="api.app.handler",
        description="The HTTP API",
        layers=(CORE, CODE),
        memory_mb=MEMORY_MB,
        timeout_s=TIMEOUT_S,
        statements=grant.statements,
        environment={**grant.environment, "TRADELOOM_PORTS": PORTS},
        blobs=("artefacts", "claims"),
    )


def _queues() -> Grant:
    send = allow("Queues", ["sqs:SendMessage"], *map(names.queue_arn, QUEUES.values()))
    return Grant((send,), {variable: names.queue_url(queue) for variable, queue in QUEUES.items()})


def _node_tests() -> Grant:
    """Trying one node out from the console calls its function as a state machine would."""
    return Grant((allow("NodeTests", ["lambda:InvokeFunction"], *map(names.node_alias_arn, node_types())),))
