"""Versions as the dispatcher asks for them: what never changes is read until it started an execution, and then kept."""

from collections import OrderedDict
from typing import Final

from tradeloom.engine.stores import VersionRecord, WorkflowRecord, WorkflowStore

KEPT: Final = 1024


class KnownVersions:
    def __init__(self, workflows: WorkflowStore) -> None:
        self._workflows = workflows
        self._known: OrderedDict[tuple[str, str, str], VersionRecord] = OrderedDict()

    async def of(self, workflow: WorkflowRecord, version: str) -> VersionRecord:
        """A version of a workflow that was read just now. Raises `NotFound`.

        Only what its row names is known to be there still; any other version may have been deleted and is looked for.
        """
        key = (workflow.tenant, workflow.id, version)
        known = self._known.get(key) if version in (workflow.version, workflow.active_version) else None
        return known or await self._workflows.version(*key)

    def keep(self, version: VersionRecord) -> None:
        """Remember one that could be started: what is the matter with any other may be mended in the store."""
        key = (version.tenant, version.workflow_id, version.version)
        self._known[key] = version
        self._known.move_to_end(key)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
