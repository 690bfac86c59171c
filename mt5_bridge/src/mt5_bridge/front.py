"""The front: answers the network's calls, from the journal or through the account's worker. Touches no terminal.

Whatever arrives, an answer goes out: a result or a typed error. About `send` it holds the client's promise: an error
means that nothing was sent. When it cannot be sure it asks the journal, and what the journal does not know is UNKNOWN.
"""

import logging
import math
import threading
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mt5_bridge import faultpoints
from mt5_bridge.compat.reads import METHOD as SCRIPT_READ
from mt5_bridge.config import BridgeConfig
from mt5_bridge.journal import UNSETTLED
from mt5_bridge.logs import about, note
from mt5_bridge.metrics import Metrics
from mt5_bridge.seat import ACCOUNT_SETTINGS, Seat
from mt5_bridge.supervisor import HandedOver
from tradeloom.errors import (
    BrokerError,
    BrokerTimeout,
    BrokerUnavailable,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)
from tradeloom.trading import methods, protocol
from tradeloom.trading.flattening import FlattenReport
from tradeloom.trading.methods import METHODS, Effect, FlattenParams, SendParams, StateParams
from tradeloom.trading.mt5_answers import encode_outcome
from tradeloom.trading.protocol import Request
from tradeloom.trading.risk import AccountState

_log = logging.getLogger(__name__)
_GONE_WAIT_S = 3.0
_NUDGE_S = 2.0
"""How long a flatten's answer waits for the worker's first look."""


class Front:
    """Dispatches calls; thread-safe."""

    def __init__(self, config: BridgeConfig) -> None:
        self.metrics = Metrics()
        self._seats = {account.name: Seat(account, config, self.metrics) for account in config.accounts}
        self._max_calls = config.listen.max_calls
        self._waits = threading.BoundedSemaphore(config.listen.max_waits)
        self._counts = {"calls": 0, "errors": 0, "busy": 0, "under_way": 0}
        self._lock = threading.Lock()
        self._draining = False
        self._started = time.monotonic()

    def start(self) -> None:
        """Starts every worker and returns when each has been tried once."""
        for seat in self._seats.values():
            seat.supervisor.start()
        for seat in self._seats.values():
            seat.supervisor.wait_first_start()

    def drain(self, timeout_s: float) -> None:
        """Takes no new calls, lets those under way finish, then stops the workers."""
        self._draining = True
        for seat in self._seats.values():
            seat.board.close()
        give_up = time.monotonic() + timeout_s
        while self._counts["under_way"] and time.monotonic() < give_up:
            time.sleep(0.02)
        for seat in self._seats.values():
            seat.close()

    def health(self) -> dict[str, Any]:
        accounts = {name: seat.health() for name, seat in self._seats.items()}
        ready = all(
            (account["status"], account["journal"], account["guards_file"]) == ("ready", "ok", "ok")
            for account in accounts.values()
        )
        return {
            "status": "draining" if self._draining else "ok" if ready else "degraded",
            "protocol": protocol.VERSION,
            "version": _version(),
            "time": time.time(),
            "uptime_s": round(time.monotonic() - self._started, 3),
            **self._counts,
            "accounts": accounts,
        }

    def books(self) -> dict[str, dict[str, Any]]:
        return {name: seat.books() for name, seat in self._seats.items()}

    def call(self, version: Any, method: Any, request_id: Any, deadline: Any, payload: Any) -> bytes:
        """The one exposed method. Its arguments may be anything a peer can send; its answer is always bytes."""
        began = time.monotonic()
        with about(request=request_id if isinstance(request_id, str) else None):
            try:
                _check_envelope(version, method, request_id, deadline, payload)
                answer = self._answered(method, deadline, payload)
                failure = protocol.error_name(answer)  # a worker's, passed on
            except TradeloomError as error:
                answer, failure = protocol.encode_error(error), error.name
            except Exception:
                _log.exception("a call failed inside the bridge")
                unknown = BrokerError("the bridge failed at this call; its log says more")
                answer, failure = protocol.encode_error(unknown), unknown.name
            self._account_for(method, failure, time.monotonic() - began)
        return answer

    def _account_for(self, method: Any, error: str | None, seconds: float) -> None:
        with self._lock:
            self._counts["calls"] += 1
            self._counts["errors"] += error is not None
        self.metrics.called(method, error or "ok", seconds)
        acts = isinstance(method, str) and method in METHODS and METHODS[method].effect is not Effect.READ
        level = logging.INFO if acts else logging.DEBUG
        _log.log(level, "call %.40r took %.1f ms: %s", method, seconds * 1000, error or "ok")

    def _answered(self, method: str, deadline: float, payload: bytes) -> bytes:
        give_up = time.monotonic() + min(deadline - time.time(), protocol.MAX_DEADLINE_S)
        request = protocol.decode_request(method, payload)
        if method == "health":
            return protocol.encode_answer(self.health())
        if self._draining:
            raise BrokerUnavailable("the bridge is stopping; nothing was sent")
        if give_up <= time.monotonic():
            raise _too_late(method)
        if isinstance(request.params, methods.MarketWaitParams):
            return self._wait(request.account, request.params, give_up)
        if not self._takes_place():
            raise BrokerUnavailable("the bridge is busy: too many calls at once; nothing was sent")
        try:
            note(account=request.account)
            return self._account_call(method, request, payload, give_up)
        finally:
            self._count("under_way", -1)

    def _wait(self, account: str, asked: methods.MarketWaitParams, give_up: float) -> bytes:
        """Takes no place from calls that do something, and holds nobody up."""
        note(account=account)
        seat = self._seat(account)
        if not self._waits.acquire(blocking=False):
            self._count("busy")
            raise BrokerUnavailable("the bridge is busy: too many wait for news of its markets")
        try:
            return protocol.encode_answer(seat.wait_for_market(asked, give_up).model_dump(mode="json"))
        finally:
            self._waits.release()

    def _seat(self, account: str) -> Seat:
        seat = self._seats.get(account)
        if seat is None:
            raise NotFound(f"this bridge has no account {account}", field="account")
        return seat

    def read_terminal(self, account: str, payload: bytes, timeout_s: float) -> bytes:
        """What the worker answers to a script's read; see `compat.reads`. No call of the network leads here."""
        if self._draining:
            raise BrokerUnavailable("the bridge is stopping")
        if not self._takes_place():
            raise BrokerUnavailable("the bridge is busy: too many calls at once")
        try:
            return _read(self._seats[account], SCRIPT_READ, payload, time.monotonic() + timeout_s)
        finally:
            self._count("under_way", -1)

    def _takes_place(self) -> bool:
        """Among the calls under way, until its caller counts it out; False when there are as many as may be."""
        with self._lock:
            free = self._counts["under_way"] < self._max_calls
            self._counts["under_way" if free else "busy"] += 1
        return free

    def _account_call(self, method: str, request: Request, payload: bytes, give_up: float) -> bytes:
        seat = self._seat(request.account)
        if isinstance(request.params, ACCOUNT_SETTINGS):
            return protocol.encode_answer(seat.change(request.params).model_dump(mode="json"))
        match request.params:
            case methods.FlattenParams() as wanted:
                return self._flatten(seat, wanted, payload, give_up)
            case methods.FlattenedParams(flatten_id=flatten_id):
                told = seat.flattens.latest() if flatten_id is None else seat.flattens.find(flatten_id)
                return protocol.encode_answer(None if told is None else told.model_dump(mode="json"))
            case SendParams() as params:
                if params.intent.account != request.account:
                    raise InvalidInput(f"the intent is for the account {params.intent.account}", field="account")
                return self._send(seat, params.intent.client_order_id, payload, give_up)
            case methods.GuardParams(guard=guard) if guard.account != request.account:
                raise InvalidInput(f"the guard is for the account {guard.account}", field="account")
            case methods.GuardsParams(active_only=active_only, symbol=symbol, position=position):
                found = seat.guards.listed(active_only=active_only, symbol=symbol, position=position)
                return protocol.encode_answer([report.model_dump(mode="json") for report in found])
            case methods.OutcomeParams() as asked:
                return self._outcome(seat, asked.client_order_id, payload, give_up)
        if method == "state":
            return protocol.encode_answer(seat.status().model_dump(mode="json"))
        return _read(seat, method, payload, give_up)

    def _send(self, seat: Seat, order_id: str, payload: bytes, give_up: float) -> bytes:
        seat.journal  # noqa: B018  a journal that cannot be used refuses before anything moves
        try:
            note(order=order_id)
            answer = seat.supervisor.request("send", payload, give_up)
            faultpoints.reach("front.answered")
            return answer
        except HandedOver as lost:
            _log.warning("order %s: %s", order_id, lost.message)
            gone = lost.gone.wait(max(min(give_up - time.monotonic(), _GONE_WAIT_S), 0.0))
            outcome = seat.after_loss(order_id, lost.message, process_gone=gone)
        except TradeloomError:
            raise
        except Exception:
            # A bug of ours, and the worker may have the order: the journal tells, or nobody knows.
            _log.exception("order %s: handing it over failed", order_id)
            outcome = seat.after_loss(order_id, "the bridge failed at this order", process_gone=False)
        return encode_outcome(outcome)

    def _flatten(self, seat: Seat, wanted: FlattenParams, payload: bytes, give_up: float) -> bytes:
        """Halts first, which needs no worker; the worker is told, or finds out as soon as it can.

        A flatten that is known already changes nothing: a person may have cleared the account since.
        """
        if self._known_flatten(seat, wanted.flatten_id) is None:
            halt = StateParams(state=AccountState.HALTED, reason=wanted.reason, by=wanted.by)
            seat.set_state(halt)
            faultpoints.reach("front.halted")
            seat.flattens.request(wanted.flatten_id, reason=wanted.reason, by=wanted.by)
        try:
            seat.supervisor.request("flatten", payload, min(give_up, time.monotonic() + _NUDGE_S))
        except (BrokerUnavailable, HandedOver) as error:
            _log.warning("flatten %s goes on as soon as the worker can: %s", wanted.flatten_id, error.message)
        told = seat.flattens.find(wanted.flatten_id)
        return protocol.encode_answer(None if told is None else told.model_dump(mode="json"))

    def _known_flatten(self, seat: Seat, flatten_id: str) -> FlattenReport | None:
        """None also when the file cannot be read: halting must not wait for it."""
        try:
            return seat.flattens.find(flatten_id)
        except StorageUnavailable:
            return None

    def _outcome(self, seat: Seat, order_id: str, payload: bytes, give_up: float) -> bytes:
        """Settled orders are told from the journal at once; open ones are looked up at the broker if it answers."""
        entry = seat.journal.entry(order_id)
        if entry is not None and entry.state in UNSETTLED:
            try:
                return seat.supervisor.request("outcome", payload, give_up)
            except (BrokerUnavailable, HandedOver):
                entry = seat.journal.entry(order_id)
        return encode_outcome(entry.outcome() if entry else None)

    def _count(self, what: str, change: int = 1) -> None:
        with self._lock:
            self._counts[what] += change


def _read(seat: Seat, method: str, payload: bytes, give_up: float) -> bytes:
    try:
        return seat.supervisor.request(method, payload, give_up)
    except HandedOver as lost:
        raise BrokerTimeout(lost.message) from lost


def _check_envelope(version: Any, method: Any, request_id: Any, deadline: Any, payload: Any) -> None:
    if version != protocol.VERSION or isinstance(version, bool):
        raise InvalidInput(f"this bridge speaks protocol version {protocol.VERSION}", field="version")
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidInput("no such method", field="method")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= 64:
        raise InvalidInput("request_id is a text of 1 to 64 characters", field="request_id")
    if not isinstance(deadline, int | float) or isinstance(deadline, bool) or not math.isfinite(deadline):
        raise InvalidInput("deadline is a number of seconds since the epoch", field="deadline")
    if not isinstance(payload, bytes):
        raise InvalidInput("payload is bytes", field="payload")


def _too_late(method: str) -> TradeloomError:
    if METHODS[method].effect is Effect.TRADE:
        return BrokerUnavailable("the call's deadline passed before it could be sent; nothing was sent")
    return BrokerTimeout("the call's deadline has passed")


@cache  # read from the installed package's files, and told with every greeting
def _version() -> str:
    try:
        return version("tradeloom-mt5-bridge")
    except PackageNotFoundError:  # run from its sources
        return "source"
