"""database.save: an object as a row of one of your own tables."""

from typing import Any

from pydantic import Field

from tradeloom.errors import ExecutionStopped, RowRefused
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.database._fields import COMMON_ERRORS, signed, table_setting
from tradeloom.nodes.tenant_database import MAX_COLUMNS, MAX_ROW_BYTES, RESERVED_COLUMNS


class SaveConfig(NodeConfig):
    table: str = table_setting(help="Where to keep it. A table that is not there yet is made.")
    object: dict[str, Any] = setting(
        title="Object",
        help="The row: a value for each column. Names are written as a table's name is.",
        widget="key-value",
        examples=[{"symbol": "EURUSD", "profit": "= nodes.close.profit"}],
    )
    key: str | None = setting(
        None,
        title="Key column",
        help="A row with the same value in this column is overwritten instead of saving another one.",
        widget="text",
        examples=["ticket"],
        min_length=1,
        max_length=48,
    )


class SaveOutput(NodeOutput):
    ok: bool = Field(description="True: what could not be saved is an error.")
    id: int = Field(description="The row's id, by which database.update finds it.")
    created: bool = Field(description="False where a row with the same key was overwritten.")


class Save(Node):
    type = "database.save"
    title = "Save to database"
    description = "Keeps an object as a row of one of your own tables."
    help = (
        "The table and its columns are made as they are needed: a column takes its type from the first value in it. "
        "Whole numbers, numbers, true/false, texts, times (texts in RFC 3339) and nested objects each have their own. "
        "A later value that does not fit is an error that names the column, with one exception: a fraction in a column "
        "of whole numbers turns it into one of numbers. A field that is null leaves its column empty.\n\n"
        f"Every row also gets {', '.join(RESERVED_COLUMNS[:-1])} and {RESERVED_COLUMNS[-1]}, which you need not and "
        f"cannot give. A row has at most {MAX_COLUMNS} columns and {MAX_ROW_BYTES // 1024} KB. If the node is tried "
        "again after a failure, the row is still saved once and has the same id. In test mode everything is tried and "
        "then undone, so the id names no row."
    )
    icon = "database"
    effects = frozenset({Effect.WRITES})
    errors = (ExecutionStopped, RowRefused, *COMMON_ERRORS)
    example = Example(
        title="Keep every signal of the RSI",
        config={
            "table": "signals",
            "object": {"indicator": "rsi", "value": "= nodes.rsi.value", "signal": "= nodes.rsi.signal"},
        },
        inputs={"indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"}},
    )
    Config = SaveConfig
    Output = SaveOutput

    def run(self, config: SaveConfig, context: NodeContext) -> SaveOutput:
        context.before_acting()
        saved = context.database.save(config.table, config.object, signed(context), key=config.key)
        if saved.new_columns:
            context.log(f"The table {config.table!r} got the columns {', '.join(saved.new_columns)}.")
        if context.test_mode:
            context.log("Test mode: the row was tried and taken back.")
        return SaveOutput(ok=True, id=saved.id, created=saved.created)
