"""Data that survives, starts that do not come late, doors that ask who is there."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template as Synthesised

from infra import checks
from infra.application import build
from infra.checks import flat
from infra.stacks.data import DataStack
from infra.stages import stage_named
from infra.tables import TABLES
from tests.infra.conftest import Cloud, Resource, application, listed, plain
from tradeloom.errors import InvalidInput

LATEST_START_S = 120


# -- data -------------------------------------------------------------------------------------------------------


def test_the_tenant_leads_every_key(cloud: Cloud) -> None:
    tables = cloud.resources("AWS::DynamoDB::Table")
    assert {table["TableName"] for table in tables.values()} == {
        f"tradeloom-{table.name.replace('_', '-')}" for table in TABLES
    }
    for table in tables.values():
        assert _partition(table) == "tenant"
        for index in table.get("GlobalSecondaryIndexes", ()):
            assert _partition(index).startswith("tenant")


def test_tables_can_be_restored_and_pay_by_the_request(cloud: Cloud) -> None:
    for table in cloud.resources("AWS::DynamoDB::Table").values():
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_rows_with_an_end_have_one(cloud: Cloud) -> None:
    expiring = {
        table["TableName"]
        for table in cloud.resources("AWS::DynamoDB::Table").values()
        if table.get("TimeToLiveSpecification") == {"AttributeName": "expires_at", "Enabled": True}
    }
    assert expiring == {
        f"tradeloom-{name}" for name in ("executions", "node-runs", "notifications", "quotas", "idempotency")
    }


def test_only_the_credentials_are_under_our_own_key_which_rotates(cloud: Cloud) -> None:
    own = {
        table["TableName"]
        for table in cloud.resources("AWS::DynamoDB::Table").values()
        if table.get("SSESpecification", {}).get("SSEType") == "KMS"
    }
    [key] = cloud.resources("AWS::KMS::Key").values()
    assert own == {"tradeloom-credentials"}
    assert key["EnableKeyRotation"] is True


def test_buckets_are_closed_encrypted_and_versioned(cloud: Cloud) -> None:
    buckets = cloud.resources("AWS::S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    refused = [
        (policy["Bucket"]["Ref"], next(iter(statement["Condition"])))
        for policy in cloud.resources("AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]
    assert {name for name, _ in refused} == set(buckets)
    assert {condition for _, condition in refused} == {"Bool", "NumericLessThan"}, "plain HTTP and TLS below 1.2"


def test_claims_outlive_the_longest_execution_and_versions_stay(cloud: Cloud) -> None:
    [blobs] = [bucket for bucket in cloud.resources("AWS::S3::Bucket").values() if "BucketName" in bucket]
    rules = {rule["Id"]: rule for rule in blobs["LifecycleConfiguration"]["Rules"]}
    assert rules["claims"]["Prefix"] == "claims/"
    assert rules["claims"]["ExpirationInDays"] > 365
    assert [rule for rule in rules.values() if "ExpirationInDays" in rule] == [rules["claims"]]


@pytest.mark.parametrize(("name", "kept"), [("dev", False), ("staging", True), ("prod", True)])
def test_data_of_a_protected_stage_survives_its_stack(name: str, kept: bool, tmp_path: Path) -> None:
    stack = DataStack(application(tmp_path), "Data", stage=stage_named(name))
    template = Synthesised.from_stack(stack).to_json()
    assert stack.termination_protection is kept
    for resource in template["Resources"].values():
        if resource["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"}:
            assert resource["DeletionPolicy"] == ("Retain" if kept else "Delete")
        if resource["Type"] == "AWS::DynamoDB::Table":
            assert resource["Properties"]["DeletionProtectionEnabled"] is kept


# -- starts -----------------------------------------------------------------------------------------------------


def test_no_start_is_delivered_late(cloud: Cloud) -> None:
    """EventBridge and its Scheduler retry for a day by default: a trade of yesterday's signal."""
    ages = [
        target["RetryPolicy"]["MaximumEventAgeInSeconds"]
        for rule in cloud.resources("AWS::Events::Rule").values()
        for target in rule["Targets"]
    ]
    ages += [
        schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"]
        for schedule in cloud.resources("AWS::Scheduler::Schedule").values()
    ]
    starts = _queues(cloud)["tradeloom-starts"]
    assert ages
    assert max([*ages, starts["MessageRetentionPeriod"]]) <= LATEST_START_S


def test_a_start_that_keeps_failing_is_put_aside_before_the_queue_drops_it(cloud: Cloud) -> None:
    queues = _queues(cloud)
    starts, dead = queues["tradeloom-starts"], queues["tradeloom-dead-letters"]
    tries = starts["RedrivePolicy"]["maxReceiveCount"]
    assert tries * starts["VisibilityTimeout"] < starts["MessageRetentionPeriod"]
    assert dead["MessageRetentionPeriod"] == 14 * 86_400
    assert "RedrivePolicy" not in dead
    for name in ("tradeloom-starts", "tradeloom-publish"):
        assert "DeadLetters" in flat(queues[name]["RedrivePolicy"]["deadLetterTargetArn"])


def test_schedules_may_only_put_a_start_into_the_queue(cloud: Cloud) -> None:
    [group] = cloud.resources("AWS::Scheduler::ScheduleGroup").values()
    roles = {role["RoleName"]: role for role in cloud.resources("AWS::IAM::Role", "running").values()}
    role = roles["tradeloom-scheduler"]
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert group["Name"] == "tradeloom"
    assert statement["Action"] == "sqs:SendMessage"
    assert flat(statement["Resource"]).startswith("<Starts")
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert plain(trust["Condition"]["ArnEquals"]["aws:SourceArn"]) == "arn::scheduler:::schedule-group/tradeloom"


# -- doors ------------------------------------------------------------------------------------------------------


def test_every_route_of_the_api_asks_for_a_token_and_is_throttled(cloud: Cloud) -> None:
    routes = cloud.resources("AWS::ApiGatewayV2::Route").values()
    [stage] = cloud.resources("AWS::ApiGatewayV2::Stage").values()
    [authorizer] = cloud.resources("AWS::ApiGatewayV2::Authorizer").values()
    assert {route["RouteKey"] for route in routes} == {
        f"{method} /api/agentic/{{proxy+}}" for method in ("GET", "POST", "PUT", "DELETE")
    }
    assert {route["AuthorizationType"] for route in routes} == {"JWT"}
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"]["Audience"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == stage_named("dev").api_rate
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == stage_named("dev").api_burst


def test_access_logs_name_the_request_and_never_its_token(cloud: Cloud) -> None:
    [stage] = cloud.resources("AWS::ApiGatewayV2::Stage").values()
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert line["request"] == "$context.requestId"
    assert not [value for value in line.values() if "header" in value.lower() or "authorization" in value.lower()]
    assert ":*" not in flat(stage["AccessLogSettings"]["DestinationArn"])


def test_the_api_is_called_by_its_live_alias(cloud: Cloud) -> None:
    [integration] = cloud.resources("AWS::ApiGatewayV2::Integration").values()
    permissions = cloud.resources("AWS::Lambda::Permission").values()
    assert "apiLive" in json.dumps(integration["IntegrationUri"])
    assert permissions
    for permission in permissions:
        assert "apiLive" in json.dumps(permission["FunctionName"])
        assert permission["Principal"] == "apigateway.amazonaws.com"


def test_a_user_can_neither_choose_nor_change_the_tenant(cloud: Cloud) -> None:
    [pool] = cloud.resources("AWS::Cognito::UserPool").values()
    [client] = cloud.resources("AWS::Cognito::UserPoolClient").values()
    schema = {attribute["Name"]: attribute for attribute in pool["Schema"]}
    assert schema["tenant_id"]["Mutable"] is False
    assert not [name for name in client["WriteAttributes"] if "tenant" in name]
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["MfaConfiguration"] == "ON"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert client["GenerateSecret"] is False
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_the_private_network_has_no_way_out(cloud: Cloud) -> None:
    for kind in ("InternetGateway", "NatGateway", "EIP", "VPCGatewayAttachment", "Route"):
        assert not cloud.resources(f"AWS::EC2::{kind}")
    for endpoint in cloud.resources("AWS::EC2::VPCEndpoint").values():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            assert all("tradeloom" in plain(resource) for resource in listed(statement["Resource"]))


def test_only_functions_that_trade_reach_the_bridge_and_only_on_its_port(cloud: Cloud) -> None:
    rules = cloud.resources("AWS::EC2::SecurityGroupIngress").values()
    to_host = [rule for rule in rules if "BridgeHost" in flat(rule["GroupId"])]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in to_host] == [(18_843, 18_843)]
    assert "BridgeClients" in flat(to_host[0]["SourceSecurityGroupId"])
    for group in cloud.resources("AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group


# -- everywhere -------------------------------------------------------------------------------------------------


def test_queues_are_encrypted_and_refuse_plain_http(cloud: Cloud) -> None:
    queues = cloud.resources("AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    refused = {
        queue["Ref"]
        for policy in cloud.resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for queue in policy["Queues"]
    }
    assert refused == set(queues)


def test_every_log_group_has_an_end_and_everything_a_stage(cloud: Cloud) -> None:
    groups = cloud.resources("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == 7 for group in groups.values())
    for kind in (
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::Lambda::Function",
        "AWS::SQS::Queue",
        "AWS::IAM::Role",
    ):
        for name, made in cloud.resources(kind).items():
            tags = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
            assert (tags["project"], tags["stage"]) == ("tradeloom", "dev"), name


def test_every_acknowledgement_is_about_something_and_says_why(cloud: Cloud) -> None:
    [report] = [report for report in cloud.report["pluginReports"] if report["pluginName"] == "AwsSolutions"]
    assert report["violations"] == []
    suppressed = {(one["acknowledgedAt"], one["acknowledgedId"]) for one in report["suppressedViolations"]}
    said = {
        (path, rule): reason
        for path, rules in cloud.acknowledged.items()
        for rule, reason in rules.items()
        if not rule.startswith("CloudFormation-Validate::")  # the CDK's own, about the templates it writes
    }
    assert suppressed == said.keys(), "an acknowledgement that nothing needs any more is a hole"
    for where, reason in said.items():
        assert len(reason.split()) >= 8, f"{where}: {reason}"


def test_an_unacknowledged_finding_refuses_synthesis(tmp_path: Path) -> None:
    app = application(tmp_path)
    sqs.Queue(Stack(app, "Careless"), "Plain")
    checks.attach(app)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"stage": "production"}, "stage"),
        ({"layers": "maybe"}, "layers"),
        ({"stage": "prod", "layers": "placeholder"}, "layers"),
    ],
)
def test_a_context_that_means_nothing_is_refused(context: dict[str, str], field: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        build(application(tmp_path, **context))
    assert refused.value.field == field
    assert refused.value.hint


def _partition(keyed: dict[str, Any]) -> str:
    [name] = [key["AttributeName"] for key in keyed["KeySchema"] if key["KeyType"] == "HASH"]
    return str(name)


def _queues(cloud: Cloud) -> dict[str, Resource]:
    return {queue["QueueName"]: queue for queue in cloud.resources("AWS::SQS::Queue").values()}
