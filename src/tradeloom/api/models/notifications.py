"""What nodes told the dashboard."""

from typing import Literal

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class NotificationItem(Model):
    id: str
    time: AwareDatetime
    level: Literal["info", "success", "warning", "error"]
    title: str
    message: str
    execution_id: str
    workflow_id: str
    node: str


class NotificationPage(Model):
    items: list[NotificationItem] = Field(description="Newest first.")
