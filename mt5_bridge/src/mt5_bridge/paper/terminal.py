"""The paper terminal: one directory's configuration, market, clock and books, put together.

Trades are on the disk before a call returns, and survive a power cut; the clock's movements survive a kill. When the
disk refuses, nothing has happened: the books are read again from what is stored. Not thread-safe by itself: its session
holds the lock.

A running clock writes down, once a wall-clock second, a time it will not pass before writing again. A killed terminal
resumes there, so nobody ever sees the market go back; while no terminal runs, the market stands.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mt5_bridge.alarms import Alarm
from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper import faults, requests
from mt5_bridge.paper.account import Account, deposit
from mt5_bridge.paper.bars import load_bars
from mt5_bridge.paper.bell import Bell
from mt5_bridge.paper.clock import MarketClock
from mt5_bridge.paper.config import SymbolConfig, load_config
from mt5_bridge.paper.desk import Answer, Desk
from mt5_bridge.paper.errors import Refused, TerminalConfigError, TerminalFailure
from mt5_bridge.paper.execution import Execution, Tickets
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.feed import Feed
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.matching import Matcher
from mt5_bridge.paper.rates import History
from mt5_bridge.paper.replay import Replay
from mt5_bridge.paper.requests import refuse
from mt5_bridge.paper.server_time import server_to_utc, to_datetime, to_msc, utc_to_server
from mt5_bridge.paper.store import STATE_FILE, Store
from mt5_bridge.paper.structs import OrderCheckResult, OrderSendResult, TradeRequest
from mt5_bridge.paper.views import check_result, send_result
from tradeloom.errors import InvalidInput

_LEASE_WALL_MS = 1_000


class PaperTerminal:
    """Opens the terminal in `directory`. Raises `TerminalConfigError`, `DataFileError` or `TerminalStateError`.

    `wall` (monotonic seconds) and `freeze` (blocks for so many seconds) are seams for tests.
    """

    def __init__(
        self,
        directory: Path,
        *,
        wall: Callable[[], float] = time.monotonic,
        freeze: Callable[[float], None] = faults.freeze,
    ) -> None:
        self.directory = directory
        self.config = load_config(directory)
        self.symbols = {symbol.name: symbol for symbol in self.config.symbols}
        self.connected = True
        self.selected = set(self.symbols)
        self._freeze = freeze
        self._zone = self.config.zone
        self._feeds = [self._load_feed(symbol) for symbol in self.config.symbols]
        self.history = {feed.symbol.name: History(feed) for feed in self._feeds}
        self._requests = 0
        self.store = Store(directory / STATE_FILE)
        try:
            start = to_msc(self.config.clock.start)
            position = int(self.store.meta("clock_msc") or start)
            speed = float(self.store.meta("speed") or self.config.clock.speed)
            self.clock = MarketClock(position, speed, wall)
            self._lease_msc = self._now_msc = position
            with self.store.transaction():
                self._first_start(utc_to_server(start, self._zone))
            self._read_books()
            self._bell = Bell(self.store, {name: symbol.point for name, symbol in self.symbols.items()})
            self._now_msc = min(position, server_to_utc(self.market.now_msc, self._zone))
            self.login = self.config.accounts[0].login
            self.sync()
        except BaseException:
            self.store.close()
            raise

    # Time

    def sync(self) -> None:
        """Brings the market to the clock's time; everything due on the way happens."""
        now = self.clock.now()
        if self.clock.speed and now >= self._lease_msc:
            lease = now + int(_LEASE_WALL_MS * self.clock.speed)
            with self.store.transaction(durable=False):
                self.store.put_meta("clock_msc", str(lease))
            self._lease_msc = lease
        self._run_to(utc_to_server(now, self._zone))
        self._now_msc = self.clock.now() if self.clock.is_held else now

    def market_time(self) -> datetime:
        """The market clock's time (UTC) as of the last `sync`: what quotes and books are at."""
        return to_datetime(self._now_msc)

    def advance(self, to: datetime) -> datetime:
        """Moves the clock forward and lets everything up to then happen, or up to the first alarm on the way: then the
        time returned is earlier than `to`."""
        if to.tzinfo is None:
            raise InvalidInput("the market time needs an offset", field="to")
        self.clock.advance(to_msc(to))
        self._store_clock()
        self.sync()
        return self.market_time()

    def set_speed(self, speed: float) -> None:
        """Market seconds a wall-clock second from now on; 0 stands. Survives a restart."""
        self.clock.set_speed(speed)
        self._store_clock()

    def next_event_time(self) -> datetime | None:
        """When something next happens by itself: a quote, a close of the market, an expiry, a swap. None: never."""
        moments = (self.market.next_change(), self._replay.next_timed())
        first = min((moment for moment in moments if moment is not None), default=None)
        return None if first is None else to_datetime(server_to_utc(first, self._zone))

    @property
    def is_held(self) -> bool:
        """Whether the market stands at an alarm, or because it was told to, until `set_alarms` lets it go on."""
        return self.clock.is_held

    def hold(self) -> None:
        """The market stands where it is, so that all that is read until `set_alarms` is of one moment."""
        self.clock.hold(self._now_msc)

    def set_alarms(self, alarms: Mapping[str, Alarm]) -> None:
        """From now on the market stops after the first moment at which an alarm rings, or anything in the books
        changed; a market that stands at one goes on. No alarms: it never stops. They survive a restart, so that no
        moment is passed over while whoever watches is away."""
        self._bell.set(alarms, self.market)
        self.clock.release()

    # Trading

    @property
    def desk(self) -> Desk:
        """The desk of the account that is logged in."""
        return self._desks[self.login]

    @property
    def account(self) -> Account:
        return self.desk.account

    def send(self, request: TradeRequest) -> OrderSendResult:
        """Executes a request, through the next scripted fault. Raises `TerminalFailure` where no answer comes."""
        self._requests += 1
        self.desk.execution.attempt = self._requests
        fault = self._take_fault()
        answer = self._execute(request) if fault is None else self._run_into(fault, request)
        return send_result(answer, request, self._requests)

    def check(self, request: TradeRequest) -> OrderCheckResult:
        """What `send` would answer now, and what it would do to the margin."""
        account = self.account
        self.desk.execution.attempt = self._requests + 1
        try:
            plan = self.desk.plan(request)
        except Refused as refusal:
            return check_result(account, account.margin(), request, refusal.retcode, refusal.message)
        return check_result(account, self.desk.margin_after(plan), request)

    def _execute(self, request: TradeRequest) -> Answer:
        try:
            if not self.connected:
                raise refuse(mt5.TRADE_RETCODE_CONNECTION)
            plan = self.desk.offer(request)
        except Refused as refusal:
            return self._refusal(refusal.retcode, refusal.message, request)
        with self._writing():
            return self.desk.execute(plan, request)

    def _refusal(self, retcode: int, comment: str, request: TradeRequest) -> Answer:
        """A requote shows the price at which the order could have been had."""
        symbol = self.symbols.get(request.symbol)
        quote = self.market.price(request.symbol) if symbol is not None else None
        if retcode != mt5.TRADE_RETCODE_REQUOTE or quote is None:
            return Answer(retcode, comment)
        price = quote[1] if request.type == mt5.ORDER_TYPE_BUY else quote[0]
        return Answer(retcode, comment, symbol, price=price, quote=quote)

    # Faults

    @property
    def faults(self) -> list[Fault]:
        """What the next sends will run into, first one first."""
        return faults.load_script(self.store.meta("faults") or "[]")

    def arm_fault(self, fault: Fault) -> None:
        with self.store.transaction():
            self.store.put_meta("faults", faults.dump_script([*self.faults, fault]))

    def _take_fault(self) -> Fault | None:
        script = self.faults
        if not script or not self.connected:
            return None
        with self.store.transaction():
            self.store.put_meta("faults", faults.dump_script(script[1:]))
        return script[0]

    def _run_into(self, fault: Fault, request: TradeRequest) -> Answer:
        answer = self._execute(request) if fault.executes else None
        if fault.seconds:
            self._freeze(fault.seconds)
        match fault.kind:
            case "hang" if answer is not None:
                return answer
            case "reply_lost" | "hang":
                raise TerminalFailure(mt5.RES_E_INTERNAL_FAIL_TIMEOUT, "IPC timeout")
            case "disconnected":
                self.connected = False
        retcode = {
            "timeout": mt5.TRADE_RETCODE_TIMEOUT,
            "requote": mt5.TRADE_RETCODE_REQUOTE,
            "reject": mt5.TRADE_RETCODE_REJECT,
            "disconnected": mt5.TRADE_RETCODE_CONNECTION,
        }[fault.kind]
        return self._refusal(retcode, requests.COMMENTS[retcode], request)

    # Books

    def close(self) -> None:
        """Leaves the market where it is."""
        try:
            self._store_clock()
        finally:
            self.store.close()

    def _load_feed(self, symbol: SymbolConfig) -> Feed:
        data = symbol.data
        counter = None if data.counter_path is None else load_bars(data.counter_path, data.timeframe, self._zone)
        return Feed(symbol, load_bars(data.path, data.timeframe, self._zone), counter)

    def _first_start(self, start_msc: int) -> None:
        """Opens new accounts with their deposit, and refuses a state that the configuration no longer describes."""
        tickets = Tickets(self.store)
        for config in self.config.accounts:
            terms = json.dumps([config.currency, config.currency_digits, config.margin_mode])
            key = f"account_{config.login}"
            if (self.store.meta(key) or terms) != terms:
                raise TerminalConfigError(
                    f"account {config.login} has books in another currency or margin mode",
                    field="accounts",
                    hint=f"Restore the configuration, or move {STATE_FILE} away to start afresh.",
                )
            if self.store.balance(config.login) is None:
                now = int(self.store.meta("market_msc") or start_msc)
                self.store.put(deposit(config, tickets.take_deal(), now))
                self.store.put_balance(config.login, config.balance)
                self.store.put_meta(key, terms)
        if self.store.meta("market_msc") is None:
            self.store.put_meta("market_msc", str(start_msc))
            self.store.put_meta("faults", faults.dump_script(list(self.config.faults)))

    def _read_books(self) -> None:
        """Everything in memory, from what is stored."""
        self.market = Market(self._feeds, int(self.store.meta("market_msc") or 0))
        tickets = Tickets(self.store)
        self._desks: dict[int, Desk] = {}
        matchers = []
        for config in self.config.accounts:
            balance = self.store.balance(config.login) or config.balance
            account = Account(config, self.symbols, self.market, self.store, balance)
            self._check_symbols(account)
            execution = Execution(account, tickets, seed=self.config.seed, slippage_points=self.config.slippage_points)
            matchers.append(Matcher(execution))
            self._desks[config.login] = Desk(execution, self.store)
        self._replay = Replay(self.market, matchers)

    def _check_symbols(self, account: Account) -> None:
        held = {(position.symbol, position.digits) for position in account.positions.values()}
        held |= {(order.symbol, order.digits) for order in account.orders.values()}
        for name, digits in sorted(held):
            if name not in self.symbols or self.symbols[name].digits != digits:
                raise TerminalConfigError(
                    f"account {account.login} holds {name} with {digits} digits, which is not configured so",
                    field="symbols",
                )

    def _run_to(self, server_msc: int) -> None:
        """Server time never goes back, even where its zone's clocks do."""
        target = max(server_msc, self.market.now_msc)
        if not self._replay.is_exposed:
            self.market.jump(target)
            return
        if target == self.market.now_msc:
            return
        with self._writing():
            stopped_utc = self._run_until_alarm(target)
        if stopped_utc is not None:
            self.clock.hold(stopped_utc)
            self._lease_msc = stopped_utc

    def _run_until_alarm(self, target: int) -> int | None:
        """The moment (UTC) the market stopped at, already in the store with whatever happened until then; None when
        it went all the way."""
        changes = self.store.changes
        if not self._replay.run(target, lambda: self._bell.rings(self.market, changes)):
            return None
        stopped = server_to_utc(self.market.now_msc, self._zone)
        stopped = max(self._now_msc, min(stopped, self.clock.now()))  # a zone's clock that goes back shows hours twice
        self.store.put_meta("clock_msc", str(stopped))
        return stopped

    def _store_clock(self) -> None:
        now = self.clock.now()
        with self.store.transaction(durable=False):
            self.store.put_meta("clock_msc", str(now))
            self.store.put_meta("speed", repr(self.clock.speed))
        self._lease_msc = now

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A change of the books with the market time it was made at; undone in memory too if it fails."""
        try:
            with self.store.transaction():
                changes = self.store.changes
                yield
                if self.store.changes != changes:
                    self.store.put_meta("market_msc", str(self.market.now_msc))
        except BaseException:
            self._read_books()
            raise
