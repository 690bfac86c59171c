"""Replays of the whole system on a paper account."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from tradeloom.api.models.market_replays import MarketReplay, ResumeMarketReplay, StartMarketReplay
from tradeloom.api.routing import PREFIX, Id, Routes, answers

router = Routes()
_TAGS = ["market replays"]


@router.post(
    f"{PREFIX}/accounts/<id>/replay",
    summary="Replay a paper account's market from where it stands",
    description="Active workflows run as they would have: schedules, triggers and delays by the market's clock. The "
    "market stands at every moment until what follows from it is done, so a replay gives the same orders at any speed.",
    operation_id="startMarketReplay",
    tags=_TAGS,
    **answers(MarketReplay, 404, 409, 502, 504, body=True),
)
def start(id: Id, wanted: Annotated[StartMarketReplay, Body()]) -> MarketReplay:
    return router.ports.market_replays.start(router.caller.tenant, id, wanted)


@router.get(
    f"{PREFIX}/accounts/<id>/replay",
    summary="Read how far the latest replay has come",
    operation_id="getMarketReplay",
    tags=_TAGS,
    **answers(MarketReplay, 404),
)
def read(id: Id) -> MarketReplay:
    return router.ports.market_replays.get(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/accounts/<id>/replay/pause",
    summary="Let the replay stand at its next settled moment",
    operation_id="pauseMarketReplay",
    tags=_TAGS,
    **answers(MarketReplay, 404, 409),
)
def pause(id: Id) -> MarketReplay:
    return router.ports.market_replays.pause(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/accounts/<id>/replay/resume",
    summary="Let the replay go on",
    operation_id="resumeMarketReplay",
    tags=_TAGS,
    **answers(MarketReplay, 404, 409, body=True),
)
def resume(id: Id, wanted: Annotated[ResumeMarketReplay, Body()]) -> MarketReplay:
    return router.ports.market_replays.resume(router.caller.tenant, id, wanted.speed)


@router.post(
    f"{PREFIX}/accounts/<id>/replay/stop",
    summary="End the replay where it stands",
    operation_id="stopMarketReplay",
    tags=_TAGS,
    **answers(MarketReplay, 404, 409),
)
def stop(id: Id) -> MarketReplay:
    return router.ports.market_replays.stop(router.caller.tenant, id)
