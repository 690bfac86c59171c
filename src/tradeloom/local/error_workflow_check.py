"""What must hold of the error workflow a document names, before the document is saved."""

import asyncio
from typing import Any, Final

from tradeloom.compiler.compile import invalid
from tradeloom.engine.stores import Blobs, WorkflowRecord, WorkflowStore
from tradeloom.errors import InvalidDocument, InvalidInput, NotFound
from tradeloom.local.named_workflows import workflow_named
from tradeloom.nodes.trigger.error import Error
from tradeloom.nodes.trigger.manual import Manual
from tradeloom.workflow.document import Workflow
from tradeloom.workflow.problems import Problem

METADATA: Final = "error_workflow"
"""Where a version's metadata names its error workflow."""
FIELD: Final = "settings.error_workflow"
_LONGEST_CHAIN: Final = 100


def error_trigger(document: Workflow) -> str | None:
    """The trigger by which a workflow is started for another's failure: its error trigger, or else its manual one."""
    for kind in (Error.type, Manual.type):
        found = sorted(node.id for node in document.nodes if node.type == kind and not node.disabled)
        if found:
            return found[0]
    return None


async def check_error_workflow(
    workflows: WorkflowStore, blobs: Blobs, tenant: str, workflow_id: str, document: Workflow
) -> None:
    """Raises `InvalidDocument` unless the error workflow a document names is there, can be started for a failure, and
    does not come back to this one through the error workflows it names itself."""
    named = document.settings.error_workflow
    if named is None:
        return
    try:
        record = await workflow_named(workflows, tenant, named)
    except (NotFound, InvalidInput) as error:
        raise _refused(error.message, error.hint or "Save the error workflow first, then name it here.") from error
    if record.id == workflow_id:
        raise _refused("A workflow is not its own error workflow.", "Name another one.")
    artefact: dict[str, Any] = await asyncio.to_thread(blobs.artefact, record.version)
    if error_trigger(Workflow.model_validate(artefact["document"])) is None:
        raise _refused(
            f"{record.name} cannot be started for a failure.",
            f"Add a {Error.type} node to it; a {Manual.type} node does, too.",
        )
    await _check_circle(workflows, tenant, workflow_id, record)


async def _check_circle(workflows: WorkflowStore, tenant: str, workflow_id: str, first: WorkflowRecord) -> None:
    chain = [first.name]
    record = first
    for _ in range(_LONGEST_CHAIN):
        version = await workflows.version(tenant, record.id, record.version)
        named = version.metadata.get(METADATA)
        if named is None:
            return
        try:
            record = await workflow_named(workflows, tenant, named)
        except (NotFound, InvalidInput):  # it names none that is there any more
            return
        chain.append(record.name)
        if record.id == workflow_id:
            raise _refused(f"The error workflows lead in a circle: {' → '.join(chain)}.", "Let the last one name none.")


def _refused(message: str, hint: str) -> InvalidDocument:
    return invalid([Problem(code="error_workflow", field=FIELD, message=message, hint=hint)])
