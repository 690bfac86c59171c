"""The private network: functions that trade on one side, the bridge's host (and later Aurora) on the other.

It has no way to the internet: no gateway, no NAT. Functions reach DynamoDB, S3 and Secrets Manager through endpoints.
Subnets for the bridge's host and for Aurora are reserved, so that their stacks find address space in the same place.
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.checks import acknowledge
from infra.grants import PrivateService
from infra.names import BRIDGE_SECRET, PREFIX, arn, blob_arn
from infra.stages import Stage

BRIDGE_PORT = 18_843
"""Where the bridge listens in the cloud: its stack sets `TRADELOOM_BRIDGE_PORT` to this."""

HTTPS = 443


class NetworkStack(Stack):
    """`bridge` is the seam: the host's stack puts the group `bridge_host` on its instance and fills the secret."""

    def __init__(self, scope: Construct, id: str, *, stage: Stage) -> None:
        super().__init__(
            scope,
            id,
            description="Tradeloom: the private network between trading functions and the MT5 bridge",
            termination_protection=stage.protected,
        )
        self.vpc = self._vpc()
        self._flow_logs(stage)
        clients = self._group("BridgeClients", "Functions that may call the MT5 bridge")
        self.bridge_host = self._group("BridgeHost", "The host of the MT5 bridge")
        clients.connections.allow_to(self.bridge_host, ec2.Port.tcp(BRIDGE_PORT), "The bridge, by mutual TLS")
        # The VPC has no route to the internet: whatever answers on this port is one of its endpoints.
        clients.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "Endpoints of the VPC")
        self._endpoints(clients)
        self.bridge = PrivateService(clients, self._bridge_secret(stage))

    def _vpc(self) -> ec2.Vpc:
        isolated = ec2.SubnetType.PRIVATE_ISOLATED
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.40.0.0/16"),
            max_azs=2,
            nat_gateways=0,
            # Nothing stands in the default group, and emptying it would bring a custom resource with a function.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="functions", subnet_type=isolated, cidr_mask=20),
                ec2.SubnetConfiguration(name="database", subnet_type=isolated, cidr_mask=24, reserved=True),
                ec2.SubnetConfiguration(name="bridge", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, reserved=True),
            ],
        )

    def _flow_logs(self, stage: Stage) -> None:
        group = logs.LogGroup(
            self,
            "FlowLogs",
            log_group_name=f"/{PREFIX}/flow-logs",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
        )
        role = iam.Role(self, "FlowLogsRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        self.vpc.add_flow_log("Flow", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role))

    def _group(self, id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, id, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _endpoints(self, clients: ec2.SecurityGroup) -> None:
        """What functions in the VPC reach besides the bridge, narrowed to what is ours: no other bucket or table
        answers, so data cannot leave by these doors either."""
        tables = self.vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        _only(tables, ["dynamodb:*"], arn("dynamodb", f"table/{PREFIX}-*"))
        blobs = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        _only(blobs, ["s3:GetObject", "s3:PutObject"], blob_arn("artefacts"), blob_arn("claims"))
        group = self._group("Endpoints", "Interface endpoints of the VPC")
        group.connections.allow_from(clients, ec2.Port.tcp(HTTPS), "Functions that trade")
        secrets = self.vpc.add_interface_endpoint(
            "SecretsManager",
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            security_groups=[group],
            subnets=ec2.SubnetSelection(subnet_group_name="functions"),
            open=False,
        )
        _only(secrets, ["secretsmanager:GetSecretValue"], arn("secretsmanager", f"secret:{PREFIX}/*"))

    def _bridge_secret(self, stage: Stage) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "BridgeClient",
            secret_name=BRIDGE_SECRET,
            description="Address of the MT5 bridge, and the certificate and key its clients show. Filled by its host.",
            removal_policy=stage.removal_policy,
        )
        acknowledge(
            secret,
            "SMG4",
            "Holds a client certificate, which the bridge's host issues and replaces: nothing in AWS could rotate it.",
        )
        return secret


def _only(endpoint: ec2.VpcEndpoint, actions: list[str], *resources: str) -> None:
    """An endpoint's policy grants nothing; it bounds what the callers' own roles grant."""
    endpoint.add_to_policy(
        iam.PolicyStatement(principals=[iam.AnyPrincipal()], actions=actions, resources=list(resources))
    )
