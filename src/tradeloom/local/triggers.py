"""Which trigger of a document fires when somebody starts it by hand, which types the market fires, and who is told when
a workflow changes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tradeloom.errors import InvalidInput
from tradeloom.nodes.base import Kind
from tradeloom.nodes.registry import node_types
from tradeloom.nodes.trigger._observing import MarketTrigger
from tradeloom.workflow.document import Workflow

MANUAL = "trigger.manual"


class Fires(Protocol):
    """Fires triggers of active workflows."""

    async def refresh(self, tenant: str, workflow_id: str) -> None:
        """A workflow was activated, deactivated, changed or deleted."""
        ...


def telling(scheduler: Fires, watcher: Fires, then: Callable[[], None]) -> Callable[[str, str], Awaitable[None]]:
    """What tells them of a change that is made: each hears of it, whatever keeps the other from reading it."""

    async def changed(tenant: str, workflow_id: str) -> None:
        try:
            await scheduler.refresh(tenant, workflow_id)
        finally:
            try:
                await watcher.refresh(tenant, workflow_id)
            finally:
                then()

    return changed


def started_by_hand(document: Workflow, wanted: str | None = None) -> str:
    """The trigger wanted, else the manual one, else the first. Raises `InvalidInput` for one that is not there."""
    known = node_types()
    triggers = {
        node.id: node.type
        for node in document.nodes
        if node.type in known and known[node.type].kind is Kind.TRIGGER and not node.disabled
    }
    if wanted is not None:
        if wanted not in triggers:
            listed = ", ".join(sorted(triggers))
            raise InvalidInput(f"There is no trigger {wanted!r}.", field="trigger", hint=f"There are: {listed}.")
        return wanted
    by_hand = sorted(node for node, kind in triggers.items() if kind == MANUAL)
    return (by_hand or sorted(triggers))[0]


def market_triggers() -> Mapping[str, type[MarketTrigger]]:
    return {name: node for name, node in node_types().items() if issubclass(node, MarketTrigger)}
