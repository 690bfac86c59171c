"""Workflows, as they are listed, shown and switched."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StrictBool, StringConstraints, field_validator

from tradeloom.api.models.base import Identifier, Model
from tradeloom.api.models.executions import ExecutionStatus
from tradeloom.api.models.schedules import ScheduleFailure
from tradeloom.workflow.problems import Problem

MAX_TAGS = 10
Tag = Annotated[str, StringConstraints(min_length=1, max_length=32, strip_whitespace=True, pattern=r"^[^,#]+$")]


class LastRun(Model):
    """The newest execution of a workflow that was no test."""

    id: Identifier = Field(examples=["ex-3f9c2c1e"])
    status: ExecutionStatus
    has_errors: bool = Field(default=False, description="It completed although a node failed.")
    started_at: AwareDatetime


class WorkflowSummary(Model):
    """A workflow as lists show it. `version` is the sha256 of its document; every save that changes it makes one."""

    id: Identifier = Field(examples=["wf-3f9c2c1e"])
    name: str = Field(examples=["RSI dip buyer"])
    description: str = ""
    active: bool = Field(description="Whether its triggers start it.")
    version: str = Field(description="Also the ETag; a PUT names it in If-Match.", examples=["9f86d081884c7d65…"])
    nodes: int = Field(description="How many nodes it has.")
    account: str = Field(description="The broker account it trades on.", examples=["paper"])
    tags: list[str] = Field(default_factory=list, description="Words to find it by; no part of its versions.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    next_fire: AwareDatetime | None = Field(
        default=None, description="When a schedule starts it next, in market time; null where none does."
    )
    last_run: LastRun | None = Field(default=None, description="How it ran last, tests left out; null before that.")


class WorkflowDetail(WorkflowSummary):
    document: dict[str, Any] = Field(description="The workflow document, as saved.")
    execution_type: Literal["express", "standard"] = Field(description="The kind of state machine it compiles to.")
    schedule_failures: list[ScheduleFailure] = Field(
        default_factory=list, description="Schedules that fail, and until when each is set aside."
    )
    warnings: list[Problem] = Field(default_factory=list, description="What does not keep it from running.")


class WorkflowPage(Model):
    items: list[WorkflowSummary]
    total: int = Field(description="How many there are in all.")


class SetTags(Model):
    """All tags of a workflow, in the order they are shown; one that comes twice is kept once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["trend", "EURUSD"]}]})

    tags: list[Tag] = Field(max_length=MAX_TAGS)

    @field_validator("tags")
    @classmethod
    def _once(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))


class Toggle(Model):
    """Whether the workflow is to be active. Left out, it changes to the other state."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"active": True}]})

    active: StrictBool | None = None
