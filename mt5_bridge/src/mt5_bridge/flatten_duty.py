"""Taking everything off a halted account: cancel what rests, close what is open, look again, until nothing is left.

It works in slices between the worker's calls. Every try is an intent like any other, through the desk, its journal and
its gate, under an id made of the flatten, the ticket and the number of the try: a worker killed anywhere finds out in
the journal what became of it. It goes on while the account is halted; a person who clears the account ends it.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mt5_bridge import faultpoints
from mt5_bridge.clock import AccountClock
from mt5_bridge.desk import OrderDesk
from mt5_bridge.flatten_store import FlattenStore, Item, ItemState
from mt5_bridge.flatten_targets import exit_id, exit_intent, settle_undecided, targets
from mt5_bridge.journal import SENDABLE, Journal, OrderState
from mt5_bridge.reader import Reader
from mt5_bridge.records import BrokerRecords
from mt5_bridge.terminal import PipeBroken
from tradeloom.errors import TradeloomError
from tradeloom.trading.flattening import FlattenStatus
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus
from tradeloom.trading.risk import AccountState

SLICE_S = 0.25
"""How long it works before calls are answered again: none may look like a hung terminal."""
_CONFIRM_S = 2.0
"""A terminal that has just connected may list nothing: empty must be seen twice, this far apart."""
_FIRST_REST_S = 0.5
_LONGEST_REST_S = 60.0
_AFTER_TROUBLE_S = 1.0
_UNLISTED = "the terminal does not list it, and its records do not say that it is gone"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rest:
    """A position or order that was refused so often in a row waits until then (monotonic time)."""

    until: float
    refusals: int


class FlattenDuty:
    """`records` confirm that a position is closed; None where the list of positions is always right, as on paper.
    `assert_connected` raises while the terminal shows another account, or this one without its trade server.
    `pipe_broken` turns true when the worker must be replaced."""

    def __init__(
        self,
        store: FlattenStore,
        journal: Journal,
        desk: OrderDesk,
        reader: Reader,
        clock: AccountClock,
        records: BrokerRecords | None,
        *,
        account: str,
        assert_connected: Callable[[], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._journal = journal
        self._desk = desk
        self._reader = reader
        self._clock = clock
        self._records = records
        self._account = account
        self._assert_connected = assert_connected
        self._monotonic = monotonic
        self._flatten_id: str | None = None
        self._items: dict[tuple[str, int], Item] = {}
        self._queue: deque[tuple[str, int]] = deque()
        self._rests: dict[tuple[str, int], _Rest] = {}
        self._empty_since: float | None = None
        self._due = 0.0
        self._told: str | None = None
        self._unread = True
        self.pipe_broken = False
        self.wake()

    def wake(self) -> None:
        """Takes up what was asked for since; the first look comes at once. Never raises."""
        self._guarded(self._take_up)

    def patience_s(self) -> float | None:
        """How long the worker may wait for a call before `work_if_due`; None: until one comes."""
        return None if self._flatten_id is None else max(self._due - self._monotonic(), 0.0)

    def work_if_due(self) -> None:
        """One slice. Never raises."""
        self._guarded(self._work)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._told = None
        except PipeBroken as error:
            self.pipe_broken = True
            self._say(error.message)
        except TradeloomError as error:
            self._due = self._monotonic() + _AFTER_TROUBLE_S
            self._say(error.message)
        except Exception:
            self._due = self._monotonic() + _AFTER_TROUBLE_S
            _log.exception("a flatten failed inside the bridge")
            self._say("the bridge failed at this; its log says more")

    def _say(self, trouble: str) -> None:
        if trouble != self._told:
            _log.error("the flatten does not go on: %s", trouble)
            try:
                if self._flatten_id is not None:
                    self._store.tell(self._flatten_id, looked=False, trouble=trouble)
            except TradeloomError as error:
                _log.error("and that cannot be told: %s", error.message)
        self._told = trouble

    def _take_up(self) -> None:
        running = self._store.running()
        wanted = None if running is None else running.flatten_id
        if wanted == self._flatten_id:
            return
        self._flatten_id = wanted
        self._queue.clear()
        self._rests.clear()
        self._empty_since, self._due = None, self._monotonic()
        self._items = {} if wanted is None else {item.key: item for item in self._store.items(wanted)}
        if wanted is not None:
            _log.warning("flatten %s: everything on the account is closed and cancelled", wanted)
            self._look(wanted)

    def _work(self) -> None:
        self._unread |= self._store.changed()
        if self._unread:
            self._take_up()
            self._unread = False  # only now: a file that could not be read is read again
        give_up = self._monotonic() + SLICE_S
        while self._flatten_id is not None and self._due <= self._monotonic() < give_up and not self.pipe_broken:
            if self._journal.status().state is not AccountState.HALTED:
                self._end(FlattenStatus.ABANDONED)
            elif self._queue:
                item = self._items[self._queue.popleft()]
                self._act(self._flatten_id, item)
            else:
                self._look(self._flatten_id)
            self.pipe_broken |= self._desk.pipe_broken

    def _end(self, status: FlattenStatus, trouble: str | None = None) -> None:
        self._store.end(status, flatten_id=self._flatten_id, trouble=trouble)
        _log.warning("flatten %s is %s", self._flatten_id, status)
        self._flatten_id = None

    # Looking

    def _look(self, flatten_id: str) -> None:
        """What is on the account now: the next things to do, or the end."""
        listed = targets(self._reader)
        if not listed:
            since, self._empty_since = self._empty_since, None  # what was seen before a gap counts no more
            self._assert_connected()
            self._empty_since = since
        for key, item in listed.items():
            known = self._items.get(key)
            if known is None or (known.state, known.volume) != (ItemState.OPEN, item.volume):
                self._put(flatten_id, item if known is None else _again(known, item))
        gone = [item for key, item in self._items.items() if item.state is ItemState.OPEN and key not in listed]
        unsure = [item for item in gone if not self._has_left(flatten_id, item)]
        undecided = settle_undecided(self._journal, self._desk)
        trouble = _undecided(undecided) if undecided else None
        self._store.tell(flatten_id, looked=True, trouble=trouble)
        if listed or unsure or undecided:
            self._empty_since = None
            self._plan(listed)
        else:
            self._confirm()

    def _has_left(self, flatten_id: str, item: Item) -> bool:
        """Whether something that is not listed any more is certainly gone; it is put down then."""
        if self._records is not None:
            ticket = item.ticket
            past = self._records.past_order(ticket) if item.kind == "order" else None
            if not (past is not None or (item.kind == "position" and self._records.is_closed(ticket))):
                self._put(flatten_id, item.told(trouble=_UNLISTED))
                return False
        outcome = self._desk.outcome(exit_id(self._flatten_id or "", item))
        ours = outcome is not None and _by_us(outcome)
        self._put(flatten_id, item.told(state=ItemState.DONE if ours else ItemState.LEFT, trouble=None))
        return True

    def _plan(self, listed: dict[tuple[str, int], Item]) -> None:
        now = self._monotonic()
        rests = {key: self._rests[key].until for key in listed if key in self._rests}
        self._queue.extend(key for key in listed if rests.get(key, now) <= now)
        if not self._queue:
            self._due = min(rests.values(), default=now + _AFTER_TROUBLE_S)

    def _confirm(self) -> None:
        """Nothing is on the account; a live terminal's word for it is taken the second time."""
        now = self._monotonic()
        if self._empty_since is None:
            self._empty_since = now
        if self._records is None or now - self._empty_since >= _CONFIRM_S:
            left_to_a_person = self._journal.undecided()
            self._end(FlattenStatus.FLAT, _left_to_a_person(left_to_a_person) if left_to_a_person else None)
        else:
            self._due = self._empty_since + _CONFIRM_S

    # Acting

    def _act(self, flatten_id: str, item: Item) -> None:
        try:
            outcome, given_up = self._try(item)
        except PipeBroken:
            raise
        except TradeloomError as error:  # nothing was sent: the same try again, soon
            self._refused(item, error.message, flatten_id, attempt=item.attempt)
            return
        faultpoints.reach("flatten.sent")
        self._judge(flatten_id, item, outcome, given_up=given_up)

    def _try(self, item: Item) -> tuple[OrderOutcome, bool]:
        """The outcome of the item's present try, sent now unless it was before, and whether it is left to a person."""
        order_id = exit_id(self._flatten_id or "", item)
        entry = self._journal.entry(order_id)
        known = None if entry is None or entry.state in SENDABLE else self._desk.outcome(order_id)
        outcome = known or self._desk.send(self._exit(item, order_id))
        after = self._journal.entry(order_id)
        return outcome, after is not None and after.state is OrderState.MANUAL

    def _judge(self, flatten_id: str, item: Item, outcome: OrderOutcome, *, given_up: bool) -> None:
        following = item.attempt + 1
        if given_up:
            # It names its position and cannot open another, so an exit that nobody can account for is tried again.
            self._refused(item, outcome.message, flatten_id, attempt=following)
        elif outcome.status is OutcomeStatus.DONE:  # should it still be there at the next look, another try follows
            self._rests.pop(item.key, None)
            state = ItemState.DONE if _by_us(outcome) else ItemState.LEFT
            self._put(flatten_id, item.told(state=state, trouble=None))
        elif outcome.reason == "filled":
            self._put(flatten_id, item.told(state=ItemState.LEFT, trouble=None))
        elif outcome.status in (OutcomeStatus.UNKNOWN, OutcomeStatus.PLACED):
            self._refused(item, outcome.message, flatten_id, attempt=item.attempt)
        else:
            trouble = outcome.message
            if outcome.status is OutcomeStatus.PARTIAL:
                trouble = f"{outcome.remainder} lots were not filled"
            self._refused(item, trouble, flatten_id, attempt=following)

    def _refused(self, item: Item, why: str, flatten_id: str, *, attempt: int) -> None:
        """Tried again, ever less often while it keeps being refused."""
        known = self._rests.get(item.key)
        refusals = 0 if known is None else known.refusals
        rest_s = min(_FIRST_REST_S * 2.0 ** min(refusals, 20), _LONGEST_REST_S)
        self._rests[item.key] = _Rest(self._monotonic() + rest_s, refusals + 1)
        if (attempt, why) != (item.attempt, item.trouble):
            self._put(flatten_id, item.told(attempt=attempt, trouble=why))

    def _exit(self, item: Item, order_id: str) -> OrderIntent:
        clock = self._clock.reading()
        most = self._reader.symbol(item.symbol).volume_max if item.kind == "position" else None
        flatten = self._flatten_id or ""
        return exit_intent(item, order_id, flatten, account=self._account, clock=clock, volume_max=most)

    def _put(self, flatten_id: str, item: Item) -> None:
        self._store.put(flatten_id, item)
        self._items[item.key] = item


def _again(known: Item, now: Item) -> Item:
    """What was met before, as it is now; what seemed done and is still there takes another try."""
    attempt = known.attempt if known.state is ItemState.OPEN else known.attempt + 1
    return now.told(attempt=attempt, trouble=known.trouble)


def _by_us(outcome: OrderOutcome) -> bool:
    return outcome.status in (OutcomeStatus.DONE, OutcomeStatus.PARTIAL) and outcome.reason not in (
        "already_closed",
        "already_cancelled",
    )


def _undecided(count: int) -> str:
    return f"{count} orders were sent and it is not known yet what became of them: they may still open something"


def _left_to_a_person(count: int) -> str:
    return f"nothing is open, but {count} orders nobody can account for need a person: look at the broker"
