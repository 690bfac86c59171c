"""A guard's step as an intent, and what its outcome means for the guard. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mt5_bridge.guard_store import Record
from tradeloom.trading.guard_rules import Action, ClosePart, MoveStop, after
from tradeloom.trading.guards import GuardStatus, PartialClose
from tradeloom.trading.intents import CloseIntent, ModifyIntent, OrderIntent, OrderOutcome, OutcomeStatus

_VALID = timedelta(seconds=30)
"""By the market's clock; a step that could not be sent until then is decided anew."""
_OPEN = frozenset({OutcomeStatus.UNKNOWN, OutcomeStatus.PLACED})


@dataclass(frozen=True, slots=True)
class StepResult:
    """The guard's row after a step. `status` is UNKNOWN while the step is open; `refusal` says why it was not done."""

    record: Record
    status: OutcomeStatus
    refusal: str | None = None


def intent_of(record: Record, action: Action, now: datetime) -> OrderIntent:
    guard = record.guard
    common = {
        "client_order_id": record.step_id,
        "account": guard.account,
        "execution_id": record.sender,
        "workflow_id": guard.workflow_id,
        "workflow_version": guard.workflow_version,
        "cause": guard.kind.value,
        "node_id": guard.node_id,
        "created_at": now,
        "deadline": now + _VALID,
        "symbol": guard.symbol,
    }
    if isinstance(action, MoveStop):
        return ModifyIntent(**common, target="position", ticket=guard.position, stop_loss=action.stop_loss)
    deviation = guard.rule.deviation if isinstance(guard.rule, PartialClose) else 20
    return CloseIntent(**common, position=guard.position, volume=action.volume, deviation=deviation)


def action_of(intent: OrderIntent) -> Action:
    """What a step that was sent had been decided to do."""
    if isinstance(intent, ModifyIntent) and intent.stop_loss is not None:
        return MoveStop(intent.stop_loss)
    if isinstance(intent, CloseIntent) and intent.volume is not None:
        return ClosePart(intent.volume)
    raise ValueError(f"a guard sends no {intent.kind}")


def result_of(record: Record, action: Action, outcome: OrderOutcome, *, given_up: bool = False) -> StepResult:
    """`given_up`: the outcome was never found, and the journal leaves it to a person."""
    if outcome.status in _OPEN and not given_up:
        return StepResult(record.told(trouble=outcome.message), OutcomeStatus.UNKNOWN)
    following = record.told(step=record.step + 1)
    if outcome.reason in ("gone", "already_closed"):
        ended = following.told(status=GuardStatus.DONE, reason="the position is closed", trouble=None)
        return StepResult(ended, outcome.status)
    if outcome.status in (OutcomeStatus.DONE, OutcomeStatus.PARTIAL):
        return StepResult(_done(following, action, outcome), outcome.status)
    if given_up and isinstance(action, ClosePart):
        # Whether the part was closed cannot be told, so it must not be closed again, by this run or a later one.
        memory = following.report.memory.model_copy(update={"closed": True})
        failed = following.told(status=GuardStatus.FAILED, reason=outcome.message, trouble=None, memory=memory)
        return StepResult(failed, OutcomeStatus.NOT_SENT)
    # A stop that was given up is not where it was to be, or it would have been found: the next may be set.
    return StepResult(following, OutcomeStatus.NOT_SENT if given_up else outcome.status, outcome.message)


def _done(record: Record, action: Action, outcome: OrderOutcome) -> Record:
    what = after(record.guard, record.report.memory, action)
    changes: dict[str, Any] = {"memory": what.memory, "trouble": None, "refusals": 0}
    if isinstance(action, MoveStop):
        changes |= {"stop_loss": outcome.stop_loss, "last_action": f"stop loss moved to {action.stop_loss}"}
    else:
        price = "" if outcome.price is None else f" at {outcome.price}"
        short = f" ({outcome.remainder} lots were not filled)" if outcome.remainder else ""
        changes |= {"last_action": f"closed {outcome.volume} lots{price}{short}"}
    if what.end is not None:
        changes |= {"status": what.end.status, "reason": what.end.reason}
    moved = 0 if outcome.reason == "no_change" else 1
    return record.told(moves=record.report.moves + moved, **changes)
