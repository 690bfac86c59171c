"""An engine's events as messages to subscribers: live ones as they become durable, earlier ones from the journal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tradeloom.engine.engine import Engine
from tradeloom.engine.events import Event, Hint
from tradeloom.engine.journal import Journal
from tradeloom.engine.past import status_event
from tradeloom.realtime.hub import Hub
from tradeloom.realtime.messages import (
    ExecutionFinished,
    ExecutionStarted,
    NodeFinished,
    NodeLog,
    NodeProgress,
    NodeStarted,
    RunMessage,
    cut,
    failure,
    short_fields,
)
from tradeloom.realtime.subscription import MOST_MESSAGES, Missed


def message_of(event: Event) -> RunMessage | None:
    """What subscribers are told of an event; None for those that are the engine's own matter."""
    make = _MAKERS.get(event.type)
    return None if make is None else make(_head(event), event.data)


class JournalRecord:
    """The journal as a hub reads it. Implements `Record`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def missed(self, tenant: str, execution_id: str, *, after: int, limit: int) -> Missed | None:
        past = await self._journal.past(tenant, execution_id, after=after, limit=limit)
        if past is None:
            return None
        told = [message for event in past.events if (message := message_of(event)) is not None]
        return Missed(told, past.last_seq, past.complete)

    async def status(self, tenant: str, execution_id: str) -> RunMessage | None:
        row = await self._journal.execution(tenant, execution_id)
        event = None if row is None else status_event(row)
        return None if event is None else message_of(event)


def hub_of(engine: Engine, journal: Journal, *, most: int = MOST_MESSAGES) -> Hub:
    """A hub that tells what this engine runs, and what others on the same rows do."""
    hub = Hub(JournalRecord(journal), most=most)

    def hear(event: Event) -> None:
        if hub.listened_to and (message := message_of(event)) is not None:
            hub.publish(event.tenant, message)

    def hear_others(hints: Sequence[Hint]) -> None:
        if not hints:
            hub.look_again()
        for hint in hints:
            hub.elsewhere(hint.tenant, hint.execution_id, hint.seq, status=hint.status)

    engine.subscribe(hear)
    engine.listen(hear_others)
    return hub


Head = dict[str, Any]
Data = Mapping[str, Any]


def _head(event: Event) -> Head:
    return {
        "execution_id": event.execution_id,
        "workflow_id": event.workflow_id,
        "seq": event.seq,
        "time": event.time,
    }


def _execution_started(head: Head, data: Data) -> RunMessage:
    return ExecutionStarted(
        **head, version=data["version"], trigger=data["trigger"], resumed=bool(data.get("resumed") or data.get("retry"))
    )


def _execution_finished(head: Head, data: Data) -> RunMessage:
    return ExecutionFinished(
        **head,
        status=data["status"].lower(),
        has_errors=data["has_errors"],
        error=failure(data["error"]),
        duration_ms=data["duration_ms"],
    )


def _node_started(head: Head, data: Data) -> RunMessage:
    return NodeStarted(**head, **_node(data), attempt=data["attempt"], kind=data["kind"])


def _node_finished(head: Head, data: Data) -> RunMessage:
    output = data["output"]
    port = output.get("port") if isinstance(output, dict) else None
    return NodeFinished(
        **head,
        **_node(data),
        attempt=data["attempt"],
        kind=data["kind"],
        status=data["status"].lower(),
        port=port if isinstance(port, str) else None,
        error=failure(data["error"]),
        duration_ms=data["duration_ms"],
    )


def _node_log(head: Head, data: Data) -> RunMessage:
    fields = short_fields(data["fields"])
    message = cut(data["message"])
    left_out = message != data["message"] or len(fields) != len(data["fields"])
    return NodeLog(**head, **_node(data), level=data["level"], message=message, fields=fields, cut=left_out)


def _node_progress(head: Head, data: Data) -> RunMessage:
    return NodeProgress(**head, **_node(data), done=data["done"], total=data["total"], note=cut(data["note"]))


def _node(data: Data) -> dict[str, Any]:
    return {"node": data["node"] or "", "iteration": list(data["iteration"])}


_MAKERS: Final[Mapping[str, Callable[[Head, Data], RunMessage]]] = {
    "execution.started": _execution_started,
    "execution.finished": _execution_finished,
    "node.started": _node_started,
    "node.finished": _node_finished,
    "node.log": _node_log,
    "node.progress": _node_progress,
}
