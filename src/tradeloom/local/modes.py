"""How a start by hand departs from a plain run: pinned outputs, and the node it is to end behind."""

import asyncio
from collections.abc import Sequence
from typing import Final

from tradeloom.engine.mode import GivenOutcome, Mode, Pausing, pack
from tradeloom.engine.pins import PinRecord, PinStore
from tradeloom.engine.stores import Blobs
from tradeloom.errors import Conflict, InvalidInput
from tradeloom.local.carrying import made_record
from tradeloom.nodes.base import ERROR_PORT, Kind
from tradeloom.nodes.registry import node_types
from tradeloom.workflow.document import Node, Workflow
from tradeloom.workflow.graph import Graph

PINNABLE: Final = frozenset({Kind.TASK, Kind.TRIGGER})
"""A loop's output is that of its body, and a delay's is a time: neither is one task's."""


class Modes:
    def __init__(self, blobs: Blobs, pins: PinStore) -> None:
        self._blobs = blobs
        self._pins = pins

    async def make(
        self,
        tenant: str,
        workflow_id: str,
        document: Workflow,
        trigger: str,
        *,
        use_pins: bool,
        until: str | None = None,
        debug: Pausing | None = None,
    ) -> Mode:
        """Raises `InvalidInput` for an `until` that is not there, `Conflict` for a pin that does not fit any more."""
        left_out = () if until is None else left_out_for(document, trigger, until)
        pins = await self._pins.pins(tenant, workflow_id) if use_pins else []
        given = await asyncio.to_thread(self._given, document, pins)
        return Mode(
            given=await self.keep(given),
            left_out=left_out,
            pinned=tuple(each.node for each in given),
            debug=debug,
            until=until,
        )

    async def keep(self, given: Sequence[GivenOutcome]) -> str | None:
        """The sha256 of the blob that holds them; None for none."""
        return await asyncio.to_thread(self._blobs.put, pack(given)) if given else None

    def _given(self, document: Workflow, pins: Sequence[PinRecord]) -> list[GivenOutcome]:
        drawn = {node.id: node for node in document.nodes}
        given = []
        for pin in pins:
            node = drawn.get(pin.node)
            if node is None or node.disabled:
                continue
            try:
                check_pin(node, pin.port)
            except InvalidInput as error:
                raise Conflict(
                    f"The pin on {pin.node!r} does not fit: {error.message}",
                    node=pin.node,
                    hint="Unpin it, or run without pins.",
                ) from error
            record = made_record(self._blobs, pin.output, pin.port)
            given.append(GivenOutcome(node=pin.node, source="pinned", record=record))
        return given


def check_pin(node: Node, port: str) -> None:
    """Raises `InvalidInput` for a node that takes no pin, or has no such port."""
    node_type = node_types()[node.type]
    if node_type.kind not in PINNABLE:
        raise InvalidInput(
            f"A {node_type.kind.value} cannot be pinned.", node=node.id, field="node", hint="Pin what is behind it."
        )
    ports = [each.name for each in node_type.ports if each.name != ERROR_PORT]
    if port not in ports:
        raise InvalidInput(
            f"{node.type} has no port {port!r}.", node=node.id, field="port", hint=f"There are: {', '.join(ports)}."
        )


def left_out_for(document: Workflow, trigger: str, until: str) -> tuple[str, ...]:
    """The nodes that `until` does not depend on. Raises `InvalidInput` where it is not there, or is never reached."""
    graph = Graph(document)
    if until not in graph.nodes:
        raise InvalidInput(f"The workflow has no node {until!r}.", field="until")
    wanted = graph.ancestors(until) | {until}
    if trigger not in wanted:
        raise InvalidInput(
            f"{until!r} does not depend on the trigger {trigger!r}.", field="until", hint="Name another trigger."
        )
    return tuple(sorted(set(graph.nodes) - wanted))
