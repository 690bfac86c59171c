"""The order desk: one intent in, one outcome out, and the only way to the broker.

Runs in the worker, one intent at a time. The order of things is what makes an intent's effect exactly one: claim the
id, pass the gate, build the request, put SENT on the disk, transmit, record. A crash between any two of these leaves a
row that says on which side of the transmission it fell.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge import faultpoints
from mt5_bridge.changes import carried_out
from mt5_bridge.clock import AccountClock
from mt5_bridge.gatekeeper import Gatekeeper, Order, closed_already
from mt5_bridge.journal import SENDABLE, UNSETTLED, Journal, Restrained
from mt5_bridge.preparation import Quote
from mt5_bridge.reconciliation import Reconciler
from mt5_bridge.records import BrokerRecords, Fills, filled_outcome, order_terms
from mt5_bridge.refusals import broker_refusal, rejected
from mt5_bridge.resending import check_resend
from mt5_bridge.retcodes import NOTHING_TO_DO, Verdict, pipe_is_suspect, verdict_of_last_error, verdict_of_retcode
from mt5_bridge.tally import Tally
from mt5_bridge.terminal import PipeBroken, Terminal
from tradeloom.errors import BrokerUnavailable, TradeloomError
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    ModifyIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    PendingOrderIntent,
)
from tradeloom.trading.risk_rules import deadline_refusal, state_refusal

MAX_TRANSMISSIONS = 3
_ACCEPTED_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
_CLOSE_ORDER_EXISTS = 10039
_AGAIN = frozenset(
    {Verdict.RETRY_REPRICE, Verdict.RETRY_BACKOFF, Verdict.REREAD_THEN_DECIDE, Verdict.FIX_THEN_RETRY_ONCE}
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back: a retcode with its result, or none and the terminal's last error in `code` and `text`."""

    verdict: Verdict
    code: int
    text: str
    result: Any

    def detail(self) -> dict[str, Any]:
        return {"code": self.code, "text": self.text, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class _Transmission:
    order: Order
    number: int
    sent_at: datetime
    answer: _Answer


class OrderDesk:
    """Sends intents. `pause` and `jitter` are seams for tests; `pipe_broken` turns true when the terminal's pipe can no
    longer be trusted and the worker must be replaced."""

    def __init__(
        self,
        terminal: Terminal,
        journal: Journal,
        gatekeeper: Gatekeeper,
        records: BrokerRecords,
        reconciler: Reconciler,
        clock: AccountClock,
        *,
        pause: Callable[[float], None],
        jitter: Callable[[float, float], float] = random.uniform,
        tally: Tally | None = None,
    ) -> None:
        self._terminal = terminal
        self._journal = journal
        self._gatekeeper = gatekeeper
        self._records = records
        self._reconciler = reconciler
        self._clock = clock
        self._pause = pause
        self._jitter = jitter
        self._tally = tally or Tally()
        self.pipe_broken = False

    def send(self, intent: OrderIntent) -> OrderOutcome:
        """The intent's outcome: recorded already, found at the broker, or made now.

        Raises `Conflict` for an id used for something else, and `BrokerError` or `StorageUnavailable` kinds only when
        nothing was sent; the same id may then be sent again.
        """
        check_resend(intent, self._journal)
        entry = self._journal.claim(intent)
        if entry.state in UNSETTLED:
            return self._reconciler.settle(entry)
        recorded = entry.outcome()
        if entry.state not in SENDABLE and recorded is not None:
            return recorded
        faultpoints.reach("worker.claimed")
        outcome = self._trade(intent)
        self._tally.decided(outcome.status, outcome.reason)
        return outcome

    def outcome(self, order_id: str) -> OrderOutcome | None:
        """What is known of the id, looked up at the broker while it is open; None when nothing was sent under it."""
        entry = self._journal.entry(order_id)
        if entry is None or entry.state not in UNSETTLED:
            return None if entry is None else entry.outcome()
        return self._reconciler.settle(entry)

    def _trade(self, intent: OrderIntent) -> OrderOutcome:
        fillings_refused: frozenset[int] = frozenset()
        first_quote = None
        number = 0
        while True:
            number += 1
            admitted = self._admit(intent, first_quote, fillings_refused)
            sent = admitted if isinstance(admitted, OrderOutcome) else self._transmit(intent, admitted, number)
            if isinstance(sent, OrderOutcome):
                # With nothing sent yet, an answer that cannot be kept is none: the id could still be sent later.
                return self._journal.settle(sent) if number == 1 else self._reconciler.record(sent)
            first_quote = first_quote or sent.order.quote
            verdict = sent.answer.verdict
            wrong_filling = verdict is Verdict.FIX_THEN_RETRY_ONCE
            if verdict not in _AGAIN or number == MAX_TRANSMISSIONS or (wrong_filling and fillings_refused):
                return self._conclude(intent, sent)
            self._journal.note(intent.client_order_id, "answered", sent.answer.detail())
            if wrong_filling and sent.order.filling is not None:
                fillings_refused = frozenset({sent.order.filling})
            if verdict is Verdict.RETRY_BACKOFF:
                self._pause(self._jitter(0.1, 0.4) * 2**number)

    def _admit(
        self, intent: OrderIntent, first_quote: Quote | None, fillings_refused: frozenset[int]
    ) -> Order | OrderOutcome:
        """Every transmission so far was refused for certain, so whatever goes wrong here left nothing behind."""
        try:
            return self._gatekeeper.admit(intent, first_quote, fillings_refused)
        except TradeloomError as error:
            self._journal.retryable(intent.client_order_id, error.message)
            raise

    def _transmit(self, intent: OrderIntent, order: Order, number: int) -> _Transmission | OrderOutcome:
        """What came of it, or the outcome that refuses it: the terminal's check may have taken long, and the order's
        time have passed or a person have stopped the account meanwhile."""
        sent_at = self._clock.now()
        refused = deadline_refusal(sent_at, intent.deadline)
        if refused is None:
            try:
                self._journal.sending(intent.client_order_id, order.request, sent_at, adds_risk=order.adds_risk)
            except Restrained as stopped:
                refused = state_refusal(stopped.state)
        if refused is not None:
            self._tally.refused(refused.rule)
            return rejected(intent, refused.reason, refused.message, rule=refused.rule)
        faultpoints.reach("worker.sent")
        answer = self._order_send(order.request)
        faultpoints.reach("worker.executed")
        self.pipe_broken |= answer.result is None and pipe_is_suspect(answer.code)
        return _Transmission(order, number, sent_at, answer)

    def _order_send(self, request: dict[str, Any]) -> _Answer:
        """The one place an order leaves through."""
        try:
            with self._tally.sending():
                result = self._terminal.order_send(request)
        except Exception as error:  # the package's own faults say nothing about whether the order left
            return _Answer(Verdict.UNKNOWN_RECONCILE, 0, f"{type(error).__name__}: {error}", None)
        if result is None:
            code, text = self._terminal.last_error()
            return _Answer(verdict_of_last_error(code), code, text, None)
        if not _answers(result, request):
            return _Answer(Verdict.UNKNOWN_RECONCILE, mt5.RES_E_INTERNAL_FAIL, "answered as another order", None)
        return _Answer(verdict_of_retcode(result.retcode), result.retcode, result.comment, result)

    def _conclude(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        answer = sent.answer
        match answer.verdict:
            case Verdict.SUCCESS | Verdict.PARTIAL:
                return self._reconciler.record(self._carried_out(intent, sent))
            case Verdict.SUCCESS_PENDING:
                return self._reconciler.record(self._accepted(intent, sent))
            case Verdict.UNKNOWN_RECONCILE:
                return self._unknown(intent, sent)
            case Verdict.NOT_CONNECTED:
                message = f"the terminal cannot be reached: {answer.text} ({answer.code})"
                self._journal.retryable(intent.client_order_id, message)
                raise BrokerUnavailable(message)
            case Verdict.NOT_SENT:
                outcome = rejected(intent, "broker", f"the terminal did not send it: {answer.text} ({answer.code})")
            case verdict if verdict in NOTHING_TO_DO:
                outcome = self._nothing_to_do(intent, sent)
            case _:
                outcome = broker_refusal(intent, answer.code, answer.text)
        return self._reconciler.record(outcome)

    def _carried_out(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        """As the broker's records show it; as the server said where they lag behind."""
        if isinstance(intent, MarketOrderIntent | CloseIntent):
            return self._filled(intent, sent)
        found = self._look(intent, sent)
        if isinstance(intent, PendingOrderIntent):
            if found is not None:
                return _with_code(found, sent)
            self._gatekeeper.not_shown_yet(intent.client_order_id, sent.answer.result.order)
            return self._placed(intent, sent)
        if found is not None and found.status is OutcomeStatus.DONE:
            return _with_code(found, sent)
        return carried_out(intent, sent.order.request, sent.answer.code, self._records.zone)

    def _filled(self, intent: MarketOrderIntent | CloseIntent, sent: _Transmission) -> OrderOutcome:
        """From the broker's deals; from the answer alone where history lags behind it. A partly filled order whose rest
        stays in the market (RETURN) is not at its end."""
        result, request = sent.answer.result, sent.order.request
        if sent.answer.verdict is Verdict.PARTIAL:
            found = self._look(intent, sent)
            if found is not None and found.status is OutcomeStatus.PLACED:
                return _with_code(found, sent)
        said = exact(result.volume) or exact(request["volume"])
        try:
            fills = self._records.fills_of(result.order, said)
        except TradeloomError:
            fills = None
        if fills is None or fills.volume < said:
            self._gatekeeper.not_shown_yet(intent.client_order_id, result.order)
            price = result.price or request["price"]
            fills = Fills(said, price, 0.0, result.deal, result.order, self._position_of(result.order))
        return filled_outcome(intent, request, fills, sent.answer.code)

    def _position_of(self, order: int) -> int:
        """A position bears the ticket of the order that opened it; 0 when that one is not there (netting)."""
        try:
            return order if self._records.open_position(order) is not None else 0
        except TradeloomError:
            return 0

    def _accepted(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        """Accepted is not done: watches until the records tell what came of it, or our patience ends."""
        latest: OrderOutcome | None = None
        for wait in _ACCEPTED_WAITS_S:
            self._pause(wait)
            latest = self._look(intent, sent) or latest
            waits_on = latest is None or (
                latest.status is OutcomeStatus.PLACED and not isinstance(intent, PendingOrderIntent)
            )
            if latest is not None and not waits_on:
                return latest
        if latest is not None:
            return latest
        if isinstance(intent, MarketOrderIntent | CloseIntent):
            return self._placed(intent, sent)
        return self._unknown_outcome(intent, sent)

    def _placed(
        self, intent: MarketOrderIntent | CloseIntent | PendingOrderIntent, sent: _Transmission
    ) -> OrderOutcome:
        pending = isinstance(intent, PendingOrderIntent)
        request = sent.order.request
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.PLACED,
            order=sent.answer.result.order or None,
            remainder=exact(request["volume"]),
            retcode=sent.answer.code,
            message="placed" if pending else "accepted by the broker, not filled yet",
            **(order_terms(request, self._records.zone) if pending else {}),
        )

    def _unknown_outcome(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        answer = sent.answer
        return OrderOutcome(
            client_order_id=intent.client_order_id,
            status=OutcomeStatus.UNKNOWN,
            retcode=answer.code if answer.result is not None else None,
            message=f"sent, but the outcome is not known: {answer.text} ({answer.code})",
        )

    def _unknown(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        """UNKNOWN goes into the journal first; then one look at the broker's records, which may already tell."""
        unknown = self._unknown_outcome(intent, sent)
        self._reconciler.record(unknown)
        found = self._look(intent, sent)
        return unknown if found is None else self._reconciler.record(found)

    def _nothing_to_do(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome:
        answer = sent.answer
        if isinstance(intent, ModifyIntent | CancelIntent):
            found = self._look(intent, sent)
            if found is not None and found.status is OutcomeStatus.DONE:
                found = found.model_copy(update={"reason": found.reason or "no_change"})
            return found or broker_refusal(intent, answer.code, answer.text)
        if not isinstance(intent, CloseIntent):
            return broker_refusal(intent, answer.code, answer.text)
        being_closed = answer.code == _CLOSE_ORDER_EXISTS
        try:
            if not being_closed or self._records.open_position(intent.position) is None:
                return self._gatekeeper.already_closed(intent)
        except TradeloomError as error:  # the broker has decided all the same
            self.pipe_broken |= isinstance(error, PipeBroken)
            if not being_closed:
                return closed_already(intent, None)
        return broker_refusal(intent, answer.code, answer.text or "another order is already closing the position")

    def _look(self, intent: OrderIntent, sent: _Transmission) -> OrderOutcome | None:
        """What the broker's records tell now; None where they do not, or cannot be read."""
        try:
            entry = self._journal.entry(intent.client_order_id)
            # All tries under this id, those of an earlier call too: each of them may have left a dead order.
            attempts = sent.number if entry is None else entry.attempts
            accepted = getattr(sent.answer.result, "order", None) or None
            now = self._clock.now()
            return self._records.find(intent, sent.order.request, attempts, sent.sent_at, now, accepted)
        except TradeloomError:
            return None


def _with_code(outcome: OrderOutcome, sent: _Transmission) -> OrderOutcome:
    return outcome.model_copy(update={"retcode": sent.answer.code})


def _answers(result: Any, request: dict[str, Any]) -> bool:
    """Whether the result is this request's: one that echoes another's magic number came out of a pipe that is out of
    step, and its tickets are another order's."""
    echo = getattr(result, "request", None)
    return bool(getattr(echo, "magic", request["magic"]) == request["magic"])
