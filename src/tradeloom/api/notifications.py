"""Notifications: what workflows told the dashboard."""

from tradeloom.api.models.notifications import NotificationPage
from tradeloom.api.routing import PREFIX, Limit, Routes, answers

router = Routes()


@router.get(
    f"{PREFIX}/notifications",
    summary="List notifications",
    operation_id="listNotifications",
    tags=["notifications"],
    **answers(NotificationPage),
)
def listing(limit: Limit = 50) -> NotificationPage:
    return router.ports.notifications.page(router.caller.tenant, limit=limit)
