"""Reading the account and the market: the terminal's structs as the core's facts, times in UTC."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mt5_bridge import constants as mt5
from mt5_bridge.clock import AccountClock
from mt5_bridge.pending import PENDING_TYPES, utc_of
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import Terminal, failure, read_all, symbol_facts
from tradeloom.errors import BrokerError, NotEnoughBars, TradeloomError
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.broker import Account, PendingOrder, Position, Symbol, Tick
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import Expiry, Side
from tradeloom.trading.ticks import ms_of
from tradeloom.trading.timeframes import Timeframe

_LOADING_WAITS_S = (0.1, 0.2, 0.4, 0.8)
"""A terminal asked for bars it does not hold yet answers with fewer and fetches the rest."""

_RES_E_FAIL = -1

_TICKS_OF_A_SECOND = 2_000
"""More than a symbol has in a second."""

_COLUMNS = {"open": "<f8", "high": "<f8", "low": "<f8", "close": "<f8"}

_EXPIRIES = {mt5.ORDER_TIME_GTC: Expiry.GTC, mt5.ORDER_TIME_DAY: Expiry.DAY}

type Columns = dict[str, tuple[str, memoryview]]


class Reader:
    """`paper` says that the terminal is ours: it has all its history at hand, and no money."""

    def __init__(
        self,
        terminal: Terminal,
        clock: AccountClock,
        zone: ServerZone,
        *,
        account_name: str,
        paper: bool,
        pause: Callable[[float], None],
    ) -> None:
        self._terminal = terminal
        self._clock = clock
        self._zone = zone
        self._account_name = account_name
        self._paper = paper
        self._pause = pause

    def account(self) -> Account:
        info = self._terminal.account_info()
        if info is None:
            raise failure(self._terminal, "reading the account")
        netting = info.margin_mode != mt5.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
        return Account(
            name=self._account_name,
            login=info.login,
            trade_mode=self._trade_mode(info),
            margin_mode="netting" if netting else "hedging",
            currency=info.currency,
            leverage=info.leverage,
            balance=info.balance,
            equity=info.equity,
            margin=info.margin,
            free_margin=info.margin_free,
            margin_level=info.margin_level if info.margin > 0 else None,
            profit=info.profit,
            credit=info.credit,
        )

    def symbol(self, name: str) -> Symbol:
        info = symbol_facts(self._terminal, name)
        point = exact(info.point)
        return Symbol(
            name=info.name,
            digits=info.digits,
            point=point,
            tick_size=exact(info.trade_tick_size) or point,
            contract_size=exact(info.trade_contract_size),
            volume_min=exact(info.volume_min),
            volume_max=exact(info.volume_max),
            volume_step=exact(info.volume_step),
            stops_level=info.trade_stops_level,
            freeze_level=info.trade_freeze_level,
            spread=info.spread,
            currency_base=info.currency_base,
            currency_profit=info.currency_profit,
            currency_margin=info.currency_margin,
        )

    def tick(self, symbol: str) -> Tick:
        symbol_facts(self._terminal, symbol)
        tick = self._terminal.symbol_info_tick(symbol)
        if tick is None:
            raise failure(self._terminal, f"reading the quote of {symbol}")
        return Tick(
            symbol=symbol,
            time=self._utc(tick.time_msc / 1000),
            bid=tick.bid,
            ask=tick.ask,
            last=tick.last or None,
            volume=tick.volume_real or float(tick.volume),
        )

    def positions(self, symbol: str | None) -> list[Position]:
        return [self._position(position) for position in self._all("positions_get", symbol)]

    def orders(self, symbol: str | None) -> list[PendingOrder]:
        """The pending orders; those at market that are just being filled are none."""
        return [self._order(order) for order in self._all("orders_get", symbol) if order.type in PENDING_TYPES]

    def profit(self, symbol: str, side: Side, volume: Decimal, price_open: float, price_close: float) -> float:
        symbol_facts(self._terminal, symbol)
        profit = self._terminal.order_calc_profit(_order_type(side), symbol, float(volume), price_open, price_close)
        return self._number(profit, f"calculating a profit in {symbol}")

    def margin(self, symbol: str, side: Side, volume: Decimal, price: float) -> float:
        symbol_facts(self._terminal, symbol)
        margin = self._terminal.order_calc_margin(_order_type(side), symbol, float(volume), price)
        return self._number(margin, f"calculating a margin in {symbol}")

    def bars(self, reference: BarsReference) -> Columns:
        """The last `count` + `warmup` bars visible at `reference.to`, as columns; the forming one only when asked for.

        A bar is closed when its nominal end or the next bar's opening has come. Raises `NotEnoughBars` for fewer than
        `count`; fewer warm-up bars are fine.
        """
        symbol_facts(self._terminal, reference.symbol)
        visible = min(reference.to, self._clock.now())
        server_now = int(self._zone.from_utc(visible.timestamp()))
        wanted = reference.count + reference.warmup
        rows = self._rates(reference, server_now, wanted + 1)
        rows = rows[rows["time"] <= server_now]
        if reference.closed_only and len(rows) and _bar_end(int(rows["time"][-1]), reference.timeframe) > server_now:
            rows = rows[:-1]
        rows = rows[-wanted:]
        if len(rows) < reference.count:
            raise NotEnoughBars(
                f"{reference.symbol} {reference.timeframe} has {len(rows)} bars by {visible:%Y-%m-%d %H:%M:%S} UTC; "
                f"{reference.count} are needed"
            )
        columns: Columns = {"time": ("<i8", _bytes(self._zone.to_utc_array(rows["time"].astype("<i8")), "<i8"))}
        for name, dtype in _COLUMNS.items():
            columns[name] = (dtype, _bytes(rows[name], dtype))
        columns["volume"] = ("<f8", _bytes(rows["tick_volume"], "<f8"))
        columns["spread"] = ("<i4", _bytes(rows["spread"], "<i4"))
        return columns

    def ticks(self, symbol: str, since: datetime, skip: int, limit: int) -> Columns:
        """Every quote the terminal has from the millisecond `since` on, as columns, in its order: at most `limit`,
        without the first `skip` of exactly that millisecond. More there are when it is `limit`.

        The terminal is asked by the second; what is of this one and from before `since` comes on top, and is dropped.
        """
        symbol_facts(self._terminal, symbol)
        moment = ms_of(since)
        first = int(self._zone.from_utc(moment // 1000)) * 1000 + moment % 1000
        wanted = limit + skip + _TICKS_OF_A_SECOND
        found = self._terminal.copy_ticks_from(symbol, first // 1000, wanted, mt5.COPY_TICKS_ALL)
        if found is None:
            raise failure(self._terminal, f"reading the ticks of {symbol}")
        found = found[found["time_msc"] >= first]
        seen = min(skip, int(np.count_nonzero(found["time_msc"] == first)))
        found = found[seen : seen + limit]
        times = found["time_msc"].astype("<i8")
        utc = self._zone.to_utc_array(times // 1000) * 1000 + times % 1000
        prices = {name: ("<f8", _bytes(found[name], "<f8")) for name in ("bid", "ask", "last")}
        return {"time": ("<i8", _bytes(utc, "<i8")), **prices}

    def _no_bars(self, reference: BarsReference) -> TradeloomError:
        """The symbol is there, so what a paper terminal cannot do is build bars that are finer than its data."""
        known = failure(self._terminal, f"reading {reference.symbol} {reference.timeframe} bars")
        if not self._paper or self._terminal.last_error()[0] != _RES_E_FAIL:
            return known
        return NotEnoughBars(
            f"the paper market has no {reference.timeframe} bars of {reference.symbol}: its data is coarser",
            hint="Choose a longer timeframe, or give the market finer data.",
        )

    def _rates(self, reference: BarsReference, server_now: int, count: int) -> NDArray[Any]:
        timeframe = mt5.TIMEFRAMES[reference.timeframe]
        held = -1
        for wait in (*_LOADING_WAITS_S, None):
            rates = self._terminal.copy_rates_from(reference.symbol, timeframe, server_now, count)
            if rates is None:
                raise self._no_bars(reference)
            # Enough, or the terminal no longer finds more: this is all the history there is.
            if self._paper or wait is None or len(rates) >= count or len(rates) == held:
                break
            held = len(rates)
            self._pause(wait)
        found: NDArray[Any] = rates
        return found

    def _position(self, position: Any) -> Position:
        return Position(
            ticket=position.ticket,
            symbol=position.symbol,
            side=Side.BUY if position.type == mt5.POSITION_TYPE_BUY else Side.SELL,
            volume=exact(position.volume),
            price_open=position.price_open,
            price_current=position.price_current,
            stop_loss=position.sl or None,
            take_profit=position.tp or None,
            profit=position.profit,
            swap=position.swap,
            magic=position.magic,
            comment=position.comment,
            opened_at=self._utc(position.time_msc / 1000),
        )

    def _order(self, order: Any) -> PendingOrder:
        kind, side = PENDING_TYPES[order.type]
        return PendingOrder(
            ticket=order.ticket,
            symbol=order.symbol,
            type=kind,
            side=side,
            volume=exact(order.volume_initial),
            remaining=exact(order.volume_current),
            price=order.price_open,
            limit_price=order.price_stoplimit or None,
            price_current=order.price_current,
            stop_loss=order.sl or None,
            take_profit=order.tp or None,
            expiry=_EXPIRIES.get(order.type_time, Expiry.SPECIFIED),
            expires_at=utc_of(order.time_expiration, self._zone),
            placed_at=self._utc(order.time_setup_msc / 1000),
            magic=order.magic,
            comment=order.comment,
        )

    def _all(self, function: str, symbol: str | None) -> tuple[Any, ...]:
        return read_all(self._terminal, function, **({} if symbol is None else {"symbol": symbol}))

    def _trade_mode(self, info: Any) -> Literal["paper", "demo", "live"]:
        if self._paper:
            return "paper"
        return "live" if info.trade_mode == mt5.ACCOUNT_TRADE_MODE_REAL else "demo"

    def _number(self, value: Any, doing: str) -> float:
        if value is None:
            raise failure(self._terminal, doing)
        number = float(value)
        if not math.isfinite(number):
            raise BrokerError(f"{doing}: the broker answered {number}")
        return number

    def _utc(self, server_seconds: float) -> datetime:
        return datetime.fromtimestamp(self._zone.to_utc(server_seconds), tz=UTC)


def _order_type(side: Side) -> int:
    return mt5.ORDER_TYPE_BUY if side is Side.BUY else mt5.ORDER_TYPE_SELL


def _bytes(column: NDArray[Any], dtype: str) -> memoryview:
    return memoryview(np.ascontiguousarray(column, dtype=dtype)).cast("B")


def _bar_end(opening: int, timeframe: Timeframe) -> int:
    """First server second after a bar; only a month has no fixed length."""
    if timeframe is not Timeframe.MN1:
        return opening + timeframe.seconds
    start = datetime.fromtimestamp(opening, tz=UTC)
    following = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return int(datetime(*following, 1, tzinfo=UTC).timestamp())
