"""The scripts' way to the account: reads through its worker, orders through the bridge's one call, as anybody's.

A script does not name its orders, so the same request twice is two orders, unless the first one's outcome never reached
the script: then it is the first said again, and gets the first one's outcome.
"""

import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from mt5_bridge import constants as mt5
from mt5_bridge.compat import reads
from mt5_bridge.compat.objects import Struct
from mt5_bridge.compat.orders import (
    WORKFLOW,
    Scene,
    Turned,
    intent_of,
    result_of,
    send_result,
    turned_result,
    wish_of,
)
from mt5_bridge.compat.store import ScriptOrder, ScriptStore
from mt5_bridge.paper.constants import TRADE_RETCODE_INVALID
from mt5_bridge.paper.structs import TradeRequest
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import StorageUnavailable, TradeloomError
from tradeloom.trading import protocol
from tradeloom.trading.intents import OrderIntent, OrderOutcome, OutcomeStatus, client_order_id
from tradeloom.trading.methods import MarketClock, NoParams, OutcomeParams, Params, SendParams

_CALL_S = 30.0
_DEADLINE_S = 30.0
"""How late an order of a script may still be sent: it is waiting for the answer."""
_SETTLE_S = 5.0
_LOOK_AGAIN_S = 0.25
_SAID_AGAIN = timedelta(minutes=5)
_log = logging.getLogger(__name__)


class Door(Protocol):
    """The front, as scripts need it."""

    def call(self, version: Any, method: Any, request_id: Any, deadline: Any, payload: Any) -> bytes: ...
    def read_terminal(self, account: str, payload: bytes, timeout_s: float) -> bytes: ...


class Asker(Protocol):
    """A session. `present` says whether its client is still there."""

    name: str
    present: Callable[[], bool]


class ScriptDesk:
    """One account's; shared by the sessions. `pause` is a seam for tests."""

    def __init__(
        self,
        door: Door,
        store: Callable[[], ScriptStore],
        account: str,
        zone: ServerZone,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._door = door
        self._open_store = store
        self._account = account
        self._zone = zone
        self._pause = pause
        self._lock = threading.Lock()
        self._under_way: dict[str, Asker] = {}
        self._numbers = itertools.count(1)

    def read(self, function: str, arguments: Sequence[Any] = (), options: Mapping[str, Any] | None = None) -> Any:
        """What a function of the package answers. Raises `ReadFailed` when it answers None, and the bridge's errors."""
        payload = reads.encode_read(function, arguments, options or {})
        if len(payload) > protocol.MAX_REQUEST_BYTES:
            raise reads.ReadFailed(*reads.INVALID)
        return reads.decode_read(self._door.read_terminal(self._account, payload, _CALL_S))

    def as_the_script_knows(self, records: tuple[Struct, ...]) -> tuple[Struct, ...]:
        """Positions, orders and deals with the magic number and comment a script gave them instead of ours.

        A comment the broker wrote itself (`[sl 1.0950]`) stays. Raises `StorageUnavailable`: a script that does not
        find its own positions would open them again.
        """
        origins = self._open_store().origins(record["magic"] for record in records)
        return tuple(_known_as(record, origins) for record in records)

    def send(self, request: TradeRequest, asker: Asker) -> Struct:
        """The answer to a trade request. Raises errors of the bridge only when nothing was sent."""
        scene = self._scene(request)
        told: Callable[[], None] | None = None
        try:
            outcome = self._outcome(request, scene, asker)
            fields, words = result_of(outcome, request), outcome.message
            if outcome.status is not OutcomeStatus.UNKNOWN:
                told = lambda: self._told(outcome.client_order_id)  # noqa: E731
        except Turned as turned:
            fields, words = turned_result(turned), turned.message
        _log.info("a script's action %s in %r: %s (%s)", request.action, request.symbol, fields["retcode"], words)
        return send_result(fields, request, scene.tick, next(self._numbers), told)

    def _outcome(self, request: TradeRequest, scene: Scene, asker: Asker) -> OrderOutcome:
        with self._taken(request, scene, asker) as (order, known):
            if known is not None:
                return self._settled(known)
            clock = MarketClock.model_validate(self._ask("market_clock", NoParams()))
            patience = timedelta(seconds=_DEADLINE_S * max(clock.speed, 1.0))
            return self._settled(self._sent(self._intent(request, scene, order, clock.time, clock.time + patience)))

    def _sent(self, intent: OrderIntent) -> OrderOutcome:
        try:
            return OrderOutcome.model_validate(self._ask("send", SendParams(intent=intent)))
        except (protocol.UnreadableAnswer, ValidationError):
            unread = "the answer cannot be read"
            return OrderOutcome(client_order_id=intent.client_order_id, status=OutcomeStatus.UNKNOWN, message=unread)

    def _settled(self, outcome: OrderOutcome) -> OrderOutcome:
        """Waits a little for what became of an order nobody knows the fate of yet: often it is known at once."""
        give_up = time.monotonic() + _SETTLE_S
        while outcome.status is OutcomeStatus.UNKNOWN and time.monotonic() < give_up:
            self._pause(_LOOK_AGAIN_S)
            with suppress(TradeloomError):  # it was sent: what cannot be asked now stays unknown
                outcome = self._known(outcome.client_order_id) or outcome
        return outcome

    def _intent(
        self, request: TradeRequest, scene: Scene, order: ScriptOrder, now: datetime, deadline: datetime
    ) -> OrderIntent:
        try:
            return intent_of(
                request,
                scene,
                self._zone,
                client_order_id=order.order_id,
                account=self._account,
                execution_id=order.session,
                workflow_id=WORKFLOW,
                node_id=order.node,
                created_at=now,
                deadline=deadline,
            )
        except (ValidationError, ArithmeticError) as error:
            raise Turned(TRADE_RETCODE_INVALID, "Invalid request") from error

    def _scene(self, request: TradeRequest) -> Scene:
        deal = request.action == mt5.TRADE_ACTION_DEAL
        position = self._looked_up("positions_get", ticket=request.position) if deal and request.position else ()
        return Scene(
            symbol=self._looked_up("symbol_info", request.symbol) if request.symbol else None,
            tick=self._looked_up("symbol_info_tick", request.symbol) if request.symbol else None,
            position=position[0] if position else None,
        )

    def _looked_up(self, function: str, *arguments: Any, **options: Any) -> Any:
        try:
            return self.read(function, arguments, options)
        except reads.ReadFailed:
            return None

    @contextmanager
    def _taken(
        self, request: TradeRequest, scene: Scene, asker: Asker
    ) -> Iterator[tuple[ScriptOrder, OrderOutcome | None]]:
        """The order this request is, taken by this asker while it is under way; and, for one said again, its outcome.

        Raises `Turned` for a new request no intent can be made of, which leaves no trace.
        """
        wish = wish_of(self._account, request)
        with self._lock:
            store = self._open_store()
            order, known = self._said_before(wish, asker, store)
            if order is None:
                order = self._new(request, scene, asker, wish, store)
            self._under_way[order.order_id] = asker
        try:
            yield order, known
        finally:
            with self._lock:
                if self._under_way.get(order.order_id) is asker:
                    del self._under_way[order.order_id]

    def _new(self, request: TradeRequest, scene: Scene, asker: Asker, wish: str, store: ScriptStore) -> ScriptOrder:
        node, now = f"magic {request.magic}", store.wall_clock()
        order_id = client_order_id(asker.name, node, (next(self._numbers),))
        draft = ScriptOrder(order_id, asker.name, node, request.magic, request.comment, told=False, asked_at=now)
        self._intent(request, scene, draft, now, now)
        return store.add(draft, wish=wish, request=request._asdict())

    def _said_before(
        self, wish: str, asker: Asker, store: ScriptStore
    ) -> tuple[ScriptOrder | None, OrderOutcome | None]:
        """The order this wish was said for already, whose outcome the script does not have, with what is known of it.

        Not while somebody else, who is still there, waits for its answer: then these are two orders alike.
        """
        order = store.last_of(wish)
        if order is None:
            return None, None
        holder = self._under_way.get(order.order_id)
        if holder is not None and holder is not asker and holder.present():
            return None, None
        known = self._known(order.order_id)
        settled = known is not None and known.status is not OutcomeStatus.UNKNOWN
        if settled and (order.told or store.wall_clock() - order.asked_at >= _SAID_AGAIN):
            return None, None
        store.asked_again(order.order_id)
        _log.warning("a script asks again for order %s, whose outcome it does not have", order.order_id)
        return order, known

    def _known(self, order_id: str) -> OrderOutcome | None:
        """What the journal and the broker tell of it now; None when nothing was sent under its id."""
        found = self._ask("outcome", OutcomeParams(client_order_id=order_id))
        return None if found is None else OrderOutcome.model_validate(found)

    def _ask(self, method: str, params: Params) -> Any:
        payload = protocol.encode_request(self._account, params)
        answer = self._door.call(protocol.VERSION, method, uuid.uuid4().hex, time.time() + _CALL_S, payload)
        return protocol.decode_answer(answer).result

    def _told(self, order_id: str) -> None:
        try:
            self._open_store().set_told(order_id)
        except StorageUnavailable as error:
            _log.error("order %s: %s", order_id, error.message)


def _known_as(record: Struct, origins: Mapping[int, tuple[int, str, str]]) -> Struct:
    origin = origins.get(record["magic"])
    if origin is None:
        return record
    magic, comment, order_id = origin
    ours = f"tl {order_id[:16]}"
    written = record["comment"]
    return record.replaced(magic=magic, comment=comment if written and ours.startswith(written) else written)
