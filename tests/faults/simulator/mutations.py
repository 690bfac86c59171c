"""The protections, taken out one at a time: a simulator that does not notice one missing proves nothing.

Each is a context manager that patches the real classes for as long as it lasts.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest.mock import patch

from mt5_bridge import gatekeeper, records
from mt5_bridge.gatekeeper import Gatekeeper
from mt5_bridge.journal import Entry, Journal, OrderState
from mt5_bridge.preparation import build_request
from mt5_bridge.reconciliation import Reconciler
from tests.faults.simulator.disk import Disk
from tradeloom.trading.intents import OrderIntent

_GIVEN_UP = (OrderState.SENT, OrderState.UNKNOWN)


@contextmanager
def without_the_fence() -> Iterator[None]:
    """An order that is not found at once is simply free to be sent again: no horizon, no second look, no fence."""

    def give_up(self: Reconciler, entry: Entry) -> None:
        if entry.state in _GIVEN_UP:
            self._journal.retryable(entry.intent.client_order_id, "not found at the broker")

    with patch.object(Reconciler, "_give_up_if_due", give_up):
        yield


def without_fsync() -> AbstractContextManager[Any]:
    """A commit returns before it is on the disk."""
    return patch.object(Disk, "fsync", False)


@contextmanager
def without_the_repeat_check() -> Iterator[None]:
    """Whatever the journal knows of an id, it is taken as new."""
    claim = Journal.claim

    def forgetful(self: Journal, intent: OrderIntent) -> Entry:
        return claim(self, intent)._replace(state=OrderState.NEW)

    with patch.object(Journal, "claim", forgetful):
        yield


@contextmanager
def without_position() -> Iterator[None]:
    """Closes are plain opposite orders."""

    def bare(*args: Any) -> dict[str, Any]:
        request = build_request(*args)
        request.pop("position", None)
        return request

    with patch.object(gatekeeper, "build_request", bare):
        yield


def without_the_gate() -> AbstractContextManager[Any]:
    return patch.object(Gatekeeper, "_gate", lambda *_facts: None)


def without_the_magic_match() -> AbstractContextManager[Any]:
    """Any order in the symbol is taken for ours."""
    return patch.object(records, "_ours", lambda _record, _intent, _kind: True)


MUTATIONS: Final[Mapping[str, Any]] = {
    "fence": without_the_fence,
    "fsync": without_fsync,
    "repeat check": without_the_repeat_check,
    "position": without_position,
    "gate": without_the_gate,
    "magic match": without_the_magic_match,
}
"""What is missing, and how to take it out."""
