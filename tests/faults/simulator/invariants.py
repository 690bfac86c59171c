"""What must hold once the faults are over, judged by the trade server's own books."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from mt5_bridge import constants as mt5
from mt5_bridge.journal import UNSETTLED, Entry, OrderState
from tests.faults.simulator.broker import SYMBOL, Effect
from tests.faults.simulator.kernel import EPOCH
from tests.faults.simulator.schedule import MAX_LOT
from tests.faults.simulator.world import World, brief
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState

type Effects = Sequence[tuple[Entry, Effect]]
"""Every row of the journal, with what its magic number did at the broker."""

_NOTHING = Effect()
_RESTS = frozenset({OrderState.PLACED})
_GRACE_S = 0.02


def broken(world: World) -> list[str]:
    """Every invariant that does not hold, in words; empty for a good schedule."""
    caused = world.server.effects
    effects = [(entry, caused.get(entry.intent.magic, _NOTHING)) for entry in world.disk.orders.values()]
    return [
        *_at_the_broker(world, effects),
        *_past_the_gate(world),
        *_in_the_journal(world, effects),
        *_told(world),
        *_reversed(effects),
    ]


def _at_the_broker(world: World, effects: Effects) -> Iterator[str]:
    """One effect at most, never more than was asked for, and none without a row in the journal."""
    known = set(world.disk.magics)
    asked = {intent.magic for told in world.told for intent in told.intents}
    for magic in asked - known:
        if magic in world.server.effects:
            yield f"unrecorded: magic {magic} traded and the journal has no row of it"
    for entry, effect in effects:
        name = entry.intent.node_id
        orders = effect.filled_orders | set(effect.placed)
        if len(orders) > 1 or effect.removed > 1:
            yield f"duplicate: {name} had {len(orders)} orders at the broker"
        wanted = getattr(entry.intent, "volume", None)
        if wanted is not None and exact(effect.volume) > wanted:
            yield f"duplicate: {name} asked for {wanted} lots and got {effect.volume}"


def _in_the_journal(world: World, effects: Effects) -> Iterator[str]:
    """Each row is final and says what the broker did."""
    if world.disk.damaged:
        return
    for entry, effect in effects:
        name, state, result = entry.intent.node_id, entry.state, entry.result
        parked = state is OrderState.MANUAL and world.schedule.live and not effect.deals
        resting = state in _RESTS and set(effect.placed) & set(world.server.orders)
        if state in UNSETTLED and not parked and not resting:
            yield f"stuck: {name} is {state}"
        volume = Decimal(0) if result is None else result.volume
        if exact(effect.volume) != volume:
            yield f"unrecorded: {name} is {state} with {volume} lots; the broker filled {effect.volume}"
        if effect.placed and state in (OrderState.REJECTED, OrderState.NOT_SENT, OrderState.NEW, OrderState.RETRYABLE):
            yield f"unrecorded: {name} is {state}; the broker has its order {effect.placed[0]}"


def _told(world: World) -> Iterator[str]:
    """What engines were told agrees with the journal, and a final outcome stays. Nobody is left without an answer."""
    if world.disk.damaged:
        return
    for number, told in enumerate(world.told):
        audit = world.audited[number]
        if told.intents and not isinstance(audit, OrderOutcome):
            yield f"stuck: node {number} has no outcome: {audit}"
        finals = [outcome for outcome in told.outcomes if _is_final(outcome)]
        first = finals[0] if finals else None
        for outcome in finals[1:]:
            if first is not None and (outcome.status, outcome.volume) != (first.status, first.volume):
                yield f"changed: node {number} was told {brief(first)}, later {brief(outcome)}"
        entry = world.disk.orders.get(told.intents[-1].client_order_id) if told.intents else None
        if first is not None and entry is not None:
            kept = entry.outcome()
            if kept is None or (kept.status, kept.volume) != (first.status, first.volume):
                yield f"disagree: node {number} was told {brief(first)}; the journal has {entry.state}"


def _is_final(outcome: OrderOutcome) -> bool:
    return outcome.status not in (OutcomeStatus.UNKNOWN, OutcomeStatus.PLACED)


def _reversed(effects: Effects) -> Iterator[str]:
    """A close closes: it opens nothing and turns nothing round."""
    for entry, effect in effects:
        if entry.intent.kind == "close" and any(kind != mt5.DEAL_ENTRY_OUT for kind, _ in effect.deals):
            yield f"reversed: {entry.intent.node_id} closed position {entry.intent.position} and opened another"


def _past_the_gate(world: World) -> Iterator[str]:
    """No opening order that limits or state forbade, none behind its deadline."""
    intents = {intent.magic: intent for told in world.told for intent in told.intents}
    restrained = min((at for at, state in world.halts if state is not AccountState.ACTIVE), default=None)
    for began, request in world.terminal.observed.requests:
        intent = intents.get(request["magic"])
        name = "somebody" if intent is None else intent.node_id
        opens = request["action"] in (mt5.TRADE_ACTION_DEAL, mt5.TRADE_ACTION_PENDING) and not request.get("position")
        if intent is None or intent.kind in ("market", "pending"):
            if opens and exact(request["volume"]) > MAX_LOT:
                yield f"gate: {name} sent {request['volume']} lots"
            if opens and request["symbol"] != SYMBOL:
                yield f"gate: {name} traded {request['symbol']}"
            if opens and restrained is not None and began > restrained + _GRACE_S:
                yield f"gate: {name} opened while the account was restrained"
        if intent is not None and began > (intent.deadline - EPOCH).total_seconds() + _GRACE_S:
            yield f"gate: {name} was sent behind its deadline"
