"""What was run, put beside what the plan allows."""

from datetime import UTC, date, datetime

from tests.support.on_loop import on_loop
from tradeloom.accounts.quotas import TIERS
from tradeloom.engine.usage import DayUsage, ExecutionUsage
from tradeloom.local.usage import DAYS, LocalUsage
from tradeloom.storage.memory.stores import MemoryStores

AT = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


class Counted:
    async def usage(self, tenant: str, at: datetime, *, days: int) -> ExecutionUsage:
        assert (tenant, at, days) == ("acme", AT, DAYS)
        return ExecutionUsage(minute=3, day=40, month=500, running=2, days=(DayUsage(date(2026, 12, 30), 7, 2),))


def test_the_plan_s_limits_stand_beside_what_was_used() -> None:
    local = LocalUsage(
        on_loop, reader=Counted(), workflows=MemoryStores(), allowance=lambda tenant: TIERS["pro"],
        now=lambda: AT,
    )  # fmt: skip
    told = local.usage("acme")
    assert (told.tier, told.day.used, told.day.limit) == ("pro", 40, 5_000)
    assert told.day.renews_at == told.month.renews_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert (told.at_once.used, told.at_once.limit, told.at_once.renews_at) == (2, 25, None)
    assert (told.workflows, told.active_workflows, told.billed) == (0, 0, False)
    assert len(told.days) == DAYS
    assert (told.days[-1].day, told.days[-1].started) == (date(2026, 12, 31), 0)
    assert (told.days[-2].day, told.days[-2].started, told.days[-2].failed) == (date(2026, 12, 30), 7, 2)


def test_a_plan_without_limits_says_so() -> None:
    local = LocalUsage(
        on_loop, reader=Counted(), workflows=MemoryStores(),
        allowance=lambda tenant: TIERS["unlimited"], now=lambda: AT,
    )  # fmt: skip
    told = local.usage("acme")
    assert {told.minute.limit, told.day.limit, told.month.limit, told.at_once.limit} == {None}
