"""One account: its books in memory and on disk, and what they are worth at the standing prices."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from mt5_bridge.paper import constants
from mt5_bridge.paper.config import AccountConfig, SymbolConfig
from mt5_bridge.paper.margin import Leg, margin_of, netted
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.records import ZERO, Deal, Order, Position
from mt5_bridge.paper.store import ORDERS, POSITIONS, Store
from mt5_bridge.paper.valuation import Valuation

_SCREEN_MARGIN = 1.01
"""Float screening must err towards checking exactly: it flags levels up to a hundredth above the threshold."""


class Account:
    """Positions and pending orders by ticket, in order of opening. Writes go to the store inside its transaction."""

    def __init__(
        self, config: AccountConfig, symbols: Mapping[str, SymbolConfig], market: Market, store: Store, balance: Decimal
    ) -> None:
        self.config = config
        self.login = config.login
        self.symbols = symbols
        self.market = market
        self.valuation = Valuation(config, symbols, market)
        self.balance = balance
        self._store = store
        self.positions = {p.ticket: p for p in store.select(POSITIONS, "login = ?", self.login)}
        self.orders = {o.ticket: o for o in store.select(ORDERS, "login = ? AND time_done_msc = 0", self.login)}
        self._margin: Decimal | None = None

    @property
    def is_hedging(self) -> bool:
        return self.config.margin_mode == "hedging"

    @property
    def is_exposed(self) -> bool:
        """Whether market events can do anything to this account."""
        return bool(self.positions or self.orders)

    def positions_in(self, symbol: str) -> list[Position]:
        return [position for position in self.positions.values() if position.symbol == symbol]

    def orders_in(self, symbol: str) -> list[Order]:
        return [order for order in self.orders.values() if order.symbol == symbol]

    def closing_price(self, position: Position) -> int:
        """The standing price (points) that would close the position: the bid for a long, the ask for a short."""
        price = self.market.price(position.symbol)
        if price is None:  # a position cannot have been opened without a quote
            raise AssertionError(f"{position.symbol} has a position and no quote")
        return price[0] if position.is_long else price[1]

    def floating(self, position: Position) -> Decimal:
        """Unrealised profit without swap, rounded."""
        symbol = self.symbols[position.symbol]
        close = self.closing_price(position)
        return self.valuation.profit(symbol, position.sign, position.volume, position.price, close)

    def profit(self) -> Decimal:
        """Unrealised profit of all positions, swap included."""
        return sum((self.floating(position) + position.swap for position in self.positions.values()), ZERO)

    def equity(self) -> Decimal:
        return self.balance + self.profit()

    def margin(self) -> Decimal:
        """Margin in use, rounded by symbol."""
        if self._margin is None:
            names = {position.symbol for position in self.positions.values()}
            self._margin = sum((self._margin_of(name, self._legs(name)) for name in names), ZERO)
        return self._margin

    def margin_after(self, symbol: SymbolConfig, fill: Leg) -> Decimal:
        """Margin in use if `fill` were added to the positions in `symbol`."""
        legs = self._legs(symbol.name)
        after = [*legs, fill] if self.is_hedging else netted(legs, fill)
        return self.margin() - self._margin_of(symbol.name, legs) + self._margin_of(symbol.name, after)

    def level(self) -> Decimal | None:
        """Margin level in percent; None without margin in use."""
        margin = self.margin()
        return self.equity() / margin * 100 if margin else None

    def below(self, threshold: Decimal) -> bool:
        """Whether the margin level is at or under a threshold in percent; screened in floats, decided exactly."""
        margin = self.margin()
        if not margin or self._rough_equity() > float(margin) * float(threshold) / 100 * _SCREEN_MARGIN + 1.0:
            return False
        level = self.level()
        return level is not None and level <= threshold

    def put_position(self, position: Position) -> None:
        self.positions[position.ticket] = position
        self._margin = None
        self._store.put(position)

    def drop_position(self, position: Position) -> None:
        del self.positions[position.ticket]
        self._margin = None
        self._store.delete_position(position)

    def put_order(self, order: Order) -> None:
        """Keeps a pending order; one with `time_done_msc` set leaves for the history."""
        if order.time_done_msc:
            self.orders.pop(order.ticket, None)
        else:
            self.orders[order.ticket] = order
        self._store.put(order)

    def add_deal(self, deal: Deal) -> None:
        self.balance += deal.profit + deal.commission + deal.swap
        self._store.put(deal)
        self._store.put_balance(self.login, self.balance)

    def _legs(self, symbol: str) -> list[Leg]:
        return [Leg(p.is_long, p.volume, p.margin_per_lot) for p in self.positions_in(symbol)]

    def _margin_of(self, symbol: str, legs: list[Leg]) -> Decimal:
        return self.valuation.money(margin_of(legs, self.symbols[symbol].hedged_ratio))

    def _rough_equity(self) -> float:
        return float(self.balance) + sum(self._rough_profits())

    def _rough_profits(self) -> Iterator[float]:
        rates: dict[tuple[str, int], float] = {}
        for position in self.positions.values():
            symbol = self.symbols[position.symbol]
            points = (self.closing_price(position) - float(position.price)) * position.sign
            side = symbol.currency_profit, 1 if points >= 0 else -1
            if side not in rates:
                rates[side] = self.valuation.rough_rate(*side)
            lot_point = float(symbol.contract_size) * 10.0**-symbol.digits
            yield points * float(position.volume) * lot_point * rates[side] + float(position.swap)


def deposit(config: AccountConfig, ticket: int, now_msc: int) -> Deal:
    """The deal that opens an account: its first balance."""
    return Deal(
        login=config.login,
        ticket=ticket,
        order_ticket=0,
        symbol="",
        digits=config.currency_digits,
        type=constants.DEAL_TYPE_BALANCE,
        entry=constants.DEAL_ENTRY_IN,
        reason=constants.DEAL_REASON_CLIENT,
        volume=ZERO,
        price=ZERO,
        commission=ZERO,
        swap=ZERO,
        profit=config.balance,
        position_id=0,
        comment="Deposit",
        time_msc=now_msc,
    )
