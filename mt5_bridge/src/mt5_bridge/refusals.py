"""Outcomes that say no."""

from mt5_bridge.retcodes import Verdict, verdict_of_retcode
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus


def broker_refusal(intent: OrderIntent, retcode: int, comment: str) -> OrderOutcome:
    """A final refusal in the broker's words."""
    closed = verdict_of_retcode(retcode) is Verdict.DEFER_TO_SESSION
    message = f"{comment or 'refused by the broker'} ({retcode})"
    return rejected(intent, "market_closed" if closed else "broker", message, retcode)


def rejected(
    intent: OrderIntent, reason: str, message: str, retcode: int | None = None, *, rule: str | None = None
) -> OrderOutcome:
    """A final refusal, by whoever `reason` says; `rule` is the gate's."""
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.REJECTED,
        reason=reason,
        message=message,
        rule=rule,
        retcode=retcode,
    )
