"""What a paused node is about to get, with its expressions' values, and edits of it by path."""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from tradeloom.api.models.debugging import ConfigField, InputRecord
from tradeloom.compiler.compile import invalid
from tradeloom.compiler.validate import document_problems
from tradeloom.engine.stores import Blobs
from tradeloom.errors import InvalidInput, TradeloomError
from tradeloom.local.carrying import blob_services, made_record
from tradeloom.nodes.references import named_nodes
from tradeloom.nodes.registry import node_types
from tradeloom.runtime.claims import check_out
from tradeloom.runtime.config import prepare
from tradeloom.runtime.envelope import NodeRecord, TaskInput
from tradeloom.runtime.names import names_of, output_of, sources_of
from tradeloom.workflow.document import Node, Workflow
from tradeloom.workflow.graph import Graph
from tradeloom.workflow.problems import errors

INPUT_ROOTS: Final = frozenset({"nodes", "inputs"})
MOST_STEPS: Final = 32


@dataclass(frozen=True)
class Edits:
    """What the task gets in place of what the call says; `told` are the values a person set, by path."""

    inputs: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] | None = None
    item: Any = None
    has_item: bool = False
    told: dict[str, Any] = field(default_factory=dict)


class Inspector:
    """One node of one version, before it runs. `task` is its payload as the machine made it."""

    def __init__(self, blobs: Blobs, artefact: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
        self._blobs = blobs
        self._services = blob_services(blobs)
        self._artefact = artefact
        self._document = Workflow.model_validate(artefact["document"])
        self._task = TaskInput.model_validate(payload)
        self.node: Node = self._document.node(self._task.node)
        self._type = node_types()[self.node.type]

    # -- showing ------------------------------------------------------------------------------------------------

    def inputs(self) -> dict[str, InputRecord]:
        """What it sees of others; what is large is fetched."""
        shown = {}
        for other, record in self._task.inputs.items():
            output = output_of(record, self._services)
            shown[other] = InputRecord(state=record.state, port=record.port, output=output)
        return shown

    def config(self) -> list[ConfigField]:
        """Every setting with its value for this run; where one has none, the reason."""
        written = self.node.config
        graph = Graph(self._document)
        try:
            recipe = prepare(self._type, written)
            sources = sources_of(self._task, list(graph.incoming[self.node.id]), self._services)
            names = names_of(self._task, self._document, sources, self._services)
            values = recipe.resolve(names, self._task.run.as_of).model_dump(mode="json", by_alias=True)
        except TradeloomError as error:
            return self._without(written, error)
        except (ValueError, UnicodeError, RecursionError) as error:
            return [ConfigField(field="", error=f"The configuration cannot be shown: {error}")]
        return [ConfigField(field=name, written=written.get(name), value=value) for name, value in values.items()]

    def _without(self, written: Mapping[str, Any], error: TradeloomError) -> list[ConfigField]:
        """The settings as they are written, and the error at the one it is about."""
        about = (error.field or "").removeprefix("config.").split(".")[0]
        names = list(dict.fromkeys([*written, *([about] if about else [])]))
        fields = [
            ConfigField(field=name, written=written.get(name), error=error.message if name == about else None)
            for name in names
        ]
        return fields if about else [*fields, ConfigField(field="", error=error.message)]

    # -- editing ------------------------------------------------------------------------------------------------

    def edited(self, before: Edits, values: Mapping[str, Any]) -> Edits:
        """Edits with more values set. Raises `InvalidInput` for a path that leads nowhere, `InvalidDocument` for a
        configuration that does not fit."""
        inputs, config, item, has_item = dict(before.inputs), before.config, before.item, before.has_item
        for path, value in values.items():
            root, *steps = _steps(path)
            if root in INPUT_ROOTS and steps:
                inputs[steps[0]] = self._with_output(inputs, steps[0], steps[1:], value, path)
            elif root == "config" and steps:
                config = _put(copy.deepcopy(self.node.config if config is None else config), steps, value, path)
            elif root == "item" and self._task.index is not None:
                item, has_item = _put(copy.deepcopy(item if has_item else self._task.item), steps, value, path), True
            else:
                hint = "Begin with nodes.<id>, config.<setting>, or in a loop with item."
                raise InvalidInput(f"{path!r} is nothing that can be set here.", field="values", hint=hint)
        if config is not None:
            self._check(config)
        return Edits(inputs, config, item, has_item, {**before.told, **values})

    def _with_output(self, inputs: Mapping[str, Any], other: str, steps: list[str], value: Any, path: str) -> Any:
        known = inputs.get(other) or self._task.inputs.get(other)
        if known is None:
            seen = ", ".join(sorted(self._task.inputs)) or "none"
            raise InvalidInput(
                f"{self.node.id!r} does not look at {other!r}, so setting it would change nothing.",
                field="values",
                hint=f"It sees: {seen}.",
            )
        record = known if isinstance(known, NodeRecord) else NodeRecord.model_validate(known)
        if record.state != "succeeded":
            raise InvalidInput(f"{other!r} was {record.state}: it has no output to set.", field="values")
        output = copy.deepcopy(check_out(record.output, self._services)) if steps else None
        return made_record(self._blobs, _put(output, steps, value, path), record.port or "main")

    def _check(self, config: dict[str, Any]) -> None:
        patched = self._patched(config)
        wrong = [problem for problem in errors(document_problems(patched)) if problem.node == self.node.id]
        if wrong:
            raise invalid(wrong)
        missing = named_nodes(self._type, config)[0] - set(self._task.inputs)
        if missing:
            raise InvalidInput(
                f"The node was given nothing of {min(missing)!r}, which its configuration did not name before.",
                field="values",
                hint="Change the workflow, and debug that document.",
            )

    def _patched(self, config: dict[str, Any]) -> Workflow:
        try:
            node = Node.model_validate(self.node.model_dump() | {"config": config})
        except ValidationError as error:
            raise InvalidInput(f"The configuration cannot be read: {error.error_count()} problems.") from error
        nodes = [node if each.id == node.id else each for each in self._document.nodes]
        return self._document.model_copy(update={"nodes": nodes})

    def as_json(self, edits: Edits) -> dict[str, Any]:
        """The edits as a pause keeps them. A changed configuration becomes a version of its own, for this node only."""
        made: dict[str, Any] = {"set": edits.told}
        if edits.inputs:
            made["inputs"] = edits.inputs
        if edits.has_item:
            made["item"] = edits.item
        if edits.config is not None:
            document = self._patched(edits.config)
            content = document.canonical_json().encode("utf-8", "surrogatepass")
            made["version"] = f"debug-{hashlib.sha256(content).hexdigest()}"
            artefact = {**self._artefact, "document": document.model_dump(mode="json")}
            self._blobs.put_artefact(made["version"], artefact)
            made["config"] = edits.config
        return made


def edits_of(kept: Mapping[str, Any]) -> Edits:
    """What a pause kept."""
    return Edits(
        inputs=dict(kept.get("inputs", {})),
        config=kept.get("config"),
        item=kept.get("item"),
        has_item="item" in kept,
        told=dict(kept.get("set", {})),
    )


def _steps(path: str) -> list[str]:
    steps = path.split(".")
    if not all(steps) or len(steps) > MOST_STEPS:
        raise InvalidInput(f"{path[:200]!r} is no path.", field="values", hint="Such as nodes.rsi.value.")
    return steps


def _put(whole: Any, steps: Sequence[str], value: Any, path: str) -> Any:
    """`whole` with the value at the path; the last step may be a new key, the others must be there."""
    if not steps:
        return value
    at = whole
    for step in steps[:-1]:
        at = _get(at, step, path)
    last = steps[-1]
    if isinstance(at, dict):
        at[last] = value
    else:
        _get(at, last, path)
        at[int(last)] = value
    return whole


def _get(value: Any, step: str, path: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    raise InvalidInput(f"There is nothing at {step!r} of {path!r}.", field="values")
