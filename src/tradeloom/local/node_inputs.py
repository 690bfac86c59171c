"""What a node saw in an execution, as inputs for testing it alone."""

import asyncio
from typing import Any

from tradeloom.api.models.nodes import NodeTest
from tradeloom.engine.journal import Journal, NodeRun
from tradeloom.engine.stores import Blobs
from tradeloom.errors import InvalidInput, NotFound
from tradeloom.local.carrying import blob_services
from tradeloom.local.named_executions import execution_named_or_last
from tradeloom.nodes.base import Node
from tradeloom.nodes.references import named_nodes
from tradeloom.runtime.claims import check_out
from tradeloom.workflow.document import Workflow
from tradeloom.workflow.graph import Graph


class RecordedInputs:
    def __init__(self, journal: Journal, blobs: Blobs) -> None:
        self._journal = journal
        self._blobs = blobs

    async def fill(self, tenant: str, test: NodeTest, node_type: type[Node]) -> NodeTest:
        """The test with the recorded outputs of what its node is connected to or names; what is given stays.

        Raises `InvalidInput` where it is not said which node of which execution, `NotFound` where there is none.
        """
        if test.node is None and test.execution_id is None and test.workflow_id is None:
            return test
        if test.node is None or (test.execution_id is None) == (test.workflow_id is None):
            raise InvalidInput(
                "What a node saw is found by its id and an execution, or a workflow whose last one counts.",
                field="node",
                hint="Give node, and either execution_id or workflow_id.",
            )
        row = await execution_named_or_last(self._journal, tenant, test.execution_id, test.workflow_id)
        if row is None:
            raise NotFound("The workflow has not run yet.", field="workflow_id")
        runs = await self._journal.node_runs(tenant, row.id)
        artefact = await asyncio.to_thread(self._blobs.artefact, row.version)
        graph = Graph(Workflow.model_validate(artefact["document"]))
        if test.node not in graph.nodes:
            raise NotFound(f"That execution's workflow has no node {test.node!r}.", field="node")
        wanted = {connection.source for connection in graph.incoming[test.node]}
        wanted |= named_nodes(node_type, test.config)[0] & graph.ancestors(test.node)
        inputs = await asyncio.to_thread(self._outputs, runs, wanted)
        payload = test.payload or dict(row.run.get("payload") or {})
        return test.model_copy(update={"inputs": inputs | test.inputs, "payload": payload})

    def _outputs(self, runs: list[NodeRun], wanted: set[str]) -> dict[str, Any]:
        """The last output of each node that gave one."""
        services = blob_services(self._blobs)
        found = {}
        for run in runs:
            gave = run.kind == "task" and run.status == "SUCCEEDED" and isinstance(run.output, dict)
            if gave and run.node in wanted:
                found[run.node] = check_out(run.output.get("output"), services)
        return found
