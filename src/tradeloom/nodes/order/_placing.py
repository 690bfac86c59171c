"""From intent to outcome, once: what was recorded is returned, what was refused is raised."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from tradeloom.errors import (
    Conflict,
    ExecutionStopped,
    MarketClosed,
    NodeConfigError,
    OrderFilled,
    OrderNotSent,
    OrderRejected,
    OrderUnknown,
    RiskRejected,
    TargetGone,
    TradeloomError,
)
from tradeloom.nodes.base import NodeContext, setting
from tradeloom.nodes.market._broker import READ_ERRORS
from tradeloom.trading.intents import MAX_RESENDS, OrderIntent, OrderOutcome, OutcomeStatus, resend_id

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker

SEND_ERRORS = (OrderRejected, RiskRejected, MarketClosed, OrderNotSent, OrderUnknown, Conflict, ExecutionStopped)
ORDER_ERRORS = (*SEND_ERRORS, *READ_ERRORS)

ALREADY_CLOSED = "already_closed"
MANUAL = "manual"
_WATCHED = "look at the account before trading on; it is asked about until it is known, and `tradeloom orders` shows it"
_FILLED = (OutcomeStatus.DONE, OutcomeStatus.PARTIAL)
_RESTED = (*_FILLED, OutcomeStatus.PLACED, OutcomeStatus.CANCELLED, OutcomeStatus.EXPIRED)
_REFUSED_BY: dict[str | None, type[OrderRejected]] = {
    "risk": RiskRejected,
    "market_closed": MarketClosed,
    "filled": OrderFilled,
    "gone": TargetGone,
}


def deviation_setting() -> Any:
    return setting(
        20,
        title="Deviation",
        help="How far the price may move while the order is on its way; further is a refusal.",
        unit="points",
        widget="number",
        ge=0,
        le=10_000,
        advanced=True,
    )


def ttl_setting() -> Any:
    return setting(
        60,
        title="Valid for",
        help="After this long, by the market's clock, the order is not sent any more: a late trade is a different one.",
        unit="s",
        widget="duration",
        ge=1,
        le=3_600,
        advanced=True,
    )


def place(broker: "Broker", context: NodeContext, order_id: str, make: Callable[[], OrderIntent]) -> OrderOutcome:
    """The outcome recorded under the id, or else that of the intent made and sent now.

    Looking first matters when a node runs again: the market has moved, and an intent made from today's quote is not
    the one that was sent. Where the bridge is certain that nothing was sent, and allows it, another order under an id
    of its own takes the place of the one before, until that one's deadline. Raises `ExecutionStopped` before sending,
    and what the broker raises.
    """
    outcome = _placed(broker, context, order_id, make, None)
    for _ in range(MAX_RESENDS):
        until = outcome.resend_until
        if outcome.status is not OutcomeStatus.NOT_SENT or until is None or broker.market_time() >= until:
            break
        context.log("the order was certainly not sent; another takes its place", level="warning", instead_of=order_id)
        order_id = resend_id(order_id)
        outcome = _placed(broker, context, order_id, make, outcome)
    return outcome


def _placed(
    broker: "Broker",
    context: NodeContext,
    order_id: str,
    make: Callable[[], OrderIntent],
    instead_of: OrderOutcome | None,
) -> OrderOutcome:
    """One id's outcome. A stand-in has no longer to live than the order it stands in for."""
    recorded = broker.outcome(order_id)
    if recorded is not None:
        context.log("this order was sent before; its recorded outcome is used", client_order_id=order_id)
        return recorded
    intent = make()
    if instead_of is not None and instead_of.resend_until is not None:
        changes = {
            "client_order_id": order_id,
            "resend_of": instead_of.client_order_id,
            "deadline": min(intent.deadline, instead_of.resend_until),
        }
        intent = intent.model_copy(update=changes)
    context.before_acting()
    return broker.send(intent)


def origin(broker: "Broker", context: NodeContext, order_id: str, ttl_s: int) -> dict[str, Any]:
    """What every intent says of whose it is and until when it may be sent: `ttl_s` from the node's first attempt on,
    so that an attempt made hours later, by an engine that was down, sends nothing any more."""
    now = broker.market_time()
    return {
        "client_order_id": order_id,
        "account": broker.account_name,
        "execution_id": context.execution_id,
        "workflow_id": context.workflow_id,
        "workflow_version": context.workflow_version,
        "node_id": context.node_id,
        "created_at": now,
        "deadline": now - _tried_for(broker, context, now) + timedelta(seconds=ttl_s),
    }


def _tried_for(broker: "Broker", context: NodeContext, now: datetime) -> timedelta:
    """For how long the node has been tried, by the market of the workflow's own account, of which `first_at` is."""
    if context.first_at is None:
        return timedelta(0)
    own = now if broker.account_name == context.account else context.broker().market_time()
    return max(own - context.first_at, timedelta(0))  # a paper market may have been set back


def settled(outcome: OrderOutcome, what: str, *, resting: bool = False) -> OrderOutcome:
    """The outcome if it is a fill, a change carried out, or nothing left to do; otherwise raises what it means.

    With `resting` an order that waits at the broker, or did until it was cancelled or expired, is a good outcome too.
    `what` names the order in the message ("buy 0.10 EURUSD").
    """
    if outcome.reason == ALREADY_CLOSED or outcome.status in (_RESTED if resting else _FILLED):
        return outcome
    raise _error(outcome, what)


def _error(outcome: OrderOutcome, what: str) -> TradeloomError:
    told = outcome.message or "no reason was given"
    match outcome.status:
        case OutcomeStatus.REJECTED if outcome.reason == "widens":
            return NodeConfigError(
                f"{what} was refused: {told}",
                field="config.stop_loss",
                hint="place the stop nearer, or allow a wider one if that is what you want",
            )
        case OutcomeStatus.REJECTED if outcome.reason == "deadline":
            return OrderRejected(
                f"{what} was refused: {told}",
                hint="its time (Valid for) began with the node's first attempt; start a new execution to trade",
            )
        case OutcomeStatus.REJECTED:
            return _REFUSED_BY.get(outcome.reason, OrderRejected)(f"{what} was refused: {told}")
        case OutcomeStatus.NOT_SENT:
            return OrderNotSent(f"{what} was not sent: {told}", hint="start a new execution to trade again")
        case OutcomeStatus.PLACED:
            return OrderUnknown(
                f"{what} (order id {outcome.client_order_id}) was accepted by the broker but is not filled yet: {told}",
                hint=_WATCHED,
            )
        case _ if outcome.reason == MANUAL:
            return OrderUnknown(
                f"{what} (order id {outcome.client_order_id}) was sent and cannot be found at the broker: {told}",
                hint="look at the broker, then say what it became: tradeloom orders settle "
                f"{outcome.client_order_id}; until then do not send it by hand",
            )
        case _:
            return OrderUnknown(
                f"{what} (order id {outcome.client_order_id}) was sent and its outcome is not known yet: {told}",
                hint=_WATCHED,
            )


class HasTicket(Protocol):
    @property
    def ticket(self) -> int: ...


def try_all[T: HasTicket, R](
    targets: Sequence[T], act: Callable[[T], R], context: NodeContext, *, what: str, done: str
) -> list[R]:
    """`act` on each target, whatever becomes of the others; then one error for all that failed.

    `what` and `done` are for messages ("position", "closed"). An execution that was stopped ends at once.
    """
    made: list[R] = []
    failures: list[tuple[int, TradeloomError]] = []
    for target in targets:
        try:
            made.append(act(target))
        except ExecutionStopped:
            raise
        except TradeloomError as error:
            failures.append((target.ticket, error))
            context.log(f"{what} {target.ticket}: {error.message}", level="error")
    if failures:
        raise _failure(failures, len(made), what, done)
    return made


def _failure(failures: Sequence[tuple[int, TradeloomError]], made: int, what: str, done: str) -> TradeloomError:
    """One error for all: an unknown outcome before one that can be retried before a refusal."""
    _, worst = min(failures, key=lambda failure: (not isinstance(failure[1], OrderUnknown), not failure[1].retryable))
    if len(failures) == 1 and not made:
        return worst
    told = "; ".join(f"{what} {ticket}: {error.message}" for ticket, error in failures)
    return type(worst)(f"{made} of {made + len(failures)} {what}s were {done}; {told}", hint=worst.hint)


def order_id_for(context: NodeContext, ticket: int) -> str:
    """The client order id for acting on one ticket: a node that closes or cancels several needs one for each."""
    return hashlib.sha256(f"{context.client_order_id()}\x1f{ticket}".encode()).hexdigest()[:32]
