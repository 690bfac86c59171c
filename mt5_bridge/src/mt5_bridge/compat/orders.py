"""A script's trade request as an intent, and an intent's outcome as the package's OrderSendResult.

The request is judged as the package judges it (types, fields) and as far as only the request tells (a close must be
opposite to its position, a volume on the symbol's step). Everything else is the order desk's business, as for any
other intent: price, filling mode and what of a repeated order has happened already.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.compat.objects import Struct
from mt5_bridge.paper.constants import (
    SYMBOL_TRADE_EXECUTION_INSTANT,
    SYMBOL_TRADE_EXECUTION_REQUEST,
    TRADE_ACTION_CLOSE_BY,
    TRADE_RETCODE_DONE,
    TRADE_RETCODE_DONE_PARTIAL,
    TRADE_RETCODE_INVALID,
    TRADE_RETCODE_INVALID_EXPIRATION,
    TRADE_RETCODE_INVALID_VOLUME,
    TRADE_RETCODE_MARKET_CLOSED,
    TRADE_RETCODE_NO_CHANGES,
    TRADE_RETCODE_PLACED,
    TRADE_RETCODE_POSITION_CLOSED,
    TRADE_RETCODE_REJECT,
    TRADE_RETCODE_REQUOTE,
    TRADE_RETCODE_TIMEOUT,
)
from mt5_bridge.paper.structs import OrderSendResult, TradeRequest
from mt5_bridge.pending import PENDING_TYPES, utc_of
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import OrderRejected
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    Expiry,
    MarketOrderIntent,
    ModifyIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    PendingOrderIntent,
    PendingType,
    Side,
)

WORKFLOW = "mt5linux"
"""The workflow all orders of scripts belong to."""
MAX_WORDS = 31
"""Longest comment a trade server answers with."""

_SIDES = {mt5.ORDER_TYPE_BUY: Side.BUY, mt5.ORDER_TYPE_SELL: Side.SELL}
_EXPIRIES = {
    mt5.ORDER_TIME_GTC: Expiry.GTC,
    mt5.ORDER_TIME_DAY: Expiry.DAY,
    mt5.ORDER_TIME_SPECIFIED: Expiry.SPECIFIED,
}
_AT_THE_PRICE = (SYMBOL_TRADE_EXECUTION_REQUEST, SYMBOL_TRADE_EXECUTION_INSTANT)
_SAME_DEAL = ("action", "symbol", "type", "volume", "position", "magic", "comment")
_SAME_PENDING = (*_SAME_DEAL, "price", "stoplimit")

_DONE_REASONS = {"already_closed": TRADE_RETCODE_POSITION_CLOSED, "no_change": TRADE_RETCODE_NO_CHANGES,
                 "already_cancelled": TRADE_RETCODE_INVALID}  # fmt: skip
_REFUSALS = {"market_closed": TRADE_RETCODE_MARKET_CLOSED, "invalid": TRADE_RETCODE_INVALID,
             "filled": TRADE_RETCODE_INVALID, "gone": TRADE_RETCODE_INVALID}  # fmt: skip
_STATUSES = {
    OutcomeStatus.DONE: TRADE_RETCODE_DONE,
    OutcomeStatus.PARTIAL: TRADE_RETCODE_DONE_PARTIAL,
    OutcomeStatus.CANCELLED: TRADE_RETCODE_DONE,
    OutcomeStatus.EXPIRED: TRADE_RETCODE_DONE,
    OutcomeStatus.UNKNOWN: TRADE_RETCODE_TIMEOUT,
    OutcomeStatus.NOT_SENT: TRADE_RETCODE_REJECT,
}
_DONE_WORDS = {
    TRADE_RETCODE_DONE: "Request executed",
    TRADE_RETCODE_DONE_PARTIAL: "Request executed partially",
    TRADE_RETCODE_PLACED: "Request placed",
}


class Turned(OrderRejected):
    """The request is turned down before it becomes an intent, with this retcode."""

    def __init__(self, retcode: int, words: str) -> None:
        super().__init__(words)
        self.retcode = retcode


@dataclass(frozen=True, slots=True)
class Scene:
    """What the terminal shows at the time of a request. `position` is the one the request names, if it is open."""

    symbol: Struct | None
    tick: Struct | None
    position: Struct | None


def wish_of(account: str, request: TradeRequest) -> str:
    """Requests with the same wish are one wish said twice, should the first one's answer be missing.

    A market order said again comes with a newer price and stops reckoned from it; a pending one at another price is
    another order.
    """
    fields = request._asdict()
    if request.action == mt5.TRADE_ACTION_DEAL:
        fields = {name: fields[name] for name in _SAME_DEAL}
    elif request.action == mt5.TRADE_ACTION_PENDING:
        fields = {name: fields[name] for name in _SAME_PENDING}
    text = json.dumps([account, fields], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def intent_of(request: TradeRequest, scene: Scene, zone: ServerZone, **origin: Any) -> OrderIntent:
    """`origin` is what every intent has: id, account, execution, node, times. Raises `Turned`, and `ValueError` (which
    pydantic's errors are) for numbers no intent can have."""
    match request.action:
        case mt5.TRADE_ACTION_DEAL:
            return _deal(request, scene, origin)
        case mt5.TRADE_ACTION_PENDING:
            return _pending(request, scene, zone, origin)
        case mt5.TRADE_ACTION_SLTP:
            return _stops(request, origin)
        case mt5.TRADE_ACTION_MODIFY:
            return _terms(request, zone, origin)
        case mt5.TRADE_ACTION_REMOVE:
            return CancelIntent(order=request.order, symbol=request.symbol or None, **origin)
    closing_by = request.action == TRADE_ACTION_CLOSE_BY
    raise Turned(TRADE_RETCODE_INVALID, "close by is not supported" if closing_by else "unknown trade action")


def result_of(outcome: OrderOutcome, request: TradeRequest) -> dict[str, Any]:
    """The fields of OrderSendResult the outcome decides."""
    retcode = _retcode(outcome, request)
    return {
        "retcode": retcode,
        "deal": outcome.deal or 0,
        "order": outcome.order or 0,
        "volume": float(outcome.volume),
        "price": outcome.price or 0.0,
        "comment": (_DONE_WORDS.get(retcode) or outcome.message)[:MAX_WORDS],
    }


def turned_result(turned: Turned) -> dict[str, Any]:
    return {"retcode": turned.retcode, "comment": turned.message[:MAX_WORDS]}


def send_result(fields: dict[str, Any], request: TradeRequest, tick: Struct | None, number: int, told: Any) -> Struct:
    """The whole struct: with the quote, the script's own request, and `told`, called once the script has it."""
    nothing = {name: "" if name == "comment" else 0.0 if name in ("volume", "price") else 0 for name in _RESULT_FIELDS}
    quote = {"bid": tick["bid"] if tick else 0.0, "ask": tick["ask"] if tick else 0.0}
    echo = Struct(TradeRequest.__name__, TradeRequest._fields, request)
    values = nothing | quote | {"request_id": number, "request": echo} | fields
    return Struct(OrderSendResult.__name__, _RESULT_FIELDS, [values[name] for name in _RESULT_FIELDS], told)


_RESULT_FIELDS = OrderSendResult._fields


def _deal(request: TradeRequest, scene: Scene, origin: dict[str, Any]) -> OrderIntent:
    side = _SIDES.get(request.type)
    if side is None:
        raise Turned(TRADE_RETCODE_INVALID, "a deal is a buy or a sell")
    _check_price(request, scene, side)
    volume = exact(request.volume)
    if request.position:
        if scene.position is not None and scene.position["type"] == request.type:
            raise Turned(TRADE_RETCODE_INVALID, "a close is opposite to its position")
        if scene.position is None or exact(scene.position["volume"]) != volume:  # the whole may be off the step
            _check_volume(volume, scene)
        return _close(request, volume, origin)
    _check_volume(volume, scene)
    return MarketOrderIntent(
        symbol=request.symbol,
        side=side,
        volume=volume,
        stop_loss=_level(request.sl),
        take_profit=_level(request.tp),
        deviation=request.deviation,
        **origin,
    )


def _close(request: TradeRequest, volume: Decimal, origin: dict[str, Any]) -> CloseIntent:
    return CloseIntent(
        symbol=request.symbol, position=request.position, volume=volume, deviation=request.deviation, **origin
    )


def _pending(request: TradeRequest, scene: Scene, zone: ServerZone, origin: dict[str, Any]) -> PendingOrderIntent:
    if request.type not in PENDING_TYPES:
        raise Turned(TRADE_RETCODE_INVALID, "no type of pending order")
    kind, side = PENDING_TYPES[request.type]
    volume = exact(request.volume)
    _check_volume(volume, scene)
    expiry, expires_at = _expiry(request, zone)
    return PendingOrderIntent(
        symbol=request.symbol,
        side=side,
        type=kind,
        volume=volume,
        price=exact(request.price),
        limit_price=exact(request.stoplimit) if kind is PendingType.STOP_LIMIT else None,
        stop_loss=_level(request.sl),
        take_profit=_level(request.tp),
        expiry=expiry,
        expires_at=expires_at,
        **origin,
    )


def _stops(request: TradeRequest, origin: dict[str, Any]) -> ModifyIntent:
    if not request.position:
        raise Turned(TRADE_RETCODE_INVALID, "no position is named")
    return ModifyIntent(target="position", ticket=request.position, **_levels(request), **origin)


def _terms(request: TradeRequest, zone: ServerZone, origin: dict[str, Any]) -> ModifyIntent:
    expiry, expires_at = _expiry(request, zone)
    return ModifyIntent(
        target="order",
        ticket=request.order,
        price=exact(request.price),
        limit_price=_level(request.stoplimit),
        expiry=expiry,
        expires_at=expires_at,
        **_levels(request),
        **origin,
    )


def _levels(request: TradeRequest) -> dict[str, Any]:
    """A change sets both stops: one left out, or zero, is taken away. The script says so itself, so it may widen."""
    return {
        "symbol": request.symbol or None,
        "stop_loss": _level(request.sl),
        "take_profit": _level(request.tp),
        "remove_stop_loss": not request.sl,
        "remove_take_profit": not request.tp,
        "allow_widening": True,
    }


def _level(price: float) -> Decimal | None:
    return exact(price) if price else None


def _expiry(request: TradeRequest, zone: ServerZone) -> tuple[Expiry, datetime | None]:
    expiry = _EXPIRIES.get(request.type_time)
    if expiry is None:
        raise Turned(TRADE_RETCODE_INVALID_EXPIRATION, "no such expiry is supported")
    if expiry is not Expiry.SPECIFIED:
        return expiry, None
    try:
        moment = utc_of(request.expiration, zone)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None:
        raise Turned(TRADE_RETCODE_INVALID_EXPIRATION, "no moment to expire at")
    return expiry, moment


def _check_volume(volume: Decimal, scene: Scene) -> None:
    """A volume between two steps is refused, as the server would; the desk would take the lower one."""
    if scene.symbol is None:
        return
    least, most, step = (exact(scene.symbol[f"volume_{name}"]) for name in ("min", "max", "step"))
    if not least <= volume <= most or (step and volume % step):
        raise Turned(TRADE_RETCODE_INVALID_VOLUME, f"volume {volume} is not allowed")


def _check_price(request: TradeRequest, scene: Scene, side: Side) -> None:
    """Where the server deals at the price that is asked for, the market may not have left it by more than the request
    allows. Where it deals at market it does not look at that price."""
    if not request.price or scene.symbol is None or scene.tick is None:
        return
    if scene.symbol["trade_exemode"] not in _AT_THE_PRICE:
        return
    market = exact(scene.tick["ask" if side is Side.BUY else "bid"])
    if abs(market - exact(request.price)) > request.deviation * exact(scene.symbol["point"]):
        raise Turned(TRADE_RETCODE_REQUOTE, "Requote")


def _retcode(outcome: OrderOutcome, request: TradeRequest) -> int:
    status, reason = outcome.status, outcome.reason
    if status is OutcomeStatus.REJECTED:
        if reason == "gone" and request.action == mt5.TRADE_ACTION_SLTP:
            return TRADE_RETCODE_POSITION_CLOSED
        return outcome.retcode or _REFUSALS.get(reason or "", TRADE_RETCODE_REJECT)
    if status is OutcomeStatus.DONE and reason in _DONE_REASONS:
        return _DONE_REASONS[reason]
    if status is OutcomeStatus.PLACED:
        return TRADE_RETCODE_DONE if request.action == mt5.TRADE_ACTION_PENDING else TRADE_RETCODE_PLACED
    return _STATUSES[status]
