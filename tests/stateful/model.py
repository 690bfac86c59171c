"""What a user would say of workflows and their executions: the few rules that matter, in plain Python."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from tests.support.documents import document, node
from tradeloom.workflow.document import Workflow

Overlap = Literal["skip", "queue", "allow"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A workflow as somebody drew it: on the hour, if it is scheduled, do the work, wait, act."""

    scheduled: bool
    overlap: Overlap
    delay_s: int
    broken: bool
    number: int

    @property
    def document(self) -> dict[str, Any]:
        nodes = [
            node("start", "trigger.manual"),
            node("hourly", "trigger.schedule", config={"expression": "0 * * * *", "overlap": self.overlap}),
            node("work", "utility.transform", config={"rules": [{"op": "set", "path": "x", "value": 1}], "source": {}}),
            node("act", "notify.dashboard", config={"title": "t", "message": str(self.number)}),
        ]
        ways = ["start > work", "hourly > work", "work > act"]
        if not self.scheduled:
            del nodes[1]
            ways.remove("hourly > work")
        if self.delay_s:
            nodes.append(node("wait", "utility.delay", config={"mode": "seconds", "seconds": self.delay_s}))
            ways[-1:] = ["work > wait", "wait > act"]
        described = "broken" if self.broken else ""
        return document(nodes, *ways, description=described, settings={"timeout_s": 90 * 86_400})

    @property
    def version(self) -> str:
        return _version(self)


@lru_cache(maxsize=1_000)
def _version(drawing: Drawing) -> str:
    """Two drawings may make one document: what is not scheduled has no overlap."""
    return Workflow.model_validate(drawing.document).version


@dataclass(slots=True)
class Running:
    """An execution. `began` is the market's time when its turn came, None while it is queued; `at_act` once its wait is
    over."""

    id: str
    workflow: str
    drawing: Drawing
    by_hand: bool
    exclusive: bool
    began: datetime | None = None
    waited: bool = False
    at_act: bool = False
    status: str = "PENDING"
    error: str | None = None

    @property
    def due(self) -> datetime | None:
        """When its wait is over."""
        return None if self.began is None else self.began + timedelta(seconds=self.drawing.delay_s)

    @property
    def ended(self) -> bool:
        return self.status not in ("PENDING", "RUNNING")


@dataclass(slots=True)
class Known:
    """A workflow: what it is drawn as now, and what is switched on."""

    id: str
    drawing: Drawing
    active: Drawing | None = None
    deleted: bool = False
    keys: dict[str, str] = field(default_factory=dict)


class Model:
    """All of it at one time of the market."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.workflows: dict[str, Known] = {}
        self.executions: dict[str, Running] = {}
        self.mended: set[str] = set()

    def alive(self, workflow: str) -> list[Running]:
        return [each for each in self.executions.values() if each.workflow == workflow and not each.ended]

    def may_start(self, known: Known, overlap: Overlap) -> bool:
        """Whether a trigger may start it now."""
        if known.active is None or known.deleted:
            return False
        alive = len(self.alive(known.id))
        return overlap == "allow" or alive <= (1 if overlap == "queue" else 0)

    def start(self, execution: str, workflow: str, drawing: Drawing, *, by_hand: bool, overlap: Overlap) -> None:
        exclusive = overlap != "allow" and not by_hand  # never beside another, a retry neither
        self.executions[execution] = Running(execution, workflow, drawing, by_hand, exclusive)
        self.go_on()

    def stop(self, *executions: str) -> None:
        for each in map(self.executions.__getitem__, executions):
            if not each.ended:
                each.status, each.error = "STOPPED", "ExecutionStopped"
        self.go_on()

    def may_be_retried(self, each: Running) -> bool:
        known = self.workflows[each.workflow]
        goes_by = known.drawing if each.by_hand else known.active
        return not known.deleted and goes_by is not None and goes_by.version == each.drawing.version

    def retry(self, execution: str) -> None:
        """It goes on where it failed."""
        each = self.executions[execution]
        each.status, each.error = "PENDING", None
        if not each.at_act:
            each.began = None
        self.go_on()

    def next_stop(self, until: datetime) -> datetime:
        """The next moment at which something is due, `until` at the latest."""
        waits = [each.due for each in self.executions.values() if not each.ended and each.due is not None]
        hour = self.now.replace(minute=0, second=0) + HOUR
        return min([until, hour, *(due for due in waits if due > self.now)])

    def go_on(self) -> None:
        """Until nothing moves at this time any more: who queues gets its turn in the order of starts."""
        moved = True
        while moved:
            moved = any(self._step(each) for each in self.executions.values() if not each.ended)

    def _step(self, each: Running) -> bool:
        if each.began is None:
            if each.exclusive and any(other.began is not None for other in self.alive(each.workflow)):
                each.waited = True
                return False
            each.began, each.status = self.now, "RUNNING"
            if each.waited and not self._permitted(each):
                each.status, each.error = "STOPPED", "ExecutionStopped"
            elif each.drawing.broken and each.drawing.version not in self.mended:
                each.status, each.error = "FAILED", "NodeConfigError"
            return True
        if each.due is None or self.now < each.due:
            return False
        each.at_act = True
        each.status, each.error = ("SUCCEEDED", None) if self._permitted(each) else ("FAILED", "ExecutionStopped")
        return True

    def _permitted(self, each: Running) -> bool:
        """What a trigger started acts only while its version is the active one."""
        known = self.workflows[each.workflow]
        if each.by_hand:
            return True
        return not known.deleted and known.active is not None and known.active.version == each.drawing.version
