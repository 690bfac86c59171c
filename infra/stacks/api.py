"""The HTTP API: who one is (Cognito), how much one may ask (throttling), and the function that answers."""

import json

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra import names
from infra.stages import Stage
from tradeloom.api.caller import TENANT_CLAIM
from tradeloom.api.routing import PREFIX as API_PREFIX

ACCESS_LOG = {
    "request": "requestId",
    "time": "requestTime",
    "ip": "identity.sourceIp",
    "method": "httpMethod",
    "path": "path",
    "status": "status",
    "bytes": "responseLength",
    "ms": "responseLatency",
    "function_error": "integrationErrorMessage",
    "authorizer_error": "authorizer.error",
    "user": "authorizer.claims.sub",
}
"""Field of an access log line → what API Gateway puts there."""

METHODS = [apigw.HttpMethod.GET, apigw.HttpMethod.POST, apigw.HttpMethod.PUT, apigw.HttpMethod.DELETE]
"""No ANY: it would answer the preflight of a browser page that has no business here."""


class ApiStack(Stack):
    def __init__(self, scope: Construct, id: str, *, stage: Stage, function: lambda_.IFunction) -> None:
        super().__init__(
            scope, id, description="Tradeloom: the HTTP API and its users", termination_protection=stage.protected
        )
        self.stage = stage
        pool, client = self._users()
        api = self._api(pool, client, function)
        CfnOutput(self, "ApiUrl", value=api.api_endpoint, description="Where the API answers")
        CfnOutput(self, "UserPool", value=pool.user_pool_id)
        CfnOutput(self, "UserPoolClient", value=client.user_pool_client_id)

    def _users(self) -> tuple[cognito.UserPool, cognito.UserPoolClient]:
        """People sign in with a second factor. The tenant is written by us alone: a client can neither set nor
        change it, and it reaches the API only inside a verified token."""
        pool = cognito.UserPool(
            self,
            "Users",
            user_pool_name=names.PREFIX,
            feature_plan=cognito.FeaturePlan.PLUS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
            ),
            custom_attributes={
                TENANT_CLAIM.removeprefix("custom:"): cognito.StringAttribute(mutable=False, max_len=128)
            },
            deletion_protection=self.stage.protected,
            removal_policy=self.stage.removal_policy,
        )
        client = pool.add_client(
            "Console",
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_srp=True),
            disable_o_auth=True,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            id_token_validity=Duration.hours(1),
            access_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(7),
            write_attributes=cognito.ClientAttributes().with_standard_attributes(email=True, fullname=True),
        )
        return pool, client

    def _api(
        self, pool: cognito.UserPool, client: cognito.UserPoolClient, function: lambda_.IFunction
    ) -> apigw.HttpApi:
        authorizer = HttpJwtAuthorizer(
            "Users", pool.user_pool_provider_url, jwt_audience=[client.user_pool_client_id], authorizer_name="users"
        )
        # No CORS: the console is served from the same origin, and WAF stands before both.
        api = apigw.HttpApi(
            self, "Api", api_name=names.PREFIX, create_default_stage=False, default_authorizer=authorizer
        )
        api.add_routes(
            path=f"{API_PREFIX}/{{proxy+}}", methods=METHODS, integration=HttpLambdaIntegration("Function", function)
        )
        throttle = apigw.ThrottleSettings(rate_limit=self.stage.api_rate, burst_limit=self.stage.api_burst)
        live = apigw.HttpStage(self, "Live", http_api=api, stage_name="$default", auto_deploy=True, throttle=throttle)
        self._log_access(live)
        return api

    def _log_access(self, live: apigw.HttpStage) -> None:
        name = f"/{names.PREFIX}/api-access"
        group = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=name,
            retention=self.stage.log_retention,
            removal_policy=self.stage.removal_policy,
        )
        made = live.node.default_child
        assert isinstance(made, apigw.CfnStage)
        made.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=names.arn("logs", f"log-group:{name}"),
            format=json.dumps({key: f"$context.{value}" for key, value in ACCESS_LOG.items()}),
        )
        live.node.add_dependency(group)
