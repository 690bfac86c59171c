"""Retries, replays, pins and debugging of the fake executions."""

from itertools import count

from tests.unit.api.fake_executions import FakeExecutions
from tests.unit.api.fake_workflows import NOW, FakeWorkflows
from tradeloom.api.models.debugging import DebugCommand, DebugSession, PausedNode, StartDebugging
from tradeloom.api.models.executions import FINISHED, Execute, Execution
from tradeloom.api.models.reruns import Pin, PinList, Replay, Retry, SetPin
from tradeloom.errors import Conflict, InvalidInput, NotFound, RetryRefused


class FakeReruns:
    def __init__(self, executions: FakeExecutions, workflows: FakeWorkflows) -> None:
        self._executions = executions
        self._workflows = workflows
        self._pins: dict[tuple[str, str, str], Pin] = {}

    def retry(self, tenant: str, user: str, execution_id: str, wanted: Retry) -> Execution:
        known = self._executions.get(tenant, execution_id)
        if known.status not in {"failed", "timed_out"}:
            raise RetryRefused("Only what failed is retried.")
        return known.model_copy(update={"status": "running"})

    def replay(self, tenant: str, user: str, execution_id: str, wanted: Replay) -> Execution:
        known = self._executions.get(tenant, execution_id)
        if not wanted.test_mode and not wanted.arm:
            raise InvalidInput("It would trade for real.", field="arm")
        started = Execute(test_mode=wanted.test_mode)
        made = self._executions.start(tenant, user, known.workflow_id, started)
        return made.model_copy(update={"replay_of": execution_id, "from_node": wanted.from_node})

    def pins(self, tenant: str, workflow_id: str) -> PinList:
        self._workflows.get(tenant, workflow_id)
        return PinList(items=[pin for key, pin in sorted(self._pins.items()) if key[:2] == (tenant, workflow_id)])

    def pin(self, tenant: str, user: str, workflow_id: str, node: str, wanted: SetPin) -> Pin:
        self._node(tenant, workflow_id, node)
        made = Pin(node=node, port=wanted.port, output=wanted.output, pinned_by=user, pinned_at=NOW)
        self._pins[tenant, workflow_id, node] = made
        return made

    def unpin(self, tenant: str, workflow_id: str, node: str) -> None:
        self._workflows.get(tenant, workflow_id)
        if self._pins.pop((tenant, workflow_id, node), None) is None:
            raise NotFound("Nothing is pinned there.")

    def _node(self, tenant: str, workflow_id: str, node: str) -> None:
        document = self._workflows.get(tenant, workflow_id).document
        if node not in {each["id"] for each in document["nodes"]}:
            raise NotFound(f"There is no node {node!r}.")


class FakeDebugging:
    def __init__(self, executions: FakeExecutions, workflows: FakeWorkflows) -> None:
        self._executions = executions
        self._workflows = workflows
        self._at = count()
        self._sessions: dict[tuple[str, str], DebugSession] = {}

    def start(self, tenant: str, user: str, workflow_id: str, wanted: StartDebugging) -> DebugSession:
        document = self._workflows.get(tenant, workflow_id).document
        made = self._executions.start(tenant, user, workflow_id, Execute(test_mode=True))
        running = made.model_copy(update={"status": "running", "debugging": True})
        first = document["nodes"][0]
        paused = PausedNode(
            node=first["id"],
            name=first["id"],
            type=first["type"],
            since=NOW,
            expires_at=NOW,
            inputs={},
            config=[],
        )
        session = DebugSession(execution=running, step=wanted.step, breakpoints=wanted.breakpoints, paused=[paused])
        self._sessions[tenant, running.id] = session
        return session

    def session(self, tenant: str, execution_id: str) -> DebugSession:
        known = self._executions.get(tenant, execution_id)
        session = self._sessions.get((tenant, known.id))
        if session is None:
            raise Conflict("This execution is not debugged.")
        return session

    def command(self, tenant: str, user: str, execution_id: str, wanted: DebugCommand) -> DebugSession:
        session = self.session(tenant, execution_id)
        if session.execution.status in FINISHED:
            raise Conflict("The session has ended.")
        ended = session.execution.model_copy(update={"status": "stopped" if wanted.action == "stop" else "succeeded"})
        self._sessions[tenant, execution_id] = session.model_copy(update={"execution": ended, "paused": []})
        return self._sessions[tenant, execution_id]
