"""What each `Access` is in AWS: policy statements, environment, and whether it is reached inside the VPC.

The one table between the core's abstract effects and IAM. Every statement names its actions and its resources.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.access import Access
from infra.names import BLOBS_BUCKET, STARTS_QUEUE, blob_arn, queue_arn, queue_url, table_arn, table_name
from infra.tables import TABLES

INDEXES = {table.name: table.index.name for table in TABLES if table.index}


@dataclass(frozen=True)
class PrivateService:
    """The seam to what stands inside the VPC: the bridge's host, and later Aurora.

    `clients` is the security group that may reach it, `secret` what a client shows there.
    """

    clients: ec2.ISecurityGroup
    secret: secretsmanager.ISecret


@dataclass(frozen=True)
class Surroundings:
    """What the node functions find around them. `database` is None until there is an Aurora stack: database nodes
    then answer `StorageUnavailable`."""

    vpc: ec2.IVpc
    bridge: PrivateService
    credentials_key: kms.IKey
    database: PrivateService | None = None


@dataclass(frozen=True)
class Grant:
    statements: tuple[iam.PolicyStatement, ...] = ()
    environment: Mapping[str, str] = MappingProxyType({})
    clients: ec2.ISecurityGroup | None = None
    """The security group of a private service's clients; None for what is reached from anywhere."""


def grants(access: Iterable[Access], around: Surroundings) -> list[Grant]:
    """One grant for each access, in a fixed order."""
    return [_GRANTS[one](around) for one in sorted(access)]


def table_grant(table: str, *actions: str) -> Grant:
    """DynamoDB actions on a table. `Query` covers its index as well."""
    resources = [table_arn(table)]
    index = INDEXES.get(table)
    if index and "Query" in actions:
        resources.append(f"{table_arn(table)}/index/{index}")
    statement = allow(_sid(table), [f"dynamodb:{action}" for action in actions], *resources)
    return Grant((statement,), {f"TRADELOOM_TABLE_{table.upper()}": table_name(table)})


def blob_grant(prefix: str, *actions: str) -> Grant:
    """S3 object actions under a prefix of the blobs bucket."""
    statement = allow(_sid(prefix), [f"s3:{action}" for action in actions], blob_arn(prefix))
    return Grant((statement,), {"TRADELOOM_BLOBS": BLOBS_BUCKET})


def allow(sid: str, actions: list[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=list(resources))


def merged(*found: Grant) -> Grant:
    return Grant(
        _one_for_each([statement for grant in found for statement in grant.statements]),
        {key: value for grant in found for key, value in grant.environment.items()},
        next((grant.clients for grant in found if grant.clients), None),
    )


def _one_for_each(statements: Iterable[iam.PolicyStatement]) -> tuple[iam.PolicyStatement, ...]:
    """What is said more than once of the same resources, as reading and writing one table are, in one statement.

    Only of the very same: two statements with one name over different resources stay two, which synthesis refuses, so
    that no action ever widens to a resource it was not granted on.
    """
    actions: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for one in statements:
        actions.setdefault((one.sid or "", tuple(one.resources)), {}).update(dict.fromkeys(one.actions))
    return tuple(allow(sid, list(named), *resources) for (sid, resources), named in actions.items())


def _sid(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _artefacts(_: Surroundings) -> Grant:
    return merged(table_grant("versions", "GetItem"), blob_grant("artefacts", "GetObject"))


def _run_state(_: Surroundings) -> Grant:
    return merged(table_grant("executions", "GetItem"), table_grant("workflows", "GetItem"))


def _private(service: PrivateService, sid: str, variable: str) -> Grant:
    secret = service.secret.secret_arn
    return Grant((allow(sid, ["secretsmanager:GetSecretValue"], secret),), {variable: secret}, service.clients)


def _database(around: Surroundings) -> Grant:
    if around.database is None:
        return Grant()
    return _private(around.database, "Database", "TRADELOOM_DATABASE_SECRET")


def _starts() -> Grant:
    """Starting is a message to the dispatcher; how the other execution ends is read off its records."""
    send = allow("Starts", ["sqs:SendMessage"], queue_arn(STARTS_QUEUE))
    queue = Grant((send,), {"TRADELOOM_STARTS_QUEUE": queue_url(STARTS_QUEUE)})
    return merged(queue, table_grant("node_runs", "GetItem", "Query"))


def _credentials(around: Surroundings) -> Grant:
    unwrap = allow("CredentialsKey", ["kms:Decrypt"], around.credentials_key.key_arn)
    return merged(table_grant("credentials", "GetItem"), Grant((unwrap,)))


_GRANTS: Mapping[Access, Callable[[Surroundings], Grant]] = MappingProxyType(
    {
        Access.ARTEFACTS: _artefacts,
        Access.CLAIMS: lambda _: blob_grant("claims", "GetObject", "PutObject"),
        Access.BRIDGE: lambda around: _private(around.bridge, "Bridge", "TRADELOOM_BRIDGE_SECRET"),
        Access.RUN_STATE: _run_state,
        Access.IDEMPOTENCY: lambda _: table_grant("idempotency", "GetItem", "PutItem", "UpdateItem"),
        Access.READ_VARIABLES: lambda _: table_grant("variables", "GetItem", "Query"),
        Access.WRITE_VARIABLES: lambda _: table_grant("variables", "PutItem", "UpdateItem", "DeleteItem"),
        Access.MODELS: lambda _: table_grant("variables", "GetItem", "Query", "PutItem", "UpdateItem"),
        Access.STARTS: lambda _: _starts(),
        Access.NOTIFICATIONS: lambda _: table_grant("notifications", "PutItem"),
        Access.DATABASE: _database,
        Access.CREDENTIALS: _credentials,
    }
)
