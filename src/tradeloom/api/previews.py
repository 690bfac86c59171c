"""Previews for whoever edits: what expressions give, what functions there are, candles, and indicators on them."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from tradeloom.api.expression_functions import all_functions
from tradeloom.api.models.previews import (
    MAX_CANDLES,
    Candles,
    ExpressionFunctions,
    ExpressionPreview,
    ExpressionPreviewRequest,
    IndicatorPreview,
    IndicatorPreviewRequest,
)
from tradeloom.api.routing import PREFIX, Id, Routes, answers
from tradeloom.trading.timeframes import Timeframe

router = Routes()
_TAGS = ["previews"]

SymbolName = Annotated[str, Query(description="As the broker spells it.", min_length=1, max_length=29)]
Count = Annotated[int, Query(description="How many bars.", ge=1, le=MAX_CANDLES)]


@router.post(
    f"{PREFIX}/expressions/preview",
    summary="Tell what a node's expressions give",
    description="Evaluates every expression of one node of a document, saved or not, on what its workflow's last "
    "execution recorded; pinned outputs stand before recorded ones. What is wrong with the node is in `problems`.",
    operation_id="previewExpressions",
    tags=_TAGS,
    **answers(ExpressionPreview, 404, body=True),
)
def expressions(wanted: Annotated[ExpressionPreviewRequest, Body()]) -> ExpressionPreview:
    return router.ports.previews.expressions(router.caller.tenant, wanted)


@router.get(
    f"{PREFIX}/expressions/functions",
    summary="List the functions of the expression language",
    operation_id="listExpressionFunctions",
    tags=_TAGS,
    **answers(ExpressionFunctions),
)
def functions() -> ExpressionFunctions:
    return ExpressionFunctions(items=all_functions())


@router.get(
    f"{PREFIX}/accounts/<id>/candles",
    summary="Read the last bars of a symbol",
    operation_id="getCandles",
    tags=_TAGS,
    **answers(Candles, 404, 502, 504),
)
def candles(id: Id, symbol: SymbolName, timeframe: Timeframe = Timeframe.H1, count: Count = 200) -> Candles:
    return router.ports.previews.candles(router.caller.tenant, id, symbol, timeframe, count)


@router.post(
    f"{PREFIX}/indicators/preview",
    summary="Draw an indicator on real bars",
    description="The node's own arithmetic over the last bars. A configuration that is wrong is refused with its "
    "fields.",
    operation_id="previewIndicator",
    tags=_TAGS,
    **answers(IndicatorPreview, 404, 502, 504, body=True),
)
def indicator(wanted: Annotated[IndicatorPreviewRequest, Body()]) -> IndicatorPreview:
    return router.ports.previews.indicator(router.caller.tenant, wanted)
