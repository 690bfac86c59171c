"""Active workflows and their nodes, for those that fire triggers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from tradeloom.engine.stores import Blobs, WorkflowRecord, WorkflowStore

_PAGE: Final = 200


async def active_workflows(workflows: WorkflowStore, tenant: str) -> AsyncIterator[WorkflowRecord]:
    offset = 0
    while True:
        page, _ = await workflows.workflows(tenant, active=True, limit=_PAGE, offset=offset)
        for workflow in page:
            yield workflow
        if len(page) < _PAGE:
            return
        offset += len(page)


async def active_nodes(
    workflow: WorkflowRecord, workflows: WorkflowStore, blobs: Blobs
) -> tuple[str, list[dict[str, Any]]]:
    """The account of the version that is active, and its nodes that are not disabled."""
    assert workflow.active_version is not None
    version = await workflows.version(workflow.tenant, workflow.id, workflow.active_version)
    artefact = await asyncio.to_thread(blobs.artefact, version.version)
    return version.account, [node for node in artefact["document"]["nodes"] if not node.get("disabled", False)]
