"""A handler that notifies, and one answer that is refused."""

from typing import Any

from tradeloom.errors import TradeloomError
from tradeloom.runtime.services import Notification, current


def handler(event: Any, context: Any) -> Any:
    notification = Notification(
        id=event["id"],
        execution_id=event["execution_id"],
        workflow_id="w1",
        node_id="n",
        level="success",
        title="Order",
        message="Filled\0 at 1.1",
    )
    try:
        current().notify(notification)
    except TradeloomError as error:
        return {"refused": error.name}
    return {"notified": notification.id}
