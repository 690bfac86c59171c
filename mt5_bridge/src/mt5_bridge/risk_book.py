"""What the account holds, what its working orders would add, and what all of it is worth: read for the risk gate.

A lot's worth in the account's currency is the terminal's own `order_calc_profit` of one lot bought at the price and
sold at twice the price: profit is linear in the price for every kind of symbol that has one (forex and CFD: price
difference x contract size x lots; futures: price difference / tick size x tick value x lots), so that this is price x
contract size, converted by the broker at its own rates.
https://www.mql5.com/en/docs/constants/environment_state/marketinfoconstants#enum_symbol_calc_mode

Whatever cannot be read or is no number raises `Unjudgeable`: an order nobody can judge is refused.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.journal import UNSETTLED, Entry, Journal, OrderState
from mt5_bridge.pending import PENDING_TYPES
from mt5_bridge.terminal import Terminal, read_all
from tradeloom.trading.exact import exact
from tradeloom.trading.exposure import Exposure, Holding, SymbolLots, lots_by_symbol
from tradeloom.trading.intents import MarketOrderIntent, PendingOrderIntent, Side

_MARKET_SIDES = {mt5.ORDER_TYPE_BUY: Side.BUY, mt5.ORDER_TYPE_SELL: Side.SELL}
_ORDER_TYPES = {side: number for number, side in _MARKET_SIDES.items()}
_DIGITS = 6
"""Of a lot's worth: finer than any money, and coarser than what a float adds to it."""
_CLOSE_BY = 8
"""Two opposite positions closing each other: that opens nothing."""


_LAG_S = 60.0
"""For how long an order that the terminal shows nowhere, though the broker has answered, is counted."""


class Unjudgeable(Exception):
    """Something a rule needs is not known. `rule` names it as a refusal does."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


def known(value: Any, rule: str, name: str) -> Decimal:
    """The number exactly. Raises `Unjudgeable` for none, infinity and NaN."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise Unjudgeable(rule, f"{name} is {value}, which is no number: nothing can be judged by it")
    return exact(value)


@dataclass(frozen=True, slots=True)
class Book:
    """Open positions as the terminal gives them, and every holding: those, working orders, and orders that were sent
    and whose fate is not known. Holdings bear the workflow they came from."""

    positions: tuple[Any, ...]
    holdings: tuple[Holding, ...]
    netting: bool

    def floating(self, workflow_id: str) -> Decimal:
        """What the workflow's open positions have won or lost so far, swap included."""
        mine = {each.magic for each in self.holdings if each.is_open and each.workflow_id == workflow_id}
        return sum((result_of(each) for each in self.positions if each.magic in mine), Decimal(0))

    def of_workflow(self, workflow_id: str, symbol: str) -> list[Holding]:
        """The workflow's own. On a netting account positions merge and bear one magic number, so in the symbol that is
        to be traded everybody's count."""
        return [
            each
            for each in self.holdings
            if each.workflow_id == workflow_id or (self.netting and each.symbol == symbol)
        ]


def result_of(position: Any) -> Decimal:
    """What a position has won or lost so far, swap included."""
    profit = known(position.profit, "max_daily_loss_pct", f"the profit of position {position.ticket}")
    return profit + known(position.swap, "max_daily_loss_pct", f"the swap of position {position.ticket}")


class BookReader:
    """Reads the book. Raises `Unjudgeable`, `BrokerError` or `PipeBroken` when it cannot be read."""

    def __init__(self, terminal: Terminal, journal: Journal, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._journal = journal
        self._monotonic = monotonic
        self._unshown: dict[str, tuple[int, float]] = {}
        """By client order id: the broker's order, and until when (monotonic) it is waited for."""

    def not_shown_yet(self, order_id: str, ticket: int) -> None:
        """The broker has carried the order out, and the terminal's lists lag behind: until they show the broker's order
        `ticket` it counts as working."""
        if ticket:
            self._unshown[order_id] = ticket, self._monotonic() + _LAG_S

    def _still_unshown(self) -> list[Entry]:
        for order_id, (ticket, until) in list(self._unshown.items()):
            if self._monotonic() > until or self._shows(ticket):
                del self._unshown[order_id]
        entries = [self._journal.entry(order_id) for order_id in self._unshown]
        return [entry for entry in entries if entry is not None and entry.state not in UNSETTLED - {OrderState.PLACED}]

    def _shows(self, ticket: int) -> bool:
        return bool(
            read_all(self._terminal, "history_deals_get", ticket=ticket)
            or read_all(self._terminal, "orders_get", ticket=ticket)
            or read_all(self._terminal, "history_orders_get", ticket=ticket)
        )

    def book(self, account: Any, order_id: str) -> Book:
        """Without the order `order_id`, which is the one to be judged."""
        lagging = self._still_unshown()  # first: what shows from now on is in the lists read next
        positions = read_all(self._terminal, "positions_get")
        orders = read_all(self._terminal, "orders_get")
        if not positions and not orders and known(account.margin, "min_margin_level_pct", "the margin in use") > 0:
            raise Unjudgeable("max_exposure", "margin is in use, but the terminal lists no positions yet")
        found = [_held(position) for position in positions]
        found += [_working(order) for order in orders if order.type != _CLOSE_BY]
        listed = {each.magic for each in found}
        for entry in (*self._journal.unaccounted(), *lagging):
            intent = entry.intent
            if intent.client_order_id != order_id and intent.magic not in listed:
                found += _unsettled(entry)
        magics = {each.magic for each in found if each.magic}
        workflows = self._journal.workflows(magics) if magics else {}
        holdings = tuple(
            each if each.magic not in workflows else replace(each, workflow_id=workflows[each.magic]) for each in found
        )
        return Book(positions, holdings, account.margin_mode != mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)

    def exposure(self, holdings: Iterable[Holding], symbol: str, price: float, *, netting: bool) -> Exposure:
        """`price` is the order's, in its symbol; other symbols are valued at the dearest price they are held at."""
        prices = {symbol: price}
        holdings = tuple(holdings)
        for each in holdings:
            prices[each.symbol] = max(prices.get(each.symbol, 0.0), each.price)
        values = {name: self.lot_value(name, at) for name, at in prices.items()}
        return Exposure(lots_by_symbol(holdings), values, netting)

    def lot_value(self, symbol: str, price: float) -> Decimal:
        """One lot at a price, in the account's currency; see the module."""
        at = price if price > 0 else self._dearest(symbol)
        worth = self._terminal.order_calc_profit(mt5.ORDER_TYPE_BUY, symbol, 1.0, at, 2 * at)
        value = round(known(worth, "max_notional", f"the worth of a lot of {symbol}"), _DIGITS)
        if value <= 0:
            raise Unjudgeable("max_notional", f"a lot of {symbol} is worth {value}: its contract cannot be valued")
        return value

    def margin(
        self, account: Any, exposure: Exposure, symbol: str, side: Side, volume: Decimal, price: float
    ) -> Decimal:
        """Margin in use once the order and every working order are filled. What nets against a position needs none;
        what a broker may spare for hedged positions is not reckoned with."""
        rule = "min_margin_level_pct"
        total = known(account.margin, rule, "the margin in use")
        if total < 0:
            raise Unjudgeable(rule, f"the margin in use is {total}: nothing can be judged by it")
        lots = {**exposure.lots, symbol: exposure.lots.get(symbol, SymbolLots()).with_order(side, volume)}
        for name, each in lots.items():
            held = each.held()
            for way, order_type in _ORDER_TYPES.items():
                more = each.side(way, netting=exposure.netting) - held.side(way, netting=exposure.netting)
                if more > 0:
                    at = price if name == symbol else self._dearest(name)
                    asked = self._terminal.order_calc_margin(order_type, name, float(more), at)
                    needed = known(asked, rule, f"the margin of {more} lots of {name}")
                    if needed < 0:
                        raise Unjudgeable(rule, f"the margin of {more} lots of {name} is {needed}")
                    total += needed
        return total

    def _dearest(self, symbol: str) -> float:
        tick = self._terminal.symbol_info_tick(symbol)
        ask = None if tick is None else tick.ask
        if known(ask, "max_exposure", f"the ask of {symbol}") <= 0:
            raise Unjudgeable("max_exposure", f"the ask of {symbol} is {ask}: what is held in it cannot be valued")
        return float(tick.ask)


def _held(position: Any) -> Holding:
    side = Side.BUY if position.type == mt5.POSITION_TYPE_BUY else Side.SELL
    what = f"position {position.ticket}"
    return Holding(position.symbol, side, _lots(position.volume, what), _price(position.price_current, what),
                   position.magic, is_open=True)  # fmt: skip


def _working(order: Any) -> Holding:
    """A pending order, or one at market that is being filled. One that closes a position counts, too: too much rather
    than too little."""
    side = _MARKET_SIDES.get(order.type)
    if side is None:
        kind = PENDING_TYPES.get(order.type)
        if kind is None:
            raise Unjudgeable("max_exposure", f"order {order.ticket} is of a kind that cannot be judged ({order.type})")
        side = kind[1]
    what = f"order {order.ticket}"
    price = max(_price(order.price_open, what), _price(order.price_current, what), _price(order.price_stoplimit, what))
    return Holding(order.symbol, side, _lots(order.volume_current, what), price, order.magic, is_open=False)


def _unsettled(entry: Entry) -> list[Holding]:
    """It may be at the broker, or get there yet. Its price is that of the market."""
    intent = entry.intent
    if not isinstance(intent, MarketOrderIntent | PendingOrderIntent):
        return []
    lots = exact(entry.request["volume"]) if entry.request else intent.volume
    price = float(intent.price) if isinstance(intent, PendingOrderIntent) else 0.0
    return [Holding(intent.symbol, intent.side, lots, price, intent.magic, is_open=False)]


def _lots(volume: Any, what: str) -> Decimal:
    lots = known(volume, "max_exposure", f"the volume of {what}")
    if lots < 0:
        raise Unjudgeable("max_exposure", f"the volume of {what} is {lots}")
    return lots


def _price(price: Any, what: str) -> float:
    """Zero where there is none."""
    return max(float(known(price, "max_exposure", f"the price of {what}")), 0.0)
