"""Every part of a query looked at in turn: kinds of syntax, names, operators, types, and how much there is of it."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from pglast import ast, enums

from tradeloom.errors import QueryRefused
from tradeloom.nodes.tenant_database import SYSTEM_COLUMNS
from tradeloom.storage.tenants.gate.functions import (
    FUNCTIONS,
    HEAVY,
    IN_RECURSION,
    MOST,
    NOT_CONSTANT,
    check_exponent,
    check_pattern,
    number,
)
from tradeloom.storage.tenants.gate.kinds import ALLOWED, WHEREVER, said, unset
from tradeloom.storage.tenants.gate.words import (
    ARITHMETIC,
    DISGUISES,
    LENGTH_TYPES,
    MAX_LENGTH,
    OPERATORS,
    PATTERNS,
    TYPES,
)
from tradeloom.storage.tenants.numerals import is_huge_number

MAX_PARTS: Final = 4_000
MAX_DEPTH: Final = 80
"""Deepest nesting of syntax; a query inside a query takes about four."""
MAX_QUERIES: Final = 30
MAX_SOURCES: Final = 16
"""Most tables, subqueries and functions read from: what the planner tries grows with their orders."""
MAX_ARITHMETIC: Final = 150
MAX_HEAVY: Final = 30
MAX_CUBE: Final = 4

_TELLING_OF_THE_SESSION: Final = frozenset(
    {"current_user", "session_user", "user", "current_role", "current_catalog", "current_schema"}
)
_SESSION_VALUES: Final = {
    value for value in enums.SQLValueFunctionOp if value.name.removeprefix("SVFOP_").lower() in _TELLING_OF_THE_SESSION
}


class Judge:
    """`tables` are the tenant's own with their columns; `values` those of `$1`, `$2`, …"""

    def __init__(self, tables: Mapping[str, Collection[str]], values: Sequence[Any]) -> None:
        self._tables = tables
        self._values = values
        self._columns = {column for columns in tables.values() for column in columns}
        self._made: set[str] = set()
        self._ctes: set[str] = set()
        self._count: Counter[str] = Counter()
        self._recursive = 0
        self._checks: Mapping[str, Callable[[Any], None]] = {
            "A_Const": self._constant,
            "A_Expr": self._operation,
            "CollateClause": self._collation,
            "ColumnRef": self._column,
            "CommonTableExpr": self._cte,
            "FuncCall": self._call,
            "A_Indirection": self._indirection,
            "GroupingSet": self._grouping,
            "ParamRef": self._parameter,
            "RangeVar": self._table,
            "SQLValueFunction": self._value_function,
            "SubLink": self._sublink,
            "TypeName": self._type,
        }

    def query(self, query: ast.SelectStmt) -> None:
        """Raises `QueryRefused`."""
        self._collect(query)
        self._look(query, 0)

    # -- the walk -----------------------------------------------------------------------------------------------

    def _collect(self, query: ast.Node) -> None:
        """The names the query itself gives to columns and common table expressions, wherever they stand."""
        waiting: list[Any] = [query]
        while waiting:
            part: Any = waiting.pop()
            if isinstance(part, tuple):
                waiting.extend(part)
                continue
            if not _is_node(part):
                continue
            kind = type(part).__name__
            if kind == "ResTarget":
                self._made.add(part.name or _natural_name(part.val))
            elif kind == "Alias":
                self._made |= {part.aliasname, *_texts(part.colnames)}
            elif kind == "ColumnDef":
                self._made.add(part.colname)
            elif kind == "CommonTableExpr":
                self._ctes.add(part.ctename)
                self._made |= set(_texts(part.aliascolnames))
            elif kind == "FuncCall":
                self._made.add(_texts(part.funcname)[-1])
            waiting.extend(getattr(part, name) for name in part)
        # Columns of functions that give several.
        self._made |= {"key", "value", "ordinality"}

    def _look(self, part: Any, depth: int) -> None:
        if isinstance(part, tuple):
            for one in part:
                self._look(one, depth)
            return
        if not _is_node(part):
            return
        kind = type(part).__name__
        self._counted(kind, depth)
        allowed = ALLOWED.get(kind)
        if allowed is None:
            raise QueryRefused(f"{said(kind)} is not allowed in a query.")
        for name in part:
            value = getattr(part, name)
            if name not in allowed and name not in WHEREVER and not unset(name, value):
                raise QueryRefused(f"{said(name)} is not allowed in a query.")
        check = self._checks.get(kind)
        if check is not None:
            check(part)
        recursive = kind == "WithClause" and part.recursive
        self._recursive += recursive
        for name in part:
            if name in allowed:
                self._look(getattr(part, name), depth + 1)
        self._recursive -= recursive

    def _counted(self, kind: str, depth: int) -> None:
        self._count["parts"] += 1
        self._count["queries"] += kind == "SelectStmt"
        self._count["sources"] += kind in {"RangeVar", "RangeSubselect", "RangeFunction"}
        for what, most in (("parts", MAX_PARTS), ("queries", MAX_QUERIES), ("sources", MAX_SOURCES)):
            if self._count[what] > most:
                raise QueryRefused(f"The query has more than {most:,} {what}.", hint="Part it in several nodes.")
        if depth > MAX_DEPTH:
            raise QueryRefused("The query is nested too deeply.")

    # -- names --------------------------------------------------------------------------------------------------

    def _table(self, table: Any) -> None:
        name = table.relname
        if name.startswith("_") or (name not in self._tables and name not in self._ctes):
            known = ", ".join(sorted(self._tables)) or "none yet"
            raise QueryRefused(f"There is no table {name!a}.", hint=f"Yours are: {known[:500]}.")

    def _cte(self, cte: Any) -> None:
        # Out of its sight such a name would stand for the catalog of the same name; all of those begin so.
        if cte.ctename.startswith(("pg_", "_")):
            raise QueryRefused(f"A part of WITH cannot be called {cte.ctename!a}.")

    def _column(self, column: Any) -> None:
        names = _texts([field for field in column.fields if isinstance(field, ast.String)])
        for name in names:
            if name in SYSTEM_COLUMNS:
                raise QueryRefused(f"The system column {name} cannot be read.")
        if len(column.fields) > 2:
            raise QueryRefused("Write a column as table.column at most.")
        if len(names) == 2:
            self._field(names[1])

    def _field(self, name: str) -> None:
        """The name behind a dot. Where there is no such column, PostgreSQL calls the function of that name."""
        if name in self._columns:
            return
        if name not in self._made or name in DISGUISES or name.startswith("pg_"):
            raise QueryRefused(f"There is no column {name!a}.")

    def _indirection(self, part: Any) -> None:
        for name in _texts([step for step in part.indirection if isinstance(step, ast.String)]):
            self._field(name)

    def _type(self, part: Any) -> None:
        names = _texts(part.names)
        name = names[-1]
        if len(names) > 2 or (len(names) == 2 and names[0] != "pg_catalog") or name not in TYPES:
            raise QueryRefused(f"The type {'.'.join(names)!a} is not allowed in a query.")
        for modifier in part.typmods or ():
            value = self._known(modifier)
            if not isinstance(value, int) or (name in LENGTH_TYPES and value > MAX_LENGTH):
                raise QueryRefused(f"The length of a {name} is a number in the SQL, at most {MAX_LENGTH:,}.")

    def _collation(self, part: Any) -> None:
        if _texts(part.collname) != ["C"]:
            raise QueryRefused('The only collation that may be named is "C".')

    def _value_function(self, part: Any) -> None:
        if part.op in _SESSION_VALUES:
            raise QueryRefused("What the session is called cannot be read.")

    def _parameter(self, part: Any) -> None:
        if not 1 <= part.number <= len(self._values):
            raise QueryRefused(f"There is no parameter ${part.number}.")

    # -- what is computed ---------------------------------------------------------------------------------------

    def _constant(self, part: Any) -> None:
        text = getattr(part.val, "fval", None) or getattr(part.val, "sval", None)
        if text is not None and is_huge_number(text):
            raise QueryRefused("A number in the SQL has far too many digits.")

    def _operation(self, part: Any) -> None:
        kind = part.kind.name
        if kind not in {"AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_OP_ALL"}:
            return
        operator = self._operator(part.name)
        if operator in ARITHMETIC:
            self._count["arithmetic"] += 1
            if self._count["arithmetic"] > MAX_ARITHMETIC:
                raise QueryRefused(f"The query multiplies and divides more than {MAX_ARITHMETIC} times.")
        if operator == "^":
            check_exponent("The operator ^", self._known(part.rexpr))
        if operator in PATTERNS:
            check_pattern(f"The operator {operator}", self._known(part.rexpr))
        if self._recursive and operator in {"*", "||", "^"}:
            constants = [self._known(side) is not NOT_CONSTANT for side in (part.lexpr, part.rexpr)]
            if not any(constants) or operator == "^":
                raise QueryRefused(
                    f"In a recursive query one side of {operator} must be a number or text in the SQL.",
                    hint="What grows with itself would soon fill the memory.",
                )

    def _operator(self, name: Sequence[Any]) -> str:
        texts = _texts(name)
        if len(texts) != 1 or texts[0] not in OPERATORS:
            raise QueryRefused(f"The operator {'.'.join(texts)!a} is not allowed in a query.")
        return texts[0]

    def _sublink(self, part: Any) -> None:
        if part.operName is not None:
            self._operator(part.operName)

    def _call(self, call: Any) -> None:
        names = _texts(call.funcname)
        name = names[-1]
        if len(names) > 2 or (len(names) == 2 and names[0] != "pg_catalog") or name not in FUNCTIONS:
            raise QueryRefused(
                f"The function {'.'.join(names)!a} is not allowed in a query.",
                hint="docs/database.md lists those that are.",
            )
        if self._recursive and name not in IN_RECURSION:
            raise QueryRefused(f"{name}() is not allowed in a query that is part of WITH RECURSIVE.")
        self._count["heavy"] += name in HEAVY
        if self._count["heavy"] > MAX_HEAVY:
            raise QueryRefused(f"The query calls {', '.join(sorted(HEAVY))} more than {MAX_HEAVY} times.")
        self._count[f"{name}()"] += 1
        if self._count[f"{name}()"] > MOST.get(name, MAX_PARTS):
            raise QueryRefused(f"The query calls {name}() more than {MOST[name]} times.")
        check = FUNCTIONS[name]
        if check is not None:
            if call.func_variadic or any(isinstance(argument, ast.NamedArgExpr) for argument in call.args or ()):
                raise QueryRefused(f"{name}() takes its arguments one by one and without names.")
            check(name, call.args or (), self._known)

    def _grouping(self, part: Any) -> None:
        self._count["groupings"] += 1
        wide = part.kind.name == "GROUPING_SET_CUBE" and len(part.content) > MAX_CUBE
        if wide or self._count["groupings"] > 6 or len(part.content or ()) > 12:
            raise QueryRefused("The query groups in too many ways at once.")

    def _known(self, part: Any) -> Any:
        """The value of a constant or parameter, a cast of one, or its negative; else `NOT_CONSTANT`."""
        if isinstance(part, ast.TypeCast):
            return self._known(part.arg)
        kind = type(part).__name__
        if kind == "A_Const" and part.val is not None:
            value = part.val
            return number(str(value.fval)) if isinstance(value, ast.Float) else getattr(value, next(iter(value)))
        if kind == "ParamRef" and 1 <= part.number <= len(self._values):
            return self._values[part.number - 1]
        if isinstance(part, ast.A_Expr) and part.lexpr is None and _texts(part.name) == ["-"]:
            value = self._known(part.rexpr)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return -value
        return NOT_CONSTANT


def _texts(names: Any) -> list[str]:
    return [str(name.sval) if isinstance(name, ast.String) else "?" for name in names or ()]


def _natural_name(part: Any) -> str:
    """What PostgreSQL calls a column that was given no name."""
    kind = type(part).__name__
    if kind == "ColumnRef":
        return _texts(part.fields)[-1]
    if kind == "TypeCast":
        return _natural_name(part.arg) or _texts(part.typeName.names)[-1]
    return {"CaseExpr": "case", "CoalesceExpr": "coalesce", "A_ArrayExpr": "array", "RowExpr": "row"}.get(kind, "")


def _is_node(part: Any) -> bool:
    return isinstance(part, ast.Node)
