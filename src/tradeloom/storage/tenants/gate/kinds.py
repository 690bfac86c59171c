"""The kinds of syntax a tenant's SQL may be made of."""

from collections.abc import Mapping
from typing import Any, Final

_SYNTAX: Final[Mapping[str, str]] = {
    "SelectStmt": "distinctClause targetList fromClause whereClause groupClause groupDistinct havingClause windowClause"
    " valuesLists sortClause limitOffset limitCount limitOption withClause op all larg rarg",
    "ResTarget": "name val",
    "ColumnRef": "fields",
    "A_Star": "",
    "A_Const": "isnull val",
    "Integer": "ival",
    "Float": "fval",
    "Boolean": "boolval",
    "String": "sval",
    "A_Expr": "kind name lexpr rexpr rexpr_list_start rexpr_list_end",
    "BoolExpr": "boolop args",
    "NullTest": "arg nulltesttype argisrow",
    "BooleanTest": "arg booltesttype",
    "CaseExpr": "arg args defresult",
    "CaseWhen": "expr result",
    "CoalesceExpr": "args",
    "MinMaxExpr": "op args",
    "TypeCast": "arg typeName",
    "TypeName": "names typmods typemod arrayBounds",
    "FuncCall": "funcname args agg_order agg_filter over agg_within_group agg_star agg_distinct func_variadic"
    " funcformat",
    "NamedArgExpr": "name arg argnumber",
    "WindowDef": "name refname partitionClause orderClause frameOptions startOffset endOffset",
    "SortBy": "node sortby_dir sortby_nulls",
    "SubLink": "subLinkType testexpr operName subselect",
    "RangeVar": "relname inh relpersistence alias",
    "Alias": "aliasname colnames",
    "JoinExpr": "jointype isNatural larg rarg usingClause join_using_alias quals alias",
    "RangeSubselect": "lateral subquery alias",
    "RangeFunction": "lateral ordinality functions alias coldeflist",
    "ColumnDef": "colname typeName is_local storage identity generated",
    "WithClause": "ctes recursive",
    "CommonTableExpr": "ctename aliascolnames ctematerialized ctequery",
    "A_ArrayExpr": "elements list_start list_end",
    "A_Indirection": "arg indirection",
    "A_Indices": "is_slice lidx uidx",
    "RowExpr": "args row_format",
    "GroupingSet": "kind content",
    "GroupingFunc": "args",
    "SQLValueFunction": "op typmod",
    "ParamRef": "number",
    "CollateClause": "arg collname",
}
"""The kinds of syntax that are let through, and of each the parts that may be there."""

ALLOWED: Final = {kind: frozenset(parts.split()) for kind, parts in _SYNTAX.items()}
WHEREVER: Final = frozenset({"location"})
_UNSET: Final = (None, False, 0, "", " ", "\0", ())


def unset(name: str, value: Any) -> bool:
    return value in _UNSET or (name in {"inhcount", "rtindex", "subLinkId", "cterefcount"})


_SAID: Final = {
    "catalogname": "A database in front of a table's name",
    "schemaname": "A schema in front of a table's name",
    "intoClause": "SELECT INTO",
    "lockingClause": "FOR UPDATE or FOR SHARE",
    "RangeTableSample": "TABLESAMPLE",
    "RangeTableFunc": "XMLTABLE",
    "JsonTable": "JSON_TABLE",
    "XmlExpr": "XML",
    "is_rowsfrom": "ROWS FROM",
    "indirection": "A part of a column's name",
    "search_clause": "SEARCH",
    "cycle_clause": "CYCLE",
    "useOp": "ORDER BY USING",
    "SetToDefault": "DEFAULT",
    "setof": "SETOF",
    "pct_type": "%TYPE",
    "BitString": "A bit string",
}


def said(name: str) -> str:
    """How a kind of syntax, or a part of one, is called in a sentence."""
    return _SAID.get(name, name.removesuffix("Stmt"))
