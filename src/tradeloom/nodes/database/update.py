"""database.update: some columns of a row that is there."""

from typing import Any

from pydantic import Field

from tradeloom.errors import ExecutionStopped, RowRefused
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, setting
from tradeloom.nodes.database._fields import COMMON_ERRORS, signed, table_setting

MAX_ID = 2**63 - 1


class UpdateConfig(NodeConfig):
    table: str = table_setting(help="The table that holds the row.")
    id: int = setting(
        title="Row id",
        help="What database.save gave, or the column id of a query.",
        widget="number",
        ge=1,
        le=MAX_ID,
        examples=["= nodes.save.id"],
    )
    data: dict[str, Any] = setting(
        title="New data",
        help="The columns to set. Others stay as they are; null empties one.",
        widget="key-value",
        examples=[{"status": "closed", "profit": "= nodes.close.profit"}],
    )


class UpdateOutput(NodeOutput):
    ok: bool = Field(description="True: what could not be changed is an error.")
    id: int = Field(description="The row's id.")


class Update(Node):
    type = "database.update"
    title = "Update database row"
    description = "Sets some columns of a row of one of your own tables."
    help = (
        "Changes the columns that are given and leaves the others alone; a column that is not there yet is added. "
        "Types are those of database.save. The row's updated_at says when it last changed. A row or table that does "
        "not exist is an error, so that nothing is lost unseen.\n\n"
        "If the node is tried again after a failure, the change happens once: values that another run has written "
        "meanwhile are not overwritten again. In test mode everything is tried and then undone; a row that "
        "database.save made in the same test is therefore not found."
    )
    icon = "database-zap"
    effects = frozenset({Effect.WRITES})
    errors = (ExecutionStopped, RowRefused, *COMMON_ERRORS)
    example = Example(
        title="Note how a saved signal was used",
        config={"table": "signals", "id": "= nodes.save.id", "data": {"signal": "bought", "reviewed": True}},
        inputs={"database.save": {"ok": True, "id": 1, "created": True}},
    )
    Config = UpdateConfig
    Output = UpdateOutput

    def run(self, config: UpdateConfig, context: NodeContext) -> UpdateOutput:
        context.before_acting()
        saved = context.database.update(config.table, config.id, config.data, signed(context))
        if saved.new_columns:
            context.log(f"The table {config.table!r} got the columns {', '.join(saved.new_columns)}.")
        if context.test_mode:
            context.log("Test mode: the change was tried and taken back.")
        return UpdateOutput(ok=True, id=saved.id)
