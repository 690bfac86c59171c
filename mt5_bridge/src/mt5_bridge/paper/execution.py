"""Execution: turns a decision to trade at a price into a deal, with order, position and money booked together."""

from decimal import Decimal

from mt5_bridge.paper import constants
from mt5_bridge.paper.account import Account
from mt5_bridge.paper.config import SymbolConfig
from mt5_bridge.paper.dealer import Dealer, rests
from mt5_bridge.paper.holdings import Effect, apply_fill, settle
from mt5_bridge.paper.margin import Leg
from mt5_bridge.paper.records import ZERO, Deal, Order, Position
from mt5_bridge.paper.store import Store

_FIRST_ORDER = 50_000_001
_FIRST_DEAL = 70_000_001
"""Far apart, so that a deal's number taken for an order's finds nothing."""


class Tickets:
    """The server's counters, kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._order = int(store.meta("next_order") or _FIRST_ORDER)
        self._deal = int(store.meta("next_deal") or _FIRST_DEAL)

    @property
    def next_order(self) -> int:
        return self._order

    @property
    def next_deal(self) -> int:
        return self._deal

    def take_order(self) -> int:
        self._order += 1
        self._store.put_meta("next_order", str(self._order))
        return self._order - 1

    def take_deal(self) -> int:
        self._deal += 1
        self._store.put_meta("next_deal", str(self._deal))
        return self._deal - 1


class Execution:
    """Books trades of one account."""

    def __init__(self, account: Account, tickets: Tickets, *, seed: int, slippage_points: int) -> None:
        self.account = account
        self.tickets = tickets
        self.dealer = Dealer(account.market, seed, slippage_points)
        self.attempt = 0
        """Number of the request at hand: a requoted order draws anew when it is sent again."""

    def slipped(self, symbol: SymbolConfig, price: int, *, is_buy: bool, ticket: int, attempt: int = 0) -> int:
        """`price` worsened by the symbol's slippage: the same however often, in whatever process, it is asked for."""
        slip = self.dealer.slip(symbol, ticket, attempt)
        return price + slip if is_buy else max(1, price - slip)

    def commission(self, symbol: SymbolConfig, volume: Decimal) -> Decimal:
        """What a deal costs, as a positive amount."""
        return self.account.valuation.money(symbol.commission_per_lot * volume + symbol.commission_per_deal)

    def affords(self, symbol: SymbolConfig, volume: Decimal, price: int, *, is_buy: bool) -> bool:
        """Whether equity, less commission, covers the margin after such a fill. Reducing margin is always possible."""
        account = self.account
        leg = Leg(is_buy, volume, account.valuation.margin_per_lot(symbol, price))
        after = account.margin_after(symbol, leg)
        return after <= account.margin() or after <= account.equity() - self.commission(symbol, volume)

    def system_order(self, position: Position, volume: Decimal, reason: int, price: int, comment: str) -> Order:
        """The order with which the server itself closes a position."""
        closing = constants.ORDER_TYPE_SELL if position.is_long else constants.ORDER_TYPE_BUY
        return Order(
            login=self.account.login,
            ticket=self.tickets.take_order(),
            symbol=position.symbol,
            digits=self.account.symbols[position.symbol].digits,
            type=closing,
            state=constants.ORDER_STATE_STARTED,
            reason=reason,
            volume_initial=volume,
            volume_current=volume,
            price=price,
            time_setup_msc=self.account.market.now_msc,
            comment=comment,
            position_id=position.identifier,
            magic=position.magic,
        )

    def fill(self, order: Order, price: int, closes: Position | None = None, volume: Decimal | None = None) -> Deal:
        """Fills `order` at `price` (points): all of it, or `volume` lots. What is left stays in the market or is
        cancelled, as its filling mode says; of an order that closes a position it is always cancelled."""
        volume = order.volume_current if volume is None else volume
        effect = apply_fill(self.account, order, volume, price, closes)
        cost = self.commission(self.account.symbols[order.symbol], volume)
        deal = self._deal(order, effect, volume, Decimal(price), cost, is_buy=order.is_buy)
        order.position_id = effect.position_id
        order.volume_current -= volume
        if not order.volume_current:
            self.finish(order, constants.ORDER_STATE_FILLED, price)
        elif closes is None and rests(order.type_filling):
            order.state = constants.ORDER_STATE_PARTIAL
            self.account.put_order(order)
        else:
            self.finish(order, constants.ORDER_STATE_CANCELED, price)
        return deal

    def close_by(self, order: Order, first: Position, second: Position) -> Deal:
        """Closes two opposite positions against each other: the profit between their open prices falls to the first,
        the second closes at its own price; no commission, since nothing meets the market."""
        volume = order.volume_current
        price = second.price
        effects = []
        for position in (first, second):
            effect = settle(self.account, position, volume, price, constants.DEAL_ENTRY_OUT_BY)
            effects.append(self._deal(order, effect, volume, price, ZERO, is_buy=not position.is_long))
        order.position_id, order.position_by_id = first.identifier, second.identifier
        order.volume_current = ZERO
        self.finish(order, constants.ORDER_STATE_FILLED, round(price))
        return effects[0]

    def finish(self, order: Order, state: int, price: int = 0, at_msc: int | None = None) -> None:
        """Moves an order to the history."""
        order.state = state
        order.price_current = price
        order.time_done_msc = self.account.market.now_msc if at_msc is None else at_msc
        self.account.put_order(order)

    def _deal(
        self, order: Order, effect: Effect, volume: Decimal, price: Decimal, cost: Decimal, *, is_buy: bool
    ) -> Deal:
        deal = Deal(
            login=self.account.login,
            ticket=self.tickets.take_deal(),
            order_ticket=order.ticket,
            symbol=order.symbol,
            digits=order.digits,
            type=constants.DEAL_TYPE_BUY if is_buy else constants.DEAL_TYPE_SELL,
            entry=effect.entry,
            reason=order.reason,
            volume=volume,
            price=price,
            commission=-cost,
            swap=effect.swap,
            profit=effect.profit,
            position_id=effect.position_id,
            comment=order.comment,
            time_msc=self.account.market.now_msc,
            magic=order.magic,
        )
        self.account.add_deal(deal)
        return deal
