"""Versions that started something are read once; everything else is looked for."""

from dataclasses import replace

import pytest

from tests.support import loop
from tests.unit.engine.fakes import AS_OF
from tradeloom.engine.stores import VersionRecord, WorkflowRecord
from tradeloom.engine.versions import KnownVersions
from tradeloom.errors import NotFound
from tradeloom.storage.memory.stores import MemoryStores

V1 = VersionRecord(
    tenant="local", workflow_id="w", version="v1", artefact="a", definition="d", account="paper", created_at=AS_OF
)


class Counted(MemoryStores):
    reads = 0

    async def version(self, tenant: str, workflow_id: str, version: str) -> VersionRecord:
        self.reads += 1
        return await super().version(tenant, workflow_id, version)


async def saved(stores: MemoryStores, *versions: str) -> WorkflowRecord:
    for name in versions:
        await stores.save(replace(V1, version=name), name="n", description="")
    return await stores.workflow("local", "w")


def test_only_one_that_started_something_is_remembered() -> None:
    async def body() -> None:
        stores = Counted()
        versions = KnownVersions(stores)
        workflow = await saved(stores, "v1")
        for _ in range(2):
            version = await versions.of(workflow, "v1")
        assert stores.reads == 2
        versions.keep(version)
        assert await versions.of(workflow, "v1") == version
        assert stores.reads == 2

    loop.run(body())


def test_a_version_its_workflow_does_not_name_may_be_gone() -> None:
    async def body() -> None:
        stores = Counted()
        versions = KnownVersions(stores)
        versions.keep(await versions.of(await saved(stores, "v1"), "v1"))
        await stores.delete("local", "w")
        again = await saved(stores, "v2")
        with pytest.raises(NotFound):
            await versions.of(again, "v1")

    loop.run(body())


def test_the_same_name_in_another_workflow_or_tenant_is_another_version() -> None:
    async def body() -> None:
        stores = Counted()
        versions = KnownVersions(stores)
        workflow = await saved(stores, "v1")
        versions.keep(await versions.of(workflow, "v1"))
        for other in (replace(workflow, id="w2"), replace(workflow, tenant="t2")):
            with pytest.raises(NotFound):
                await versions.of(other, "v1")

    loop.run(body())
