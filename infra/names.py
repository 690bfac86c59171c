"""Fixed names of what stacks share, and the ARNs made from them.

Names instead of cross-stack references: stacks deploy and roll back alone, permissions read well, and what is built
later (the bridge's host, Aurora, the dispatcher) finds its place without touching these stacks.
"""

from aws_cdk import Aws

from tradeloom.nodes.naming import function_name

PREFIX = "tradeloom"
LIVE = "live"
"""The alias state machines and the API call: deploying a function moves it, and touches no machine."""

API_FUNCTION = f"{PREFIX}-api"
EVENT_BUS = PREFIX
SCHEDULE_GROUP = PREFIX
SCHEDULER_ROLE = f"{PREFIX}-scheduler"
STATE_MACHINE_ROLE = f"{PREFIX}-state-machine"
STATE_MACHINE_LOGS = f"/aws/vendedlogs/states/{PREFIX}"
STARTS_QUEUE = f"{PREFIX}-starts"
PUBLISH_QUEUE = f"{PREFIX}-publish"
DEAD_LETTERS = f"{PREFIX}-dead-letters"
BRIDGE_SECRET = f"{PREFIX}/bridge-client"
BLOBS_BUCKET = f"{PREFIX}-blobs-{Aws.ACCOUNT_ID}-{Aws.REGION}"


def table_name(table: str) -> str:
    return f"{PREFIX}-{table.replace('_', '-')}"


def arn(service: str, resource: str) -> str:
    """An ARN in this account and region."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def function_arn(name: str) -> str:
    return arn("lambda", f"function:{name}")


def node_alias_arn(node_type: str) -> str:
    return f"{function_arn(function_name(node_type))}:{LIVE}"


def queue_arn(name: str) -> str:
    return arn("sqs", name)


def queue_url(name: str) -> str:
    return f"https://sqs.{Aws.REGION}.{Aws.URL_SUFFIX}/{Aws.ACCOUNT_ID}/{name}"


def table_arn(table: str) -> str:
    return arn("dynamodb", f"table/{table_name(table)}")


def blob_arn(prefix: str) -> str:
    """Every object under a prefix of the blobs bucket."""
    return f"arn:{Aws.PARTITION}:s3:::{BLOBS_BUCKET}/{prefix}/*"
