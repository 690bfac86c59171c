"""Workflows by what people call them."""

from typing import Final

from tradeloom.engine.stores import WorkflowRecord, WorkflowStore
from tradeloom.errors import InvalidInput, NotFound

PAGE: Final = 200


async def workflow_named(workflows: WorkflowStore, tenant: str, name: str) -> WorkflowRecord:
    """The workflow with this id, or the only one with this name. Raises `NotFound`, or `InvalidInput` where several
    have the name."""
    try:
        return await workflows.workflow(tenant, name)
    except NotFound:
        found: list[WorkflowRecord] = []
        offset = 0
        while True:
            page, total = await workflows.workflows(tenant, limit=PAGE, offset=offset)
            found += [each for each in page if each.name == name]
            offset += PAGE
            if offset >= total:
                break
    if not found:
        raise NotFound(f"There is no workflow {name!r}.")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} workflows are called {name!r}.", hint="Give the id of the one you mean.")
    return found[0]
