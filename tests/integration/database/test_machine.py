"""The database nodes inside workflows on a whole machine: worker, engine and a role of the tenant's own."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.workflows.drawing import chain, run
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database

SAVE = {
    "id": "save",
    "type": "database.save",
    "config": {"table": "signals", "object": {"symbol": "EURUSD", "rsi": 28}},
}
UPDATE = {
    "id": "change",
    "type": "database.update",
    "config": {"table": "signals", "id": "= nodes.save.id", "data": {"rsi": 28.5}},
}
READ = {"id": "read", "type": "database.query", "config": {"table": "signals", "columns": ["symbol", "rsi", "node_id"]}}
COUNT = {
    "id": "read",
    "type": "database.query",
    "config": {
        "mode": "sql",
        "sql": "SELECT count(*) AS n, max(rsi) AS high FROM signals WHERE symbol = :symbol",
        "parameters": {"symbol": "= nodes.start.user_id == 'x' ? 'none' : 'EURUSD'"},
    },
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    home = tmp_path_factory.mktemp("machine")
    with RunningMachine(home, new_database(postgres_server)) as running:
        yield running


def execute(machine: RunningMachine, *steps: dict[str, Any], test_mode: bool = False) -> dict[str, Any]:
    done = run(machine, chain(*steps, name="Rows"), test_mode=test_mode)
    return {"done": done, **done["runs"]}


def test_saves_changes_and_reads(machine: RunningMachine) -> None:
    runs = execute(machine, SAVE, UPDATE, READ)
    assert runs["done"]["status"] == "succeeded", runs["done"]
    assert runs["save"]["output"] == {"ok": True, "id": 1, "created": True}
    assert runs["read"]["output"]["rows"] == [{"symbol": "EURUSD", "rsi": 28.5, "node_id": "save"}]
    counted = execute(machine, COUNT)
    assert counted["read"]["output"]["rows"] == [{"n": 1, "high": 28.5}]


def test_test_mode_leaves_nothing(machine: RunningMachine) -> None:
    before = execute(machine, COUNT)["read"]["output"]["rows"]
    tested = execute(machine, SAVE, test_mode=True)
    assert tested["save"]["output"]["ok"]
    assert execute(machine, COUNT)["read"]["output"]["rows"] == before


def test_what_is_refused_fails_the_node_by_name(machine: RunningMachine) -> None:
    attack = {**COUNT, "config": {"mode": "sql", "sql": "SELECT * FROM public.tenant_databases"}}
    runs = execute(machine, attack)
    assert runs["done"]["status"] == "failed"
    assert runs["read"]["error"]["name"] == "QueryRefused"
    assert "schema" in runs["read"]["error"]["message"]
    missing = execute(machine, {**UPDATE, "config": {**UPDATE["config"], "id": 999}})  # type: ignore[dict-item]
    assert missing["change"]["error"]["name"] == "NotFound"


def test_one_node_on_trial_writes_nothing(machine: RunningMachine) -> None:
    tried = machine.post("/nodes/test", {"type": "database.save", "config": SAVE["config"]})
    assert tried["state"] == "succeeded"
    asked = machine.post("/nodes/test", {"type": "database.query", "config": READ["config"]})
    assert asked["output"]["count"] == execute(machine, COUNT)["read"]["output"]["rows"][0]["n"]


def test_the_console_reads_the_same_tables_through_the_same_gate(machine: RunningMachine) -> None:
    execute(machine, SAVE)
    (table,) = [each for each in machine.get("/tables")["items"] if each["name"] == "signals"]
    kinds = {each["name"]: each["type"] for each in table["columns"]}
    assert (kinds["symbol"], kinds["id"]) == ("text", "bigint")
    assert [each["name"] for each in table["columns"] if each["own"]] == ["symbol", "rsi"]
    assert table["bytes"] > 0
    sql = "SELECT symbol, count(*) AS n FROM signals WHERE symbol = :symbol GROUP BY symbol"
    asked = machine.post("/tables/query", {"sql": sql, "parameters": {"symbol": "EURUSD"}})
    assert asked["rows"] == [{"symbol": "EURUSD", "n": table["rows"]}]
    for attack in ("DELETE FROM signals", "SELECT * FROM public.tenant_databases", "SELECT pg_sleep(9)"):
        refused = machine.ask("POST", "/tables/query", {"sql": attack})
        assert (refused.status_code, refused.json()["error"]["name"]) == (422, "QueryRefused"), refused.text
    wrong = machine.ask("POST", "/tables/query", {"sql": sql})
    assert wrong.json()["error"]["field"].startswith("parameters")
    assert machine.ask("POST", "/tables/query", {"sql": "SELECT 1 / 0 AS n"}).json()["error"]["name"] == "QueryFailed"


def test_the_password_is_in_no_answer_and_no_log(machine: RunningMachine) -> None:
    dsn = machine.machine.settings.database_url
    assert dsn
    with psycopg.connect(dsn) as owner:
        (password,) = owner.execute("SELECT password FROM tenant_databases").fetchone() or ("",)
        journals = owner.execute("SELECT coalesce(input::text, '') || coalesce(output::text, '') FROM node_runs")
        assert password
        assert all(password not in row[0] for row in journals)
    assert password not in machine.machine.home.log.read_text()
