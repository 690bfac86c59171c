"""One schedule of an active version, as the scheduler follows it, and the start it asks for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradeloom.engine.clock import Clock
from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.interpreter.times import timestamp
from tradeloom.engine.schedules import ScheduleFault
from tradeloom.nodes.trigger.schedule import ScheduleTrigger
from tradeloom.workflow.firing import Fire
from tradeloom.workflow.schedules import Schedule


@dataclass(eq=False, slots=True)
class Watched:
    """One schedule of an active version. `last` is the last fire time that was seen to, `fire` the next."""

    tenant: str
    workflow_id: str
    node: str
    version: str
    account: str
    schedule: Schedule
    clock: Clock
    last: datetime
    fire: Fire | None = None
    fault: ScheduleFault | None = None
    gone: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return self.tenant, self.workflow_id, self.node

    @property
    def kept_as(self) -> tuple[str, str, str]:
        """Where the last fire is kept: a replay has its own, since its times come again."""
        return self.tenant, self.workflow_id, kept_node(self.node, self.clock)

    def order(self, scheduler: str) -> bytes:
        """Its place among what is due at the same moment; another one in each scheduler."""
        return hashlib.sha256("\x1f".join([scheduler, *self.key]).encode("utf-8", "surrogatepass")).digest()


def kept_node(node: str, clock: Clock) -> str:
    return f"{node}@{clock.session}" if clock.session else node


def is_schedule(node: Mapping[str, Any]) -> bool:
    return node["type"] == ScheduleTrigger.type and not node.get("disabled", False)


def where_to_begin(now: datetime, before: Watched | None) -> datetime:
    """The fire time after which a new version's schedule goes on: now, but what the one before had yet to start is not
    lost to a save."""
    fire = None if before is None else before.fire
    if fire is not None and not fire.missed and fire.due <= now <= fire.until:
        return fire.due - timedelta(microseconds=1)
    return now


def start_key(node: str, clock: Clock, due: datetime) -> str:
    """The dedupe key of a fire time's start: a replay has its own, since its times come again."""
    replay = f"{clock.session}:" if clock.session else ""
    return f"schedule:{node}:{replay}{timestamp(due)}"


def command_of(watched: Watched, fire: Fire) -> StartCommand:
    made_up_for = watched.schedule.misfire != "skip" or watched.schedule.overlap == "queue"
    oldest = fire.due + timedelta(minutes=watched.schedule.max_age_min)
    return StartCommand(
        tenant=watched.tenant,
        workflow_id=watched.workflow_id,
        trigger=watched.node,
        version=watched.version,
        account=watched.account,
        payload={"scheduled_at": timestamp(fire.due)},
        dedupe_key=start_key(watched.node, watched.clock, fire.due),
        overlap=watched.schedule.overlap,
        expires=fire.until,
        start_by=max(fire.until, oldest) if made_up_for else fire.until,
    )
