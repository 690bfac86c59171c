"""Canaries: handlers give away what they were given in every way they have, and it is found nowhere."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.canaries import CANARIES, database, files, secret, sightings
from tests.support.local_engine import function, local_engine, run_info, worker_settings
from tests.unit.engine.machines import machine, task
from tradeloom.accounts.credentials.key_file import KeyFile
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.engine.engine import StartRequest
from tradeloom.engine.variables import VariableAnswers
from tradeloom.engine.workers.settings import WorkerSettings
from tradeloom.local.bridging import OnLoop
from tradeloom.local.credentials import LocalCredentials
from tradeloom.runtime.redaction import MARK, Redactor
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.storage.postgres.credentials import PostgresCredentials
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.variables import PostgresVariables

ROOT = Path(__file__).parents[3]
EVERY_KIND = ("say", "give", "notify", "fail")
TWO_KINDS = ("typed", "named", "die", "leave", "ask")
"""These differ in the way out, not in what is told there."""
SECRETS = {kind: secret(kind) for kind in CANARIES}


def _settings(blobs: Path, **more: Any) -> WorkerSettings:
    settings = worker_settings(blob_directory=blobs, **more)
    return worker_settings(blob_directory=blobs, paths=(*settings.paths, ROOT), **more)


def _artefact() -> dict[str, Any]:
    """The node `n_<kind>` of version v1 names the credential of that kind, and no other."""
    nodes = [
        {"id": f"n_{kind}", "type": "utility.http", "config": {"url": "https://x", "credential": f"cred-{index}"}}
        for index, kind in enumerate(CANARIES)
    ]
    return {"document": {"nodes": nodes}}


def _definition(kind: str, how: str, **more: Any) -> dict[str, Any]:
    payload = {"node": f"n_{kind}", "credential": f"cred-{list(CANARIES).index(kind)}", "how": how, **more}
    return machine({f"L-n_{kind}": task(function("leak"), payload)}, TimeoutSeconds=60)


class Rig:
    """An engine that gives credentials out, and everything it wrote."""

    def __init__(self, dsn: str, folder: Path, **settings: Any) -> None:
        self.dsn = dsn
        self.blobs = folder / "blobs"
        self.key = folder / "key"
        self.settings = _settings(self.blobs, **settings)
        self.ended: dict[str, Any] = {}
        self.told: list[str] = []

    def run(self, calls: dict[str, dict[str, Any]]) -> None:
        """Executions by id, one after another."""
        asyncio.run(self._run(calls))

    async def _run(self, calls: dict[str, dict[str, Any]]) -> None:
        pool = Database(self.dsn)
        await pool.open()
        vault = Vault(PostgresCredentials(pool), KeyFile(self.key))
        for index, (kind, fields) in enumerate(CANARIES.items()):
            await vault.add("local", kind, kind, fields, credential_id=f"cred-{index}")
        await vault.add("other", "theirs", "http_bearer", {"token": "a-foreign-token"}, credential_id="cred-foreign")
        credentials = LocalCredentials(
            OnLoop(asyncio.get_running_loop()), vault, MemoryStores(), _Blobs(self.blobs), Redactor()
        )
        answers = {**VariableAnswers(PostgresVariables(pool)).answers(), **credentials.answers()}
        async with local_engine(self.dsn, self.blobs, settings=self.settings, answers=answers) as local:
            local.blobs.put_artefact("v1", _artefact())
            for name, definition in calls.items():
                await local.engine.start(StartRequest(run=run_info(name), definition=definition))
                async with asyncio.timeout(60):
                    self.ended[name] = await local.engine.result(name)
            self.told = [repr(event) for event in local.events]
            self.runs = {name: await local.journal.node_runs("local", name) for name in calls}
            self.logs = {name: await local.journal.logs("local", name, limit=10_000) for name in calls}
            self.notified = [each.notification for each in await local.journal.notifications("local")]
        await pool.close()

    def everything(self) -> Iterator[tuple[str, bytes]]:
        yield from database(self.dsn)
        yield from files(self.blobs)
        for told in self.told:
            yield "an event", told.encode("utf-8", "surrogatepass")
        for name, row in self.ended.items():
            yield name, repr(row).encode("utf-8", "surrogatepass")


def _Blobs(folder: Path) -> Any:
    from tradeloom.storage.blobs import FileBlobs

    return FileBlobs(folder)


@pytest.mark.timeout(300)
def test_no_canary_is_found_whatever_a_handler_does(postgres_dsn: str, tmp_path: Path) -> None:
    rig = Rig(postgres_dsn, tmp_path)
    calls = {
        f"{kind.replace('_', '-')}-{how}": _definition(
            kind, how, id=f"{kind}-{how}", execution_id=f"{kind.replace('_', '-')}-{how}"
        )
        for kind in CANARIES
        for how in EVERY_KIND + (TWO_KINDS if kind in {"http_basic", "hmac"} else ())
    }
    rig.run(calls)
    assert sightings(rig.everything(), SECRETS) == []
    # And it was there to be found: each way did what it does.
    for name, ended in rig.ended.items():
        how = name.rpartition("-")[2]
        assert ended.status == ("SUCCEEDED" if how in {"say", "give", "notify"} else "FAILED"), (name, ended.error)
        (node_run,) = rig.runs[name]
        told = json.dumps([node_run.output, node_run.error], ensure_ascii=False)
        lines = [line.message for line in rig.logs[name]]
        if how == "say":
            assert sum(MARK in line for line in lines) > 50
            assert f"past python {MARK}" in lines
            assert f"it is {MARK}" in lines
        elif how == "die":
            assert f"last words {MARK}" in lines
        elif how not in {"ask", "leave"}:
            assert MARK in told, (name, told)
        if how == "give":
            assert node_run.output["output"]["kind"] in CANARIES, "what is no secret stays"
            assert node_run.output["output"]["n"] == 1.5
            assert (node_run.output["state"], node_run.output["port"]) == ("succeeded", "main")
    assert len(rig.notified) == len(CANARIES)
    assert all(MARK in each.title and MARK in each.message for each in rig.notified)


def test_the_search_finds_what_is_there(postgres_dsn: str, tmp_path: Path) -> None:
    """So that a search that finds nothing means something."""
    import psycopg

    from tests.support.canaries import encoded

    with psycopg.connect(postgres_dsn) as connection:
        for number, (kind, text) in enumerate(SECRETS.items()):
            for form, value in encoded(text).items():
                connection.execute(
                    "INSERT INTO variables (tenant, scope, key, value, revision, updated_at)"
                    " VALUES ('t', %s, %s, %s::json, 1, now())",
                    [str(number), f"{kind} {form}", json.dumps(value)],
                )
    seen = sightings(database(postgres_dsn), SECRETS)
    for kind in CANARIES:
        for form in ("raw", "reversed", "base64", "base64url", "hex", "HEX", "url", "form"):
            assert any(f": {kind} as {form}" in each for each in seen), (kind, form)


def test_a_node_is_given_what_its_own_configuration_names_and_nothing_else(postgres_dsn: str, tmp_path: Path) -> None:
    rig = Rig(postgres_dsn, tmp_path)

    def asking(node: str, credential: Any) -> dict[str, Any]:
        payload = {"node": node, "credential": credential, "how": "give"}
        return machine({"L-x": task(function("leak"), payload)})

    wanted = {
        "anothers": asking("n_hmac", "cred-0"),
        "foreign": asking("n_hmac", "cred-foreign"),
        "no-such": asking("n_hmac", "cred-77"),
        "no-node": asking("n_nothing", "cred-0"),
        "no-text": asking("n_hmac", 5),
        "none": asking("n_hmac", None),
    }
    rig.run(wanted)
    for name in wanted:
        error = rig.runs[name][0].error
        assert error is not None
        assert error["name"] == "CredentialProblem", (name, error)
    assert sightings(rig.everything(), SECRETS) == []


def test_a_worker_keeps_a_value_no_longer_than_its_task(postgres_dsn: str, tmp_path: Path) -> None:
    rig = Rig(postgres_dsn, tmp_path, least=1, most=1)
    calls = {}
    for how in ("give", "fail", "typed", "say"):
        calls[how] = _definition("http_bearer", how)
        text = SECRETS["http_bearer"]
        calls[f"look-{how}"] = _definition("http_bearer", "look", halves=[text[:11], text[11:]])
    rig.run(calls)
    for how in ("give", "fail", "typed", "say"):
        (looked,) = rig.runs[f"look-{how}"]
        assert (looked.status, looked.output) == ("SUCCEEDED", []), how
