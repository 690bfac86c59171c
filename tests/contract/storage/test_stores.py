"""What every store of workflows, schedules and blobs must do."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores
from tradeloom.engine.stores import Blobs, VersionRecord
from tradeloom.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from tradeloom.storage.blobs import FileBlobs

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
V1 = VersionRecord(
    tenant="local",
    workflow_id="w1",
    version="hash-1",
    artefact="a" * 64,
    definition="d" * 64,
    account="paper",
    created_at=NOW,
    metadata={"execution_type": "express", "nodes": 3, "odd": "a\0b"},
)
V2 = replace(V1, version="hash-2", definition="e" * 64)


def run(open_stores: OpenStores, body: Any) -> None:
    async def within() -> None:
        async with open_stores() as stores:
            await body(stores)

    asyncio.run(within())


def test_a_saved_workflow_reads_back(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        saved = await stores.save(V1, name="RSI dip buyer", description="Buys dips")
        assert (saved.name, saved.description, saved.version) == ("RSI dip buyer", "Buys dips", "hash-1")
        assert not saved.active
        assert await stores.workflow("local", "w1") == saved
        assert await stores.version("local", "w1", "hash-1") == replace(V1, number=1)

    run(open_stores, body)


def test_versions_are_immutable_and_counted(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        for version in (V1, V2, replace(V1, account="another")):
            await stores.save(version, name="n", description="")
        assert (await stores.workflow("local", "w1")).version == "hash-1"
        kept = await stores.versions("local", "w1")
        assert [(version.version, version.number) for version in kept] == [("hash-2", 2), ("hash-1", 1)]
        assert kept[1].account == "paper"

    run(open_stores, body)


def test_a_save_over_somebody_elses_is_refused(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        with pytest.raises(Conflict):
            await stores.save(V1, name="n", description="", expected="hash-0")
        await stores.save(V1, name="n", description="")
        await stores.save(V2, name="n", description="", expected="hash-1")
        with pytest.raises(Conflict):
            await stores.save(V1, name="n", description="", expected="hash-1")
        assert (await stores.workflow("local", "w1")).version == "hash-2"

    run(open_stores, body)


def test_of_saves_at_the_same_moment_one_wins(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await stores.save(V1, name="n", description="")
        tries = [
            stores.save(replace(V2, version=f"v{n}"), name="n", description="", expected="hash-1") for n in range(8)
        ]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(answer, Conflict) for answer in answers) == 7
        assert len(await stores.versions("local", "w1")) == 2

    run(open_stores, body)


def test_activation_keeps_its_version(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await stores.save(V1, name="n", description="")
        assert (await stores.set_active("local", "w1", "hash-1")).active_version == "hash-1"
        saved = await stores.save(V2, name="n", description="")
        assert (saved.version, saved.active_version) == ("hash-2", "hash-1")
        assert (await stores.set_active("local", "w1", "hash-2")).active_version == "hash-2"
        assert not (await stores.set_active("local", "w1", None)).active
        with pytest.raises(NotFound):
            await stores.set_active("local", "w1", "nothing")
        with pytest.raises(NotFound):
            await stores.set_active("local", "w9", None)

    run(open_stores, body)


def test_tags_are_kept_beside_the_versions(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        first = await stores.save(V1, name="RSI dip buyer", description="")
        assert first.tags == ()
        tagged = await stores.set_tags("local", "w1", ("trend", "Gold, überall", "a\0b"))
        assert tagged == replace(first, tags=tagged.tags)
        assert tagged.tags[:2] == ("trend", "Gold, überall")
        saved = await stores.save(V2, name="RSI dip buyer", description="")
        assert saved.tags == tagged.tags
        assert (await stores.set_active("local", "w1", "hash-2")).tags == tagged.tags
        assert (await stores.workflows("local"))[0][0].tags == tagged.tags
        assert [row.tags for row, _ in await stores.active("local")] == [tagged.tags]
        assert (await stores.set_tags("local", "w1", ())).tags == ()
        with pytest.raises(NotFound):
            await stores.set_tags("other", "w1", ("mine",))

    run(open_stores, body)


def test_workflows_are_listed_last_changed_first(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        for number in range(5):
            await stores.save(replace(V1, workflow_id=f"w{number}"), name=f"n{number}", description="")
        await stores.set_active("local", "w1", "hash-1")
        await stores.set_active("local", "w3", "hash-1")
        page, total = await stores.workflows("local", limit=3, offset=1)
        assert ([row.id for row in page], total) == (["w1", "w4", "w2"], 5)
        page, total = await stores.workflows("local", active=True)
        assert ([row.id for row in page], total) == (["w3", "w1"], 2)
        page, total = await stores.workflows("local", active=False)
        assert ([row.id for row in page], total) == (["w4", "w2", "w0"], 3)

    run(open_stores, body)


def test_another_tenant_sees_nothing(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await stores.save(V1, name="n", description="")
        assert await stores.workflows("other") == ([], 0)
        assert await stores.versions("other", "w1") == []
        for question in (
            stores.workflow("other", "w1"),
            stores.version("other", "w1", "hash-1"),
            stores.set_active("other", "w1", None),
            stores.delete("other", "w1"),
        ):
            with pytest.raises(NotFound):
                await question
        await stores.save(replace(V1, tenant="other", account="theirs"), name="theirs", description="")
        assert (await stores.version("local", "w1", "hash-1")).account == "paper"

    run(open_stores, body)


def test_a_deleted_workflow_is_gone(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await stores.save(V1, name="n", description="")
        await stores.set_last_fire("local", "w1", "schedule", NOW)
        await stores.delete("local", "w1")
        with pytest.raises(NotFound):
            await stores.workflow("local", "w1")
        assert await stores.versions("local", "w1") == []
        assert await stores.last_fire("local", "w1", "schedule") is None
        with pytest.raises(NotFound):
            await stores.delete("local", "w1")

    run(open_stores, body)


def test_a_last_fire_only_goes_forward(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        assert await stores.last_fire("local", "w1", "s") is None
        await stores.set_last_fire("local", "w1", "s", NOW)
        await stores.set_last_fire("local", "w1", "s", NOW - timedelta(hours=1))
        assert await stores.last_fire("local", "w1", "s") == NOW
        await stores.set_last_fire("local", "w1", "s", NOW + timedelta(hours=1))
        assert await stores.last_fire("local", "w1", "s") == NOW + timedelta(hours=1)
        assert await stores.last_fire("other", "w1", "s") is None
        assert await stores.last_fire("local", "w1", "t") is None

    run(open_stores, body)


def test_a_name_no_database_takes_does_not_break_it(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        saved = await stores.save(V1, name="a\0b", description="\ud800")
        assert saved.name.startswith("a")
        with pytest.raises(NotFound):
            await stores.workflow("local", "w\0\ud800")

    run(open_stores, body)


def test_blobs_are_named_by_their_content(blobs: Blobs) -> None:
    content = b"bars" * 1000
    name = blobs.put(content)
    assert name == hashlib.sha256(content).hexdigest()
    assert blobs.put(content) == name
    assert blobs.get(name) == content
    with pytest.raises(NotFound):
        blobs.get("0" * 64)


def test_the_first_artefact_of_a_version_stays(blobs: Blobs) -> None:
    first = {"document": {"name": "x", "fraction": 5.0}, "warmup": {"rsi": 496}}
    name = blobs.put_artefact("hash-1", first)
    assert blobs.put_artefact("hash-1", {"document": {}}) == name
    assert blobs.artefact("hash-1") == first
    assert isinstance(blobs.artefact("hash-1")["document"]["fraction"], float)
    with pytest.raises(NotFound):
        blobs.artefact("hash-2")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "x" * 65, "..", "A" * 64])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        FileBlobs(tmp_path).get(name)
    if name not in {"x" * 65, "A" * 64}:
        with pytest.raises(InvalidInput):
            FileBlobs(tmp_path).artefact(name)


def test_a_damaged_blob_is_not_given_out(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    name = blobs.put(b"order book")
    (path,) = (path for path in tmp_path.rglob(name) if path.is_file())
    path.write_bytes(b"order hook")
    with pytest.raises(StorageUnavailable, match="not what was stored"):
        blobs.get(name)


def test_a_disk_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file stands where the folder should")
    with pytest.raises(StorageUnavailable, match="cannot be written"):
        FileBlobs(tmp_path).put(b"x")


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    for number in range(20):
        blobs.put(f"blob {number}".encode())
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]
