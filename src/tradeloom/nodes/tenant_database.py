"""A tenant's own tables, as nodes reach them: what may be asked of them, and what a table and a row may be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from tradeloom.errors import InvalidInput

MAX_NAME: Final = 48
"""Longest name of a table or column, in characters."""
MAX_COLUMNS: Final = 100
"""Most columns of a table besides the reserved ones."""
MAX_TABLES: Final = 100
MAX_ROW_BYTES: Final = 256 * 1024
"""Largest object that is kept as one row, as JSON."""
MAX_TABLE_BYTES: Final = 1024 * 1024 * 1024
"""Size on disk at which a table takes no more rows."""

MAX_ROWS: Final = 10_000
MAX_RESULT_BYTES: Final = 2 * 1024 * 1024
"""Largest result, as JSON: half of what a node's output may be."""
MAX_SECONDS: Final = 10
MAX_SQL: Final = 10_000
"""Longest statement, in characters."""

RESERVED_COLUMNS: Final = ("id", "created_at", "updated_at", "execution_id", "node_id")
"""Every table has them and fills them by itself."""
SYSTEM_COLUMNS: Final = frozenset({"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"})
"""PostgreSQL's own, which no table may have a second time."""

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with", "is_null"]

_NAME: Final = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reading may cost. `rows` cuts the result short; more `size` (bytes of JSON) or `seconds` is an error."""

    rows: int = 1_000
    size: int = MAX_RESULT_BYTES
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Filter:
    """`in` takes a list, `is_null` true or false, the others one value. A row passes when all its filters hold."""

    column: str
    operator: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as JSON by column name. `truncated` says that there were more than the limit."""

    rows: list[dict[str, Any]]
    columns: list[str]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Whose write it is. One `effect` writes once, however often it comes; without `keep` all is undone at the end."""

    effect: str
    execution_id: str
    node_id: str
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Saved:
    """`created` is false where a row with the same key was overwritten. `repeated` says that this effect had been
    there before, and this is what it left then."""

    id: int
    created: bool
    repeated: bool = False
    new_columns: Sequence[str] = field(default_factory=tuple)


class TenantDatabase(Protocol):
    """One tenant's tables. Every method may raise `StorageUnavailable`; names that cannot be are `InvalidInput`."""

    def query(self, sql: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        """Read with one statement of SQL, its parameters written `:name` or `%(name)s`.

        Raises `QueryRefused` for what may not be asked, `QueryFailed` for what PostgreSQL cannot answer,
        `QueryTimeout` and `ResultTooLarge`.
        """
        ...

    def select(
        self,
        table: str,
        limits: Limits,
        *,
        columns: Sequence[str] = (),
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
    ) -> Rows:
        """Rows of one table (all columns when none are named), in the given order and then by id.

        Raises `NotFound` for an unknown table or column, and what `query` raises.
        """
        ...

    def save(self, table: str, values: Mapping[str, Any], write: Write, *, key: str | None = None) -> Saved:
        """Keep an object as a row; the table and its columns are made as they are needed.

        With `key`, a row whose value in that column is the same is overwritten instead. Raises `RowRefused`.
        """
        ...

    def update(self, table: str, row_id: int, values: Mapping[str, Any], write: Write) -> Saved:
        """Set some columns of a row. Raises `NotFound` when there is no such row, and `RowRefused`."""
        ...


def checked_name(name: str, what: str, *, field: str) -> str:
    """A table's or column's name as it may be written. Raises `InvalidInput`; `what` is "table" or "column"."""
    if not _NAME.fullmatch(name) or name.startswith("pg_") or name in SYSTEM_COLUMNS:
        raise InvalidInput(
            f"{_shown(name)} cannot be the name of a {what}.",
            field=field,
            hint=f"Small letters, digits and _, a letter first, at most {MAX_NAME} characters, not starting with pg_.",
        )
    return name


def _shown(name: str) -> str:
    cut = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
    return ascii(cut)
