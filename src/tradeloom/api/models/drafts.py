"""Drafts of workflows, and what the compiler says of a document."""

from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from tradeloom.api.models.base import Model
from tradeloom.workflow.problems import Problem


class Draft(Model):
    """What somebody draws and has not saved. It may be wrong in every way."""

    document: dict[str, Any]
    base_version: str = Field(description="The saved version it changes.")
    revision: str = Field(description="Names this very draft; also the ETag.")
    saved_by: str
    saved_at: AwareDatetime


class DraftState(Model):
    draft: Draft | None = Field(description="Null where nothing waits to be saved.")


class KeepDraft(Model):
    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any]
    base_version: str = Field(min_length=1, max_length=80, description="The saved version it changes.")


class Verdict(Model):
    """What the compiler says of a document: the same problems that saving it would be refused with."""

    problems: list[Problem] = Field(description="Errors keep it from being saved and run; warnings do not.")
    version: str | None = Field(description="The version it would be; null while it has errors.")
    execution_type: Literal["express", "standard"] | None = None
