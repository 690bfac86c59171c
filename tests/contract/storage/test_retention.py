"""What is old goes, and nothing else: rows in batches, blobs nobody names, safely beside whoever puts and backs up."""

import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contract.storage.conftest import run
from tradeloom.errors import NotFound
from tradeloom.local.retention import KINDS, Policy, Retention
from tradeloom.storage.blobs import FileBlobs
from tradeloom.storage.postgres.database import Database
from tradeloom.storage.postgres.dump import SWEEPING
from tradeloom.storage.postgres.retention import PostgresRetention

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OLD = NOW - timedelta(days=40)
YOUNG = NOW - timedelta(days=5)
POLICY = Policy({"executions": 30, "logs": 30, "notifications": 30, "versions": 30})
GRACE_S = 3600.0


@asynccontextmanager
async def opened(dsn: str, blobs: FileBlobs, policy: Policy = POLICY) -> AsyncIterator[Retention]:
    database = Database(dsn)
    await database.open()
    try:
        stored = PostgresRetention(database)
        yield Retention("local", policy, stored, blobs, now=lambda: NOW, blob_grace_s=GRACE_S, pause_s=0, settle_s=0)
    finally:
        await database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


def execution(dsn: str, name: str, at: datetime, status: str = "SUCCEEDED", **more: Any) -> None:
    values = {
        "id": name, "tenant": "local", "workflow_id": "w", "version": "v", "definition": "d", "trigger": "t",
        "account": "paper", "run": "{}", "as_of": at, "created_at": at, "test_mode": False, "manual": True,
        "exclusive": False, "status": status, "started_at": at, "has_errors": False, "last_seq": 3, "engine": 1,
        "finished_at": None if status in ("PENDING", "RUNNING") else at, "attended": True, **more,
    }  # fmt: skip
    with psycopg.connect(dsn) as connection:
        connection.execute(
            f"INSERT INTO executions ({', '.join(values)}) VALUES ({', '.join(f'%({key})s' for key in values)})", values
        )
        connection.execute(
            "INSERT INTO node_runs (execution_id, path, attempt, kind, node, state, iteration, status, started_at,"
            " started_seq) VALUES (%s, 'p', 0, 'task', 'n', 's', '{}', 'SUCCEEDED', %s, 2)",
            [name, at],
        )
        connection.execute(
            "INSERT INTO logs (execution_id, seq, time, level, message, iteration, fields)"
            " VALUES (%s, 3, %s, 'info', 'hello', '{}', '{}')",
            [name, at],
        )


def order(dsn: str, execution_id: str, state: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO orders (tenant, client_order_id, magic, account, execution_id, workflow_id, version, node,"
            " iteration, test_mode, intent, state, message, created_at, updated_at, checks) VALUES"
            " ('local', %s, 1, 'paper', %s, 'w', 'v', 'n', '{}', false, '{}', %s, '', %s, %s, 0)",
            [f"order-of-{execution_id}", execution_id, state, OLD, OLD],
        )


def column(dsn: str, query: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(query)]


def age(blobs: FileBlobs, name: str, by_s: float = GRACE_S * 2) -> None:
    path = blobs.directory / "blobs" / name[:2] / name
    os.utime(path, (time.time() - by_s, time.time() - by_s))


@run
async def test_old_executions_go_with_their_runs_and_logs_and_nothing_else_does(
    postgres_dsn: str, blobs: FileBlobs
) -> None:
    execution(postgres_dsn, "old", OLD)
    execution(postgres_dsn, "failed", OLD, "FAILED")
    execution(postgres_dsn, "young", YOUNG)
    execution(postgres_dsn, "runs", OLD, "RUNNING")
    execution(postgres_dsn, "waits", OLD, "PENDING")
    execution(postgres_dsn, "ended-lately", OLD, finished_at=YOUNG)
    execution(postgres_dsn, "unattended", OLD, "FAILED", attended=False)
    execution(postgres_dsn, "unknown-order", OLD)
    order(postgres_dsn, "unknown-order", "unknown")
    execution(postgres_dsn, "known-order", OLD)
    order(postgres_dsn, "known-order", "done")
    execution(postgres_dsn, "anothers", OLD, tenant="other")
    async with opened(postgres_dsn, blobs) as retention:
        looked = await retention.look()
        assert (looked.rows["executions"], len(column(postgres_dsn, "SELECT id FROM executions"))) == (3, 10)
        done = await retention.run()
        assert done.rows["executions"] == 3
        assert (await retention.run()).rows == dict.fromkeys(KINDS, 0)
    kept = {"young", "runs", "waits", "ended-lately", "unattended", "unknown-order", "anothers"}
    assert set(column(postgres_dsn, "SELECT id FROM executions")) == kept
    assert set(column(postgres_dsn, "SELECT execution_id FROM node_runs")) == kept
    assert set(column(postgres_dsn, "SELECT execution_id FROM orders")) == {"unknown-order", "known-order"}


@run
async def test_logs_and_notifications_have_days_of_their_own_and_zero_keeps(
    postgres_dsn: str, blobs: FileBlobs
) -> None:
    for name, at in (("old", OLD), ("young", YOUNG)):
        execution(postgres_dsn, name, at)
        with psycopg.connect(postgres_dsn) as connection:
            connection.execute(
                "INSERT INTO notifications VALUES (%s, 'local', %s, 'w', 'n', 'info', 'title', 'text', %s)",
                [name, name, at],
            )
    ever = Policy({"executions": 0, "logs": 0, "notifications": 0, "versions": 0})
    async with opened(postgres_dsn, blobs, ever) as retention:
        assert (await retention.run()).rows == dict.fromkeys(KINDS, 0)
    async with opened(postgres_dsn, blobs, Policy({**POLICY.days, "executions": 0})) as retention:
        assert (await retention.run()).rows == {"executions": 0, "logs": 1, "notifications": 1, "versions": 0}
    assert set(column(postgres_dsn, "SELECT execution_id FROM logs")) == {"young"}
    assert set(column(postgres_dsn, "SELECT id FROM notifications")) == {"young"}
    assert len(column(postgres_dsn, "SELECT id FROM executions")) == 2


@run
async def test_versions_go_that_nothing_names(postgres_dsn: str, blobs: FileBlobs) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("INSERT INTO workflows VALUES ('local', 'w', 'n', '', 'newest', 'active', now(), now())")
        for number, name in enumerate(("never", "ran", "traded", "active", "newest"), 1):
            connection.execute(
                "INSERT INTO workflow_versions VALUES ('local', 'w', %s, %s, 'a', 'd', 'paper', '{}', %s)",
                [name, number, OLD],
            )
    execution(postgres_dsn, "one", YOUNG, version="ran")
    order(postgres_dsn, "gone", "done")
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("UPDATE orders SET version = 'traded'")
    async with opened(postgres_dsn, blobs) as retention:
        assert (await retention.run()).rows["versions"] == 1
    kept = set(column(postgres_dsn, "SELECT version FROM workflow_versions"))
    assert kept == {"ran", "traded", "active", "newest"}


@run
async def test_more_than_a_batch_goes_and_what_another_holds_stays(postgres_dsn: str, blobs: FileBlobs) -> None:
    for number in range(3):
        execution(postgres_dsn, f"e{number}", OLD)
    database = Database(postgres_dsn)
    await database.open()
    stored = PostgresRetention(database)
    with psycopg.connect(postgres_dsn) as retrying:
        retrying.execute("SELECT FROM executions WHERE id = 'e1' FOR UPDATE")
        assert await stored.delete("executions", "local", NOW, limit=1) == 1
        assert await stored.delete("executions", "local", NOW, limit=1) == 1
        assert await stored.delete("executions", "local", NOW, limit=1) == 0
        assert column(postgres_dsn, "SELECT id FROM executions") == ["e1"]
    assert await stored.delete("executions", "local", NOW, limit=1) == 1
    await database.close()


@run
async def test_blobs_go_that_no_row_version_or_blob_names(postgres_dsn: str, blobs: FileBlobs) -> None:
    claimed, inner, young, free = (blobs.put(text) for text in (b"claimed", b"inner", b"young", b"free"))
    outer = blobs.put(f'{{"claim": "{inner}"}}'.encode())
    artefact = blobs.put_artefact("v-kept", {"document": 1})
    loose = blobs.put_artefact("v-loose", {"document": 2})
    for name in (claimed, inner, free, outer, artefact, loose):
        age(blobs, name)
    for version in ("v-kept", "v-loose"):
        os.utime(blobs.directory / "artefacts" / version, (0, 0))
    execution(postgres_dsn, "one", YOUNG, version="v-kept", output=f'{{"sha256": "{claimed}", "more": "{outer}"}}')
    async with opened(postgres_dsn, blobs) as retention:
        looked = await retention.look()
        assert (looked.blobs, blobs.get(free)) == (2, b"free")
        done = await retention.run()
    assert (done.blobs, done.bytes) == (2, len(b"free") + len(b'{"document": 2}'))
    assert [blobs.get(name) for name in (claimed, inner, young)] == [b"claimed", b"inner", b"young"]
    assert blobs.artefact("v-kept") == {"document": 1}
    for gone in (free, loose):
        with pytest.raises(NotFound):
            blobs.get(gone)
    with pytest.raises(NotFound):
        blobs.artefact("v-loose")


@run
async def test_no_blob_goes_while_a_backup_copies_them(postgres_dsn: str, blobs: FileBlobs) -> None:
    name = blobs.put(b"free")
    age(blobs, name)
    async with opened(postgres_dsn, blobs) as retention:
        with psycopg.connect(postgres_dsn, autocommit=True) as copying:
            copying.execute("SELECT pg_advisory_lock_shared(%s)", [SWEEPING])
            assert (await retention.run()).blobs is None
        assert blobs.get(name) == b"free"
        assert (await retention.run()).blobs == 1


def test_who_puts_while_blobs_go_finds_what_was_put(blobs: FileBlobs) -> None:
    """Old content is put again and again while a clean-up takes it for free: after a put it is there to be read."""
    contents = [f"content {number}".encode() for number in range(20)]
    names = [blobs.put(content) for content in contents]
    ended = threading.Event()
    deleted = [0]

    def clean() -> None:
        while not ended.is_set():
            for name in names:
                deleted[0] += FileBlobs(blobs.directory).delete_blob(name, older_than_s=GRACE_S)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for _ in range(10):
            for name in names:
                path = blobs.directory / "blobs" / name[:2] / name
                with suppress(FileNotFoundError):  # it went this moment
                    os.utime(path, (0, 0))
            for content in contents:
                assert FileBlobs(blobs.directory).get(blobs.put(content)) == content
    finally:
        ended.set()
        cleaner.join(60)
    assert deleted[0] > 0


def test_putting_again_makes_young(blobs: FileBlobs) -> None:
    name = blobs.put(b"old")
    age(blobs, name)
    blobs.put(b"old")
    assert not blobs.delete_blob(name, older_than_s=GRACE_S)
    blobs.put_artefact("v", {"a": 1})
    os.utime(blobs.directory / "artefacts" / "v", (0, 0))
    artefact = blobs.artefact_blob("v")
    age(blobs, artefact)
    blobs.put_artefact("v", {"a": 1})
    assert not blobs.delete_artefact("v", older_than_s=GRACE_S)
    assert not blobs.delete_blob(artefact, older_than_s=GRACE_S)
    assert blobs.delete_blob(artefact, older_than_s=-1)
    assert blobs.put_artefact("v", {"a": 1}) == artefact
    assert blobs.artefact("v") == {"a": 1}


def test_what_is_said_of_days() -> None:
    assert Policy({**POLICY.days, "logs": 0}).before("logs", NOW) is None
    assert POLICY.before("logs", NOW) == NOW - timedelta(days=30)
