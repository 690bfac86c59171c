"""What every tenant's database promises, the real one and the one nodes are tested on."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.fake_database import FakeDatabase
from tradeloom.errors import InvalidInput, NotFound, QueryRefused, RowRefused
from tradeloom.nodes.tenant_database import (
    MAX_COLUMNS,
    MAX_ROW_BYTES,
    RESERVED_COLUMNS,
    Filter,
    Limits,
    Order,
    TenantDatabase,
    Write,
)
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.tenants.database import PostgresTenantDatabase
from tradeloom.storage.tenants.provisioning import TenantAccess

LIMITS = Limits()
Open = Callable[[], TenantDatabase]


@pytest.fixture(params=["memory", "postgres"])
def open_database(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the same tenant's tables again each time it is called, as another worker does."""
    if request.param == "memory":
        database = FakeDatabase()
        yield lambda: database
        return
    dsn: str = request.getfixturevalue("postgres_dsn")
    opened: list[PostgresTenantDatabase] = []

    async def ask(renew: bool) -> dict[str, str]:
        database = Database(dsn, pool_size=1)
        await database.open()
        try:
            return await TenantAccess(database, own_server=True).access("contract", renew=renew)
        finally:
            await database.close()

    def postgres() -> TenantDatabase:
        opened.append(PostgresTenantDatabase(lambda renew: asyncio.run(ask(renew))))
        return opened[-1]

    yield postgres
    for each in opened:
        each.close()


@pytest.fixture
def database(open_database: Open) -> TenantDatabase:
    return open_database()


def write(effect: str, *, keep: bool = True) -> Write:
    return Write(effect=effect, execution_id="exec-1", node_id="save", keep=keep)


def saved(database: TenantDatabase, *rows: dict[str, Any], table: str = "t") -> list[int]:
    return [database.save(table, row, write(f"seed-{n}")).id for n, row in enumerate(rows)]


def values(database: TenantDatabase, column: str, table: str = "t", **asked: Any) -> list[Any]:
    return [row[column] for row in database.select(table, LIMITS, **asked).rows]


class TestSave:
    def test_makes_table_and_columns_and_signs_the_row(self, database: TenantDatabase) -> None:
        row = {"a": 1, "b": 2.5, "c": "x", "d": True, "e": "2026-01-05T09:00:00Z", "f": {"g": [1, None]}, "h": None}
        made = database.save("t", row, write("e"))
        assert (made.created, made.repeated, list(made.new_columns)) == (True, False, ["a", "b", "c", "d", "e", "f"])
        found = database.select("t", LIMITS)
        assert found.columns == [*RESERVED_COLUMNS, "a", "b", "c", "d", "e", "f"]
        (kept,) = found.rows
        assert {name: kept[name] for name in "abcdef"} == {name: row[name] for name in "abcdef"}
        assert (kept["id"], kept["execution_id"], kept["node_id"], kept["updated_at"]) == (
            made.id,
            "exec-1",
            "save",
            None,
        )
        assert kept["created_at"].endswith("Z")

    def test_once_an_effect(self, open_database: Open) -> None:
        first = open_database().save("t", {"a": 1}, write("same"))
        again = open_database().save("t", {"a": 2}, write("same"))
        assert (again.id, again.repeated) == (first.id, True)
        assert values(open_database(), "a") == [1]

    def test_once_an_effect_when_ten_call_at_once(self, open_database: Open) -> None:
        workers = [open_database() for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            done = list(pool.map(lambda worker: worker.save("t", {"a": 1, "b": "x"}, write("same")), workers))
        assert len({each.id for each in done}) == 1
        assert sum(not each.repeated for each in done) == 1
        assert values(workers[0], "a") == [1]

    def test_ten_effects_at_once_make_ten_rows_and_their_columns(self, open_database: Open) -> None:
        workers = [open_database() for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            done = list(pool.map(lambda n: workers[n].save("t", {"n": n, f"only_{n}": n}, write(f"e-{n}")), range(10)))
        assert len({each.id for each in done}) == 10
        rows = workers[0].select("t", LIMITS).rows
        assert sorted(row["n"] for row in rows) == list(range(10))
        assert all(row[f"only_{row['n']}"] == row["n"] for row in rows)

    def test_evolves(self, database: TenantDatabase) -> None:
        saved(database, {"a": 1}, {"b": "new"}, {"a": 3, "c": None})
        assert values(database, "a") == [1, None, 3]
        assert values(database, "b") == [None, "new", None]

    def test_widens_whole_numbers_and_nothing_else(self, database: TenantDatabase) -> None:
        saved(database, {"a": 1}, {"a": 2.5}, {"a": 3})
        assert values(database, "a") == [1, 2.5, 3]
        database.save("u", {"a": 2**60}, write("large"))

    @pytest.mark.parametrize(
        ("first", "then"),
        [
            (1, "x"),
            (1, True),
            (1, {"x": 1}),
            (1, 2**70),
            (1.5, "x"),
            (1.5, 2**60),
            ("x", 1),
            ("x", False),
            ("x", ["y"]),
            (True, 1),
            (True, "true"),
            ("2026-01-05T09:00:00Z", "tomorrow"),
            ("2026-01-05T09:00:00Z", 5),
            (2**70, 2.5),
            (2**70, 10**31),
        ],
    )
    def test_a_value_of_another_type_names_its_column(self, first: Any, then: Any, database: TenantDatabase) -> None:
        saved(database, {"col": first})
        with pytest.raises(RowRefused, match="'col'") as refused:
            database.save("t", {"col": then}, write("then"))
        assert refused.value.field == "config.object.col"
        assert values(database, "col") == [first]

    @pytest.mark.parametrize(
        ("first", "then"),
        [(1, 2.0), (1.5, 2), ("x", "2026-01-05T09:00:00Z"), ({"a": 1}, "text"), ({"a": 1}, 5), (2**70, 3), (1, None)],
    )
    def test_a_value_that_fits_is_kept(self, first: Any, then: Any, database: TenantDatabase) -> None:
        saved(database, {"col": first}, {"col": then})
        assert values(database, "col") == [first, then]

    @pytest.mark.parametrize(
        "name", ["", "A", "a b", "a-b", "1a", "_a", "é", "a" * 49, "pg_a", "a;b", 'a"b', "a.b", "xmin"]
    )
    def test_names_that_cannot_be(self, name: str, database: TenantDatabase) -> None:
        with pytest.raises(InvalidInput):
            database.save(name, {"a": 1}, write("e"))
        with pytest.raises(InvalidInput):
            database.save("t", {name: 1}, write("e"))

    @pytest.mark.parametrize("name", RESERVED_COLUMNS)
    def test_reserved_columns(self, name: str, database: TenantDatabase) -> None:
        with pytest.raises(InvalidInput, match=name):
            database.save("t", {name: 1}, write("e"))

    @pytest.mark.parametrize("name", ["select", "order", "user", "table", "time", "left", "desc", "null"])
    def test_words_of_sql_are_names_like_others(self, name: str, database: TenantDatabase) -> None:
        database.save(name, {name: 1}, write("e"))
        assert values(database, name, table=name, order=[Order(name)]) == [1]

    @pytest.mark.parametrize(
        "values",
        [
            {"a": float("nan")},
            {"a": float("inf")},
            {"a": {"b": [float("-inf")]}},
            {"a": "nul \x00"},
            {"a": {"b": "nul \x00"}},
            {"a": "half \ud800"},
            {"a": 10**31},
            {"a": "x" * (MAX_ROW_BYTES + 1)},
            {"a": object()},
            {f"c{n}": n for n in range(MAX_COLUMNS + 1)},
        ],
    )
    def test_objects_no_row_can_hold(self, values: dict[str, Any], database: TenantDatabase) -> None:
        with pytest.raises(RowRefused):
            database.save("t", values, write("e"))
        with pytest.raises(InvalidInput):
            database.save("t", {}, write("e"))

    def test_odd_texts_come_back_as_they_were(self, database: TenantDatabase) -> None:
        texts = [
            "",
            "'; DROP TABLE t; --",
            "\\",
            "%s :x $1",
            "naïve ½ 株 🚀",
            "\u202e\u0000".strip("\x00"),
            "line\nline",
        ]
        saved(database, *[{"a": text} for text in texts])
        assert values(database, "a") == texts

    def test_nothing_stays_that_is_not_kept(self, database: TenantDatabase) -> None:
        saved(database, {"a": 1})
        assert database.save("t", {"a": 2, "b": 1}, write("test", keep=False)).created
        assert database.save("u", {"a": 2}, write("test", keep=False)).created
        assert database.select("t", LIMITS).columns == [*RESERVED_COLUMNS, "a"]
        with pytest.raises(NotFound):
            database.select("u", LIMITS)
        assert not database.save("t", {"a": 3}, write("test")).repeated
        with pytest.raises(RowRefused):
            database.save("t", {"a": "x"}, write("test-2", keep=False))


class TestKey:
    def test_overwrites_the_row_of_the_same_key(self, database: TenantDatabase) -> None:
        first = database.save("t", {"ticket": 7, "profit": 1.0, "note": "open"}, write("a"), key="ticket")
        second = database.save("t", {"ticket": 8, "profit": 2.0}, write("b"), key="ticket")
        over = database.save("t", {"ticket": 7, "profit": 3.0}, write("c"), key="ticket")
        assert (first.created, second.created, over.created, over.id) == (True, True, False, first.id)
        assert values(database, "profit") == [3.0, 2.0]
        assert values(database, "note") == ["open", None]
        assert values(database, "updated_at")[0] is not None

    def test_without_a_value_is_refused(self, database: TenantDatabase) -> None:
        for row in ({"a": 1}, {"ticket": None, "a": 1}):
            with pytest.raises(InvalidInput, match="ticket"):
                database.save("t", row, write("e"), key="ticket")

    def test_a_retry_does_not_overwrite_what_came_after(self, database: TenantDatabase) -> None:
        database.save("t", {"k": "x", "v": 1}, write("a"), key="k")
        database.save("t", {"k": "x", "v": 2}, write("b"), key="k")
        assert database.save("t", {"k": "x", "v": 1}, write("a"), key="k").repeated
        assert values(database, "v") == [2]

    def test_ten_at_once_make_one_row(self, open_database: Open) -> None:
        workers = [open_database() for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            ids = list(
                pool.map(lambda n: workers[n].save("t", {"k": "x", "v": n}, write(f"e{n}"), key="k").id, range(10))
            )
        assert len(set(ids)) == 1
        assert len(values(workers[0], "v")) == 1

    def test_a_second_row_of_the_key_is_refused_without_it(self, database: TenantDatabase) -> None:
        database.save("t", {"k": "x"}, write("a"), key="k")
        with pytest.raises(RowRefused, match="same key"):
            database.save("t", {"k": "x"}, write("b"))


class TestUpdate:
    def test_sets_what_is_given(self, database: TenantDatabase) -> None:
        first, second = saved(database, {"a": 1, "b": "x"}, {"a": 2, "b": "y"})
        done = database.update("t", second, {"b": None, "c": 5}, write("u"))
        assert (done.id, done.created, list(done.new_columns)) == (second, False, ["c"])
        assert values(database, "b") == ["x", None]
        assert values(database, "c") == [None, 5]
        assert [at is None for at in values(database, "updated_at")] == [True, False]
        assert first != second

    def test_once_an_effect(self, database: TenantDatabase) -> None:
        (row,) = saved(database, {"a": 1})
        database.update("t", row, {"a": 2}, write("u"))
        database.update("t", row, {"a": 3}, write("v"))
        assert database.update("t", row, {"a": 2}, write("u")).repeated
        assert values(database, "a") == [3]

    def test_a_row_or_table_that_is_not_there(self, database: TenantDatabase) -> None:
        saved(database, {"a": 1})
        with pytest.raises(NotFound, match="999") as missing:
            database.update("t", 999, {"a": 2, "b": 1}, write("u"))
        assert missing.value.field == "config.id"
        with pytest.raises(NotFound) as unknown:
            database.update("nothing", 1, {"a": 2}, write("u"))
        assert unknown.value.field == "config.table"
        assert database.select("t", LIMITS).columns == [*RESERVED_COLUMNS, "a"]

    def test_a_failed_one_may_come_again(self, database: TenantDatabase) -> None:
        with pytest.raises(NotFound):
            database.update("t", 1, {"a": 2}, write("u"))
        saved(database, {"a": 1})
        assert not database.update("t", 1, {"a": 2}, write("u")).repeated

    def test_a_value_that_does_not_fit(self, database: TenantDatabase) -> None:
        (row,) = saved(database, {"a": 1})
        with pytest.raises(RowRefused) as refused:
            database.update("t", row, {"a": "x"}, write("u"))
        assert refused.value.field == "config.data.a"

    def test_nothing_stays_that_is_not_kept(self, database: TenantDatabase) -> None:
        (row,) = saved(database, {"a": 1})
        database.update("t", row, {"a": 2}, write("u", keep=False))
        assert values(database, "a") == [1]


class TestSelect:
    ROWS = (
        {"s": "EURUSD", "n": 3, "x": 1.5, "at": "2026-01-05T09:00:00Z", "ok": True},
        {"s": "XAUUSD", "n": 1, "x": None, "at": "2026-01-06T09:00:00Z", "ok": False},
        {"s": "EURJPY", "n": 2, "x": -2.5, "at": "2026-01-07T09:00:00Z", "ok": True},
        {"s": "it's 100%", "n": 2, "x": 0.0, "at": "2026-01-08T09:00:00+02:00", "ok": None},
    )

    @pytest.mark.parametrize(
        ("filters", "wanted"),
        [
            ([], [3, 1, 2, 2]),
            ([Filter("s", "=", "EURUSD")], [3]),
            ([Filter("s", "!=", "EURUSD")], [1, 2, 2]),
            ([Filter("x", "!=", 1.5)], [1, 2, 2]),
            ([Filter("n", "<", 2)], [1]),
            ([Filter("n", "<=", 2)], [1, 2, 2]),
            ([Filter("n", ">", 2)], [3]),
            ([Filter("n", ">=", 2)], [3, 2, 2]),
            ([Filter("x", "<", 1)], [2, 2]),
            ([Filter("s", "in", ["EURUSD", "XAUUSD", "none"])], [3, 1]),
            ([Filter("n", "in", [1, 3])], [3, 1]),
            ([Filter("n", "in", [])], []),
            ([Filter("s", "contains", "USD")], [3, 1]),
            ([Filter("s", "contains", "%")], [2]),
            ([Filter("s", "starts_with", "EUR")], [3, 2]),
            ([Filter("x", "is_null", True)], [1]),
            ([Filter("x", "is_null", False)], [3, 2, 2]),
            ([Filter("ok", "=", True)], [3, 2]),
            ([Filter("at", ">", "2026-01-06T10:00:00+01:00")], [2, 2]),
            ([Filter("at", "<=", "2026-01-08T07:00:00Z"), Filter("n", "=", 2)], [2, 2]),
            ([Filter("s", "=", "' OR 1=1 --")], []),
        ],
    )
    def test_filters(self, filters: list[Filter], wanted: list[int], database: TenantDatabase) -> None:
        saved(database, *self.ROWS)
        assert values(database, "n", filters=filters) == wanted

    @pytest.mark.parametrize(
        ("order", "wanted"),
        [
            ([Order("n")], ["XAUUSD", "EURJPY", "it's 100%", "EURUSD"]),
            ([Order("n", descending=True)], ["EURUSD", "EURJPY", "it's 100%", "XAUUSD"]),
            ([Order("x")], ["EURJPY", "it's 100%", "EURUSD", "XAUUSD"]),
            ([Order("x", descending=True)], ["EURUSD", "it's 100%", "EURJPY", "XAUUSD"]),
            ([Order("n"), Order("at", descending=True)], ["XAUUSD", "it's 100%", "EURJPY", "EURUSD"]),
        ],
    )
    def test_order(self, order: list[Order], wanted: list[str], database: TenantDatabase) -> None:
        saved(database, *self.ROWS)
        assert values(database, "s", order=order) == wanted

    def test_limit_columns_and_what_is_cut(self, database: TenantDatabase) -> None:
        saved(database, *self.ROWS)
        found = database.select("t", Limits(rows=2), columns=["n", "s"])
        assert found.rows == [{"n": 3, "s": "EURUSD"}, {"n": 1, "s": "XAUUSD"}]
        assert (found.columns, found.truncated) == (["n", "s"], True)
        assert not database.select("t", Limits(rows=4)).truncated

    def test_bars_come_as_they_were_saved(self, database: TenantDatabase) -> None:
        """What market.history reads: the latest bars of a symbol, oldest first once turned round."""
        bars = [
            {"symbol": "EURUSD", "time": f"2026-01-{day:02}T00:00:00Z", "open": 1.1, "high": 1.2, "low": 1.0,
             "close": 1.15, "volume": day}
            for day in range(1, 11)
        ]  # fmt: skip
        saved(database, *bars)
        columns = ["time", "open", "high", "low", "close", "volume"]
        found = database.select(
            "t",
            Limits(rows=3),
            columns=columns,
            filters=[Filter("symbol", "=", "EURUSD"), Filter("time", "<=", "2026-01-09T12:00:00Z")],
            order=[Order("time", descending=True)],
        )
        assert found.rows == [{name: bar[name] for name in columns} for bar in reversed(bars[6:9])]

    @pytest.mark.parametrize(
        "asked",
        [
            {"columns": ["nothing"]},
            {"filters": [Filter("nothing", "=", 1)]},
            {"order": [Order("nothing")]},
            {"columns": ["s; DROP TABLE t"]},
            {"columns": ["xmin"]},
            {"order": [Order('s" DESC; --')]},
        ],
    )
    def test_unknown_columns(self, asked: dict[str, Any], database: TenantDatabase) -> None:
        saved(database, *self.ROWS)
        with pytest.raises(NotFound) as missing:
            database.select("t", LIMITS, **asked)
        assert str(missing.value.field).startswith(f"config.{next(iter(asked))}.0")

    @pytest.mark.parametrize("table", ["nothing", "pg_class", "_effects", "executions", 't"; --', ""])
    def test_unknown_tables(self, table: str, database: TenantDatabase) -> None:
        with pytest.raises(NotFound) as missing:
            database.select(table, LIMITS)
        assert missing.value.field == "config.table"

    @pytest.mark.parametrize(
        "asked",
        [
            Filter("n", "=", None),
            Filter("n", "is_null", "yes"),
            Filter("n", "in", 5),
            Filter("n", "contains", "1"),
            Filter("x", "starts_with", "1"),
            Filter("x", "=", float("nan")),
        ],
    )
    def test_values_a_filter_cannot_take(self, asked: Filter, database: TenantDatabase) -> None:
        saved(database, *self.ROWS)
        with pytest.raises((InvalidInput, QueryRefused)):
            database.select("t", LIMITS, filters=[asked])
