"""Makes a Lambda handler from a node type: `handler = node_handler(Rsi)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from tradeloom.errors import NodeConfigError, NotFound, StorageUnavailable, TradeloomError
from tradeloom.nodes.base import Emit, Kind, Node
from tradeloom.runtime.claims import OutputNotKept, as_json, check_in
from tradeloom.runtime.config import Recipe, prepare
from tradeloom.runtime.context import TaskContext
from tradeloom.runtime.envelope import TaskInput
from tradeloom.runtime.names import names_of, sources_of
from tradeloom.runtime.redaction import Redactor
from tradeloom.runtime.services import Services, current
from tradeloom.workflow.document import Connection, Workflow
from tradeloom.workflow.graph import Graph

Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True)
class Prepared:
    """A node of a version, parsed once and kept warm."""

    document: Workflow
    incoming: list[Connection]
    recipe: Recipe
    warmup: int


def node_handler(node_type: type[Node]) -> Handler:
    """The handler of a node type's function: a task's payload in, its record `{state, port, output}` out."""
    node = node_type()

    @lru_cache(maxsize=256)
    def prepared(version: str, node_id: str) -> Prepared:
        artefact = current().artefact(version)
        document = Workflow.model_validate(artefact["document"])
        drawn = _find(document, node_id)
        if drawn.type != node_type.type:
            raise NodeConfigError(f"{node_id!r} is a {drawn.type}, not a {node_type.type}.", node=node_id)
        incoming = list(Graph(document).incoming[node_id])
        recipe = prepare(node_type, drawn.config)
        return Prepared(document, incoming, recipe, artefact.get("warmup", {}).get(node_id, 0))

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        task = _task(event)
        redactor = Redactor()
        try:
            return _run(node, task, prepared(task.run.version, task.node), current(), redactor)
        except Exception as error:  # what leaves a function is logged and kept, so it tells no credential
            failure = redactor.error(error)
        finally:
            redactor.forget()
        try:
            if isinstance(failure, TradeloomError):
                failure.node = failure.node or task.node
                _tell(failure)
            raise failure
        finally:
            del failure  # its traceback holds this frame, and the node's with what it was given

    return handler


def _run(node: Node, task: TaskInput, made: Prepared, services: Services, redactor: Redactor) -> dict[str, Any]:
    sources = sources_of(task, made.incoming, services)
    names = names_of(task, made.document, sources, services)
    config = made.recipe.resolve(names, task.run.as_of)
    emitted = node.run(config, TaskContext(task, sources, names, services, made.warmup, redactor))
    port, output = (emitted.port, emitted.output) if isinstance(emitted, Emit) else ("main", emitted)
    # A loop's items feed a Map, which reads them from the state itself.
    try:
        carried = check_in(redactor.value(as_json(output)), services, inline=node.kind is Kind.LOOP)
    except StorageUnavailable as error:
        if not node.acts():
            raise
        raise OutputNotKept(f"It was done, and its output could not be kept: {error.message}") from error
    return {"state": "succeeded", "port": port, "output": carried}  # a `NodeRecord`, which would copy the output


def _task(event: Mapping[str, Any]) -> TaskInput:
    try:
        return TaskInput.model_validate(event)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise NodeConfigError(f"The task's payload is not one: {where}: {error.errors()[0]['msg']}") from error


def _find(document: Workflow, node_id: str) -> Any:
    try:
        return document.node(node_id)
    except KeyError:
        raise NotFound(f"This version has no node {node_id!r}.", node=node_id) from None


def _tell(error: TradeloomError) -> None:
    """Put field and hint into the sentence: a Lambda error carries nothing else."""
    told = error.message
    if error.field is not None and error.field not in told:
        told = f"{error.field}: {told}"
    if error.hint is not None and error.hint not in told:
        told = f"{told} {error.hint}"
    # Half of a surrogate pair, quoted from somebody's text, would end Lambda's runtime client.
    error.args = (told.encode(errors="backslashreplace").decode(),)
