"""What market events do to an account's pending orders, stops and margin.

The exact order, which backtest and paper share:

At a quote (a bar's open, and again its close):
  1. pending orders by ticket. At an open a gapped order fills at that open, better or worse; at a close what is left
     fills at its own price. A stop-limit becomes a limit;
  2. positions by ticket, stop loss before take profit, at an open at the open's price;
  3. stop-out: while the margin level is at or under it, the position with the largest loss goes.

When a bar completes, before its close is the quote:
  1. pending orders the range reached, the one nearest to the open first, then by ticket, each at its own price. A
     stop-limit reached here becomes a limit that is live from the close on: what came after inside the bar is unknown;
  2. the way down from open to low: stop losses of longs, highest first, and stop-outs where the margin level gives
     way before the next stop; then the way up from low to high: stop losses of shorts, and stop-outs. Positions opened
     in step 1 take part: stops are live on the entry bar;
  3. take profits the range reached, of positions still open. One opened by a limit order in this very bar waits for the
     close, because its target may have come before its entry.
So inside a bar a stop is always taken before a target, and pending orders before the stops of what they open.

Stop losses, stop orders and stop-outs slip, limits and targets do not.

Where the symbol's liquidity is limited, a pending order takes at most that much at each of these moments; what is left
waits for the next one or is cancelled, as its filling mode says. What is left of a stop order that has gone off, or of
a market order, fills at quotes only. The server's own closes are always whole.
"""

import logging
from dataclasses import dataclass, field

from mt5_bridge.paper import constants
from mt5_bridge.paper.dealer import available
from mt5_bridge.paper.execution import Execution
from mt5_bridge.paper.feed import BarRange
from mt5_bridge.paper.records import LIMIT_ORDERS, STOP_LIMIT_ORDERS, Order, Position

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Matcher:
    """Matches one account against the market's standing prices."""

    execution: Execution
    in_margin_call: bool = field(default=False, init=False)

    def on_quote(self, symbol: str, *, is_open: bool) -> None:
        """A new quote stands: a bar's open (`is_open`), or its close."""
        for order in self.execution.account.orders_in(symbol):
            self._try_order(order, is_open=is_open)
        for position in self.execution.account.positions_in(symbol):
            self._try_stops(position, is_open=is_open)
        account = self.execution.account
        while account.below(account.config.stop_out_level) and self._stop_out_worst():
            pass
        self._watch_margin_call()

    def on_range(self, symbol: str, bar: BarRange) -> None:
        """A bar of `symbol` completes. Leaves the price somewhere inside the bar: its close must follow."""
        fresh = self._fill_inside(symbol, bar)
        if self.execution.account.positions:
            self._walk(symbol, bar, down=True)
            self._walk(symbol, bar, down=False)
        for position in self.execution.account.positions_in(symbol):
            reached = bar.high >= position.tp if position.is_long else bar.low + bar.low_spread <= position.tp
            if position.tp and reached and position.ticket not in fresh:
                spread = bar.high_spread if position.is_long else bar.low_spread
                bid = position.tp if position.is_long else position.tp - spread
                self.execution.account.market.set_price(symbol, bid, bid + spread)
                self._close(position, position.tp, constants.ORDER_REASON_TP)

    def expire(self, now_msc: int) -> None:
        """Pending orders whose time has come leave."""
        for order in list(self.execution.account.orders.values()):
            if order.expiration and order.expiration * 1_000 <= now_msc:
                self.execution.finish(order, constants.ORDER_STATE_EXPIRED, at_msc=order.expiration * 1_000)

    # Pending orders

    def _try_order(self, order: Order, *, is_open: bool) -> None:
        bid, ask = self._standing(order.symbol)
        price = ask if order.is_buy else bid
        if order.state == constants.ORDER_STATE_STARTED or not _reached(order, price):
            return
        if order.type in STOP_LIMIT_ORDERS:
            self._activate(order)  # its limit lies behind this price, so it cannot fill here
        elif order.type in LIMIT_ORDERS:
            self._fill_order(order, price if is_open else order.price)
        else:
            self._fill_order(order, self._slipped(order, price))

    def _fill_inside(self, symbol: str, bar: BarRange) -> set[int]:
        """Step 1 of a completed bar. Tickets of positions whose target must wait, having come from a limit order."""
        account, market = self.execution.account, self.execution.account.market
        reached = []
        for order in account.orders_in(symbol):
            if order.state == constants.ORDER_STATE_STARTED or order.is_triggered:
                continue
            end, spread = (bar.low, bar.low_spread) if _waits_below(order) else (bar.high, bar.high_spread)
            side = spread if order.is_buy else 0
            if _reached(order, end + side):
                reached.append((abs(order.price - side - bar.open), order.ticket, order, spread))
        fresh: set[int] = set()
        for _, _, order, spread in sorted(reached, key=lambda entry: entry[:2]):
            bid = order.price - (spread if order.is_buy else 0)
            market.set_price(symbol, bid, bid + spread)
            if order.type in STOP_LIMIT_ORDERS:
                self._activate(order)
            elif order.type in LIMIT_ORDERS:
                self._fill_order(order, order.price)
                fresh.update(
                    position.ticket
                    for position in account.positions_in(symbol)
                    if position.identifier == order.position_id and (order.tp or position.ticket == order.ticket)
                )
            else:
                self._fill_order(order, self._slipped(order, order.price))
        return fresh

    def _activate(self, order: Order) -> None:
        """A stop-limit reached its stop: from now on it is a limit order with the same ticket."""
        order.type = constants.ORDER_TYPE_BUY_LIMIT if order.is_buy else constants.ORDER_TYPE_SELL_LIMIT
        order.price, order.stoplimit = order.stoplimit, 0
        self.execution.account.put_order(order)

    def _fill_order(self, order: Order, price: int) -> None:
        symbol = self.execution.account.symbols[order.symbol]
        volume = available(symbol, order.volume_current, order.type_filling)
        if volume and self.execution.affords(symbol, volume, price, is_buy=order.is_buy):
            self.execution.fill(order, price, volume=volume)
        else:
            _log.warning(
                "order %d cancelled on activation: not enough %s", order.ticket, "money" if volume else "to fill"
            )
            self.execution.finish(order, constants.ORDER_STATE_CANCELED, price)

    def _slipped(self, order: Order, price: int) -> int:
        symbol = self.execution.account.symbols[order.symbol]
        return self.execution.slipped(symbol, price, is_buy=order.is_buy, ticket=order.ticket)

    # Stops

    def _try_stops(self, position: Position, *, is_open: bool) -> None:
        close = self.execution.account.closing_price(position)
        if position.sl and (close - position.sl) * position.sign <= 0:
            self._close(position, close, constants.ORDER_REASON_SL)
        elif position.tp and (close - position.tp) * position.sign >= 0:
            self._close(position, close if is_open else position.tp, constants.ORDER_REASON_TP)

    def _walk(self, symbol: str, bar: BarRange, *, down: bool) -> None:
        """Step 2 of a completed bar, one way: from its open down to its low, or from there up to its high."""
        market = self.execution.account.market
        at, end, spread = (bar.open, bar.low, bar.low_spread) if down else (bar.low, bar.high, bar.high_spread)
        can_stop_out = True
        while True:
            position = self._next_stop(symbol, bar, down=down)
            stop, before = at, end
            if position is not None:
                level = position.sl if down else position.sl - spread
                stop = min(at, level) if down else max(at, level)
                before = stop + 1 if down else stop - 1  # at the stop's own price the stop comes first
            if can_stop_out and (position is None or stop != at):
                out = self._stop_out_bid(symbol, at, before, spread)
                if out is not None:
                    at = out
                    can_stop_out = self._stop_out_worst()
                    continue
            if position is None:
                return
            at = stop
            market.set_price(symbol, at, at + spread)
            self._close(position, position.sl, constants.ORDER_REASON_SL)

    def _next_stop(self, symbol: str, bar: BarRange, *, down: bool) -> Position | None:
        """The position whose stop loss comes first on the way down (longs), or on the way up (shorts)."""
        end = bar.low if down else bar.high + bar.high_spread
        hit = [
            position
            for position in self.execution.account.positions_in(symbol)
            if position.sl and position.is_long == down and (end - position.sl) * position.sign <= 0
        ]
        return min(hit, key=lambda position: (-position.sl * position.sign, position.ticket), default=None)

    def _stop_out_bid(self, symbol: str, start: int, end: int, spread: int) -> int | None:
        """The first bid from `start` to `end` at which the account is stopped out, standing there; else None."""
        account, market = self.execution.account, self.execution.account.market
        level = account.config.stop_out_level

        def stopped_out(bid: int) -> bool:
            market.set_price(symbol, bid, bid + spread)
            return account.below(level)

        if stopped_out(start):  # closing one side of a hedge raises the margin
            return start
        if not stopped_out(end):
            return None
        safe, out = start, end
        while abs(out - safe) > 1:
            middle = (safe + out) // 2
            safe, out = (safe, middle) if stopped_out(middle) else (middle, out)
        market.set_price(symbol, out, out + spread)
        return out

    def _stop_out_worst(self) -> bool:
        """Closes the position with the largest loss whose market is open; False if there is none."""
        account = self.execution.account
        open_now = [p for p in account.positions.values() if account.market.is_open(p.symbol)]
        worst = min(open_now, key=lambda p: (account.floating(p) + p.swap, p.ticket), default=None)
        if worst is None:
            return False
        level = account.level()
        comment = f"so {level:.2f}%" if level is not None else "so"
        self._close(worst, account.closing_price(worst), constants.ORDER_REASON_SO, comment)
        return True

    def _close(self, position: Position, price: int, reason: int, comment: str | None = None) -> None:
        if comment is None:
            symbol = self.execution.account.symbols[position.symbol]
            name = "sl" if reason == constants.ORDER_REASON_SL else "tp"
            level = position.sl if reason == constants.ORDER_REASON_SL else position.tp
            comment = f"[{name} {symbol.price(level)}]"
        order = self.execution.system_order(position, position.volume, reason, price, comment)
        if reason != constants.ORDER_REASON_TP:
            price = self._slipped(order, price)
        self.execution.fill(order, price, closes=position)

    def _watch_margin_call(self) -> None:
        account = self.execution.account
        called = account.below(account.config.margin_call_level)
        if called and not self.in_margin_call:
            _log.warning("account %d: margin call, level %s %%", account.login, account.level())
        self.in_margin_call = called

    def _standing(self, symbol: str) -> tuple[int, int]:
        price = self.execution.account.market.price(symbol)
        if price is None:  # orders are only accepted in an open market
            raise AssertionError(f"{symbol} has an order and no quote")
        return price


def _waits_below(order: Order) -> bool:
    """Whether the order waits for the price to fall to it: buy limits and sell stops."""
    return order.is_buy == (order.type in LIMIT_ORDERS)


def _reached(order: Order, price: int) -> bool:
    if order.is_triggered:
        return True
    return price <= order.price if _waits_below(order) else price >= order.price
