"""The tenant's own tables: what there is, and reading it with SQL."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from tradeloom.api.models.tables import QueryResult, RunQuery, TableList
from tradeloom.api.routing import PREFIX, Routes, answers

router = Routes()
_TAGS = ["tables"]


@router.get(
    f"{PREFIX}/tables",
    summary="List your own tables",
    description="What `database.save` made, with columns, rows and size.",
    operation_id="listTables",
    tags=_TAGS,
    **answers(TableList, 504),
)
def listing() -> TableList:
    return router.ports.tables.listing(router.caller.tenant)


@router.post(
    f"{PREFIX}/tables/query",
    summary="Read your own tables with SQL",
    description="One SELECT over your own tables, judged and run as `database.query` does: nothing is written, nothing "
    "of others is seen.",
    operation_id="queryTables",
    tags=_TAGS,
    **answers(QueryResult, 504, body=True),
)
def query(wanted: Annotated[RunQuery, Body()]) -> QueryResult:
    return router.ports.tables.query(router.caller.tenant, wanted)
