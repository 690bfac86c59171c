"""The port the order journal keeps its records through: what is stored, and what a store promises about it.

The rules are the `Journal`'s; a store only keeps rows. Two things matter about one: a transaction is wholly there or
not at all, and **what it wrote is durable when it is left** (it survives the process, the machine, a power cut).
Between a transaction's start and its end nobody else, thread or process, writes. Every method raises
`StorageUnavailable` when the store cannot be read or written; nothing of the transaction is kept then.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState


class OrderState(StrEnum):
    NEW = "new"
    SENT = "sent"
    DONE = "done"
    PARTIAL = "partial"
    PLACED = "placed"
    REJECTED = "rejected"
    RETRYABLE = "retryable"
    UNKNOWN = "unknown"
    FENCED = "fenced"
    NOT_SENT = "not_sent"
    MANUAL = "manual"


SENDABLE = frozenset({OrderState.NEW, OrderState.RETRYABLE})
"""The only states an order is sent from."""
UNSETTLED = frozenset({OrderState.SENT, OrderState.UNKNOWN, OrderState.FENCED, OrderState.MANUAL, OrderState.PLACED})
"""States in which the broker may still have news."""

_UNTOLD = {
    OrderState.SENT: "sent; no answer is known yet",
    OrderState.MANUAL: "not found at the broker: a person must look there and decide",
}


class Entry(NamedTuple):
    """One order's row. `attempts` counts transmissions; `sent_at` is market time (UTC) of the last one; `request` is
    what was handed to the terminal; `updated_at` is wall time."""

    intent: OrderIntent
    state: OrderState
    attempts: int
    sent_at: datetime | None
    request: dict[str, Any] | None
    result: OrderOutcome | None
    updated_at: datetime

    def outcome(self) -> OrderOutcome | None:
        """What may be told of it; None while nothing has been sent under the id."""
        if self.state in SENDABLE:
            return None
        if self.result is not None:
            return self.result
        return OrderOutcome(
            client_order_id=self.intent.client_order_id,
            status=OutcomeStatus.UNKNOWN,
            message=_UNTOLD.get(self.state, "the outcome is not known yet"),
            reason="manual" if self.state is OrderState.MANUAL else None,
        )


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """The account's row. `limits` is a JSON object as it was configured: an older or newer bridge's may not be ours."""

    state: AccountState
    reason: str
    by: str
    changed_at: datetime
    limits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentOrder:
    """What counts of an order that was transmitted; `side` as its intent says it."""

    client_order_id: str
    workflow_id: str
    symbol: str
    side: str
    sent_at: datetime


class JournalReader(Protocol):
    def order(self, order_id: str) -> Entry | None: ...

    def owner_of_magic(self, magic: int) -> str | None:
        """The client order id whose magic number this is."""
        ...

    def orders_in(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> list[str]:
        """Ids of the orders in one of these states, in the order they were claimed; those of one kind of intent left
        out."""
        ...

    def count(self, states: Collection[OrderState], *, besides_kind: str | None = None) -> int:
        """How many orders are in one of these states, those of one kind of intent left out."""
        ...

    def sent_since(self, since: datetime, kinds: Collection[str]) -> "list[SentOrder]":
        """The orders of these kinds of intent that were last transmitted at or after a market time."""
        ...

    def workflows(self, magics: Iterable[int]) -> dict[int, str]:
        """The workflow behind each magic number that is ours."""
        ...

    def log_of(self, order_id: str) -> list[tuple[str, dict[str, Any]]]:
        """The order's log, oldest first, as (what, detail)."""
        ...

    def account(self) -> AccountRecord | None: ...

    def fact(self, key: str) -> Any:
        """The JSON value kept under a key; None when there is none."""
        ...

    def facts(self, prefix: str) -> dict[str, Any]:
        """The values of all keys that begin so, by key, sorted."""
        ...


class JournalWriter(JournalReader, Protocol):
    """Reads see what the transaction has written."""

    def insert(self, entry: Entry) -> None:
        """A new order; its id and its magic number must not be taken."""
        ...

    def update(self, entry: Entry) -> None:
        """Everything of a row but its intent."""
        ...

    def decide_anew(self, intent: OrderIntent, at: datetime) -> None:
        """Puts an intent in place of the one with the same id."""
        ...

    def log(self, order_id: str | None, at: datetime, what: str, detail: Mapping[str, Any]) -> None:
        """Appends a line, for good; without an order it is the account's."""
        ...

    def put_account(self, record: AccountRecord) -> None: ...

    def put_fact(self, key: str, value: Any, at: datetime) -> None:
        """Keeps a JSON value under a key; None takes the key away."""
        ...


class JournalStore(Protocol):
    def reading(self) -> AbstractContextManager[JournalReader]: ...

    def transaction(self) -> AbstractContextManager[JournalWriter]:
        """Commits when left, durably; rolls back when left by an exception."""
        ...

    def close(self) -> None: ...
