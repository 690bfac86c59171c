"""One market trigger of an active version, as the watcher follows it: what it has seen, what is to start because of it,
and the start it asks for."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from tradeloom.engine.dispatcher import StartCommand
from tradeloom.engine.stores import VersionRecord
from tradeloom.errors import BrokerError, TradeloomError
from tradeloom.nodes.trigger._observing import Happening, Look, MarketTrigger, Observation, moment, told

log: Final = logging.getLogger(__name__)

STALE: Final = timedelta(seconds=90)
"""An event that came while nobody watched and is older than this was missed: the trigger says what to do with it."""
_LITTLE: Final = frozenset({"at", "value", "mark"})


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is to start something: not after `expires`, where that is given."""

    event: Happening
    expires: datetime | None = None


@dataclass(eq=False)
class WatchedTrigger:
    """One trigger node. `state` is what its last look left, `revision` that of the variable it is kept in; `ended`
    once it is watched no more."""

    tenant: str
    workflow_id: str
    version: str
    node: str
    account: str
    trigger: type[MarketTrigger]
    config: Any
    session: str
    state: dict[str, Any] | None = None
    revision: int = 0
    due: list[Due] = field(default_factory=list)
    kept_at: datetime | None = None
    kept_wall: float = 0.0
    behind: bool = True
    ended: bool = False
    complaint: str = ""

    @property
    def workflow(self) -> tuple[str, str]:
        return self.tenant, self.workflow_id

    @property
    def symbol(self) -> str | None:
        return self.trigger.watches(self.config)

    @property
    def scope(self) -> str:
        return f"trigger/{self.workflow_id}/{self.node}"

    @property
    def key(self) -> str:
        """A replay has a memory of its own, since its times come again."""
        return f"state@{self.session}" if self.session else "state"

    def observed(self, look: Look) -> Observation | Exception:
        try:
            return self.trigger.observe(self.config, self.state, look, self.workflow_id)
        except BrokerError as error:
            self.behind = True
            return error
        except TradeloomError as error:
            return error
        except Exception as error:
            return error  # logged once, and the other triggers are looked after

    def follows(self, found: Iterable[Happening], now: datetime) -> list[Due]:
        """What is to start because of what was found at a look."""
        if not self.behind:
            return [Due(each, self._expires(max(each.at, now))) for each in found]
        return [Due(each, self._expires(each.at)) for each in _not_too_late(found, now, self.config.missed)]

    def _expires(self, at: datetime) -> datetime | None:
        """A replay's hours pass in no time, and not at all while the machine is down: in it no start comes late."""
        return at + STALE if self.config.missed == "skip" and not self.session else None

    def kept(self, state: Mapping[str, Any], due: Iterable[Due]) -> dict[str, Any]:
        """As it is written down (JSON)."""
        return {"version": self.version, "seen": state, "due": [_as_json(each) for each in due]}

    def recall(self, kept: Any) -> bool:
        """Go on from what is written down; False where there is nothing, or it is another version's."""
        self.state, self.due = None, []
        if not isinstance(kept, dict) or kept.get("version", self.version) != self.version:
            return False
        self.state = kept["seen"]
        self.due = [self._from_json(each) for each in kept["due"]]
        return True

    def _from_json(self, kept: Mapping[str, Any]) -> Due:
        event = Happening(kept["key"], moment(kept["at"]), kept["payload"])
        if "expires" not in kept:  # written by a release that knew no such time
            return Due(event, self._expires(event.at))
        return Due(event, None if kept["expires"] is None else moment(kept["expires"]))

    def news(self, state: Mapping[str, Any]) -> bool:
        """Whether a state says more than that time has passed and the price moved a little."""
        return bool(_essence(state) != _essence(self.state))


Nodes = list[tuple[Mapping[str, Any], type[MarketTrigger]]]


def market_nodes(artefact: Mapping[str, Any], types: Mapping[str, type[MarketTrigger]]) -> Nodes:
    """The market triggers of a version that are not disabled, each with its type."""
    nodes = [node for node in artefact["document"]["nodes"] if not node.get("disabled", False)]
    return [(node, types[node["type"]]) for node in nodes if node["type"] in types]


def triggers_of(version: VersionRecord, nodes: Nodes, session: str, *, behind: bool) -> Iterator[WatchedTrigger]:
    """`behind` says that events from before count. One that a release saved which took it is told and left out."""
    for node, trigger in nodes:
        try:
            config = trigger.Config.model_validate(node.get("config") or {})
        except (ValidationError, TradeloomError) as error:
            what = "the trigger %s of workflow %s cannot be watched: %s"
            log.error(what, node["id"], version.workflow_id, error)
            continue
        yield WatchedTrigger(
            tenant=version.tenant,
            workflow_id=version.workflow_id,
            version=version.version,
            node=node["id"],
            account=version.account,
            trigger=trigger,
            config=config,
            session=session,
            behind=behind,
        )


def start_of(watch: WatchedTrigger, due: Due) -> StartCommand:
    replay = f"{watch.session}:" if watch.session else ""
    return StartCommand(
        tenant=watch.tenant,
        workflow_id=watch.workflow_id,
        trigger=watch.node,
        version=watch.version,
        account=watch.account,
        payload=due.event.payload,
        dedupe_key=f"event:{watch.node}:{replay}{due.event.key}",
        overlap=watch.config.overlap,
        expires=due.expires,
    )


def _not_too_late(found: Iterable[Happening], now: datetime, missed: str) -> list[Happening]:
    happenings = list(found)
    late = [each for each in happenings if now - each.at > STALE]
    kept = late if missed == "all" else late[-1:] if missed == "once" else []
    return [each for each in happenings if each in kept or each not in late]


def _essence(state: Mapping[str, Any] | None) -> Any:
    """A state without what changes at every look and may be a little old after a restart."""
    if state is None:
        return None
    plain = {name: value for name, value in state.items() if name not in _LITTLE}
    edge = plain.get("edge")
    return plain if edge is None else {**plain, "edge": {n: v for n, v in edge.items() if n not in _LITTLE}}


def _as_json(due: Due) -> dict[str, Any]:
    expires = None if due.expires is None else told(due.expires)
    return {"key": due.event.key, "at": told(due.event.at), "payload": due.event.payload, "expires": expires}
