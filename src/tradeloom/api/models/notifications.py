"""What nodes told the dashboard, and what became of orders and accounts."""

from typing import Literal

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class NotificationItem(Model):
    id: str
    time: AwareDatetime
    level: Literal["info", "success", "warning", "error"]
    title: str
    message: str
    execution_id: str = Field(description="Empty when it is about an account.")
    workflow_id: str = Field(description="Empty when it is about no workflow.")
    node: str = Field(description="Empty when no node told it.")


class NotificationPage(Model):
    items: list[NotificationItem] = Field(description="Newest first.")
