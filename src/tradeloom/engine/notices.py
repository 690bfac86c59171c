"""Notifications the machine itself makes: of schedules, accounts, orders and ends."""

import hashlib
from datetime import datetime

from tradeloom.engine.journal import StoredNotification
from tradeloom.runtime.services import Level, Notification


def notice(
    *event: object,
    tenant: str,
    at: datetime,
    level: Level,
    title: str,
    message: str,
    workflow_id: str = "",
    execution_id: str = "",
    node_id: str = "",
) -> StoredNotification:
    """Named after its event, so that what is seen twice, or by two engines, is shown once."""
    key = "\x1f".join(map(str, event))
    made = Notification(
        id=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        execution_id=execution_id,
        workflow_id=workflow_id,
        node_id=node_id,
        level=level,
        title=title,
        message=message,
    )
    return StoredNotification(tenant=tenant, created_at=at, notification=made)
