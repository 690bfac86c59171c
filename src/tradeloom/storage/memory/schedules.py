"""Schedules' last fires and faults in memory."""

from collections.abc import Mapping
from datetime import datetime

from tradeloom.engine.schedules import ScheduleFault

_Key = tuple[str, str, str]


class MemorySchedules:
    """The part of the stores that is about schedules."""

    def __init__(self) -> None:
        self._fires: dict[_Key, datetime] = {}
        self._faults: dict[_Key, ScheduleFault] = {}

    async def last_fire(self, tenant: str, workflow_id: str, node: str) -> datetime | None:
        return self._fires.get((tenant, workflow_id, node))

    async def last_fires(self, tenant: str) -> Mapping[tuple[str, str], datetime]:
        return {key[1:]: at for key, at in self._fires.items() if key[0] == tenant}

    async def set_last_fire(self, tenant: str, workflow_id: str, node: str, at: datetime) -> None:
        known = self._fires.get((tenant, workflow_id, node))
        self._fires[tenant, workflow_id, node] = at if known is None else max(known, at)

    async def faults(self, tenant: str, workflow_id: str | None = None) -> list[ScheduleFault]:
        found = [
            fault
            for fault in self._faults.values()
            if fault.tenant == tenant and workflow_id in (None, fault.workflow_id)
        ]
        return sorted(found, key=lambda fault: (fault.workflow_id, fault.node))

    async def keep_fault(self, fault: ScheduleFault) -> None:
        self._faults[fault.tenant, fault.workflow_id, fault.node] = fault

    async def drop_fault(self, tenant: str, workflow_id: str, node: str) -> None:
        self._faults.pop((tenant, workflow_id, node), None)

    def _begin_afresh(self, tenant: str, workflow_id: str) -> None:
        for kept in (self._fires, self._faults):
            for key in [key for key in kept if key[:2] == (tenant, workflow_id)]:
                del kept[key]
