"""Versions of a workflow: what it was, what runs."""

from typing import Any

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class WorkflowVersion(Model):
    """One saved state of a workflow's document. It never changes."""

    version: str = Field(description="sha256 of its document.", examples=["9f86d081884c7d65…"])
    number: int = Field(description="Counts the workflow's versions from 1.")
    created_at: AwareDatetime = Field(description="When it was saved first.")
    nodes: int
    account: str = Field(description="The broker account it trades on.")
    newest: bool = Field(description="It is what the editor opens and what a person starts.")
    runs: bool = Field(description="It is what triggers start; none does while the workflow is switched off.")


class WorkflowVersionDetail(WorkflowVersion):
    document: dict[str, Any] = Field(description="The workflow document, as saved.")


class WorkflowVersionList(Model):
    """Newest first. Old versions that nothing refers to are removed in time."""

    items: list[WorkflowVersion]
