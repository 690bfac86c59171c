"""What was run, and what the plan allows."""

from datetime import date

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class Meter(Model):
    """How much is used of what. The plan sets no limit where `limit` is null."""

    used: int
    limit: int | None = None
    renews_at: AwareDatetime | None = Field(
        default=None, description="When counting begins anew; null for what is counted at once."
    )


class UsageDay(Model):
    """Executions that a day's starts made, test runs and debugged ones too."""

    day: date = Field(description="UTC.")
    started: int
    failed: int = Field(description="Of them, those that failed, timed out or were stopped.")


class Usage(Model):
    """Counted from the executions that are kept."""

    tier: str = Field(examples=["unlimited"])
    at: AwareDatetime
    minute: Meter = Field(description="Starts of the last sixty seconds.")
    day: Meter = Field(description="Starts of the day.")
    month: Meter = Field(description="Starts of the month.")
    at_once: Meter = Field(description="Executions that have not ended.")
    at_once_of_workflow: int | None = Field(description="Most executions of one workflow at once; null: any.")
    workflows: int
    active_workflows: int = Field(description="Workflows that triggers start.")
    days: list[UsageDay] = Field(description="The last thirty days, each of them, the earliest first.")
    billed: bool = Field(description="Whether what is used costs anything here.")
