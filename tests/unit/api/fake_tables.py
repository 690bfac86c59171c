"""A tenant's tables that are there; what SQL gives is scripted. How they are read is tested on PostgreSQL."""

from tradeloom.api.models.tables import QueryResult, RunQuery, Table, TableColumn, TableList


class FakeTables:
    def __init__(self) -> None:
        self.asked: list[tuple[str, RunQuery]] = []
        self.answer: QueryResult | Exception = QueryResult(
            columns=["symbol", "n"], rows=[{"symbol": "EURUSD", "n": 3}], truncated=False, duration_ms=1.25
        )

    def listing(self, tenant: str) -> TableList:
        if tenant != "acme":
            return TableList(items=[])
        columns = [
            TableColumn(name="id", type="bigint", own=False),
            TableColumn(name="symbol", type="text", own=True),
        ]
        return TableList(items=[Table(name="signals", columns=columns, rows=3, counted_to=10_000, bytes=32_768)])

    def query(self, tenant: str, wanted: RunQuery) -> QueryResult:
        self.asked.append((tenant, wanted))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
