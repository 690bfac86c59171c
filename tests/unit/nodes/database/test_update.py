from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.fake_database import FakeDatabase
from tests.support.node_context import FakeContext
from tradeloom.errors import ExecutionStopped, InvalidInput, NotFound, RowRefused
from tradeloom.nodes.base import Effect
from tradeloom.nodes.database.update import Update, UpdateConfig, UpdateOutput
from tradeloom.nodes.tenant_database import Write


@pytest.fixture
def database() -> FakeDatabase:
    made = FakeDatabase()
    made.save("trades", {"status": "open", "profit": 0.0}, Write("e", "earlier", "save"))
    return made


def update(context: FakeContext, **config: Any) -> UpdateOutput:
    values = {"table": "trades", "id": 1, "data": {"status": "closed"}, **config}
    return Update().run(UpdateConfig.model_validate(values), context)


def test_sets_what_is_given_and_leaves_the_rest(database: FakeDatabase) -> None:
    context = FakeContext(database=database)
    assert update(context, data={"status": "closed", "reason": "stop"}) == UpdateOutput(ok=True, id=1)
    row = database.tables["trades"].rows[1]
    assert (row["status"], row["profit"], row["reason"]) == ("closed", 0.0, "stop")
    assert row["updated_at"] is not None
    assert context.acted == 1
    assert "reason" in context.logs[0]["message"]


def test_a_retry_changes_once(database: FakeDatabase) -> None:
    update(FakeContext(database=database, iteration=(0,)), data={"status": "closed"})
    update(FakeContext(database=database, iteration=(1,)), data={"status": "reopened"})
    update(FakeContext(database=database, iteration=(0,)), data={"status": "closed"})
    assert database.tables["trades"].rows[1]["status"] == "reopened"


def test_leaves_nothing_in_test_mode(database: FakeDatabase) -> None:
    assert update(FakeContext(database=database, test_mode=True)).ok
    assert database.tables["trades"].rows[1]["status"] == "open"


def test_a_stopped_execution_changes_nothing(database: FakeDatabase) -> None:
    with pytest.raises(ExecutionStopped):
        update(FakeContext(database=database, stopped=True))
    assert database.tables["trades"].rows[1]["status"] == "open"


@pytest.mark.parametrize(
    ("config", "error", "field"),
    [
        ({"id": 2}, NotFound, "config.id"),
        ({"table": "nothing"}, NotFound, "config.table"),
        ({"data": {}}, InvalidInput, "config.data"),
        ({"data": {"id": 7}}, InvalidInput, "config.data.id"),
        ({"data": {"profit": "much"}}, RowRefused, "config.data.profit"),
    ],
)
def test_refuses(config: dict[str, Any], error: type[Exception], field: str, database: FakeDatabase) -> None:
    with pytest.raises(error) as refused:
        update(FakeContext(database=database), **config)
    assert getattr(refused.value, "field", None) == field


@pytest.mark.parametrize("row_id", [0, -1, 1.5, "one", None, True, 2**63, float("nan")])
def test_ids_that_cannot_be(row_id: Any) -> None:
    with pytest.raises(ValidationError):
        UpdateConfig.model_validate({"table": "trades", "id": row_id, "data": {"a": 1}})


def test_writes() -> None:
    assert Update.effects == {Effect.WRITES}
