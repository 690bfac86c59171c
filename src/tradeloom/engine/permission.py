"""Which executions may still act: the permit of an engine whose workflows are activated and replaced."""

from tradeloom.engine.journal import Execution
from tradeloom.engine.stores import WorkflowStore
from tradeloom.errors import ExecutionStopped, NotFound


class ActiveVersions:
    """What a trigger started may act only while its version is the active one. What a person started may act."""

    def __init__(self, workflows: WorkflowStore) -> None:
        self._workflows = workflows

    async def __call__(self, execution: Execution, node: str) -> None:
        """Raises `ExecutionStopped`."""
        if execution.manual:
            return
        try:
            workflow = await self._workflows.workflow(execution.tenant, execution.workflow_id)
        except NotFound as error:
            raise ExecutionStopped("The workflow was deleted.", node=node) from error
        if workflow.active_version is None:
            raise ExecutionStopped("The workflow was deactivated.", node=node)
        if workflow.active_version != execution.version:
            raise ExecutionStopped("Another version of the workflow was activated.", node=node)
