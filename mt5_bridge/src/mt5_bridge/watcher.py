"""The watcher: judges every guard at every new quote, and carries out what follows through the order desk.

It runs in the worker, between calls. Nothing it does at the broker passes beside journal and gate: each step of a guard
is an intent whose id follows from the guard and the step's number, so a crash anywhere leaves a step that the journal
can tell about, and a step is never taken twice. What is UNKNOWN is settled before the guard does anything else.

On a replay the market is held while it is looked at, and stops by itself at the next quote that may matter (its
alarms), so a replay moves stops exactly where a live market would, however far it is advanced at once.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from mt5_bridge import faultpoints
from mt5_bridge.alarms import ANY_QUOTE, Alarm
from mt5_bridge.changes import unlisted
from mt5_bridge.clock import AccountClock
from mt5_bridge.desk import OrderDesk
from mt5_bridge.guard_steps import StepResult, action_of, intent_of, result_of
from mt5_bridge.guard_store import GuardStore, Record
from mt5_bridge.journal import SENDABLE, Journal, OrderState
from mt5_bridge.reader import Reader
from mt5_bridge.records import BrokerRecords
from mt5_bridge.terminal import PipeBroken
from tradeloom.errors import InvalidInput, NotFound, StorageUnavailable, TradeloomError
from tradeloom.trading.broker import Position, Symbol, Tick
from tradeloom.trading.guard_rules import decide, wake_price
from tradeloom.trading.guards import Guard, GuardReport
from tradeloom.trading.intents import OutcomeStatus, Side

LOOK_BUDGET_S = 2.0
"""One look takes no longer than this (and one order), so that calls need not wait; the next goes on from there."""
_STEPS_A_QUOTE = 3
"""A part is closed, then the entry secured, at the same quote."""
_FIRST_REST_S = 0.5
_LONGEST_REST_S = 60.0
_UNABLE_REST_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Market:
    """A symbol as it stands at one look: its quote, its rules, and the account's positions in it by ticket."""

    quote: Tick
    symbol: Symbol
    positions: dict[int, Position]


@dataclass(frozen=True, slots=True)
class _Rest:
    """A guard that was refused waits until then (market time), and for another quote than this."""

    quote: Tick | None
    until: datetime


@dataclass(slots=True)
class _Look:
    """One look at all guards, perhaps in several slices. `left` are those still to be looked at."""

    left: list[str]
    markets: dict[str, _Market] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)


class Watcher:
    """Watches one account's guards. `records` confirm that a position is closed; None where the list of positions is
    always right, as on paper. Methods raise what the store and the journal raise, and `PipeBroken` when the worker must
    be replaced; what else keeps one guard from acting is its trouble, and no other's."""

    def __init__(
        self,
        store: GuardStore,
        journal: Journal,
        desk: OrderDesk,
        reader: Reader,
        clock: AccountClock,
        records: BrokerRecords | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._journal = journal
        self._desk = desk
        self._reader = reader
        self._clock = clock
        self._records = records
        self._monotonic = monotonic
        self._active = {record.guard_id: record for record in store.active()}
        self._unsure = set(self._active)
        """Guards whose present step may have been sent: the journal is asked before they act."""
        self._rests: dict[str, _Rest] = {}
        self._look: _Look | None = None
        self.is_current = False
        """Whether the last look was finished: until then alarms may be missing, and a replay must not go on."""

    @property
    def is_watching(self) -> bool:
        return bool(self._active)

    @property
    def pipe_broken(self) -> bool:
        """Whether the next look must be another process's."""
        return self._desk.pipe_broken

    def set(self, guard: Guard) -> GuardReport:
        """Sets the guard and looks at the market for it at once; the same again is one guard.

        Raises `NotFound` for a position that is not open, `InvalidInput` for one in another symbol or on another side.
        """
        known = self._store.find(guard.guard_id)
        if known is None or known.guard != guard:
            self._check(guard)
        record = self._store.set(guard, self._clock.now())
        for replaced in [each for each in self._active if not self._is_still_active(each)]:
            self._forget(replaced)
        if record.is_active:
            self._active[record.guard_id] = record
            self._unsure.add(record.guard_id)
            self._rests.pop(record.guard_id, None)
            self._look = None  # one under way would not know of it
            self.look()
        return self._report(guard.guard_id)

    def remove(self, guard_id: str) -> GuardReport:
        """Stops watching. What it did stays done. Raises `NotFound`."""
        record = self._store.remove(guard_id)
        self._forget(guard_id)
        self._look = None
        self.look()  # a replay need not stop for it any more
        return record.report

    def look(self) -> bool:
        """Looks at every guard once; True when all have been looked at, False when the budget ended before, or the
        terminal's pipe cannot be trusted any more."""
        give_up = self._monotonic() + LOOK_BUDGET_S
        self.is_current = False
        self._clock.hold()
        look = self._look = self._look or _Look(list(self._active))
        while look.left:
            guard_id = look.left.pop(0)
            if guard_id in self._active:
                self._look = None  # should this one fail, the next look begins anew
                self._watch(guard_id, look)
                self._look = look
            if self.pipe_broken:
                self._look = None
                return False
            if look.left and self._monotonic() > give_up:
                look.markets.clear()
                return False
        self._look = None
        self._clock.set_alarms(look.alarms)
        self.is_current = True
        return True

    def _watch(self, guard_id: str, look: _Look) -> None:
        symbol = self._active[guard_id].guard.symbol
        rest = self._rests.get(guard_id)
        if rest is None or self._clock.now() >= rest.until:
            try:
                for _ in range(_STEPS_A_QUOTE):
                    if symbol not in look.markets:
                        look.markets[symbol] = self._market(symbol)
                    if guard_id not in self._active or not self._judge(guard_id, look.markets[symbol]):
                        break
                    del look.markets[symbol]  # whoever looks next sees the position as this step left it
                    if guard_id in self._unsure or self.pipe_broken:
                        break
            except (PipeBroken, StorageUnavailable):
                raise
            except TradeloomError as error:
                look.markets.pop(symbol, None)
                self._unable(guard_id, error.message)
            except Exception:  # a bug of ours must not leave the other guards unwatched
                _log.exception("guard %s failed", guard_id)
                look.markets.pop(symbol, None)
                self._unable(guard_id, "the bridge failed at this guard; its log says more")
        if guard_id in self._active:
            self._add_alarm(self._active[guard_id], look)

    def _judge(self, guard_id: str, market: _Market) -> bool:
        """One guard at one quote; whether anything was sent."""
        if guard_id in self._unsure and not self._is_settled(self._active[guard_id], market):
            return False
        record, rest = self._active.get(guard_id), self._rests.get(guard_id)
        if record is None or (rest is not None and rest.quote == market.quote):
            return False
        position = market.positions.get(record.guard.position)
        if position is None:
            self._confirm_closed(record.guard.position)
        told = decide(record.guard, record.report.memory, market.quote, position, market.symbol)
        seen = record.told(memory=told.memory)
        if position is not None:
            seen = seen.told(stop_loss=position.stop_loss)
        if told.end is not None:
            self._keep(seen.told(status=told.end.status, reason=told.end.reason, trouble=None), told.end.status)
            return False
        if told.action is None:
            seen = seen.told(trouble=None, refusals=0)
            self._rests.pop(guard_id, None)
        if seen != record:
            self._keep(seen, "seen")
        if told.action is None:
            return False
        faultpoints.reach("watcher.decided")
        self._unsure.add(guard_id)
        outcome = self._desk.send(intent_of(seen, told.action, self._clock.now()))
        faultpoints.reach("watcher.sent")
        self._record(seen, result_of(seen, told.action, outcome), market.quote)
        return True

    def _is_settled(self, record: Record, market: _Market) -> bool:
        """Whether it is clear what became of the guard's present step; if it was sent, that is recorded first."""
        entry = self._journal.entry(record.step_id)
        if entry is None or entry.state in SENDABLE:
            self._unsure.discard(record.guard_id)
            return True
        outcome = self._desk.outcome(record.step_id)
        entry = self._journal.entry(record.step_id) or entry
        if outcome is not None:
            given_up = entry.state is OrderState.MANUAL
            self._record(record, result_of(record, action_of(entry.intent), outcome, given_up=given_up), market.quote)
        return record.guard_id not in self._unsure

    def _record(self, record: Record, result: StepResult, quote: Tick) -> None:
        """What became of a step, on the disk before the next."""
        if result.status is OutcomeStatus.UNKNOWN:
            if result.record != record:
                self._keep(result.record, "unknown")
            return
        if result.refusal is None:
            self._rests.pop(record.guard_id, None)
            done = result.record
            if done.report.moves > record.report.moves:
                done = done.told(last_action_at=self._clock.now())
            self._keep(done, "acted" if done.is_active else done.report.status)
        elif result.status is OutcomeStatus.NOT_SENT and not record.report.refusals:
            # Nobody refused it: it never arrived. Once, that is no reason to let a quote pass.
            self._keep(result.record.told(trouble=result.refusal, refusals=1), "not sent")
        else:
            self._refused(result.record, result.refusal, quote)
        self._unsure.discard(record.guard_id)  # last: while the file does not have it, the journal is to be asked

    def _unable(self, guard_id: str, why: str) -> None:
        """The terminal cannot be asked: tried again soon, for its return is not to be missed."""
        record = self._active.get(guard_id)
        if record is None:
            return
        self._rests[guard_id] = _Rest(None, self._clock.now() + timedelta(seconds=_UNABLE_REST_S))
        if record.report.trouble != why:
            self._keep(record.told(trouble=why), "unable")

    def _refused(self, record: Record, why: str, quote: Tick) -> None:
        """Tried again at another quote, and ever less often while it keeps being refused."""
        refusals = record.report.refusals + 1
        rest_s = min(_FIRST_REST_S * 2.0 ** min(refusals - 1, 20), _LONGEST_REST_S)
        self._rests[record.guard_id] = _Rest(quote, self._clock.now() + timedelta(seconds=rest_s))
        self._keep(record.told(trouble=why, refusals=refusals), "refused")

    def _keep(self, record: Record, what: str) -> Record:
        if what not in ("seen", "acted"):
            _log.info("guard %s on position %s: %s", record.guard_id, record.guard.position, what)
        self._store.put(record, what)
        if record.is_active:
            self._active[record.guard_id] = record
        else:
            self._forget(record.guard_id)
        return record

    def _forget(self, guard_id: str) -> None:
        self._active.pop(guard_id, None)
        self._rests.pop(guard_id, None)
        self._unsure.discard(guard_id)

    def _add_alarm(self, record: Record, look: _Look) -> None:
        guard, alarm = record.guard, ANY_QUOTE
        market = look.markets.get(guard.symbol)
        position = market.positions.get(guard.position) if market else None
        waits = record.guard_id in self._unsure or record.guard_id in self._rests
        if market is not None and position is not None and not waits:
            price = wake_price(guard, record.report.memory, position, market.symbol)
            if price is not None:
                alarm = Alarm(bid_from=max(price, Decimal(0))) if guard.side is Side.BUY else Alarm(ask_to=price)
        known = look.alarms.get(guard.symbol)
        look.alarms[guard.symbol] = alarm if known is None else known.also(alarm)

    def _market(self, name: str) -> _Market:
        positions = {position.ticket: position for position in self._reader.positions(name)}
        return _Market(self._reader.tick(name), self._reader.symbol(name), positions)

    def _confirm_closed(self, ticket: int) -> None:
        """Raises `BrokerUnavailable` unless deals closed the position: a terminal that has just connected may not list
        what is open yet, and its guard must not end for that."""
        if self._records is not None and not self._records.is_closed(ticket):
            raise unlisted(ticket)

    def _check(self, guard: Guard) -> None:
        position = next((each for each in self._reader.positions(None) if each.ticket == guard.position), None)
        if position is None:
            raise NotFound(f"the account has no open position {guard.position}", field="guard.position")
        if position.symbol != guard.symbol:
            raise InvalidInput(
                f"position {guard.position} is in {position.symbol}, not in {guard.symbol}", field="guard.symbol"
            )
        if position.side is not guard.side:
            raise InvalidInput(f"position {guard.position} is a {position.side}", field="guard.side")

    def _is_still_active(self, guard_id: str) -> bool:
        record = self._store.find(guard_id)
        return record is not None and record.is_active

    def _report(self, guard_id: str) -> GuardReport:
        record = self._store.find(guard_id)
        if record is None:
            raise NotFound(f"there is no guard {guard_id}", field="guard_id")
        return record.report
