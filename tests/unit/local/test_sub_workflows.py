"""Which version of a workflow another one gets."""

from contextlib import nullcontext

import pytest

from tests.support import loop
from tests.support.documents import document, node
from tests.unit.engine.fakes import AS_OF, Machinery
from tests.unit.engine.machines import machine, task
from tradeloom.engine import codec
from tradeloom.engine.clock import ManualClock
from tradeloom.engine.dispatcher import Dispatcher, StartCommand
from tradeloom.engine.journal import Execution
from tradeloom.engine.questions import Asker
from tradeloom.engine.stores import VersionRecord
from tradeloom.local.sub_workflows import SubWorkflowAnswers
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.stores import MemoryStores

NAMES = ("a", "b", "c")
"""Workflows of two versions each, the first of which is active."""


def asker(row: Execution) -> Asker:
    return Asker(
        tenant=row.tenant,
        workflow_id=row.workflow_id,
        execution_id=row.id,
        version=row.version,
        node="call",
        account=row.account,
        test_mode=row.test_mode,
        manual=row.manual,
        called_by=tuple(row.run.get("called_by", ())),
    )


async def versions_down_the_chain(*, manual: bool, test_mode: bool = False) -> list[str]:
    """The versions that run when a calls b, and b calls c."""
    clock = ManualClock(AS_OF)
    made, stores = Machinery(clock, f=lambda payload, invocation: None), MemoryStores()
    definition = made.blobs.put(codec.dumps(machine({"A": task("f")})).encode())
    for name in NAMES:
        for version in ("saved", "draft"):
            artefact = made.blobs.put_artefact(f"{name}-{version}", {"document": document([node("t")])})
            record = VersionRecord(
                tenant="local", workflow_id=name, version=f"{name}-{version}", artefact=artefact, definition=definition,
                account="paper", created_at=AS_OF,
            )  # fmt: skip
            await stores.save(record, name=name, description="")
        await stores.set_active("local", name, f"{name}-saved")
    journal = MemoryJournal(made.rows)
    async with made.engine(journal, grace_s=0) as engine:
        dispatcher = Dispatcher(
            engine=engine, journal=journal, workflows=stores, clock_for_account=lambda account: clock
        )
        answers = SubWorkflowAnswers(
            engine=engine,
            journal=journal,
            workflows=stores,
            blobs=made.blobs,
            dispatcher_for=lambda test_mode: dispatcher,
            resting=lambda execution_id: nullcontext(),
        ).answers()
        command = StartCommand(workflow_id="a", trigger="t", manual=manual, test_mode=test_mode)
        started = (await dispatcher.dispatch(command)).execution_id
        ran = []
        for called in (*NAMES[1:], None):
            row = await engine.result(str(started))
            ran.append(row.version)
            if called is not None:
                body = {"workflow": called, "payload": {}, "effect": called}
                started = await answers["sub_workflow.start"](asker(row), body)
        return ran


def test_what_a_trigger_started_runs_active_versions_however_deep() -> None:
    assert loop.run(versions_down_the_chain(manual=False)) == ["a-saved", "b-saved", "c-saved"]


@pytest.mark.parametrize("test_mode", [False, True])
def test_a_run_by_hand_takes_what_was_saved_last(test_mode: bool) -> None:
    ran = loop.run(versions_down_the_chain(manual=True, test_mode=test_mode))
    assert ran == ["a-draft", "b-draft", "c-draft"]
