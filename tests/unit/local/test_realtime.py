"""The WebSocket's door: who may in, and what it does with clients that are slow, silent or too many."""

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.loop import run
from tradeloom.api.caller import TENANT_CLAIM
from tradeloom.errors import NotFound, Unauthorized
from tradeloom.local.realtime import ABORT, Limits, RealtimeDoor, TooManyConnections
from tradeloom.realtime import protocol
from tradeloom.realtime.hub import Hub
from tradeloom.realtime.messages import NodeLog, RunMessage
from tradeloom.realtime.subscription import Missed

PATIENCE_S = 60
AUTHORIZATION = {"Authorization": "Bearer good"}


class Empty:
    """The record of one execution that has said nothing so far."""

    async def missed(self, tenant: str, execution_id: str, *, after: int, limit: int) -> Missed | None:
        return Missed([], 0) if (tenant, execution_id) == ("acme", "e1") else None

    async def status(self, tenant: str, execution_id: str) -> RunMessage | None:
        return None


class Client:
    """One end of a WebSocket. While it does not `read`, sending to it hangs, as it does on a full socket."""

    def __init__(self, *offered: str) -> None:
        carried = protocol.header_subprotocol(AUTHORIZATION)
        self.aborted = False
        self.scope = {
            "type": "websocket",
            "subprotocols": list(offered or (protocol.SUBPROTOCOL, carried)),
            "extensions": {ABORT: self._abort},
        }
        self.inbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.inbox.put_nowait({"type": "websocket.connect"})

    def _abort(self) -> None:
        self.aborted = True

    def say(self, **frame: Any) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    def subscribe(self, channel: str = "/runs/acme/e1") -> None:
        self.say(type="subscribe", id="a", channel=channel, authorization=AUTHORIZATION)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.reading.wait()
        self.outbox.put_nowait(message)

    async def hear(self) -> Any:
        """The next frame, or the message that ended the connection."""
        message = await self.outbox.get()
        return json.loads(message["text"]) if message["type"] == "websocket.send" else message


def door(hub: Hub | None = None, **limits: Any) -> RealtimeDoor:
    return RealtimeDoor(
        hub or Hub(Empty()), lambda token: {TENANT_CLAIM: "acme"} if token == "good" else None, Limits(**limits)
    )


def serve(made: RealtimeDoor, client: Client) -> "asyncio.Task[None]":
    return asyncio.ensure_future(made.serve(client.scope, client.inbox.get, client.send))


def log(seq: int) -> NodeLog:
    return NodeLog(
        execution_id="e1",
        workflow_id="w1",
        seq=seq,
        time=datetime(2026, 1, 5, tzinfo=UTC),
        node="n",
        level="info",
        message="x" * 100,
    )


def test_the_token_opens_it() -> None:
    async def body() -> None:
        bad = protocol.header_subprotocol({"Authorization": "Bearer bad"})
        with pytest.raises(Unauthorized):
            await serve(door(), Client(protocol.SUBPROTOCOL, bad))
        client = Client()
        task = serve(door(), client)
        assert await client.hear() == {"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL}
        client.subscribe("/runs/other/e1")
        assert (await client.hear())["errors"][0]["errorType"] == NotFound.__name__
        client.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await task

    run(body())


def test_there_is_room_for_so_many() -> None:
    async def body() -> None:
        made = door(connections=2)
        tasks = []
        clients = [Client(), Client()]
        for client in clients:
            tasks.append(serve(made, client))
            await client.hear()
        with pytest.raises(TooManyConnections):
            await serve(made, Client())
        clients[0].inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await tasks[0]
        again = Client()
        task = serve(made, again)
        await again.hear()
        for each in (task, tasks[1]):
            each.cancel()
        await asyncio.gather(task, tasks[1], return_exceptions=True)

    run(body())


def test_silence_is_filled_and_a_connection_of_no_use_is_closed() -> None:
    async def body() -> None:
        client = Client()
        async with asyncio.timeout(PATIENCE_S):
            task = serve(door(keep_alive_s=0.01, idle_s=0.1), client)
            await client.hear()
            assert await client.hear() == {"type": "ka"}
            while (heard := await client.hear()) == {"type": "ka"}:
                pass
            assert (heard["type"], heard["code"]) == ("websocket.close", 1008)
            await task

    run(body())


def test_a_subscriber_may_be_silent() -> None:
    async def body() -> None:
        client = Client()
        async with asyncio.timeout(PATIENCE_S):
            task = serve(door(keep_alive_s=0.02, idle_s=0.01), client)
            await client.hear()
            client.subscribe()
            assert (await client.hear())["type"] == "subscribe_success"
            for _ in range(5):
                assert await client.hear() == {"type": "ka"}
            client.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await task

    run(body())


def test_a_reader_that_takes_nothing_is_cut_off_and_holds_nobody_up() -> None:
    async def body() -> None:
        hub = Hub(Empty(), most=50)
        made = door(hub, stall_s=0.05)
        stuck, quick = Client(), Client()
        async with asyncio.timeout(PATIENCE_S):
            tasks = [serve(made, stuck), serve(made, quick)]
            for client in (stuck, quick):
                await client.hear()
                client.subscribe()
                assert (await client.hear())["type"] == "subscribe_success"
            stuck.reading.clear()
            for seq in range(1, 1_001):
                hub.publish("acme", log(seq))
                frame = await quick.hear()
                assert json.loads(frame["event"][0])["seq"] == seq
            await tasks[0]
            assert stuck.aborted
            hub.publish("acme", log(1_001))
            assert json.loads((await quick.hear())["event"][0])["seq"] == 1_001
            quick.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await tasks[1]
        assert not hub.listened_to

    run(body())
