"""database.query: rows of your own tables, by SQL or by table and filters."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import NotANumber, NotFound, QueryFailed, QueryRefused, QueryTimeout, ResultTooLarge
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.database._fields import COMMON_ERRORS, TABLE_PATTERN, table_setting
from tradeloom.nodes.tenant_database import (
    MAX_RESULT_BYTES,
    MAX_ROWS,
    MAX_SECONDS,
    MAX_SQL,
    Filter,
    Limits,
    Operator,
    Order,
    Rows,
)

MAX_FILTERS = 20
Column = Annotated[str, Field(pattern=TABLE_PATTERN)]


def _column_setting(help: str) -> Any:
    return setting(title="Column", help=help, widget="text", examples=["symbol"], pattern=TABLE_PATTERN)


class FilterConfig(NodeConfig):
    """A row passes when this holds of it."""

    column: str = _column_setting("The column to look at.")
    operator: Operator = setting(
        "=",
        title="Operator",
        help="in takes a list, is_null true or false, contains and starts_with a text, the others one value.",
        widget="select",
        static=True,
    )
    value: Any = setting(
        None, title="Value", help="What to compare with: a value or an expression.", widget="expression"
    )


class OrderConfig(NodeConfig):
    """Rows come sorted by this."""

    column: str = _column_setting("The column to sort by.")
    descending: bool = setting(False, title="Descending", help="Largest or latest first.", widget="toggle")


class QueryConfig(NodeConfig):
    mode: Literal["table", "sql"] = setting(
        "table", title="Ask by", help="A table with filters, or a SELECT of your own.", widget="select", static=True
    )
    table: str | None = table_setting(None, help="The table to read.", show_if={"mode": ["table"]})
    columns: list[Column] = setting(
        [],
        title="Columns",
        help="Which columns to read; all when none is named.",
        show_if={"mode": ["table"]},
        max_length=100,
    )
    filters: list[FilterConfig] = setting(
        [],
        title="Filters",
        help="A row is read when all of them hold.",
        show_if={"mode": ["table"]},
        max_length=MAX_FILTERS,
    )
    order: list[OrderConfig] = setting(
        [], title="Order", help="Sorted by these, then by id.", show_if={"mode": ["table"]}, max_length=10
    )
    missing_table: Literal["error", "no_rows"] = setting(
        "error",
        title="Missing table",
        help="What a table means that nothing was saved to yet: an error, or no rows.",
        widget="select",
        show_if={"mode": ["table"]},
        advanced=True,
    )
    sql: str | None = setting(
        None,
        title="SQL",
        help="One SELECT over your own tables. Values come in as parameters, :name or %(name)s, never as text.",
        widget="code",
        static=True,
        show_if={"mode": ["sql"]},
        max_length=MAX_SQL,
        examples=["SELECT symbol, sum(profit) AS profit FROM trades WHERE created_at >= :since GROUP BY symbol"],
    )
    parameters: dict[str, Any] = setting(
        {},
        title="Parameters",
        help="A value for each parameter of the SQL; values may be expressions.",
        widget="key-value",
        show_if={"mode": ["sql"]},
        examples=[{"since": '= now() - duration("7d")'}],
    )
    limit: int = setting(
        100,
        title="Limit",
        help="Most rows to read; truncated says that there were more.",
        unit="rows",
        widget="number",
        ge=1,
        le=MAX_ROWS,
    )
    max_seconds: float = setting(
        2.0,
        title="Time limit",
        help="How long PostgreSQL may take before the query is ended with an error.",
        unit="s",
        widget="number",
        ge=0.1,
        le=MAX_SECONDS,
        advanced=True,
    )

    @model_validator(mode="after")
    def _something_to_ask(self) -> Self:
        if self.mode == "table" and not self.table:
            raise ValueError("name the table to read")
        if self.mode == "sql" and not (self.sql or "").strip():
            raise ValueError("write the SQL to run")
        return self


class QueryOutput(NodeOutput):
    rows: list[dict[str, Any]] = Field(description="The rows, each by column name.")
    count: int = Field(description="How many rows there are here.")
    truncated: bool = Field(description="Whether there were more than the limit.")
    columns: list[str] = Field(description="The columns' names, in their order.")


class Query(Node):
    type = "database.query"
    title = "Query database"
    description = "Reads rows of your own tables, by SQL or by table and filters."
    help = (
        "By table: rows that pass all filters, sorted, without any SQL. By SQL: one SELECT with joins, groups, window "
        "functions, WITH, and JSON operators, over the tables database.save made. Nothing else can be seen, and "
        "nothing can be written. A value goes in as a parameter, `:symbol` or `%(symbol)s`, and travels beside the "
        "text: no value can become SQL. The text itself takes no expression.\n\n"
        "What would cost too much is refused before it runs, with what to change; functions that are allowed stand in "
        "docs/database.md. Times come as RFC 3339 in UTC, decimals as numbers, bytes in base64; a NaN or an infinity "
        f"is an error. A result has at most {MAX_ROWS:,} rows and {MAX_RESULT_BYTES // 1024 // 1024} MB."
    )
    icon = "database-search"
    effects = frozenset({Effect.READS_STATE})
    errors = (QueryRefused, QueryFailed, QueryTimeout, ResultTooLarge, NotANumber, *COMMON_ERRORS)
    timeout_s = MAX_SECONDS + 5
    example = Example(
        title="The last ten oversold signals",
        config={
            "table": "signals",
            "filters": [{"column": "signal", "operator": "=", "value": "oversold"}],
            "order": [{"column": "created_at", "descending": True}],
            "missing_table": "no_rows",
            "limit": 10,
        },
    )
    Config = QueryConfig
    Output = QueryOutput

    def run(self, config: QueryConfig, context: NodeContext) -> QueryOutput:
        limits = Limits(rows=config.limit, seconds=config.max_seconds)
        if config.mode == "sql":
            found = context.database.query(config.sql or "", config.parameters, limits)
        else:
            found = self._selected(config, context, limits)
        if found.truncated:
            context.log(f"There were more than the {config.limit} rows asked for.", level="warning")
        return QueryOutput(rows=found.rows, count=len(found.rows), truncated=found.truncated, columns=found.columns)

    def _selected(self, config: QueryConfig, context: NodeContext, limits: Limits) -> Rows:
        try:
            return context.database.select(
                config.table or "",
                limits,
                columns=config.columns,
                filters=[Filter(one.column, one.operator, one.value) for one in config.filters],
                order=[Order(one.column, one.descending) for one in config.order],
            )
        except NotFound as error:
            if config.missing_table == "no_rows" and error.field == "config.table":
                return Rows([], list(config.columns), truncated=False)
            raise
