"""What every store of schedules must do: last fires, faults, and which versions are active."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.contract.storage.conftest import OpenStores
from tests.contract.storage.test_stores import NOW, V1, V2, run
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault

FAULT = ScheduleFault(
    tenant="local",
    workflow_id="w1",
    node="clock",
    failures=2,
    rounds=0,
    error="NotFound",
    reason="no such\0version",
    failed_at=NOW,
)


async def saved(stores: Any, *workflows: str, tenant: str = "local") -> None:
    for workflow in workflows:
        for version in (V1, V2):
            await stores.save(replace(version, tenant=tenant, workflow_id=workflow), name=workflow, description="")


def test_all_last_fires_come_at_once(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        assert await stores.last_fires("local") == {}
        for workflow, node, minute in (("w1", "a", 1), ("w1", "b@replay", 2), ("w2", "a", 3)):
            await stores.set_last_fire("local", workflow, node, NOW + timedelta(minutes=minute))
        await stores.set_last_fire("other", "w1", "a", NOW)
        assert await stores.last_fires("local") == {
            ("w1", "a"): NOW + timedelta(minutes=1),
            ("w1", "b@replay"): NOW + timedelta(minutes=2),
            ("w2", "a"): NOW + timedelta(minutes=3),
        }

    run(open_stores, body)


def test_active_workflows_come_with_their_active_version(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await saved(stores, "w2", "w1", "w3")
        await saved(stores, "w1", tenant="other")
        await stores.set_active("other", "w1", V1.version)
        assert await stores.active("local") == []
        await stores.set_active("local", "w2", V1.version)
        await stores.set_active("local", "w1", V2.version)
        found = await stores.active("local")
        assert [(row.id, row.active_version, version.version) for row, version in found] == [
            ("w1", "hash-2", "hash-2"),
            ("w2", "hash-1", "hash-1"),
        ]
        assert found[0][0] == await stores.workflow("local", "w1")
        assert found[1][1] == await stores.version("local", "w2", "hash-1")
        assert await stores.active_versions("local") == {"w1": "hash-2", "w2": "hash-1"}
        await stores.set_active("local", "w2", None)
        assert await stores.active_versions("local") == {"w1": "hash-2"}
        await stores.delete("local", "w1")
        assert await stores.active_versions("local") == {}

    run(open_stores, body)


def test_a_fault_is_kept_until_it_is_dropped(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await saved(stores, "w1", "w2")
        aside = replace(FAULT, workflow_id="w2", node=WHOLE_WORKFLOW, until=NOW + timedelta(hours=1), reason="gone")
        for fault in (aside, FAULT, replace(FAULT, tenant="other")):
            await stores.keep_fault(fault)
        found = await stores.faults("local")
        assert [(fault.workflow_id, fault.node, fault.until) for fault in found] == [
            ("w1", "clock", None),
            ("w2", WHOLE_WORKFLOW, NOW + timedelta(hours=1)),
        ]
        assert found[1] == aside
        later = replace(FAULT, failures=3, rounds=1, error="Conflict", reason="r", until=NOW + timedelta(minutes=15))
        await stores.keep_fault(later)
        assert await stores.faults("local", "w1") == [later]
        await stores.drop_fault("local", "w1", "clock")
        await stores.drop_fault("local", "w1", "clock")
        assert [fault.workflow_id for fault in await stores.faults("local")] == ["w2"]
        assert len(await stores.faults("other")) == 1

    run(open_stores, body)


def test_each_activation_begins_afresh(open_stores: OpenStores) -> None:
    async def body(stores: Any) -> None:
        await saved(stores, "w1", "w2")
        for change in ("activated", "replaced", "deactivated", "deleted"):
            for workflow in ("w1", "w2"):
                await stores.set_last_fire("local", workflow, "clock", NOW)
                await stores.keep_fault(replace(FAULT, workflow_id=workflow))
            match change:
                case "deleted":
                    await stores.delete("local", "w1")
                case "deactivated":
                    await stores.set_active("local", "w1", None)
                case _:
                    await stores.set_active("local", "w1", "hash-1" if change == "activated" else "hash-2")
            assert await stores.last_fires("local") == {("w2", "clock"): NOW}, change
            assert [fault.workflow_id for fault in await stores.faults("local")] == ["w2"], change

    run(open_stores, body)


def test_what_one_engine_keeps_another_finds(open_stores: OpenStores) -> None:
    async def body() -> None:
        async with open_stores() as mine, open_stores() as theirs:
            await saved(mine, "w1")
            await mine.keep_fault(FAULT)
            await mine.set_last_fire("local", "w1", "clock", NOW)
            assert len(await theirs.faults("local", "w1")) == 1
            assert await theirs.last_fires("local") == {("w1", "clock"): NOW}

    asyncio.run(body())
