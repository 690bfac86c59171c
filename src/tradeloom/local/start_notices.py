"""Tells the dashboard that a schedule was set aside, and that triggers start nothing because of a quota.

A notification's id follows from the event, so what is seen twice, or by two engines, is shown once. None is waited for.
"""

from datetime import UTC, datetime

from tradeloom.engine.journal import Journal
from tradeloom.engine.notices import notice
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault
from tradeloom.errors import QuotaExceeded
from tradeloom.runtime.services import Level


class StartNotices:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def set_aside(self, fault: ScheduleFault) -> None:
        whole = fault.node == WHOLE_WORKFLOW
        what = "The schedules of this workflow" if whole else f"The schedule {fault.node} of this workflow"
        until = f"{fault.until:%Y-%m-%d %H:%M} UTC" if fault.until is not None else "later"
        message = (
            f"{what} cannot start it: {fault.reason} Tried again at {until}; to try at once, put it right and save the "
            "workflow, or switch it off and on."
        )
        event = (fault.tenant, fault.workflow_id, fault.node, fault.rounds, fault.failed_at.date())
        self._tell(fault.tenant, fault.workflow_id, "error", "A schedule is set aside", message, event)

    def refused(self, tenant: str, workflow_id: str, error: QuotaExceeded) -> None:
        """A trigger's start. Each limit is told once a day, and one that ends once until then."""
        period = error.until if error.until is not None and not error.limit.endswith("minute") else datetime.now(UTC)
        message = (
            f"A trigger fired and its workflow was not started. {error.message} {error.hint or ''} Further starts "
            "refused for this are not told here today."
        )
        event = (tenant, error.limit, period.date())
        self._tell(tenant, workflow_id, "warning", "Starts are refused", message, event)

    def _tell(
        self, tenant: str, workflow_id: str, level: Level, title: str, message: str, event: tuple[object, ...]
    ) -> None:
        self._journal.record(
            notice(
                "start",
                *event,
                tenant=tenant,
                at=datetime.now(UTC),
                level=level,
                title=title,
                message=message,
                workflow_id=workflow_id,
            )
        )
