"""The line to the MT5 bridge. rpyc is imported only when a call is made."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradeloom.errors import BrokerTimeout, BrokerUnavailable
from tradeloom.trading import methods, protocol
from tradeloom.trading.circuit import CircuitBreaker, CircuitState, shared_breaker
from tradeloom.trading.intents import OrderIntent, OrderOutcome
from tradeloom.trading.methods import Params
from tradeloom.trading.mt5_answers import decode_outcome
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_hand_in import hand_in
from tradeloom.trading.mt5_transport import CallLost, Endpoint, RpcTransport, Transport
from tradeloom.trading.order_book import OrderBook
from tradeloom.trading.protocol import Answer

READ_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 25.0
"""Longer than the bridge's watchdog lets a hung terminal live, so that the outcome is usually known in time."""
SETTLE_S = 5.0
"""How long `send` keeps asking about an order the bridge calls unknown."""


class BridgeClient:
    """One bridge. Make one per process and keep it: its connections live across calls and survive a bridge restart.

    `endpoint` is an `Endpoint`, or the path of the bridge's `bridge.json`, read again whenever a connection is opened.
    Clients of one endpoint share a circuit breaker: a bridge that cannot be reached fails calls at once for a while.
    """

    def __init__(
        self,
        endpoint: Endpoint | Path | None = None,
        *,
        transport: Transport | None = None,
        breaker: CircuitBreaker | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
        send_timeout_s: float = SEND_TIMEOUT_S,
        settle_s: float = SETTLE_S,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport or RpcTransport(_endpoint_source(endpoint))
        if breaker is None:
            breaker = CircuitBreaker(clock=clock) if transport is not None else shared_breaker(str(endpoint))
        self._breaker = breaker
        self._read_timeout_s = read_timeout_s
        self._send_timeout_s = send_timeout_s
        self._settle_s = settle_s
        self._clock = clock
        self._pause = pause

    def account(self, name: str, book: OrderBook | None = None) -> MT5Broker:
        """With a `book`, no order is sent that was not written down there before."""
        return MT5Broker(self, name, book)

    @property
    def circuit(self) -> CircuitState:
        """How the line to the bridge stands, for monitoring."""
        return self._breaker.state

    def health(self) -> dict[str, Any]:
        """The bridge's own account of itself: version, status, clock, and each account's worker."""
        health: dict[str, Any] = self.read("health", "", methods.NoParams()).result
        return health

    def close(self) -> None:
        self._transport.close()

    def read(self, method: str, account: str, params: Params) -> Answer:
        """A call that may be repeated: tried once more when the connection broke.

        Raises `BrokerUnavailable`, `BrokerTimeout`, or the error the bridge answered with.
        """
        return self._ask(method, protocol.encode_request(account, params), protocol.decode_answer)

    def outcome(self, account: str, asked: methods.OutcomeParams) -> OrderOutcome | None:
        """What the bridge knows of an order; None when nothing was ever sent under its id. Raises as `read` does."""
        return self._ask("outcome", protocol.encode_request(account, asked), decode_outcome)

    def _ask[A](self, method: str, payload: bytes, decode: Callable[[bytes], A]) -> A:
        give_up = self._clock() + self._read_timeout_s
        lost: CallLost | None = None
        for _attempt in range(2):
            left = give_up - self._clock()
            if left <= 0:
                break
            try:
                return decode(self._call(method, payload, left))
            except CallLost as error:
                lost = error
        raise BrokerTimeout(lost.message if lost else f"the bridge did not answer {method} in time") from lost

    def wait(self, account: str, params: methods.MarketWaitParams) -> Answer:
        """One call that is answered when there is news, or after its time. Raises as `read` does."""
        payload = protocol.encode_request(account, params)
        return protocol.decode_answer(self._call("market_wait", payload, params.timeout_s + self._read_timeout_s))

    def send(self, account: str, intent: OrderIntent) -> OrderOutcome:
        """Sends the intent and learns its outcome; see `hand_in`.

        What is still open after the time-out is UNKNOWN. Raises only while it is certain that nothing was sent.
        """
        return hand_in(
            self._call,
            account,
            intent,
            timeout_s=self._send_timeout_s,
            settle_s=self._settle_s,
            clock=self._clock,
            pause=self._pause,
        )

    def _call(self, method: str, payload: bytes, timeout_s: float) -> bytes:
        """One call through the circuit. Raises `BrokerUnavailable` (not received) or `CallLost` (perhaps received)."""
        admission = self._breaker.admit()
        try:
            answer = self._transport.call(method, payload, timeout_s=timeout_s)
        except BaseException:
            self._breaker.failed(admission)
            raise
        self._breaker.succeeded(admission)
        return answer


def _endpoint_source(endpoint: Endpoint | Path | None) -> Callable[[], Endpoint]:
    if isinstance(endpoint, Endpoint):
        return lambda: endpoint
    if endpoint is None:
        raise BrokerUnavailable("no bridge is configured")
    return lambda: Endpoint.from_state_file(endpoint)
