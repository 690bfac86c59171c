"""Writes a plan as a state machine in Amazon States Language (JSONata).

Every node `x` has a variable `n_x` that holds its record `{state, port, output}`; all are set to pending in the first
state. A node that may be skipped stands behind a Choice that asks whether its incoming connections are live. Nodes of a
stage share a Parallel whose Assign merges their records; a loop is a Map whose iterations have variables of their own.
The only user text in a machine is the names of its states.
"""

import math
from collections.abc import Callable
from typing import Any

from tradeloom.compiler.limits import ITERATIONS
from tradeloom.compiler.pieces import (
    INVOKE,
    PENDING,
    SKIPPED,
    TIMEOUT_GRACE_S,
    State,
    States,
    catches,
    failure_of,
    failure_variable,
    jsonata,
    leads_to,
    retries,
    state_name,
    variable,
)
from tradeloom.compiler.plan import Plan, Stage
from tradeloom.nodes.base import ERROR_PORT, Kind
from tradeloom.nodes.references import named_nodes
from tradeloom.nodes.utility.delay import Delay
from tradeloom.workflow.document import Connection, Node


def write(plan: Plan, function_arn: Callable[[str], str], timeout_s: int) -> State:
    """The definition. `function_arn` gives the alias ARN of a node type's function."""
    writer = _Writer(plan, function_arn)
    start, states = writer.scope(None, at_end={"Type": "Succeed", "Output": {"has_errors": writer.has_errors()}})
    return {
        "Comment": f"Workflow version {plan.graph.document.version}",
        "QueryLanguage": "JSONata",
        "StartAt": start,
        "States": states,
        "TimeoutSeconds": timeout_s,
    }


class _Writer:
    def __init__(self, plan: Plan, function_arn: Callable[[str], str]) -> None:
        self.plan = plan
        self.graph = plan.graph
        self.function_arn = function_arn

    # -- scopes -------------------------------------------------------------------------------------------------

    def scope(self, scope: str | None, at_end: State, at_failure: State | None = None) -> tuple[str, States]:
        """The states of a scope (the document or a loop's body), from its Start to its end.

        Without `at_failure`, a node that stops fails the scope.
        """
        suffix = "" if scope is None else f".{scope}"
        start, done, failed = f"Start{suffix}", f"Done{suffix}", f"Failed{suffix}"
        stages = self.plan.stages[scope]
        entries = [self._entry(stage, position, suffix) for position, stage in enumerate(stages)] + [done]
        states: States = {start: self._start(scope, entries[0])}
        for position, stage in enumerate(stages):
            following = entries[position + 1]
            if len(stage.nodes) == 1:
                states |= self._single(stage.nodes[0], following, failed)
            else:
                states |= self._parallel(stage, entries[position], following, failed)
        states[done] = at_end
        if any(leads_to(state, failed) for state in states.values()):
            states[failed] = at_failure or {
                "Type": "Fail",
                "Error": jsonata(f"${failure_variable(scope)}.name"),
                "Cause": jsonata(f"${failure_variable(scope)}.node & ': ' & ${failure_variable(scope)}.cause"),
            }
        return start, states

    def _start(self, scope: str | None, following: str) -> State:
        assign: State = {failure_variable(scope): None}
        if scope is None:
            assign["run"] = jsonata("$states.input")
        else:
            assign[f"it_{scope}"] = jsonata("$states.input")
        for node in self.graph.scope(scope):
            assign[variable(node)] = SKIPPED if self.plan.never_runs(node) else PENDING
        return {"Type": "Pass", "Assign": assign, "Output": {}, "Next": following}

    def _entry(self, stage: Stage, position: int, suffix: str) -> str:
        if len(stage.nodes) > 1:
            return f"Layer{position + 1}{suffix}"
        return self._first_state(stage.nodes[0])

    def _first_state(self, node_id: str) -> str:
        name = state_name(self.graph.nodes[node_id])
        return name if self.plan.always_runs(node_id) else f"{name}.if"

    # -- one node after another ---------------------------------------------------------------------------------

    def _single(self, node_id: str, following: str, failed: str) -> States:
        node = self.graph.nodes[node_id]
        name = state_name(node)
        states: States = {}
        if not self.plan.always_runs(node_id):
            states[f"{name}.if"] = {
                "Type": "Choice",
                "Choices": [{"Condition": jsonata(self._live(node)), "Next": name}],
                "Default": following,
                "Assign": {variable(node_id): SKIPPED},
            }
        stops = self.plan.on_error(node) == "stop"
        caught: State = {"Assign": {variable(node_id): self._failed_record(node)}, "Next": following}
        if stops:
            failure = {failure_variable(node.parent): failure_of(node.id)}
            caught = {"Assign": {**caught["Assign"], **failure}, "Next": failed}
        return states | self._run(node, following, caught)

    def _run(self, node: Node, following: str | None, caught: State) -> States:
        """The states that run a node. `following` None ends a branch, whose output is then the node's record."""
        kind = self.plan.types[node.id].kind
        if kind is Kind.WAIT:
            return self._wait(node, following, caught)
        if kind is Kind.LOOP:
            return self._loop(node, following, caught)
        return {state_name(node): self._task(node, caught) | self._leave(node.id, "$states.result.Payload", following)}

    def _leave(self, node_id: str, record: Any, following: str | None) -> State:
        value = jsonata(record) if isinstance(record, str) else record
        if following is None:
            return {"Output": value, "End": True}
        return {"Assign": {variable(node_id): value}, "Output": {}, "Next": following}

    def _task(self, node: Node, caught: State) -> State:
        node_type = self.plan.types[node.id]
        return {
            "Type": "Task",
            "Resource": INVOKE,
            "Arguments": {"FunctionName": self.function_arn(node.type), "Payload": self._payload(node)},
            "TimeoutSeconds": (node.timeout_s or node_type.timeout_s) + TIMEOUT_GRACE_S,
            "Retry": retries(node_type, node.retry),
            "Catch": catches(caught),
        }

    def _payload(self, node: Node) -> State:
        ids, roots = named_nodes(self.plan.types[node.id], node.config)
        wanted = {connection.source for connection in self.graph.incoming[node.id]} | ids
        if "trigger" in roots:
            wanted |= set(self.plan.triggers)
        around = self.graph.loops_around(node.id)
        known = (self.graph.ancestors(node.id) & wanted) - set(around)
        payload: State = {
            "run": jsonata("$run"),
            "node": node.id,
            "inputs": {other: jsonata(f"${variable(other)}") for other in sorted(known)},
        }
        if around:
            steps = ", ".join(f"$it_{loop}.index" for loop in around)
            payload["iteration"] = jsonata(f"[{steps}]")
            payload["item"] = jsonata(f"$it_{around[-1]}.item")
            payload["index"] = jsonata(f"$it_{around[-1]}.index")
        return payload

    # -- delays and loops ---------------------------------------------------------------------------------------

    def _wait(self, node: Node, following: str | None, caught: State) -> States:
        """A Wait; where its time is an expression, a Task computes it first. Step Functions waits whole seconds."""
        name = state_name(node)
        constant = Delay.constant_delay_s(node.config)
        if constant is not None:
            seconds = math.ceil(constant)
            return {name: {"Type": "Wait", "Seconds": seconds} | self._waited(node, str(seconds), following)}
        kept = f"computed_{node.id}"
        waiting = f"{name}.wait"
        if node.config.get("mode") == "until":
            until = f"${kept}.output.timestamp"
            wait = {"Timestamp": jsonata(until)} | self._leave(node.id, f"${kept}", following)
        else:
            seconds_of = f"$ceil(${kept}.output.seconds)"
            wait = {"Seconds": jsonata(seconds_of)} | self._waited(node, seconds_of, following)
        return {
            name: self._task(node, caught)
            | {"Assign": {kept: jsonata("$states.result.Payload")}, "Output": {}, "Next": waiting},
            waiting: {"Type": "Wait"} | wait,
        }

    def _waited(self, node: Node, seconds: str, following: str | None) -> State:
        """What a Wait leaves: the moment it ends, counted from the moment it was entered."""
        due = f"$fromMillis($toMillis($states.context.State.EnteredTime) + {seconds} * 1000)"
        record = {"state": "succeeded", "port": "main", "output": {"timestamp": jsonata(due)}}
        return self._leave(node.id, record, following)

    def _loop(self, node: Node, following: str | None, caught: State) -> States:
        name, node_type = state_name(node), self.plan.types[node.id]
        last = self.plan.stages[node.id][-1].nodes[-1] if self.plan.stages[node.id] else None
        result = jsonata(f"${variable(last)}.output" if last else "null")
        output = {"results": jsonata("$states.result"), "count": jsonata("$count($states.result)")}
        if node_type.isolates_items(node.config):
            item = {"item": jsonata(f"$it_{node.id}.item")}
            succeeded = item | {"state": "succeeded", "output": result, "error": None}
            failed = item | {"state": "failed", "output": None, "error": jsonata(f"${failure_variable(node.id)}")}
            ends = [{"Type": "Pass", "Output": each, "End": True} for each in (succeeded, failed)]
            output |= {each: jsonata(f"$count($states.result[state = '{each}'])") for each in ("succeeded", "failed")}
        else:
            ends = [{"Type": "Pass", "Output": result, "End": True}]
        start, states = self.scope(node.id, *ends)
        record = {"state": "succeeded", "port": "main", "output": output}
        each = f"{name}.each"
        return {
            name: self._task(node, caught)
            | {
                "Assign": {f"items_{node.id}": jsonata("$states.result.Payload.output.items")},
                "Output": {},
                "Next": each,
            },
            each: {
                "Type": "Map",
                "Items": jsonata(f"$items_{node.id}"),
                "ItemSelector": {
                    "item": jsonata("$states.context.Map.Item.Value"),
                    "index": jsonata("$states.context.Map.Item.Index"),
                },
                "Comment": f"{ITERATIONS}{node_type.max_iterations_of(node.config)}",
                "MaxConcurrency": 1,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": start, "States": states},
                "Catch": catches(caught),
            }
            | self._leave(node.id, record, following),
        }

    # -- side by side -------------------------------------------------------------------------------------------

    def _parallel(self, stage: Stage, name: str, following: str, failed: str) -> States:
        failure = failure_variable(self.graph.nodes[stage.nodes[0]].parent)
        stopping = [node for node in stage.nodes if self.plan.on_error(self.graph.nodes[node]) == "stop"]
        checked = f"{name}.ok"
        states: States = {
            name: {
                "Type": "Parallel",
                "Branches": [self._branch(node) for node in stage.nodes],
                "Assign": {
                    variable(node): jsonata(f"$states.result[{position}]") for position, node in enumerate(stage.nodes)
                },
                "Output": {},
                "Catch": catches({"Assign": {failure: failure_of(name)}, "Next": failed}),
                "Next": checked if stopping else following,
            }
        }
        if stopping:
            states[checked] = {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": jsonata(f"${variable(node)}.state = 'failed'"),
                        "Assign": {failure: jsonata(f"${variable(node)}.output.error")},
                        "Next": failed,
                    }
                    for node in stopping
                ],
                "Default": following,
            }
        return states

    def _branch(self, node_id: str) -> State:
        node = self.graph.nodes[node_id]
        name = state_name(node)
        states: States = {}
        if not self.plan.always_runs(node_id):
            states[f"{name}.if"] = {
                "Type": "Choice",
                "Choices": [{"Condition": jsonata(self._live(node)), "Next": name}],
                "Default": f"{name}.skip",
            }
            states[f"{name}.skip"] = {"Type": "Pass", "Output": SKIPPED, "End": True}
        failed = f"{name}.failed"
        caught: State = {"Output": self._failed_record(node), "Next": failed}
        states |= self._run(node, None, caught)
        if any(leads_to(state, failed) for state in states.values()):
            states[failed] = {"Type": "Pass", "End": True}
        return {"StartAt": self._first_state(node_id), "States": states}

    # -- what a record is asked ---------------------------------------------------------------------------------

    def _live(self, node: Node) -> str:
        """The JSONata condition under which a node runs."""
        if self.plan.types[node.id].kind is Kind.TRIGGER:
            return f"$run.trigger = '{node.id}'"
        together = " and " if self.plan.join(node) == "all" else " or "
        tests = [
            self._is_live(connection)
            for connection in self.graph.incoming[node.id]
            if not self.plan.always_live(connection)
        ]
        return together.join(tests)

    def _is_live(self, connection: Connection) -> str:
        return f"${variable(connection.source)}.port = '{connection.source_port}'"

    def _failed_record(self, node: Node) -> State:
        port = ERROR_PORT if self.plan.on_error(node) == "route" else None
        return {"state": "failed", "port": port, "output": {"error": failure_of(node.id)}}

    def has_errors(self) -> Any:
        """Whether any node failed, or any item of a loop that goes on, in a run that completed all the same."""
        tests = []
        for node in sorted(self.graph.scope(None)):
            if self.plan.never_runs(node):
                continue
            drawn = self.graph.nodes[node]
            isolates = self.plan.types[node].isolates_items(drawn.config)
            if isolates or self.plan.on_error(drawn) != "stop":
                tests.append(f"${variable(node)}.state = 'failed'")
            if isolates:
                tests.append(f"${variable(node)}.output.failed > 0")
        return jsonata(" or ".join(tests)) if tests else False
