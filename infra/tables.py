"""The DynamoDB tables as data. The tenant is the partition key of every table and leads that of every index."""

from dataclasses import dataclass

TENANT = "tenant"
EXPIRES = "expires_at"
"""Where rows have an end: seconds since the epoch, after which DynamoDB deletes them."""


@dataclass(frozen=True)
class Index:
    """A global secondary index. `partition` holds the tenant, alone or with more after `#`."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True)
class Table:
    """`secret` tables are encrypted with our own key, so that reading one takes a grant on the key as well."""

    name: str
    sort: str
    expires: bool = False
    index: Index | None = None
    secret: bool = False


TABLES = (
    Table("workflows", "workflow_id"),
    Table("versions", "version", index=Index("by_workflow", "tenant_workflow", "saved_at")),
    Table("executions", "execution_id", expires=True, index=Index("by_workflow", "tenant_workflow", "started_at")),
    # execution id, then node and iteration: one execution's records stand together.
    Table("node_runs", "run", expires=True),
    Table("notifications", "notification_id", expires=True, index=Index("by_time", TENANT, "created_at")),
    Table("credentials", "credential_id", secret=True),
    Table("quotas", "counter", expires=True),
    Table("idempotency", "effect", expires=True),
    # workflow id, then name: what a workflow remembers between runs.
    Table("variables", "variable"),
)
