"""Changing what exists: the stops of a position, the terms of a pending order, or taking the order away.

No magic number stays behind on a change, so whether it happened is read from its target's state: the wanted terms are
there, the order is gone to the history, or the target has left and nothing can be changed any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mt5_bridge import constants as mt5
from mt5_bridge.pending import Resting, order_time, resting_of, server_seconds, utc_of
from mt5_bridge.preparation import Quote, SymbolRules, Unsendable, stop_level
from mt5_bridge.refusals import rejected
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import BrokerUnavailable
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import CancelIntent, Expiry, ModifyIntent, OrderOutcome, OutcomeStatus, Side
from tradeloom.trading.risk import Action

if TYPE_CHECKING:
    from mt5_bridge.records import BrokerRecords

_DAY_S = 86_400
_NEVER = 2**62
_ENDED = {mt5.ORDER_STATE_CANCELED: "cancelled", mt5.ORDER_STATE_PARTIAL: "cancelled",
          mt5.ORDER_STATE_EXPIRED: "expired", mt5.ORDER_STATE_REJECTED: "rejected"}  # fmt: skip

type ChangeIntent = ModifyIntent | CancelIntent


@dataclass(frozen=True, slots=True)
class Target:
    """A live position or pending order. `resting` is None for a position; zero stops are none; `expiration` is in
    seconds of the server's clock, 0 for none."""

    record: Any
    side: Side
    volume: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    resting: Resting | None = None
    type_time: int = mt5.ORDER_TIME_GTC
    expiration: int = 0

    @classmethod
    def of_position(cls, position: Any) -> "Target":
        side = Side.BUY if position.type == mt5.POSITION_TYPE_BUY else Side.SELL
        return cls(position, side, exact(position.volume), exact(position.sl), exact(position.tp))

    @classmethod
    def of_order(cls, order: Any) -> "Target":
        """Raises `Unsendable` for an order at market that is still being filled."""
        resting = resting_of(order)
        volume, loss, profit = exact(order.volume_current), exact(order.sl), exact(order.tp)
        return cls(order, resting.side, volume, loss, profit, resting, order.type_time, order.time_expiration)

    def terms(self) -> dict[str, Decimal | int]:
        """As a request names them."""
        stops: dict[str, Decimal | int] = {"sl": self.stop_loss, "tp": self.take_profit}
        if self.resting is None:
            return stops
        place = {"price": self.resting.price, "stoplimit": self.resting.limit_price}
        return stops | place | {"type_time": self.type_time, "expiration": self.expiration}


@dataclass(frozen=True, slots=True)
class Change:
    """An intent against its target as it is now. `wanted` are the target's terms once it is carried out."""

    intent: ChangeIntent
    target: Target
    wanted: Target
    action: Action

    @classmethod
    def of(
        cls, intent: ChangeIntent, target: Target, rules: SymbolRules, zone: ServerZone, now: datetime
    ) -> "Change | OrderOutcome":
        """The change, or the outcome that says why there is none to make. Raises `Unsendable`."""
        if intent.symbol not in (None, target.record.symbol):
            what = "position" if target.resting is None else "order"
            raise Unsendable(f"{what} {target.record.ticket} is in {target.record.symbol}, not in {intent.symbol}")
        if isinstance(intent, CancelIntent):
            return cls(intent, target, target, Action.CANCEL)
        wanted = _wanted(intent, target, rules, zone)
        if wanted.terms() == target.terms():
            return modified(intent, target.record, zone, reason="no_change", message="nothing to change")
        further = _risks_more(target, wanted)
        if further and not intent.allow_widening:
            return rejected(intent, "widens", further)
        midnight = (server_seconds(now, zone) // _DAY_S + 1) * _DAY_S
        elsewhere = wanted.resting != target.resting or _expires(wanted, midnight) > _expires(target, midnight)
        return cls(intent, target, wanted, Action.WIDEN if further or elsewhere else Action.TIGHTEN)

    def new_prices(self) -> tuple[float, ...]:
        """Where a pending order would wait instead of where it does; a position's stops open nothing."""
        wanted = self.wanted.resting
        if wanted is None or wanted == self.target.resting:
            return ()
        return tuple(float(price) for price in (wanted.price, wanted.limit_price) if price)

    def request(self, rules: SymbolRules, quote: Quote | None) -> dict[str, Any]:
        """The dict for `order_send`. Raises `Unsendable` for prices on the wrong side or too near."""
        intent, record = self.intent, self.target.record
        request = {"symbol": record.symbol, "magic": intent.magic, "comment": intent.comment}
        if isinstance(intent, CancelIntent):
            return request | {"action": mt5.TRADE_ACTION_REMOVE, "order": record.ticket}
        if quote is None:
            raise Unsendable(f"the broker gives no quote for {record.symbol}")
        resting = self.wanted.resting
        if resting is not None and resting != self.target.resting:
            resting.check(rules, quote)
        reference = quote.exit(self.target.side) if resting is None else resting.entry
        moved = resting != self.target.resting
        for key, now, then in (
            ("sl", self.target.stop_loss, self.wanted.stop_loss),
            ("tp", self.target.take_profit, self.wanted.take_profit),
        ):
            if then and (moved or then != now):
                stop_level(key, then, self.target.side, rules, reference)
        terms = {key: float(v) if isinstance(v, Decimal) else v for key, v in self.wanted.terms().items()}
        if resting is None:
            return request | {"action": mt5.TRADE_ACTION_SLTP, "position": record.ticket} | terms
        return request | {"action": mt5.TRADE_ACTION_MODIFY, "order": record.ticket} | terms


def find_target(records: "BrokerRecords", intent: ChangeIntent) -> Target | OrderOutcome:
    """What the intent names, or the outcome that follows from its having left. Raises `Unsendable` for a ticket the
    account never had, `BrokerUnavailable` for a position the terminal does not list though no deal closed it."""
    if isinstance(intent, ModifyIntent) and intent.target == "position":
        position = records.open_position(intent.ticket)
        if position is not None:
            return Target.of_position(position)
        if not records.knows_position(intent.ticket):
            raise Unsendable(f"the account has no position {intent.ticket} and never had one")
        if records.is_only_unlisted(intent.ticket):
            raise unlisted(intent.ticket)
        return _closed(intent)
    ticket = _order_ticket(intent)
    order = records.live_order(ticket)
    if order is not None:
        return Target.of_order(order)
    past = records.past_order(ticket)
    if past is None:
        raise Unsendable(f"the account has no order {ticket} and never had one")
    return _left(records, intent, past)


def find_change(records: "BrokerRecords", intent: ChangeIntent, request: Mapping[str, Any]) -> OrderOutcome | None:
    """Whether a change that was sent has happened, as its target's state tells; None when it does not (yet)."""
    if isinstance(intent, ModifyIntent) and intent.target == "position":
        record = records.open_position(intent.ticket)
        if record is None:
            known = records.knows_position(intent.ticket) and not records.is_only_unlisted(intent.ticket)
            return _closed(intent) if known else None
    else:
        record = records.live_order(_order_ticket(intent))
        if record is None:
            past = records.past_order(_order_ticket(intent))
            return None if past is None else _left(records, intent, past, sent=True)
    if isinstance(intent, CancelIntent):
        return None
    there = _record_terms(record)
    if all(there[key] == (exact(request[key]) if key in _PRICES else request[key]) for key in _changed(intent)):
        return modified(intent, record, records.zone)
    return None


def modified(
    intent: ModifyIntent, record: Any, zone: ServerZone, *, reason: str | None = None, message: str = "changed"
) -> OrderOutcome:
    """DONE, with the terms of the position or order as they are now."""
    of_order = intent.target == "order"
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.DONE,
        order=intent.ticket if of_order else None,
        position=None if of_order else intent.ticket,
        stop_loss=record.sl or None,
        take_profit=record.tp or None,
        order_price=record.price_open if of_order else None,
        limit_price=(record.price_stoplimit or None) if of_order else None,
        expires_at=utc_of(record.time_expiration, zone) if of_order else None,
        reason=reason,
        message=message,
    )


def carried_out(intent: ChangeIntent, request: Mapping[str, Any], retcode: int, zone: ServerZone) -> OrderOutcome:
    """DONE on the server's word, where its records do not show the change yet."""
    of_order = isinstance(intent, CancelIntent) or intent.target == "order"
    ticket = _order_ticket(intent) if of_order else request["position"]
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.DONE,
        order=ticket if of_order else None,
        position=None if of_order else ticket,
        stop_loss=request.get("sl") or None,
        take_profit=request.get("tp") or None,
        order_price=request.get("price"),
        limit_price=request.get("stoplimit") or None,
        expires_at=utc_of(request.get("expiration", 0), zone),
        retcode=retcode,
        message="cancelled" if isinstance(intent, CancelIntent) else "changed",
    )


def _wanted(intent: ModifyIntent, target: Target, rules: SymbolRules, zone: ServerZone) -> Target:
    def level(now: Decimal, then: Decimal | None, *, remove: bool = False) -> Decimal:
        return Decimal(0) if remove else now if then is None else rules.price(then)

    wanted = replace(
        target,
        stop_loss=level(target.stop_loss, intent.stop_loss, remove=intent.remove_stop_loss),
        take_profit=level(target.take_profit, intent.take_profit, remove=intent.remove_take_profit),
    )
    if target.resting is None:
        return wanted
    if intent.limit_price is not None and not target.resting.limit_price:
        raise Unsendable(f"order {intent.ticket} is no stop-limit order: it has no limit price to change")
    resting = replace(
        target.resting,
        price=level(target.resting.price, intent.price),
        limit_price=level(target.resting.limit_price, intent.limit_price),
    )
    wanted = replace(wanted, resting=resting)
    if intent.expiry is None:
        return wanted
    if intent.expiry is Expiry.DAY and target.type_time == mt5.ORDER_TIME_DAY:
        return wanted
    expiration = server_seconds(intent.expires_at, zone)
    return replace(wanted, type_time=order_time(intent.expiry), expiration=expiration)


def _risks_more(now: Target, then: Target) -> str | None:
    """Why more could be lost per lot than before, or None. A position's stop is held against where it was, a pending
    order's against the order's own price."""
    if not now.stop_loss:
        return None
    what = "position" if now.resting is None else "order"
    if not then.stop_loss:
        return f"{what} {now.record.ticket} would lose its stop loss {now.stop_loss}"
    sign = 1 if now.side is Side.BUY else -1
    before, after = (
        (each.resting.entry if each.resting else Decimal(0)) * sign - each.stop_loss * sign for each in (now, then)
    )
    if after <= before:
        return None
    if now.resting is None:
        return f"the stop loss {then.stop_loss} of position {now.record.ticket} is further than {now.stop_loss}"
    return f"the stop loss of order {now.record.ticket} would be {after} from its price, further than {before}"


def _expires(target: Target, midnight: int) -> int:
    """When a pending order leaves, in server seconds."""
    if target.resting is None or target.type_time == mt5.ORDER_TIME_GTC:
        return _NEVER
    return target.expiration or midnight


_PRICES = {"sl", "tp", "price", "stoplimit"}


def _changed(intent: ModifyIntent) -> list[str]:
    """The terms the intent sets, as a request names them. A day order's expiration is the server's to choose."""
    keys = {
        "sl": intent.stop_loss is not None or intent.remove_stop_loss,
        "tp": intent.take_profit is not None or intent.remove_take_profit,
        "price": intent.price is not None,
        "stoplimit": intent.limit_price is not None,
        "type_time": intent.expiry is not None,
        "expiration": intent.expiry is Expiry.SPECIFIED,
    }
    return [key for key, set_by_intent in keys.items() if set_by_intent]


def _record_terms(record: Any) -> dict[str, Any]:
    terms = {"sl": exact(record.sl), "tp": exact(record.tp), "price": exact(record.price_open)}
    if hasattr(record, "price_stoplimit"):
        place = {"stoplimit": exact(record.price_stoplimit), "type_time": record.type_time}
        terms |= place | {"expiration": record.time_expiration}
    return terms


def _order_ticket(intent: ChangeIntent) -> int:
    return intent.order if isinstance(intent, CancelIntent) else intent.ticket


def unlisted(ticket: int) -> BrokerUnavailable:
    """Nothing may be concluded from a list the terminal has not filled yet."""
    return BrokerUnavailable(f"position {ticket} is not listed, but no deal is known that closed it")


def _closed(intent: ModifyIntent) -> OrderOutcome:
    return rejected(intent, "gone", f"position {intent.ticket} is closed: there is nothing left to change")


def _left(records: "BrokerRecords", intent: ChangeIntent, past: Any, *, sent: bool = False) -> OrderOutcome:
    """What follows from the order's having left, filled or not. `sent`: our request may be what made it leave."""
    ticket = past.ticket
    if past.state == mt5.ORDER_STATE_FILLED:
        position = records.ticket_now(past.position_id) if past.position_id else None
        became = f"position {position}" if position else "a position"
        outcome = rejected(intent, "filled", f"order {ticket} was filled: it is {became} now")
        return outcome.model_copy(update={"order": ticket, "position": position})
    ended = _ENDED.get(past.state, "done")
    if not isinstance(intent, CancelIntent):
        return rejected(intent, "gone", f"order {ticket} was {ended}: there is nothing left to change")
    ours = sent and ended == "cancelled"
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.DONE,
        order=ticket,
        reason=None if ours else "already_cancelled",
        message="cancelled" if ours else f"order {ticket} was already {ended}",
    )
