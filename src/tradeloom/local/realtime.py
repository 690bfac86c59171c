"""The WebSocket of the local server: AppSync Events' protocol over this machine's run events.

What AppSync does in the cloud is done here: the token is checked when a client connects and again when it subscribes,
the tenant comes from the token alone, and whatever is not the tenant's own is not found. A reader that falls behind
gets gaps; one that reads nothing at all is cut off.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from tradeloom.api.caller import TENANT_CLAIM
from tradeloom.errors import Conflict, InvalidInput, NotFound, TradeloomError, Unauthorized
from tradeloom.local.asgi import Receive, Scope, Send
from tradeloom.realtime import protocol
from tradeloom.realtime.channels import channel_of
from tradeloom.realtime.hub import RunEvents
from tradeloom.realtime.subscription import Subscription

log: Final = logging.getLogger(__name__)

ABORT: Final = "tradeloom.abort"
"""The scope's extension that drops a connection with all that is still to be sent on it."""
POLICY: Final = 1008
TRY_LATER: Final = 1013
BATCH: Final = 64
"""Messages of one subscription that are sent before the next has its turn."""

Claims = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """`keep_alive_s` between keep-alives and `timeout_s` after which a client hears nothing and goes; `idle_s` without
    a subscription, or `stall_s` without taking anything, and the server goes."""

    connections: int = 64
    subscriptions: int = 32
    message_bytes: int = 16_384
    keep_alive_s: float = 20.0
    timeout_s: float = 60.0
    idle_s: float = 60.0
    stall_s: float = 20.0


class TooManySubscriptions(Conflict):
    """A connection holds as many subscriptions as it may."""


class TooManyConnections(TradeloomError):
    """As many clients as may be are connected already."""

    http_status = 503


class RealtimeDoor:
    """Serves WebSockets at `protocol.PATH`. `claims_of` gives a token's verified claims, None for a wrong one."""

    def __init__(
        self, events: RunEvents, claims_of: Callable[[str], Claims | None], limits: Limits | None = None
    ) -> None:
        self._events = events
        self._claims_of = claims_of
        self._limits = limits or Limits()
        self._open = 0

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end. Raises what it is refused for, before it was accepted."""
        if self.claims(protocol.authorization_of(scope["subprotocols"])) is None:
            raise Unauthorized(
                "This address needs the bearer token.", hint="`tradeloom up` prints it; send it as Authorization."
            )
        if self._open >= self._limits.connections:
            raise TooManyConnections(
                f"There are {self._limits.connections} connections already.", hint="Close some, or poll by REST."
            )
        self._open += 1
        try:
            await receive()
            await send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL})
            abort = scope.get("extensions", {}).get(ABORT, lambda: None)
            await _Connection(self, self._events, self._limits, receive, send, abort).run()
        finally:
            self._open -= 1

    def claims(self, authorization: Mapping[str, Any]) -> Claims | None:
        return self._claims_of(protocol.bearer_of(authorization))


class _Connection:
    def __init__(
        self,
        door: RealtimeDoor,
        events: RunEvents,
        limits: Limits,
        receive: Receive,
        send: Send,
        abort: Callable[[], None],
    ) -> None:
        self._door = door
        self._events = events
        self._limits = limits
        self._receive = receive
        self._send = send
        self._abort = abort
        self._subscriptions: dict[str, Subscription] = {}
        self._control: deque[str] = deque()
        self._something = asyncio.Event()

    async def run(self) -> None:
        reader = asyncio.ensure_future(self._read())
        writer = asyncio.ensure_future(self._write())
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reader, writer):
                task.cancel()
            for ended in await asyncio.gather(reader, writer, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, OSError):
                    log.info("a connection for run events ended: %r", ended)
            for subscription in self._subscriptions.values():
                self._events.unsubscribe(subscription)

    # -- what the client says -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self._next()
            if message is None or message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None or len(text.encode()) > self._limits.message_bytes:
                await self._close(POLICY, "Text messages of at most 16 KiB are taken here.")
                return
            try:
                frame = protocol.read_frame(text)
            except InvalidInput as error:
                self._say(protocol.refused("error", error))
                continue
            await self._answer(frame)

    async def _next(self) -> Any:
        """The next message; None once the connection was of no use for too long."""
        while True:
            receiving = asyncio.ensure_future(self._receive())
            try:
                while True:
                    done, _ = await asyncio.wait([receiving], timeout=self._limits.idle_s)
                    if done:
                        return receiving.result()
                    if not self._subscriptions:
                        await self._close(POLICY, "Nothing is subscribed to.")
                        return None
            finally:
                receiving.cancel()

    async def _answer(self, frame: protocol.ClientFrame) -> None:
        if isinstance(frame, protocol.ConnectionInit):
            self._say(protocol.connection_ack(round(self._limits.timeout_s * 1000)))
        elif isinstance(frame, protocol.Subscribe):
            try:
                await self._subscribe(frame)
            except TradeloomError as error:
                self._say(protocol.refused("subscribe_error", error, frame.id))
        else:
            self._unsubscribe(frame.id)

    async def _subscribe(self, frame: protocol.Subscribe) -> None:
        claims = self._door.claims(frame.authorization)
        if claims is None:
            raise Unauthorized("A subscription needs the bearer token too.", field="authorization")
        if frame.id in self._subscriptions:
            raise Conflict("A subscription of this id is there already.", field="id", hint="Give each its own id.")
        if len(self._subscriptions) >= self._limits.subscriptions:
            raise TooManySubscriptions(
                f"A connection has at most {self._limits.subscriptions} subscriptions.", hint="Unsubscribe from some."
            )
        channel = channel_of(frame.channel)
        if channel.tenant != claims[TENANT_CLAIM]:
            raise NotFound("There is no such channel.")
        subscription = await self._events.subscribe(channel, self._something.set, after=frame.after)
        self._say(protocol.acknowledged("subscribe_success", frame.id))
        self._subscriptions[frame.id] = subscription

    def _unsubscribe(self, id: str) -> None:
        subscription = self._subscriptions.pop(id, None)
        if subscription is None:
            self._say(protocol.refused("unsubscribe_error", NotFound(f"There is no subscription {id}."), id))
            return
        self._events.unsubscribe(subscription)
        self._say(protocol.acknowledged("unsubscribe_success", id))

    # -- what it is told ----------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._control.append(text)
        self._something.set()

    async def _write(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._limits.keep_alive_s):
                    await self._something.wait()
            except TimeoutError:
                await self._put(protocol.KEEP_ALIVE)
            self._something.clear()
            while self._control or any(map(len, self._subscriptions.values())):
                while self._control:
                    await self._put(self._control.popleft())
                for id, subscription in list(self._subscriptions.items()):
                    for text in subscription.take(BATCH):
                        await self._put(protocol.data(id, text))

    async def _put(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._limits.stall_s):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            log.warning("a reader of run events took nothing for %g s and was cut off", self._limits.stall_s)
            self._abort()
            raise

    async def _close(self, code: int, reason: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.stall_s):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
