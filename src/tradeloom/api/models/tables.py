"""A tenant's own tables, and reading them."""

from typing import Any

from pydantic import ConfigDict, Field

from tradeloom.api.models.base import Model
from tradeloom.nodes.tenant_database import MAX_ROWS, MAX_SECONDS, MAX_SQL


class TableColumn(Model):
    name: str
    type: str = Field(description="PostgreSQL's name of it.", examples=["double precision"])
    own: bool = Field(description="False for the columns every table fills by itself.")


class Table(Model):
    name: str
    columns: list[TableColumn] = Field(description="In their order.")
    rows: int = Field(description="How many there are, at most `counted_to`.")
    counted_to: int = Field(description="No more rows than this are counted.")
    bytes: int = Field(description="What it takes on disk, indexes included.")


class TableList(Model):
    items: list[Table] = Field(description="By name.")


class RunQuery(Model):
    """One SELECT, as `database.query` takes it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"sql": "SELECT symbol, count(*) AS n FROM signals GROUP BY symbol"},
                {"sql": "SELECT * FROM signals WHERE symbol = :symbol", "parameters": {"symbol": "EURUSD"}},
            ]
        },
    )

    sql: str = Field(min_length=1, max_length=MAX_SQL, description="Its parameters are written `:name`.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="A value for each parameter.")
    limit: int = Field(default=1_000, ge=1, le=MAX_ROWS, description="More rows are cut off, and `truncated` says so.")
    max_seconds: float = Field(default=5.0, ge=0.1, le=MAX_SECONDS)


class QueryResult(Model):
    columns: list[str]
    rows: list[dict[str, Any]]
    truncated: bool = Field(description="Whether there were more than the limit.")
    duration_ms: float
