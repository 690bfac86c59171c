"""What runs workflows: the ways a start arrives, the schedules' group, and the role of the state machines.

Every start, whoever asks for it, is a message in one queue, which the dispatcher will read: scheduled ones come from
EventBridge Scheduler, market events over the bus. A start that waits too long is dropped, never run late.
"""

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import names
from infra.checks import acknowledge
from infra.grants import allow
from infra.stages import Stage
from tradeloom.nodes.registry import node_types

MAX_START_AGE = Duration.seconds(60)
"""How long EventBridge and its Scheduler go on trying to deliver a start; by default they would for a day."""
MAX_START_RETRIES = 3
STARTS_KEPT = Duration.seconds(120)
"""How long a start may lie in the queue: a signal two minutes old trades on another market."""
MARKET_EVENTS = f"{names.PREFIX}.watcher"
"""The source the watcher beside the terminal publishes under."""

LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]


class RunningStack(Stack):
    def __init__(self, scope: Construct, id: str, *, stage: Stage) -> None:
        super().__init__(scope, id, description="Tradeloom: starts, schedules, and what state machines run as")
        self.stage = stage
        dead = self._queue("DeadLetters", names.DEAD_LETTERS, kept=Duration.days(14))
        given_up = sqs.DeadLetterQueue(max_receive_count=3, queue=dead)
        # Three tries of 30 s end before the queue itself would drop the message unseen.
        self.starts = self._queue(
            "Starts", names.STARTS_QUEUE, kept=STARTS_KEPT, visible_after=Duration.seconds(30), given_up=given_up
        )
        # CreateStateMachine is throttled to one a second, so publishing waits its turn here.
        self._queue(
            "Publish",
            names.PUBLISH_QUEUE,
            kept=Duration.days(4),
            visible_after=Duration.minutes(2),
            given_up=given_up,
        )
        self._market_events(dead)
        self._schedules()
        self._state_machines()

    def _queue(
        self,
        id: str,
        name: str,
        *,
        kept: Duration,
        visible_after: Duration | None = None,
        given_up: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id,
            queue_name=name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=kept,
            visibility_timeout=visible_after,
            dead_letter_queue=given_up,
            removal_policy=self.stage.removal_policy,
        )

    def _market_events(self, dead: sqs.Queue) -> None:
        bus = events.EventBus(self, "Bus", event_bus_name=names.EVENT_BUS, description="Market and order events")
        rule = events.Rule(
            self,
            "MarketEvents",
            event_bus=bus,
            description="What the watcher saw may start workflows",
            event_pattern=events.EventPattern(source=[MARKET_EVENTS]),
        )
        rule.add_target(
            targets.SqsQueue(
                self.starts, dead_letter_queue=dead, max_event_age=MAX_START_AGE, retry_attempts=MAX_START_RETRIES
            )
        )

    def _schedules(self) -> None:
        """The group of all workflows' schedules, and the role with which they reach the queue. Nothing else."""
        scheduler.CfnScheduleGroup(self, "Schedules", name=names.SCHEDULE_GROUP)
        ours = {
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnEquals": {"aws:SourceArn": names.arn("scheduler", f"schedule-group/{names.SCHEDULE_GROUP}")},
        }
        send = allow("Starts", ["sqs:SendMessage"], self.starts.queue_arn)
        iam.Role(
            self,
            "SchedulerRole",
            role_name=names.SCHEDULER_ROLE,
            description="What schedules run as: they put a start into the queue",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=ours),
            inline_policies={"permissions": iam.PolicyDocument(statements=[send])},
        )

    def _state_machines(self) -> None:
        """The role and the log group every workflow's machine is created with."""
        log_group = logs.LogGroup(
            self,
            "StateMachineLogs",
            log_group_name=names.STATE_MACHINE_LOGS,
            retention=self.stage.log_retention,
            removal_policy=self.stage.removal_policy,
        )
        every = [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
        ]
        statements = [
            allow("Nodes", ["lambda:InvokeFunction"], *(names.node_alias_arn(name) for name in node_types())),
            allow("Logs", LOG_DELIVERY, "*"),
            allow("Traces", every, "*"),
        ]
        role = iam.Role(
            self,
            "StateMachineRole",
            role_name=names.STATE_MACHINE_ROLE,
            description="What workflows' state machines run as: they call node functions by their live alias",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
            inline_policies={"permissions": iam.PolicyDocument(statements=statements)},
        )
        role.node.add_dependency(log_group)
        acknowledge(
            role,
            "IAM5[Resource::*]",
            "The log delivery and X-Ray actions a state machine needs for its own logs and traces take no resource.",
        )
