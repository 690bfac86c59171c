"""What a flatten takes off an account, and the order that does."""

from datetime import timedelta
from decimal import Decimal

from mt5_bridge.desk import OrderDesk
from mt5_bridge.flatten_store import Item
from mt5_bridge.journal import UNSETTLED, Journal, OrderState
from mt5_bridge.reader import Reader
from tradeloom.trading.flattening import ORIGIN, flatten_order_id
from tradeloom.trading.intents import CancelIntent, CloseIntent, OrderIntent
from tradeloom.trading.methods import MarketClock

_VALID = timedelta(seconds=30)
"""By a clock that goes as fast as ours; on a replay as much longer as it is faster."""
_DEVIATION = 10_000
"""In points. Getting out counts, not the price."""
_OPENING = ("market", "pending")


def targets(reader: Reader) -> dict[tuple[str, int], Item]:
    """What is on the account now, by key.

    Orders first: one that is filled while positions are closed would open another.
    """
    orders = [Item("order", o.ticket, o.symbol, o.side, o.remaining) for o in reader.orders(None)]
    held = [Item("position", p.ticket, p.symbol, p.side, p.volume) for p in reader.positions(None)]
    return {item.key: item for item in (*orders, *held)}


def settle_undecided(journal: Journal, desk: OrderDesk) -> int:
    """Orders sent earlier that may still open something, once each was looked up; those left to a person not."""
    count = 0
    for order_id in journal.unsettled():
        entry = journal.entry(order_id)
        if entry is None or entry.intent.kind not in _OPENING or entry.state is OrderState.MANUAL:
            continue
        if entry.state is OrderState.PLACED and entry.intent.kind == "pending":
            continue  # it rests, is listed, and is cancelled as any other
        desk.outcome(order_id)
        after = journal.entry(order_id)
        count += after is not None and after.state in UNSETTLED and after.state is not OrderState.MANUAL
    return count


def exit_id(flatten_id: str, item: Item) -> str:
    """The id of the item's present try."""
    return flatten_order_id(flatten_id, item.kind, item.ticket, item.attempt)


def exit_intent(
    item: Item, order_id: str, flatten_id: str, *, account: str, clock: MarketClock, volume_max: Decimal | None
) -> OrderIntent:
    """What takes the item off the account; of a position as much as one order may be, `volume_max` lots."""
    common = {
        "client_order_id": order_id,
        "account": account,
        "execution_id": f"flatten-{flatten_id}",
        "workflow_id": ORIGIN,
        "node_id": ORIGIN,
        "cause": "flatten",
        "created_at": clock.time,
        "deadline": clock.time + _VALID * max(clock.speed, 1.0),
        "symbol": item.symbol,
    }
    if item.kind == "order":
        return CancelIntent(**common, order=item.ticket)
    part = volume_max if volume_max is not None and item.volume > volume_max else None  # the rest takes more of them
    return CloseIntent(**common, position=item.ticket, volume=part, deviation=_DEVIATION)
