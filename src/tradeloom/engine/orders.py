"""Orders as the engine keeps them: written down before the bridge hears of them, settled as their outcome is known.

The bridge's journal is the authority on what was sent. These rows say which execution, node and version meant it, and
keep an order nobody knows the fate of in sight until somebody does.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tradeloom.correlation import about
from tradeloom.engine.questions import Answer, Asker
from tradeloom.errors import InvalidInput
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus

log: Final = logging.getLogger(__name__)

OrderState = Literal[
    "intended",
    "withdrawn",
    "unknown",
    "manual",
    "done",
    "partial",
    "placed",
    "cancelled",
    "expired",
    "rejected",
    "not_sent",
]
"""INTENDED: written down, and nothing heard since. WITHDRAWN: certainly not sent so far; the node may try again.
MANUAL: nobody but a person can say. The others are the outcome's."""

OPEN: Final[frozenset[OrderState]] = frozenset({"intended", "withdrawn", "unknown", "manual"})
"""What may still change; all other states are final."""

UNHEARD_S: Final = 60.0
"""An order that was handed over and not heard of for this long is asked about: longer than a send may take."""
FIRST_LOOK_S: Final = 2.0
LONGEST_LOOK_S: Final = 300.0

_STATES: Final[Mapping[OutcomeStatus, OrderState]] = {
    OutcomeStatus.DONE: "done",
    OutcomeStatus.PARTIAL: "partial",
    OutcomeStatus.PLACED: "placed",
    OutcomeStatus.CANCELLED: "cancelled",
    OutcomeStatus.EXPIRED: "expired",
    OutcomeStatus.REJECTED: "rejected",
    OutcomeStatus.NOT_SENT: "not_sent",
    OutcomeStatus.UNKNOWN: "unknown",
}
_INTENTS: TypeAdapter[OrderIntent] = TypeAdapter(OrderIntent, config=ConfigDict(defer_build=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order's row. `intent` and `outcome` are their models as JSON; times are wall times. `check_at` is when the
    bridge is asked again, after `checks` times; None once there is nothing to ask."""

    tenant: str
    client_order_id: str
    magic: int
    account: str
    execution_id: str
    workflow_id: str
    version: str
    node: str
    intent: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    iteration: list[int] = field(default_factory=list)
    test_mode: bool = False
    resend_of: str | None = None
    state: OrderState = "intended"
    outcome: dict[str, Any] | None = None
    message: str = ""
    checks: int = 0
    check_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What became known of an order, and when to ask again."""

    state: OrderState
    at: datetime
    message: str = ""
    outcome: dict[str, Any] | None = None
    checks: int = 0
    check_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list; unset parts match all."""

    tenant: str
    states: tuple[OrderState, ...] = ()
    account: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None
    limit: int = 50
    offset: int = 0


class OrderStore(Protocol):
    """Each write is durable when it returns. Every method raises `StorageUnavailable`."""

    async def intend(self, record: OrderRecord) -> None:
        """Write the order down. The same order again, not sent so far, takes the newer intent; a final one stays.

        Raises `Conflict` when the id belongs to another execution's node.
        """
        ...

    async def tell(self, tenant: str, client_order_id: str, news: News) -> OrderRecord | None:
        """The row as it is then; None when there is none, or it may not change that way (it is final, or is to be
        withdrawn and was perhaps sent)."""
        ...

    async def order(self, tenant: str, client_order_id: str) -> OrderRecord | None: ...

    async def orders(self, which: OrderFilter) -> tuple[list[OrderRecord], int]:
        """A page, newest first, and how many match in all."""
        ...

    async def due(self, now: datetime, limit: int = 100) -> list[OrderRecord]:
        """Those to be asked about by now, of every tenant, the longest due first."""
        ...

    async def of_magic(self, tenant: str, account: str, magics: "list[int]") -> list[OrderRecord]:
        """The orders behind magic numbers of an account."""
        ...

    async def of_executions(self, tenant: str, execution_ids: Sequence[str]) -> list[OrderRecord]:
        """All orders of the executions, the earliest first."""
        ...


def state_of(outcome: OrderOutcome, kind: str) -> OrderState:
    """A market order that is accepted and not filled is as open as one nobody has heard of."""
    if outcome.status is OutcomeStatus.UNKNOWN and outcome.reason == "manual":
        return "manual"
    if outcome.status is OutcomeStatus.PLACED and kind != "pending":
        return "unknown"
    return _STATES[outcome.status]


def news_of(outcome: OrderOutcome, kind: str, now: datetime, checks: int = 0) -> News:
    state = state_of(outcome, kind)
    return News(
        state=state,
        at=now,
        message=outcome.message,
        outcome=outcome.model_dump(mode="json"),
        checks=checks,
        check_at=now + look_again_after(checks) if state in OPEN else None,
    )


def look_again_after(checks: int) -> timedelta:
    """Twice as long after each look, up to five minutes."""
    return timedelta(seconds=min(FIRST_LOOK_S * 2 ** min(checks, 20), LONGEST_LOOK_S))


class OrderAnswers:
    """What a worker tells of its orders. Whose they are is the engine's word, not the worker's."""

    def __init__(self, store: OrderStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now

    def answers(self) -> Mapping[str, Answer]:
        return {
            "orders.intended": self._intended,
            "orders.told": self._told,
            "orders.withdrawn": self._withdrawn,
            "orders.perhaps_sent": self._perhaps_sent,
        }

    async def _intended(self, asker: Asker, body: dict[str, Any]) -> None:
        intent = _intent(body)
        said = intent.execution_id, intent.workflow_id, intent.node_id
        if said != (asker.execution_id, asker.workflow_id, asker.node):
            raise InvalidInput("An order speaks for its own execution and node only.", field="intent")
        now = self._now()
        with _about(asker, intent.client_order_id):
            log.info("means to send an order on %s", intent.account)
        await self._store.intend(
            OrderRecord(
                tenant=asker.tenant,
                client_order_id=intent.client_order_id,
                magic=intent.magic,
                account=intent.account,
                execution_id=asker.execution_id,
                workflow_id=asker.workflow_id,
                version=asker.version,
                node=asker.node,
                iteration=list(asker.iteration),
                test_mode=asker.test_mode,
                resend_of=intent.resend_of,
                intent=intent.model_dump(mode="json"),
                created_at=now,
                updated_at=now,
                check_at=now + timedelta(seconds=UNHEARD_S),
            )
        )

    async def _told(self, asker: Asker, body: dict[str, Any]) -> None:
        outcome = _outcome(body)
        known = await self._own(asker, outcome.client_order_id)
        if known is not None and known.state in OPEN:
            news = news_of(outcome, str(known.intent.get("kind")), self._now(), known.checks)
            with _about(asker, outcome.client_order_id):
                log.info("its order is %s", news.state)
            await self._store.tell(asker.tenant, outcome.client_order_id, news)

    async def _withdrawn(self, asker: Asker, body: dict[str, Any]) -> None:
        order_id, message = str(body.get("client_order_id")), str(body.get("message", ""))
        if await self._own(asker, order_id) is not None:
            await self._store.tell(asker.tenant, order_id, News(state="withdrawn", at=self._now(), message=message))

    async def _perhaps_sent(self, asker: Asker, body: dict[str, Any]) -> bool:
        known = await self._own(asker, str(body.get("client_order_id")))
        return known is not None and known.state in ("intended", "unknown", "manual")

    async def _own(self, asker: Asker, order_id: str) -> OrderRecord | None:
        known = await self._store.order(asker.tenant, order_id)
        return known if known is not None and known.execution_id == asker.execution_id else None


def _about(asker: Asker, order: str) -> about:
    return about(execution=asker.execution_id, workflow=asker.workflow_id, node=asker.node, order=order)


def _intent(body: Mapping[str, Any]) -> OrderIntent:
    try:
        return _INTENTS.validate_python(body.get("intent"))
    except ValidationError as error:
        raise InvalidInput(f"Not an order intent: {error.error_count()} of its parts are wrong.") from error


def _outcome(body: Mapping[str, Any]) -> OrderOutcome:
    try:
        return OrderOutcome.model_validate(body.get("outcome"))
    except ValidationError as error:
        raise InvalidInput(f"Not an order's outcome: {error.error_count()} of its parts are wrong.") from error
