"""Executions by id, or the last of a workflow."""

from tradeloom.engine.journal import Execution, ExecutionFilter, Journal
from tradeloom.errors import NotFound


async def execution_named_or_last(
    journal: Journal, tenant: str, execution_id: str | None, workflow_id: str | None
) -> Execution | None:
    """None where neither is said, or the workflow has not run yet. Raises `NotFound` for an id that is none."""
    if execution_id is not None:
        row = await journal.execution(tenant, execution_id)
        if row is None:
            raise NotFound("There is no such execution.", field="execution_id")
        return row
    if workflow_id is None:
        return None
    rows, _ = await journal.executions(ExecutionFilter(tenant=tenant, workflow_id=workflow_id, limit=1))
    return rows[0] if rows else None
