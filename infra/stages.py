"""What differs between stages, and nothing else does.

One account and region holds one stage: functions, tables and buses have fixed names (`infra/names.py`).
"""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tradeloom.errors import InvalidInput


@dataclass(frozen=True)
class Stage:
    """`protected` data survives the deletion of its stack, and the stack refuses to be deleted.

    `api_rate` is requests a second over the whole API, `api_burst` how many may come at once.
    """

    name: str
    protected: bool
    log_retention: logs.RetentionDays
    system_log_level: lambda_.SystemLogLevel
    api_rate: int
    api_burst: int

    @property
    def removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.protected else RemovalPolicy.DESTROY


_STAGES = {
    stage.name: stage
    for stage in (
        Stage("dev", False, logs.RetentionDays.ONE_WEEK, lambda_.SystemLogLevel.INFO, 50, 100),
        Stage("staging", True, logs.RetentionDays.ONE_MONTH, lambda_.SystemLogLevel.INFO, 200, 400),
        # A platform line for each invocation costs more than the invocation; warnings stay.
        Stage("prod", True, logs.RetentionDays.SIX_MONTHS, lambda_.SystemLogLevel.WARN, 1_000, 2_000),
    )
}


def stage_named(name: str) -> Stage:
    """Raises `InvalidInput` for a stage there is not."""
    if name not in _STAGES:
        raise InvalidInput(f"There is no stage {name!r}.", field="stage", hint=f"One of: {', '.join(_STAGES)}.")
    return _STAGES[name]
