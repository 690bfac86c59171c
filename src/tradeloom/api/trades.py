"""The trade ledger: list it, export it, add it up."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AwareDatetime

from tradeloom.api.models.trades import TradePage, TradeQuery, TradeSummaryList
from tradeloom.api.routing import PREFIX, Limit, Offset, Routes, answers
from tradeloom.api.trade_csv import csv_of
from tradeloom.trading.trade_stats import GroupBy

router = Routes()
_TAGS = ["trades"]
MAX_POINTS = 1_000

Account = Annotated[str | None, Query(description="Only of this account.", min_length=1, max_length=64)]
WorkflowId = Annotated[
    str | None, Query(description="Only what this workflow's orders opened.", min_length=1, max_length=64)
]
Version = Annotated[str | None, Query(description="Only of this version.", min_length=1, max_length=64)]
Symbol = Annotated[str | None, Query(description="Only in this instrument.", min_length=1, max_length=29)]
Since = Annotated[AwareDatetime | None, Query(description="Only closed at or after this moment.")]
Until = Annotated[AwareDatetime | None, Query(description="Only closed at or before this moment.")]


@router.get(
    f"{PREFIX}/trades",
    summary="List closed trades",
    description="One item for each deal that closed a position or a part of it, from the broker's own history.",
    operation_id="listTrades",
    tags=_TAGS,
    **answers(TradePage),
)
def listing(
    limit: Limit = 50,
    offset: Offset = 0,
    account: Account = None,
    workflow_id: WorkflowId = None,
    version: Version = None,
    symbol: Symbol = None,
    since: Since = None,
    until: Until = None,
) -> TradePage:
    wanted = TradeQuery(
        account=account, workflow_id=workflow_id, version=version, symbol=symbol, since=since, until=until
    )
    return router.ports.trades.page(router.caller.tenant, wanted, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/trades/summary",
    summary="Add closed trades up",
    description="Statistics for each workflow's version on each account. Money of different accounts, currencies or "
    "replays is never added up.",
    operation_id="summarizeTrades",
    tags=_TAGS,
    **answers(TradeSummaryList),
)
def summary(
    by: Annotated[GroupBy, Query(description="What each item is of.")] = "version",
    points: Annotated[
        int, Query(description="At most how many points of each item's curve; 0: none.", ge=0, le=MAX_POINTS)
    ] = 0,
    account: Account = None,
    workflow_id: WorkflowId = None,
    version: Version = None,
    symbol: Symbol = None,
    since: Since = None,
    until: Until = None,
) -> TradeSummaryList:
    wanted = TradeQuery(
        account=account, workflow_id=workflow_id, version=version, symbol=symbol, since=since, until=until
    )
    return router.ports.trades.summary(router.caller.tenant, wanted, by, points=points)


_CSV = answers(None)
_CSV["responses"][200] |= {"content": {"text/csv": {"schema": {"type": "string"}}}}


@router.get(
    f"{PREFIX}/trades/export",
    summary="Export closed trades as CSV",
    description="The first closed first; at most 10,000, more are refused. Times are UTC.",
    operation_id="exportTrades",
    tags=_TAGS,
    **_CSV,
)
def export(
    account: Account = None,
    workflow_id: WorkflowId = None,
    version: Version = None,
    symbol: Symbol = None,
    since: Since = None,
    until: Until = None,
) -> Response[Any]:
    wanted = TradeQuery(
        account=account, workflow_id=workflow_id, version=version, symbol=symbol, since=since, until=until
    )
    trades = router.ports.trades.export(router.caller.tenant, wanted)
    return Response(
        status_code=200,
        content_type="text/csv",
        body=csv_of(trades),
        headers={"Content-Disposition": 'attachment; filename="trades.csv"'},
    )
