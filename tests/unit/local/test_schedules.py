"""Schedules set aside, as people see them: in the API, in a notification, and gone once the workflow is saved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from tests.support import loop
from tests.support.on_loop import on_loop
from tradeloom.accounts.credentials.vault import Vault
from tradeloom.api.models.schedules import SchedulePreviewRequest
from tradeloom.compiler.compile import Compiled, compile_workflow
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatched
from tradeloom.engine.schedules import WHOLE_WORKFLOW, ScheduleFault
from tradeloom.errors import InvalidInput, NotFound, QuotaExceeded
from tradeloom.local.schedules import LocalSchedules
from tradeloom.local.start_notices import StartNotices
from tradeloom.local.webhooks import _answer
from tradeloom.local.workflows import LocalWorkflows
from tradeloom.storage.memory.blobs import MemoryBlobs
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

NOW = datetime(2026, 10, 24, 12, tzinfo=UTC)
FAULT = ScheduleFault(
    tenant="t",
    workflow_id="",
    node="clock",
    failures=5,
    rounds=1,
    error="NotFound",
    reason="There is no blob.",
    failed_at=NOW,
    until=NOW + timedelta(minutes=15),
)


class Desk:
    """The API's workflows and schedules in memory; the market stands at `NOW`."""

    def __init__(self) -> None:
        self.stores = MemoryStores()
        self.blobs = MemoryBlobs()
        self.changed: list[str] = []
        self.workflows = LocalWorkflows(
            on_loop,
            self.stores,
            self.stores,
            self.blobs,
            cast(Vault, None),  # no document here names a credential
            market_now=lambda account: NOW,
            account_status=lambda account: (_ for _ in ()).throw(AssertionError("nothing here trades")),
            changed=self._changed,
            stop_all=self._stop_all,
            last_runs=MemoryJournal().last_runs,
        )
        self.schedules = LocalSchedules(
            on_loop,
            workflows=self.stores,
            schedules=self.stores,
            blobs=self.blobs,
            clock_for_account=self._clock,
        )

    def _clock(self, account: str) -> ManualClock:
        if account != "paper":
            raise InvalidInput(f"There is no account {account}.", field="account")
        return ManualClock(NOW)

    async def _changed(self, tenant: str, workflow_id: str) -> None:
        self.changed.append(workflow_id)

    async def _stop_all(self, tenant: str, workflow_id: str, reason: str) -> int:
        return 0

    def aside(self, workflow_id: str, node: str = "clock") -> None:
        loop.run(self.stores.keep_fault(replace(FAULT, workflow_id=workflow_id, node=node)))


def document(expression: str = "30 1 * * *") -> Compiled:
    config = {"expression": expression, "time_zone": "Europe/London"}
    nodes = [
        {"id": "clock", "name": "Nightly", "type": "trigger.schedule", "config": config},
        {"id": "tell", "type": "notify.dashboard", "config": {"title": "Hello", "message": "It works"}},
    ]
    connections = [{"source": "clock", "target": "tell"}]
    return compile_workflow({"name": "W", "nodes": nodes, "connections": connections})


def test_the_schedule_of_a_workflow() -> None:
    desk = Desk()
    made = desk.workflows.create("t", document())
    desk.workflows.toggle("t", made.id, True)
    loop.run(desk.stores.set_last_fire("t", made.id, "clock", NOW))
    told = desk.schedules.of_workflow("t", made.id, 2)
    assert (told.active, told.version, told.account, told.now, told.failure) == (True, made.version, "paper", NOW, None)
    (item,) = told.items
    assert (item.node, item.name, item.kind, item.last_fire, item.failure) == ("clock", "Nightly", "cron", NOW, None)
    assert [(fire.local, fire.change) for fire in item.fires] == [
        ("2026-10-25T01:30:00+01:00", "doubled"),
        ("2026-10-26T01:30:00+00:00", None),
    ]
    with pytest.raises(NotFound):
        desk.schedules.of_workflow("other", made.id, 2)


def test_what_is_set_aside_is_shown_and_a_save_takes_it_up_again() -> None:
    desk = Desk()
    made = desk.workflows.create("t", document())
    desk.workflows.toggle("t", made.id, True)
    desk.aside(made.id)
    (shown,) = desk.workflows.get("t", made.id).schedule_failures
    assert (shown.node, shown.failures, shown.reason, shown.until) == ("clock", 5, "There is no blob.", FAULT.until)
    assert desk.schedules.of_workflow("t", made.id, 1).items[0].failure == shown
    before = len(desk.changed)
    saved = desk.workflows.replace("t", made.id, document(), made.version)  # the same document
    assert saved.version == made.version
    assert desk.workflows.get("t", made.id).schedule_failures == []
    assert len(desk.changed) == before + 1
    desk.workflows.replace("t", made.id, document(), made.version)  # and nothing is begun afresh without need
    assert len(desk.changed) == before + 1
    desk.aside(made.id)
    desk.workflows.toggle("t", made.id, False)
    assert desk.workflows.toggle("t", made.id, True).schedule_failures == []


def test_a_version_that_cannot_be_read_says_so() -> None:
    desk = Desk()
    made = desk.workflows.create("t", document())
    del desk.blobs._artefacts[made.version]
    with pytest.raises(NotFound):
        desk.schedules.of_workflow("t", made.id, 1)
    desk.aside(made.id, WHOLE_WORKFLOW)
    told = desk.schedules.of_workflow("t", made.id, 1)
    assert told.items == []
    assert told.failure is not None
    assert told.failure.reason == "There is no blob."


def test_a_preview_goes_by_the_accounts_market() -> None:
    desk = Desk()
    wanted = SchedulePreviewRequest(config={"expression": "0 * * * *"}, count=1, account="paper")
    assert desk.schedules.preview("t", wanted).fires[0].at == NOW + timedelta(hours=1)
    with pytest.raises(InvalidInput):
        desk.schedules.preview("t", wanted.model_copy(update={"account": "gone"}))


def test_each_thing_is_told_once() -> None:
    async def body() -> None:
        journal = MemoryJournal(linger_s=0)
        await journal.open()
        notices = StartNotices(journal)
        for _ in range(2):  # two engines
            notices.set_aside(replace(FAULT, workflow_id="w1"))
            notices.set_aside(replace(FAULT, workflow_id="w1", rounds=2))
            for limit in ("starts a day", "starts a minute"):
                error = QuotaExceeded("The free tier allows 2.", limit=limit, until=NOW, hint="Wait.")
                notices.refused("t", "w1", error)
        await journal.close()
        told = [each.notification for each in await journal.notifications("t")]
        assert sorted(each.level for each in told) == ["error", "error", "warning", "warning"]
        assert {each.workflow_id for each in told} == {"w1"}
        aside = next(each for each in told if each.level == "error")
        assert "There is no blob." in aside.message
        assert "2026-10-24 12:15 UTC" in aside.message

    loop.run(body())


def test_the_sender_of_a_webhook_is_told_of_the_quota() -> None:
    refused = QuotaExceeded("The free tier allows 2 starts a day.", limit="starts a day")
    with pytest.raises(QuotaExceeded):
        _answer(Dispatched("skipped", reason="x", refused=refused))
