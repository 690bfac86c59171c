"""Whatever people and the clock do, and whenever the process is killed: the system is where the model is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.stateful.model import HOUR, Drawing, Known, Model, Overlap, Running
from tests.stateful.system import BEGINNING, TENANT, Killed, System
from tests.support import exam
from tradeloom.api.models.executions import Execute
from tradeloom.engine.dispatcher import Dispatched, StartCommand
from tradeloom.errors import RetryRefused

drawings = st.builds(
    Drawing,
    scheduled=st.booleans(),
    overlap=st.sampled_from(["skip", "queue", "allow"]),
    delay_s=st.sampled_from([0, 25 * 60 + 7, 95 * 60 + 7]),  # over on no hour, when schedules look who still runs
    broken=st.sampled_from([False] * 9 + [True]),
    number=st.integers(0, 3),
)


class Lifecycle(RuleBasedStateMachine):
    """Each rule does one thing to the system and says to the model what it should have done."""

    workflows: Bundle[str] = Bundle("workflows")

    def __init__(self) -> None:
        super().__init__()
        self.system = System()
        self.model = Model(BEGINNING)
        self._keys = 0

    def teardown(self) -> None:
        self.system.end()

    # -- rules ----------------------------------------------------------------------------------------------------

    @initialize(target=workflows, drawing=drawings)
    def first(self, drawing: Drawing) -> str:
        return self._create(drawing)

    @rule(target=workflows, drawing=drawings)
    def create(self, drawing: Drawing) -> Any:
        return self._create(drawing) if len(self.model.workflows) < 4 else multiple()

    @rule(workflow=workflows, drawing=drawings)
    def save_another_version(self, workflow: str, drawing: Drawing) -> None:
        known = self.model.workflows[workflow]
        self.system.save(drawing.document, workflow)
        known.drawing = drawing
        if known.active is not None:
            known.active = drawing
        self._compare()

    @rule(workflow=workflows, active=st.sampled_from([True, True, True, False, None]))
    def switch(self, workflow: str, active: bool | None) -> None:
        known = self.model.workflows[workflow]
        wanted = known.active is None if active is None else active
        self.system.workflows.toggle(TENANT, workflow, active)
        if not wanted:
            known.active = None
        elif known.active is None:
            known.active = known.drawing
        self._compare()

    @rule(workflow=consumes(workflows))
    def delete(self, workflow: str) -> None:
        self.system.workflows.delete(TENANT, workflow)
        known = self.model.workflows[workflow]
        known.deleted, known.active = True, None
        self.model.stop(*[each.id for each in self.model.alive(workflow)])
        self._compare()

    @rule(workflow=workflows)
    def start_by_hand(self, workflow: str) -> None:
        known = self.model.workflows[workflow]
        started = self.system.executions.start(TENANT, "somebody", workflow, Execute())
        self.model.start(started.id, workflow, known.drawing, by_hand=True, overlap="allow")
        self._compare()

    @rule(workflow=workflows, again=st.booleans(), overlap=st.sampled_from(["skip", "queue", "allow"]))
    def an_event(self, workflow: str, again: bool, overlap: Overlap) -> None:
        """Of a market, say; `again` delivers the one before once more."""
        known = self.model.workflows[workflow]
        self._keys += not (again and known.keys)
        key = f"event {self._keys}" if not (again and known.keys) else list(known.keys)[-1]
        dispatched = self._dispatch(workflow, key, overlap)
        self._event_came(known, key, overlap, dispatched)
        self._compare()

    @rule(half_hours=st.integers(1, 6))
    def time_passes(self, half_hours: int) -> None:
        for _ in range(half_hours):
            self._half_an_hour(lambda: None)

    @precondition(lambda self: any(not each.ended for each in self.model.executions.values()))
    @rule(which=st.integers(0, 50))
    def stop(self, which: int) -> None:
        alive = [each.id for each in self.model.executions.values() if not each.ended]
        chosen = alive[which % len(alive)]
        self.system.executions.stop(TENANT, "somebody", chosen)
        self.model.stop(chosen)
        self._compare()

    @precondition(lambda self: self._failed())
    @rule(which=st.integers(0, 50), mended=st.booleans())
    def retry(self, which: int, mended: bool) -> None:
        """Perhaps after what made the work fail was mended."""
        failed = self._failed()
        chosen = failed[which % len(failed)]
        if mended:
            self.system.mended.add(chosen.drawing.version)
            self.model.mended.add(chosen.drawing.version)
        if self.model.may_be_retried(chosen):
            self.system.retry(chosen.id)
            self.model.retry(chosen.id)
        else:
            with pytest.raises(RetryRefused):
                self.system.retry(chosen.id)
        self._compare()

    @rule()
    def restart(self) -> None:
        self.system.restart()
        self._compare()

    @rule(commits=st.integers(0, 5), written=st.booleans())
    def kill_while_time_passes(self, commits: int, written: bool) -> None:
        """A schedule's start that the kill interrupts is made by the process that comes after, within a minute."""

        def kill() -> None:
            self.system.disarm()
            if self.system.dead:
                self.system.restart()

        self.system.arm(commits, written=written)
        self._half_an_hour(kill)

    @rule(workflow=workflows, commits=st.integers(0, 4), written=st.booleans())
    def kill_while_an_event_comes(self, workflow: str, commits: int, written: bool) -> None:
        """Whoever delivered it delivers it again."""
        known = self.model.workflows[workflow]
        self._keys += 1
        key = f"event {self._keys}"
        self.system.arm(commits, written=written)
        try:
            dispatched = self._dispatch(workflow, key, "allow")
            self.system.settle()
        except Killed:
            dispatched = None
        self.system.disarm()
        if self.system.dead:
            self.system.restart()
        if dispatched is None:
            dispatched = self._dispatch(workflow, key, "allow")
        self._event_came(known, key, "allow", dispatched)
        self._compare()

    # -- what holds -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_acts_twice_or_without_right(self) -> None:
        """An act is known by its id, whoever performs it twice."""
        for each in self.model.executions.values():
            done = self.system.notifications_of(each.id)
            assert done == (1 if each.status == "SUCCEEDED" else 0), each

    # -- inside ---------------------------------------------------------------------------------------------------

    def _failed(self) -> list[Running]:
        """Whom a retry is for. One that must be alone would wait for whoever runs or queues now."""
        failed = [each for each in self.model.executions.values() if each.status == "FAILED"]
        return [each for each in failed if not (each.exclusive and self.model.alive(each.workflow))]

    def _create(self, drawing: Drawing) -> str:
        """Saved and switched on: what is worth looking at begins there."""
        made = self.system.save(drawing.document)
        self.system.workflows.toggle(TENANT, made, True)
        self.model.workflows[made] = Known(made, drawing, active=drawing)
        self._compare()
        return made

    def _dispatch(self, workflow: str, key: str, overlap: Overlap) -> Dispatched:
        command = StartCommand(workflow_id=workflow, trigger="start", dedupe_key=key, overlap=overlap)
        return self.system.run(self.system.executions.dispatcher.dispatch(command))

    def _event_came(self, known: Known, key: str, overlap: Overlap, dispatched: Dispatched) -> None:
        if key in known.keys and known.active is not None and self.model.may_start(known, overlap):
            assert (dispatched.verdict, dispatched.execution_id) == ("duplicate", known.keys[key])
            return
        if key in known.keys:
            assert dispatched.verdict in ("skipped", "duplicate")
            return
        if not self.model.may_start(known, overlap):
            assert dispatched.verdict == "skipped"
            return
        assert dispatched.execution_id is not None
        assert dispatched.verdict in ("started", "duplicate")
        known.keys[key] = dispatched.execution_id
        assert known.active is not None
        self.model.start(dispatched.execution_id, known.id, known.active, by_hand=False, overlap=overlap)

    def _half_an_hour(self, then: Callable[[], None]) -> None:
        """From one moment at which something is due to the next. On the hour, what is scheduled starts, unless its last
        run is in the way."""
        until = self.model.now + timedelta(minutes=30)
        while self.model.now < until:
            before = set(self.system.statuses())
            self.model.now = self.model.next_stop(until)
            self.system.advance(self.model.now)
            then()
            self.model.go_on()
            if self.model.now.minute == self.model.now.second == 0:
                self._schedules_fired(before)
            self._compare()

    def _schedules_fired(self, before: set[str]) -> None:
        new = self.system.workflows_of(set(self.system.statuses()) - before)
        for known in self.model.workflows.values():
            drawing = known.active
            wanted = drawing is not None and drawing.scheduled and self.model.may_start(known, drawing.overlap)
            started = new.pop(known.id, [])
            assert len(started) == (1 if wanted else 0), (known, started)
            if drawing is not None and wanted:
                self.model.start(started[0], known.id, drawing, by_hand=False, overlap=drawing.overlap)
        assert not new

    def _compare(self) -> None:
        self.system.settle()
        assert not self.system.dead
        expected = {each.id: (each.status, each.error) for each in self.model.executions.values()}
        statuses = self.system.statuses()
        wrong = [each for each in self.model.executions.values() if statuses.get(each.id) != expected[each.id]]
        assert not wrong, [(statuses.get(each.id), each) for each in wrong]
        assert statuses.keys() == expected.keys()
        for known in self.model.workflows.values():
            if known.deleted:
                continue
            shown = self.system.workflows.get(TENANT, known.id)
            assert shown.active == (known.active is not None)
            fires = shown.active and known.active is not None and known.active.scheduled
            on_the_hour = self.model.now.replace(minute=0, second=0) + HOUR
            assert shown.next_fire == (on_the_hour if fires else None)


@pytest.mark.exam(suite="workflows' lives")
def test_the_system_is_where_the_model_is() -> None:
    runs, steps = exam.sized(25, 2_000), exam.sized(30, 50)
    exam.record("workflows' lives", runs=runs, steps=steps)
    run_state_machine_as_test(
        Lifecycle,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # to make a failure small takes longer than a test may
            suppress_health_check=list(HealthCheck),
        ),
    )
