"""One Lambda function and all that belongs to it: role, log group, version and the alias `live`. Five resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk import Duration, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.access import access_of
from infra.checks import acknowledge, acknowledge_resource
from infra.grants import Surroundings, allow, grants, merged
from infra.layers import Layers, layers_of
from infra.names import LIVE, PREFIX, blob_arn, function_arn
from infra.stages import Stage
from layers.recipes import BROKER, DATABASE, ML, QUANT, SENTIMENT
from tradeloom.nodes.base import Node
from tradeloom.nodes.naming import function_name
from tradeloom.runtime import services

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"

MEMORY_MB = {ML: 1792, QUANT: 1024, SENTIMENT: 1024, BROKER: 512, DATABASE: 512}
LIGHT_MEMORY_MB = 256
"""By the heaviest layer a function carries: Lambda gives processor time in proportion, numpy starts slowly, and a
thousand long texts take ten seconds of a core to read."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""As in the engine's workers: small matrices gain nothing from threads, and sums come out the same everywhere."""

NETWORK_INTERFACES = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]


@dataclass(frozen=True)
class FunctionSpec:
    """What one function is. `handler` is relative to `functions/`; `blobs` are the prefixes its statements reach."""

    name: str
    handler: str
    description: str
    layers: Sequence[str]
    memory_mb: int
    timeout_s: int
    statements: Sequence[iam.PolicyStatement]
    environment: Mapping[str, str]
    blobs: Sequence[str] = ()
    vpc: ec2.IVpc | None = None
    clients: ec2.ISecurityGroup | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class PlatformFunction(Construct):
    """A function as every one of ours is: arm64, Python 3.13, traced, its own role and log group, called by alias."""

    def __init__(self, scope: Construct, id: str, *, spec: FunctionSpec, layers: Layers, stage: Stage) -> None:
        super().__init__(scope, id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{spec.name}",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
        )
        self.role = self._role(spec)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=spec.name,
            description=spec.description,
            code=lambda_.Code.from_asset(str(FUNCTIONS), exclude=["**/__pycache__", "**/*.pyc"]),
            handler=spec.handler,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            layers=layers.carried(spec.layers),
            memory_size=spec.memory_mb,
            timeout=Duration.seconds(spec.timeout_s),
            # The role is whole as it stands: nothing in CDK may widen it behind the snapshot's back.
            role=self.role.without_policy_updates(),
            environment=_environment(spec, stage),
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=stage.system_log_level,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=spec.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="functions") if spec.vpc else None,
            security_groups=[spec.clients] if spec.clients else None,
        )
        self.live = lambda_.Alias(self, "Live", alias_name=LIVE, version=self.function.current_version)
        for key, value in spec.tags.items():
            Tags.of(self).add(key, value)
        acknowledge(
            self.function,
            "L1",
            "Python 3.13 is the version the lock, the layers' bytecode and every test of the handlers are made for.",
        )

    def _role(self, spec: FunctionSpec) -> iam.Role:
        statements = [
            allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], self.log_group.log_group_arn),
            allow("Traces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
            *spec.statements,
        ]
        if spec.vpc:
            statements += _network_interfaces(spec.name)
        role = iam.Role(
            self,
            "Role",
            description=f"What {spec.name} may do",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"permissions": iam.PolicyDocument(statements=statements)},
        )
        every = "X-Ray's write actions can be granted on no particular resource."
        if spec.vpc:
            every += " Neither do those with which Lambda itself makes the function's network interface in the VPC; the"
            every += " function's own code is denied them."
        acknowledge(role, "IAM5[Resource::*]", every)
        for prefix in spec.blobs:
            acknowledge_resource(
                role,
                blob_arn(prefix),
                f"Objects under {prefix}/ are named by their content's hash, so none can be listed.",
            )
        return role


class NodeFunction(PlatformFunction):
    """The function of one node type, all of it derived from what the type declares."""

    def __init__(
        self, scope: Construct, *, node: type[Node], layers: Layers, around: Surroundings, stage: Stage
    ) -> None:
        super().__init__(scope, node.type, spec=node_spec(node, around), layers=layers, stage=stage)


def node_spec(node: type[Node], around: Surroundings) -> FunctionSpec:
    """What a node type's function is. Its time-out is the one the type declares, so a hung handler ends by itself."""
    grant = merged(*grants(access_of(node), around))
    layers = layers_of(node)
    return FunctionSpec(
        name=function_name(node.type),
        handler=f"nodes.{node.type}.handler",
        description=f"{node.type}: {node.description}"[:256],
        layers=layers,
        memory_mb=next((MEMORY_MB[layer] for layer in MEMORY_MB if layer in layers), LIGHT_MEMORY_MB),
        timeout_s=node.timeout_s,
        statements=grant.statements,
        environment={**grant.environment, **(ONE_THREAD if QUANT in layers else {})},
        blobs=("artefacts", "claims"),
        vpc=around.vpc if grant.clients else None,
        clients=grant.clients,
        tags={f"{PREFIX}:node": node.type, f"{PREFIX}:tier": node.tier.value},
    )


def _environment(spec: FunctionSpec, stage: Stage) -> dict[str, str]:
    return {
        services.VARIABLE: services.CLOUD,
        "TRADELOOM_STAGE": stage.name,
        "POWERTOOLS_SERVICE_NAME": PREFIX,
        "POWERTOOLS_METRICS_NAMESPACE": PREFIX.capitalize(),
        **spec.environment,
    }


def _network_interfaces(name: str) -> list[iam.PolicyStatement]:
    """Lambda needs these to join the VPC, and checks the role for them; the code that then runs must not have them."""
    denied = iam.PolicyStatement(
        sid="NetworkInterfacesAreLambdas",
        effect=iam.Effect.DENY,
        actions=NETWORK_INTERFACES,
        resources=["*"],
        conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn(name)}},
    )
    return [allow("NetworkInterfaces", NETWORK_INTERFACES, "*"), denied]
