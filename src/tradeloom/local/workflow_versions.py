"""The API's versions on the local stores."""

import asyncio

from tradeloom.api.models.versions import WorkflowVersion, WorkflowVersionDetail, WorkflowVersionList
from tradeloom.engine.stores import Blobs, VersionRecord, WorkflowRecord, WorkflowStore
from tradeloom.local.bridging import OnLoop


class LocalVersions:
    def __init__(self, on_loop: OnLoop, workflows: WorkflowStore, blobs: Blobs) -> None:
        self._on_loop = on_loop
        self._workflows = workflows
        self._blobs = blobs

    def of_workflow(self, tenant: str, workflow_id: str) -> WorkflowVersionList:
        return self._on_loop(self._of_workflow(tenant, workflow_id))

    def get(self, tenant: str, workflow_id: str, version: str) -> WorkflowVersionDetail:
        return self._on_loop(self._get(tenant, workflow_id, version))

    async def _of_workflow(self, tenant: str, workflow_id: str) -> WorkflowVersionList:
        workflow = await self._workflows.workflow(tenant, workflow_id)
        versions = await self._workflows.versions(tenant, workflow_id)
        return WorkflowVersionList(items=[_shown(workflow, version) for version in versions])

    async def _get(self, tenant: str, workflow_id: str, version: str) -> WorkflowVersionDetail:
        workflow = await self._workflows.workflow(tenant, workflow_id)
        kept = await self._workflows.version(tenant, workflow_id, version)
        artefact = await asyncio.to_thread(self._blobs.artefact, version)
        return WorkflowVersionDetail(**_shown(workflow, kept).model_dump(), document=artefact["document"])


def _shown(workflow: WorkflowRecord, version: VersionRecord) -> WorkflowVersion:
    return WorkflowVersion(
        version=version.version,
        number=version.number,
        created_at=version.created_at,
        nodes=version.metadata.get("nodes", 0),
        account=version.account,
        newest=version.version == workflow.version,
        runs=version.version == workflow.active_version,
    )
