"""What the database nodes have in common: the table, how a write is signed, what can go wrong."""

from typing import Any, Final

from tradeloom.errors import InvalidInput, NotFound, StorageUnavailable
from tradeloom.nodes.base import NodeContext, setting
from tradeloom.nodes.tenant_database import MAX_NAME, Write

TABLE_PATTERN: Final = rf"^[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}$"

COMMON_ERRORS: Final = (InvalidInput, NotFound, StorageUnavailable)


def table_setting(default: Any = ..., *, help: str, **options: Any) -> Any:
    return setting(
        default,
        title="Table",
        help=f"{help} Small letters, digits and _, a letter first, at most {MAX_NAME} characters.",
        widget="text",
        examples=["trades"],
        pattern=TABLE_PATTERN,
        **options,
    )


def signed(context: NodeContext) -> Write:
    """This node's write: once for the execution, node and iteration, and nothing of it stays in test mode."""
    return Write(
        effect=context.client_order_id(),
        execution_id=context.execution_id,
        node_id=context.node_id,
        keep=not context.test_mode,
    )
