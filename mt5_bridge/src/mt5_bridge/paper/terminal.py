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
from mt5_bridge.paper import faults
from mt5_bridge.paper.account import Account, deposit
from mt5_bridge.paper.bars import BarSeries, load_bars
from mt5_bridge.paper.bell import Bell
from mt5_bridge.paper.clock import MarketClock
from mt5_bridge.paper.config import SymbolConfig, TerminalConfig, load_config
from mt5_bridge.paper.desk import Desk
from mt5_bridge.paper.errors import TerminalConfigError
from mt5_bridge.paper.execution import Execution, Tickets
from mt5_bridge.paper.faults import Fault
from mt5_bridge.paper.feed import Feed
from mt5_bridge.paper.market import Market
from mt5_bridge.paper.matching import Matcher
from mt5_bridge.paper.mishaps import Mishaps
from mt5_bridge.paper.rates import History
from mt5_bridge.paper.replay import Replay
from mt5_bridge.paper.server_time import server_to_utc, to_datetime, to_msc, utc_to_server
from mt5_bridge.paper.store import IN_MEMORY, STATE_FILE, Store
from mt5_bridge.paper.structs import OrderCheckResult, OrderSendResult, TradeRequest
from mt5_bridge.paper.trade_server import TradeServer
from tradeloom.errors import InvalidInput

_LEASE_WALL_MS = 1_000


class PaperTerminal:
    """Opens the terminal in `directory`. Raises `TerminalConfigError`, `DataFileError` or `TerminalStateError`.

    `wall` (monotonic seconds) and `freeze` (blocks for so many seconds) are seams for tests. With a `config` given, and
    the `bars` of every symbol by its name, nothing is read from a disk or written to one: books in memory, which end
    with the terminal.
    """

    def __init__(
        self,
        directory: Path,
        *,
        wall: Callable[[], float] = time.monotonic,
        freeze: Callable[[float], None] = faults.freeze,
        config: TerminalConfig | None = None,
        bars: Mapping[str, BarSeries] | None = None,
    ) -> None:
        self.directory = directory
        self.config = load_config(directory) if config is None else config
        self.symbols = {symbol.name: symbol for symbol in self.config.symbols}
        self.selected = set(self.symbols)
        self._zone = self.config.zone
        self._feeds = [self._load_feed(symbol, bars or {}) for symbol in self.config.symbols]
        self.history = {feed.symbol.name: History(feed) for feed in self._feeds}
        self.store = Store(directory / STATE_FILE if config is None else IN_MEMORY)
        try:
            start = to_msc(self.config.clock.start)
            position = int(self.store.meta("clock_msc") or start)
            speed = float(self.store.meta("speed") or self.config.clock.speed)
            self.clock = MarketClock(position, speed, wall)
            self._lease_msc = self._now_msc = position
            with self.store.transaction():
                self._first_start(utc_to_server(start, self._zone))
            self._read_books()
            self.mishaps = Mishaps(self.store, wall, self.config.seed, self.config.random_faults)
            logins = tuple(account.login for account in self.config.accounts)
            self.server = TradeServer(logins, self._desk_of, self.mishaps, self._writing, freeze)
            self._bell = Bell(self.store, {name: symbol.point for name, symbol in self.symbols.items()})
            self._now_msc = min(position, server_to_utc(self.market.now_msc, self._zone))
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
        if self.mishaps.in_flight:
            self.server.land()
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
    def login(self) -> int:
        """The account that is logged in."""
        return self.server.login

    @login.setter
    def login(self, login: int) -> None:
        self.server.login = login

    @property
    def desk(self) -> Desk:
        """The desk of the account that is logged in."""
        return self.server.desk

    @property
    def account(self) -> Account:
        return self.desk.account

    def send(self, request: TradeRequest) -> OrderSendResult:
        """Executes a request, through the next scripted fault. Raises `TerminalFailure` where no answer comes."""
        return self.server.send(request)

    def check(self, request: TradeRequest) -> OrderCheckResult:
        return self.server.check(request)

    # Faults

    @property
    def connected(self) -> bool:
        """Whether the terminal reaches the trade server."""
        return self.mishaps.connected

    @connected.setter
    def connected(self, value: bool) -> None:
        self.mishaps.connected = value

    @property
    def faults(self) -> list[Fault]:
        """What the next sends will run into, first one first."""
        return self.mishaps.script

    def arm_fault(self, fault: Fault) -> None:
        self.mishaps.arm(fault)

    # Books

    def close(self) -> None:
        """Leaves the market where it is."""
        try:
            self._store_clock()
        finally:
            self.store.close()

    def _load_feed(self, symbol: SymbolConfig, given: Mapping[str, BarSeries]) -> Feed:
        data = symbol.data
        series = given.get(symbol.name)
        if series is None:
            series = load_bars(data.path, data.timeframe, self._zone)
        counter = None if data.counter_path is None else load_bars(data.counter_path, data.timeframe, self._zone)
        return Feed(symbol, series, counter)

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

    def _desk_of(self, login: int) -> Desk:
        return self._desks[login]

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
            self.mishaps.reload()
            raise
