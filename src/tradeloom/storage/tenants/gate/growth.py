"""How much larger than its text a query becomes.

The planner puts the expressions of a subquery in place of the columns that name them. Twenty levels of
`SELECT a + a AS a` are a million additions, and PostgreSQL does not look at its watch while it copies them: 22 levels
overran a time-out of two seconds by 23 (measured on 18.4). So what would come out is counted beforehand.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pglast import ast

from tradeloom.errors import QueryRefused

MAX_GROWTH: Final = 20_000
_WHOLE_ROW: Final = 20
"""A row as one value stands for so many columns."""


def check_growth(query: Any) -> None:
    """Raises `QueryRefused` for a query whose expressions multiply beyond the limit."""
    _Growth(_row_names(query)).of(query, {}, 1)


class _Growth:
    """`rows` are the names that stand for a whole row of something."""

    def __init__(self, rows: frozenset[str]) -> None:
        self._rows = rows
        self._total = 0

    def of(self, query: Any, known: Mapping[str, int], outer: int) -> int:
        """How many column references one column of the query may stand for, each counted as deep as it goes.

        `known` are the factors of common table expressions in sight, `outer` that of what lies around the query.
        """
        known = dict(known)
        if query.withClause is not None:
            for cte in query.withClause.ctes:
                known[cte.ctename] = 1
                known[cte.ctename] = self.of(cte.ctequery, known, outer)
        if query.larg is not None:
            return max(self.of(query.larg, known, outer), self.of(query.rarg, known, outer))
        base = max([outer, *(self._source(source, known, outer) for source in query.fromClause or ())])
        columns = [self._expression(target, known, base) for target in query.targetList or ()]
        for name in ("valuesLists", "whereClause", "groupClause", "havingClause", "windowClause", "sortClause"):
            self._expression(getattr(query, name), known, base)
        for name in ("distinctClause", "limitCount", "limitOffset", "fromClause"):
            self._expression(getattr(query, name), known, base)
        return max([1, *columns])

    def _source(self, source: Any, known: Mapping[str, int], outer: int) -> int:
        kind = type(source).__name__
        if kind == "JoinExpr":
            sides = self._source(source.larg, known, outer), self._source(source.rarg, known, outer)
            # Columns joined by name stand for one of each side.
            return max(sides) * (2 if source.usingClause or source.isNatural else 1)
        if kind == "RangeSubselect":
            return self.of(source.subquery, known, outer)
        return known.get(source.relname, 1) if kind == "RangeVar" else 1

    def _expression(self, node: Any, known: Mapping[str, int], base: int) -> int:
        weight = 0
        for part in _parts(node):
            kind = type(part).__name__
            if kind == "ColumnRef":
                weight += base * (_WHOLE_ROW if self._is_row(part) else 1)
            elif kind == "SubLink":
                weight += self.of(part.subselect, known, base)
            if weight > MAX_GROWTH:
                break
        self._total += weight
        if self._total > MAX_GROWTH:
            raise QueryRefused(
                "Columns of the inner queries are used so often further out that the query would become too large.",
                hint="Nest fewer queries, or use each of their columns fewer times.",
            )
        return weight

    def _is_row(self, reference: Any) -> bool:
        last = reference.fields[-1]
        if type(last).__name__ == "A_Star":
            return len(reference.fields) > 1
        return last.sval in self._rows


def _row_names(query: Any) -> frozenset[str]:
    """Names of tables and aliases: used as a value, one is the whole row."""
    found = set()
    for part in _parts(query, into_queries=True):
        kind = type(part).__name__
        if kind == "Alias":
            found.add(part.aliasname)
        elif kind == "RangeVar":
            found.add(part.relname)
    return frozenset(found)


def _parts(node: Any, *, into_queries: bool = False) -> Iterator[Any]:
    """The node and what it is made of; a query inside it is looked into only when asked."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting.extend(current)
        elif isinstance(current, ast.Node):
            yield current
            waiting += [
                getattr(current, name) for name in current if into_queries or name not in {"subselect", "subquery"}
            ]
