"""Which executions may still act: the permit of an engine whose workflows are activated and replaced."""

from tradeloom.engine.journal import Execution, Journal
from tradeloom.engine.stores import WorkflowStore
from tradeloom.errors import ExecutionStopped, NotFound


class ActiveVersions:
    """What a trigger started may act only while its version is the active one. What a person started may act, and what
    another execution called may act while that one may."""

    def __init__(self, workflows: WorkflowStore, journal: Journal) -> None:
        self._workflows = workflows
        self._journal = journal

    async def __call__(self, execution: Execution, node: str) -> None:
        """Raises `ExecutionStopped`."""
        parent = execution.run.get("parent")
        if parent is not None:
            await self._caller(execution.tenant, parent, node)
        elif not execution.manual:
            await self._version(execution, node)

    async def _caller(self, tenant: str, execution_id: str, node: str) -> None:
        caller = await self._journal.execution(tenant, execution_id)
        if caller is None:
            raise ExecutionStopped("The execution that called this one is not known any more.", node=node)
        if caller.stop_reason is not None:
            raise ExecutionStopped(f"The execution that called this one was stopped: {caller.stop_reason}", node=node)
        await self(caller, node)

    async def _version(self, execution: Execution, node: str) -> None:
        try:
            workflow = await self._workflows.workflow(execution.tenant, execution.workflow_id)
        except NotFound as error:
            raise ExecutionStopped("The workflow was deleted.", node=node) from error
        if workflow.active_version is None:
            raise ExecutionStopped("The workflow was deactivated.", node=node)
        if workflow.active_version != execution.version:
            raise ExecutionStopped("Another version of the workflow was activated.", node=node)
