"""The gate in front of a tenant's SQL: parsed by PostgreSQL's own grammar, and let through only where every part is
known to be harmless.

Nothing is forbidden here by name; whatever is not listed is refused: kinds of syntax (`syntax`), functions with what
they may be given (`functions`), operators and types (`words`). What may be asked must also not multiply (`growth`).
"""

from collections.abc import Collection, Mapping

from pglast import ast
from pglast.parser import ParseError, parse_sql

from tradeloom.errors import QueryRefused
from tradeloom.storage.tenants.gate.growth import check_growth
from tradeloom.storage.tenants.gate.syntax import Judge
from tradeloom.storage.tenants.parameters import Statement

Tables = Mapping[str, Collection[str]]
"""The tenant's own tables and their columns."""


def judge(statement: Statement, tables: Tables) -> None:
    """Raises `QueryRefused`, with what is wrong, unless the statement may be run as it stands."""
    try:
        parsed = parse_sql(statement.text)
    except ParseError as error:
        said = str(error.args[0] if error.args else error)[:200]
        raise QueryRefused(f"This is not SQL: {said}", field="config.sql") from error
    if len(parsed) != 1:
        raise QueryRefused(f"There must be one statement, not {len(parsed)}.", field="config.sql")
    query = parsed[0].stmt
    if not isinstance(query, ast.SelectStmt):
        raise QueryRefused(
            f"Only reading is allowed: a SELECT, not a {type(query).__name__.removesuffix('Stmt').upper()}.",
            field="config.sql",
            hint="database.save and database.update write.",
        )
    try:
        Judge(tables, statement.values).query(query)
        check_growth(query)
    except QueryRefused as error:
        error.field = error.field or "config.sql"
        raise
