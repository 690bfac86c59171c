"""Executions that go on or are run again, and outputs pinned on nodes."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from tradeloom.api.executions import started
from tradeloom.api.models.executions import Execution
from tradeloom.api.models.reruns import Pin, PinList, Replay, Retry, SetPin
from tradeloom.api.routing import PREFIX, Id, Routes, answers

router = Routes()
_TAGS = ["executions"]

NodeId = Annotated[str, Path(description="The node's id in the workflow.", min_length=1, max_length=64)]


@router.post(
    f"{PREFIX}/executions/<id>/retry",
    summary="Let a failed execution go on from its failure",
    description="Under its own id, so that nothing acts twice: what succeeded stays, what failed is tried anew. "
    "One that goes on already is answered as it is.",
    operation_id="retryExecution",
    tags=_TAGS,
    status_code=202,
    **answers(
        Execution, 404, 409, 429, 502, 504, status=202, said="It goes on.", also={200: "It has ended."}, body=True
    ),
)
def retry(id: Id, wanted: Annotated[Retry | None, Body()] = None) -> Response[Execution]:
    who = router.caller
    return started(router.ports.reruns.retry(who.tenant, who.user, id, wanted or Retry()))


@router.post(
    f"{PREFIX}/executions/<id>/replay",
    summary="Run an old execution again, as a new one",
    description="With its payload and its time, in test mode unless it is armed; from a node on, what does not depend "
    "on it gives what was recorded.",
    operation_id="replayExecution",
    tags=_TAGS,
    status_code=202,
    **answers(
        Execution,
        404,
        409,
        429,
        502,
        504,
        status=202,
        said="Started; read it at its Location.",
        also={200: "It has ended."},
        body=True,
    ),
)
def replay(id: Id, wanted: Annotated[Replay | None, Body()] = None) -> Response[Execution]:
    who = router.caller
    return started(router.ports.reruns.replay(who.tenant, who.user, id, wanted or Replay()))


@router.get(
    f"{PREFIX}/workflows/<id>/pins",
    summary="List a workflow's pinned outputs",
    operation_id="listPins",
    tags=["workflows"],
    **answers(PinList, 404),
)
def pins(id: Id) -> PinList:
    return router.ports.reruns.pins(router.caller.tenant, id)


@router.put(
    f"{PREFIX}/workflows/<id>/pins/<node>",
    summary="Pin a node's output",
    description="In test mode the node gives this in place of running. Pins never count outside test mode.",
    operation_id="pinOutput",
    tags=["workflows"],
    **answers(Pin, 404, 409, body=True),
)
def pin(id: Id, node: NodeId, wanted: Annotated[SetPin, Body()]) -> Pin:
    who = router.caller
    return router.ports.reruns.pin(who.tenant, who.user, id, node, wanted)


@router.delete(
    f"{PREFIX}/workflows/<id>/pins/<node>",
    summary="Unpin a node's output",
    operation_id="unpinOutput",
    tags=["workflows"],
    status_code=204,
    **answers(None, 404, status=204),
)
def unpin(id: Id, node: NodeId) -> Response[None]:
    router.ports.reruns.unpin(router.caller.tenant, id, node)
    return Response(status_code=204)
