from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.fake_database import FakeDatabase
from tests.support.node_context import FakeContext
from tradeloom.errors import ExecutionStopped, InvalidInput, RowRefused, StorageUnavailable
from tradeloom.nodes.base import Effect
from tradeloom.nodes.database.save import Save, SaveConfig, SaveOutput


def save(context: FakeContext, **config: Any) -> SaveOutput:
    return Save().run(SaveConfig.model_validate({"table": "trades", "object": {"a": 1}, **config}), context)


def test_keeps_the_object_signed_by_its_place() -> None:
    context = FakeContext(database=FakeDatabase())
    output = save(context, object={"symbol": "EURUSD", "profit": -1.5, "note": None})
    assert output == SaveOutput(ok=True, id=1, created=True)
    row = context.database.tables["trades"].rows[1]
    assert (row["symbol"], row["profit"], row["execution_id"], row["node_id"]) == ("EURUSD", -1.5, "exec-1", "node")
    assert context.acted == 1
    assert "symbol, profit" in context.logs[0]["message"]


def test_a_retry_saves_once_and_answers_the_same_id() -> None:
    context = FakeContext(database=FakeDatabase())
    assert save(context) == save(context)
    assert len(context.database.tables["trades"].rows) == 1


def test_each_iteration_saves_a_row_of_its_own() -> None:
    database = FakeDatabase()
    ids = [save(FakeContext(database=database, iteration=(n,))).id for n in range(3)]
    assert ids == [1, 2, 3]


def test_overwrites_by_key() -> None:
    database = FakeDatabase()
    first = save(FakeContext(database=database, iteration=(0,)), object={"ticket": 5, "v": 1}, key="ticket")
    second = save(FakeContext(database=database, iteration=(1,)), object={"ticket": 5, "v": 2}, key="ticket")
    assert (first.created, second.created, second.id) == (True, False, first.id)
    assert database.tables["trades"].rows[1]["v"] == 2


def test_leaves_nothing_in_test_mode_and_still_finds_errors() -> None:
    context = FakeContext(database=FakeDatabase(), test_mode=True)
    assert save(context).ok
    assert context.database.tables == {}
    assert "taken back" in context.logs[-1]["message"]
    with pytest.raises(InvalidInput):
        save(context, object={"id": 5})


def test_a_stopped_execution_writes_nothing() -> None:
    context = FakeContext(database=FakeDatabase(), stopped=True)
    with pytest.raises(ExecutionStopped):
        save(context)
    assert context.database.tables == {}


@pytest.mark.parametrize(
    ("config", "error", "field"),
    [
        ({"object": {}}, InvalidInput, "config.object"),
        ({"object": {"Not a name": 1}}, InvalidInput, "config.object.Not a name"),
        ({"object": {"created_at": 1}}, InvalidInput, "config.object.created_at"),
        ({"object": {"a": "x"}}, RowRefused, "config.object.a"),
        ({"object": {"a": float("nan")}}, RowRefused, "config.object"),
        ({"object": {"b": 1}, "key": "a"}, InvalidInput, "config.key"),
    ],
)
def test_refuses(config: dict[str, Any], error: type[Exception], field: str) -> None:
    database = FakeDatabase()
    save(FakeContext(database=database, iteration=(0,)))
    with pytest.raises(error) as refused:
        save(FakeContext(database=database, iteration=(1,)), **config)
    assert getattr(refused.value, "field", None) == field
    assert len(database.tables["trades"].rows) == 1


def test_a_database_that_is_down_is_told_as_such() -> None:
    with pytest.raises(StorageUnavailable):
        save(FakeContext(database=FakeDatabase(down=True)))


@pytest.mark.parametrize(
    "config",
    [
        {"table": ""},
        {"table": "A"},
        {"table": "a.b"},
        {"table": 'a"; DROP TABLE b; --'},
        {"table": "x" * 49},
        {"table": None},
        {"table": True},
        {"object": None},
        {"object": []},
        {"object": "x"},
        {"key": ""},
        {"key": 5},
        {"nobody": 1},
    ],
)
def test_configurations_that_cannot_be(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SaveConfig.model_validate({"table": "trades", "object": {"a": 1}, **config})


def test_writes() -> None:
    assert Save.effects == {Effect.WRITES}
