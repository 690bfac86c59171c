"""What must survive everything else: tables, blobs, and the key that wraps tenants' data keys."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.names import BLOBS_BUCKET, PREFIX, table_name
from infra.stages import Stage
from infra.tables import EXPIRES, TABLES, TENANT, Table

CLAIMS_KEPT = Duration.days(400)
"""Longer than the longest execution, a Standard one of a year: a claim may be read at its very end."""
OLD_VERSIONS_KEPT = Duration.days(30)
ACCESS_LOGS_KEPT = Duration.days(90)


class DataStack(Stack):
    def __init__(self, scope: Construct, id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            id,
            description="Tradeloom: tables, blobs, and the key of credentials",
            termination_protection=stage.protected,
        )
        self.stage = stage
        self.credentials_key = kms.Key(
            self,
            "CredentialsKey",
            alias=f"{PREFIX}-credentials",
            description="Wraps each tenant's data key; encrypts the table of credentials",
            enable_key_rotation=True,
            removal_policy=stage.removal_policy,
        )
        self.tables = {table.name: self._table(table) for table in TABLES}
        self.blobs = self._blobs()

    def _table(self, table: Table) -> dynamodb.Table:
        # Not TableV2: with a key of our own it must know the region when it is synthesised.
        made = dynamodb.Table(
            self,
            table.name.title().replace("_", ""),
            table_name=table_name(table.name),
            partition_key=_text(TENANT),
            sort_key=_text(table.sort),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if table.secret else dynamodb.TableEncryption.DEFAULT,
            encryption_key=self.credentials_key if table.secret else None,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=EXPIRES if table.expires else None,
            deletion_protection=self.stage.protected,
            removal_policy=self.stage.removal_policy,
        )
        if table.index:
            made.add_global_secondary_index(
                index_name=table.index.name,
                partition_key=_text(table.index.partition),
                sort_key=_text(table.index.sort),
            )
        return made

    def _blobs(self) -> s3.Bucket:
        """`artefacts/` holds workflow versions for good, `claims/` large outputs for as long as a run may last."""
        logs = self._bucket("AccessLogs", None, [s3.LifecycleRule(id="expire", expiration=ACCESS_LOGS_KEPT)])
        rules = [
            s3.LifecycleRule(id="claims", prefix="claims/", expiration=CLAIMS_KEPT),
            s3.LifecycleRule(
                id="leftovers",
                noncurrent_version_expiration=OLD_VERSIONS_KEPT,
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
        ]
        return self._bucket("Blobs", BLOBS_BUCKET, rules, logs)

    def _bucket(
        self, id: str, name: str | None, rules: list[s3.LifecycleRule], logs: s3.Bucket | None = None
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            id,
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            lifecycle_rules=rules,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="blobs/" if logs else None,
            # Never emptied by us: a bucket with something in it refuses to go, in every stage.
            removal_policy=RemovalPolicy.RETAIN if self.stage.protected else RemovalPolicy.DESTROY,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
