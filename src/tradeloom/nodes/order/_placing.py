"""From intent to outcome, once: what was recorded is returned, what was refused is raised."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradeloom.errors import (
    BrokerError,
    Conflict,
    ExecutionStopped,
    MarketClosed,
    OrderNotSent,
    OrderRejected,
    OrderUnknown,
    RiskRejected,
)
from tradeloom.nodes.base import NodeContext, setting
from tradeloom.nodes.market._broker import READ_ERRORS
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus

if TYPE_CHECKING:
    from tradeloom.trading.broker import Broker

SEND_ERRORS = (OrderRejected, RiskRejected, MarketClosed, OrderNotSent, OrderUnknown, Conflict, ExecutionStopped)
ORDER_ERRORS = (*SEND_ERRORS, *READ_ERRORS)

ALREADY_CLOSED = "already_closed"
_REFUSED_BY: dict[str | None, type[OrderRejected]] = {"risk": RiskRejected, "market_closed": MarketClosed}


def deviation_setting() -> Any:
    return setting(
        20,
        title="Deviation",
        help="How far the price may move while the order is on its way; further is a refusal.",
        unit="points",
        widget="number",
        ge=0,
        le=10_000,
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
    )


def place(broker: "Broker", context: NodeContext, order_id: str, make: Callable[[], OrderIntent]) -> OrderOutcome:
    """The outcome recorded under the id, or else that of the intent made and sent now.

    Looking first matters when a node runs again: the market has moved, and an intent made from today's quote is not
    the one that was sent. Raises `ExecutionStopped` before sending, and what the broker raises.
    """
    recorded = broker.outcome(order_id)
    if recorded is not None:
        context.log("this order was sent before; its recorded outcome is used", client_order_id=order_id)
        return recorded
    intent = make()
    context.before_acting()
    return broker.send(intent)


def settled(outcome: OrderOutcome, what: str) -> OrderOutcome:
    """The outcome if it is a fill or a position already closed; otherwise raises what it means.

    `what` names the order in the message ("buy 0.10 EURUSD").
    """
    if outcome.reason == ALREADY_CLOSED or outcome.status in (OutcomeStatus.DONE, OutcomeStatus.PARTIAL):
        return outcome
    raise _error(outcome, what)


def _error(outcome: OrderOutcome, what: str) -> BrokerError:
    told = outcome.message or "no reason was given"
    match outcome.status:
        case OutcomeStatus.REJECTED:
            return _REFUSED_BY.get(outcome.reason, OrderRejected)(f"{what} was refused: {told}")
        case OutcomeStatus.NOT_SENT:
            return OrderNotSent(f"{what} was not sent: {told}", hint="start a new execution to trade again")
        case OutcomeStatus.PLACED:
            return OrderUnknown(f"{what} was accepted by the broker but is not filled yet: {told}")
        case _:
            return OrderUnknown(
                f"{what} was sent and its outcome is not known yet: {told}",
                hint="look at the account before trading on; the bridge settles the outcome as soon as it can",
            )


def closing_order_id(context: NodeContext, ticket: int) -> str:
    """The client order id for closing one position: a node that closes several needs one for each."""
    return hashlib.sha256(f"{context.client_order_id()}\x1f{ticket}".encode()).hexdigest()[:32]
