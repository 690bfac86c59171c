"""Everything of one account on its terminal, wired together, and the table of the calls it answers."""

import logging
import math
import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from mt5_bridge import constants as mt5
from mt5_bridge.account_duty import AccountDuty
from mt5_bridge.account_reads import AccountReads
from mt5_bridge.account_watch import AccountWatch
from mt5_bridge.clock import AccountClock
from mt5_bridge.compat.reads import METHOD as SCRIPT_READ
from mt5_bridge.compat.reads import ScriptReads
from mt5_bridge.config import AccountConfig
from mt5_bridge.desk import OrderDesk
from mt5_bridge.flatten_duty import FlattenDuty
from mt5_bridge.flatten_store import FlattenStore
from mt5_bridge.gatekeeper import Gatekeeper
from mt5_bridge.guard_duty import GuardDuty
from mt5_bridge.guard_store import GuardStore
from mt5_bridge.journal import SENDABLE, Journal
from mt5_bridge.ledger import Ledger
from mt5_bridge.logs import note
from mt5_bridge.manual import ManualDesk
from mt5_bridge.market_scout import METHOD as WATCH
from mt5_bridge.market_scout import MarketScout
from mt5_bridge.reader import Reader
from mt5_bridge.reconciliation import Reconciler, unknown_outcome, wall_clock
from mt5_bridge.records import BrokerRecords
from mt5_bridge.risk_book import BookReader
from mt5_bridge.risk_gate import RiskGate
from mt5_bridge.server_time import zone_named
from mt5_bridge.tally import Tally
from mt5_bridge.terminal import PipeBroken, Terminal, connected_account
from mt5_bridge.trouble import unusable
from mt5_bridge.watcher import Watcher
from tradeloom.errors import BrokerError, StorageUnavailable, TradeloomError
from tradeloom.trading import methods, protocol
from tradeloom.trading.methods import Params, SendParams
from tradeloom.trading.mt5_answers import encode_outcome

_LOOK_AT_CONNECTION_S = 5.0
_log = logging.getLogger(__name__)


class AccountWorker:
    """Everything of one account, wired together on an initialized terminal.

    A journal that cannot be used stops trading, not reading: every send then raises what is wrong with it. A guards'
    file that cannot be used stops guarding, not trading.
    """

    def __init__(
        self,
        settings: AccountConfig,
        terminal: Terminal,
        clock: AccountClock,
        open_journal: Callable[[], Journal],
        open_guards: Callable[[], GuardStore],
        pause: Callable[[float], None] = time.sleep,
        open_flattens: Callable[[], FlattenStore] | None = None,
        *,
        wall: Callable[[], datetime] = wall_clock,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        zone = zone_named(settings.server_time_zone)
        paper = settings.terminal == "paper"
        self._settings = settings
        self._terminal = terminal
        self._clock = clock
        self._reader = Reader(terminal, clock, zone, account_name=settings.name, paper=paper, pause=pause)
        self._script_reads = ScriptReads(terminal)
        self.scout = MarketScout(terminal, clock, paper=paper, interval_s=settings.tick_interval_s)
        self._journal: Journal | None = None
        self._journal_trouble: StorageUnavailable | None = None
        self._desk: OrderDesk | None = None
        self._manual: ManualDesk | None = None
        self._reconciler: Reconciler | None = None
        self._account_duty: AccountDuty | None = None
        self.recycle = False
        self.tally = Tally()
        self._looked_at = -math.inf
        try:
            journal = self._journal = open_journal()
            records = BrokerRecords(terminal, zone, pause)
            reconciler = Reconciler(
                journal, records, clock, horizon_s=settings.history_horizon_s, real_money=self._real_money, wall=wall
            )
            day_zone = zone_named(settings.day_time_zone or settings.server_time_zone)
            watch = AccountWatch(terminal, journal, clock, zone, day_zone)
            self._account_duty = AccountDuty(terminal, journal, watch, clock, login=settings.login)
            gatekeeper = Gatekeeper(
                terminal,
                RiskGate(journal, BookReader(terminal, journal), watch),
                records,
                clock,
                zone,
                login=settings.login,
                live_trading=settings.live_trading,
                tally=self.tally,
            )
            self._desk = OrderDesk(
                terminal, journal, gatekeeper, records, reconciler, clock, pause=pause, jitter=jitter, tally=self.tally
            )
            self._reconciler = reconciler
            reconciler.recover()
            self._manual = ManualDesk(journal, records, reconciler, clock)
        except StorageUnavailable as error:
            self._journal_trouble = error.with_traceback(None)
            _log.error("account %s cannot trade: %s", settings.name, error.message)
        self._guards: GuardStore | None = None
        self.duty = self._make_duty(
            open_guards, None if paper else BrokerRecords(terminal, zone, pause), settings.guard_interval_s
        )
        self._flattens: FlattenStore | None = None
        self.flattening = self._make_flattening(open_flattens, None if paper else BrokerRecords(terminal, zone, pause))
        self.reads = AccountReads(
            settings,
            terminal,
            clock,
            self._reader,
            Ledger(terminal, zone),
            self._journal,
            self._journal_trouble,
            self._guards,
        )

    def _make_duty(
        self, open_guards: Callable[[], GuardStore], records: BrokerRecords | None, interval_s: float
    ) -> GuardDuty:
        watcher, trouble = None, self._journal_trouble
        if self._journal is not None and self._desk is not None and trouble is None:
            try:
                self._guards = open_guards()
                watcher = Watcher(self._guards, self._journal, self._desk, self._reader, self._clock, records)
            except StorageUnavailable as error:
                trouble = error.with_traceback(None)
                _log.error("guards cannot be watched: %s", error.message)
        return GuardDuty(watcher, trouble, self._clock, interval_s=interval_s)

    def _make_flattening(
        self, open_flattens: Callable[[], FlattenStore] | None, records: BrokerRecords | None
    ) -> FlattenDuty | None:
        """None when nothing can be flattened: the journal or the flattens' file cannot be used."""
        if open_flattens is None or self._journal is None or self._desk is None:
            return None
        try:
            store = self._flattens = open_flattens()
            return FlattenDuty(
                store,
                self._journal,
                self._desk,
                self._reader,
                self._clock,
                records,
                account=self._settings.name,
                assert_connected=partial(connected_account, self._terminal, self._settings.login),
            )
        except StorageUnavailable as error:
            _log.error("the account cannot be flattened: %s", error.message)
            return None

    def patience_s(self) -> float | None:
        """How long it may wait for a call before `between_calls`; None: until one comes."""
        others = [duty for duty in (self.flattening, self._account_duty, self._reconciler) if duty is not None]
        duties = [self.scout.patience_s(), self.duty.patience_s(), *(duty.patience_s() for duty in others)]
        return min((wait for wait in duties if wait is not None), default=None)

    def is_behind(self) -> bool:
        """Whether there is anything to `catch_up` with."""
        return self._reconciler is not None and self._reconciler.patience_s() is not None

    def between_calls(self, *, at_once: bool = False) -> None:
        """Tells what is new in the market, goes on with a flatten, looks at the account and after the guards; see
        `MarketScout`, `FlattenDuty`, `AccountDuty` and `GuardDuty`."""
        self.scout.look_if_due()
        self.recycle |= self.scout.pipe_broken
        if at_once:
            self.scout.orders_changed()
        self.catch_up()
        if self.flattening is not None:
            self.flattening.work_if_due()
            self.recycle |= self.flattening.pipe_broken
        if self._account_duty is not None:
            self._account_duty.look_if_due()
            self.recycle |= self._account_duty.pipe_broken
        self.look_after_guards(at_once=at_once)

    def catch_up(self) -> None:
        """Between calls: writes down what the journal could not take, and looks for what the last stop left open."""
        if self._reconciler is not None:
            self._reconciler.catch_up()
            self._reconciler.look_again_if_due()

    def look_after_guards(self, *, at_once: bool = False) -> None:
        """Between calls; see `GuardDuty`."""
        self.duty.look_if_due(at_once=at_once)
        self.recycle |= self.duty.pipe_broken or (self._desk is not None and self._desk.pipe_broken)

    def look_at_connection(self) -> None:
        """Between calls, now and then: whether the terminal has its trade server. Told with the next answer."""
        if time.monotonic() - self._looked_at < _LOOK_AT_CONNECTION_S:
            return
        self._looked_at = time.monotonic()
        self.note_connection()

    def note_connection(self) -> None:
        info = self._terminal.terminal_info()
        self.tally.connected = info is not None and bool(info.connected)
        if self._reconciler is not None:
            self._reconciler.note_connection(connected=self.tally.connected)

    def handle(self, method: str, payload: bytes) -> bytes:
        """The encoded answer to one call; whatever goes wrong is an encoded error."""
        try:
            if method == SCRIPT_READ:
                return self._script_reads.answer(payload)
            if method == WATCH:
                self.scout.watch(payload)
                return protocol.encode_answer(None)
            request = protocol.decode_request(method, payload)
            return self._answer(method, request.params)
        except TradeloomError as error:
            self.recycle |= isinstance(error, PipeBroken)
            return protocol.encode_error(error)
        except Exception:
            _log.exception("%s failed", method)
            failed = f"the bridge's worker failed at {method}; its log says more"
            if method == "send":
                return self._what_became_of_it(payload, failed)
            return protocol.encode_error(BrokerError(failed))
        finally:
            self.recycle |= self._desk is not None and self._desk.pipe_broken

    def _what_became_of_it(self, payload: bytes, failed: str) -> bytes:
        """A bug of ours struck somewhere around an order: only the journal can say on which side of its sending."""
        try:
            request = protocol.decode_request("send", payload)
            order_id = request.params.intent.client_order_id if isinstance(request.params, SendParams) else ""
            entry = self._journal.entry(order_id) if self._journal else None
            if entry is None or entry.state in SENDABLE:
                return protocol.encode_error(BrokerError(f"{failed}; nothing was sent"))
            outcome = entry.outcome() or unknown_outcome(entry, failed)
            return encode_outcome(outcome)
        except TradeloomError as error:
            return protocol.encode_error(error)

    def close(self) -> None:
        for file in (self._journal, self._guards, self._flattens):
            if file is not None:
                file.close()
        self._terminal.shutdown()

    def _answer(self, method: str, params: Params) -> bytes:
        match method, params:
            case "bars", methods.BarsParams():
                return protocol.encode_answer(None, self._reader.bars(params.reference))
            case "ticks", methods.TicksParams():
                ticks = self._reader.ticks(params.symbol, params.since, params.skip, params.limit)
                return protocol.encode_answer(None, ticks)
            case "send", methods.SendParams():
                note(order=params.intent.client_order_id)
                return encode_outcome(self._trading().send(params.intent))
            case "outcome", methods.OutcomeParams():
                return encode_outcome(self._trading().outcome(params.client_order_id))
            case "flatten", methods.FlattenParams():
                if self.flattening is not None:
                    self.flattening.wake()
                return protocol.encode_answer(None)
            case "settle_manual", methods.SettleParams():
                self._trading()
                assert self._manual is not None
                return encode_outcome(self._manual.settle(params))
            case "guard", methods.GuardParams():
                return protocol.encode_answer(self.duty.set(params.guard).model_dump(mode="json"))
            case "unguard", methods.UnguardParams():
                return protocol.encode_answer(self.duty.remove(params.guard_id).model_dump(mode="json"))
            case "advance", methods.AdvanceParams():
                return protocol.encode_answer(self.duty.advance(params.to).model_dump(mode="json"))
            case "set_speed", methods.SpeedParams():
                return protocol.encode_answer(self._clock.set_speed(params.speed).model_dump(mode="json"))
            case _:
                return protocol.encode_answer(self.reads.answer(method, params))

    def _trading(self) -> OrderDesk:
        if self._desk is None or self._journal_trouble is not None:
            raise unusable("the order journal", self._journal_trouble)
        return self._desk

    def _real_money(self) -> bool:
        """Raises `BrokerError` or one of its kinds while the terminal does not say, or shows another account: that is
        no answer to decide an order on."""
        try:
            account = connected_account(self._terminal, self._settings.login)
        except PipeBroken:
            self.recycle = True
            raise
        return bool(account.trade_mode == mt5.ACCOUNT_TRADE_MODE_REAL)
