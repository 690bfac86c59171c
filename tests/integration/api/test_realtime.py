"""Run events over a real WebSocket of a whole machine."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database, postgres_server
from tradeloom.realtime import protocol

__all__ = ["postgres_server"]

PATIENCE_S = 60
LOOP = {
    "name": "Three rounds",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "each", "type": "utility.for_each", "config": {"items": [1, 2, 3]}},
        {
            "id": "seen",
            "type": "utility.transform",
            "parent": "each",
            "config": {"source": {}, "rules": [{"op": "set", "path": "x", "value": "= item * 2"}]},
        },
    ],
    "connections": [{"source": "start", "target": "each"}],
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[RunningMachine]:
    home: Path = tmp_path_factory.mktemp("realtime")
    with RunningMachine(home, new_database(postgres_server)) as running:
        yield running


@pytest.fixture(scope="module")
def workflow(machine: RunningMachine) -> str:
    made: str = machine.post("/workflows", LOOP)["id"]
    return made


Test = Callable[..., Awaitable[None]]


def on_loop(test: Test) -> Callable[..., None]:
    @wraps(test)
    def ran(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(PATIENCE_S):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return ran


class Client:
    """A subscriber as the console's is one."""

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self.socket = socket
        self.authorization = {"Authorization": f"Bearer {token}", "host": "127.0.0.1"}

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        """The next frame that is no keep-alive."""
        while True:
            frame: dict[str, Any] = json.loads(await self.socket.recv())
            if frame["type"] != "ka":
                return frame

    async def subscribe(self, channel: str, id: str = "s1", **more: Any) -> dict[str, Any]:
        await self.say(type="subscribe", id=id, channel=channel, authorization=self.authorization, **more)
        return await self.hear()

    async def events(self, until: str) -> list[dict[str, Any]]:
        """Messages until one of a type has come."""
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["type"] != until:
            frame = await self.hear()
            assert frame["type"] == "data", frame
            heard += [json.loads(text) for text in frame["event"]]
        return heard


@asynccontextmanager
async def client(machine: RunningMachine, token: str | None = None, **more: Any) -> AsyncIterator[Client]:
    used = machine.served.token if token is None else token
    address = machine.served.address.replace("http://", "ws://").rstrip("/") + protocol.PATH
    carried = protocol.header_subprotocol({"host": "127.0.0.1", "Authorization": f"Bearer {used}"})
    async with connect(address, subprotocols=[protocol.SUBPROTOCOL, carried], **more) as socket:  # type: ignore[list-item]
        yield Client(socket, used)


async def execute(machine: RunningMachine, workflow: str) -> str:
    made = await asyncio.to_thread(machine.execute, workflow)
    assert made["status"] == "succeeded", made
    name: str = made["id"]
    return name


@on_loop
async def test_the_conversation_is_appsyncs(machine: RunningMachine, workflow: str) -> None:
    async with client(machine) as console:
        assert console.socket.subprotocol == protocol.SUBPROTOCOL
        await console.say(type="connection_init")
        assert await console.hear() == {"type": "connection_ack", "connectionTimeoutMs": 60_000}
        assert await console.subscribe("/runs/local/*") == {"type": "subscribe_success", "id": "s1"}
        execution = await execute(machine, workflow)
        heard = await console.events("execution.finished")
        assert [event["type"] for event in heard] == ["execution.started", "execution.finished"]
        assert {event["execution_id"] for event in heard} == {execution}
        assert heard[-1]["status"] == "succeeded"
        await console.say(type="unsubscribe", id="s1")
        assert await console.hear() == {"type": "unsubscribe_success", "id": "s1"}
        await console.say(type="unsubscribe", id="s1")
        assert (await console.hear())["type"] == "unsubscribe_error"


@on_loop
async def test_who_comes_late_is_told_what_was_missed(machine: RunningMachine, workflow: str) -> None:
    execution = await execute(machine, workflow)
    async with client(machine) as console:
        assert (await console.subscribe(f"/runs/local/{execution}", after=0))["type"] == "subscribe_success"
        heard = await console.events("execution.finished")
        numbers = [event["seq"] for event in heard]
        assert numbers == sorted(set(numbers))
        rounds = [event for event in heard if event["type"] == "node.finished" and event["node"] == "seen"]
        assert [event["iteration"] for event in rounds] == [[0], [1], [2]]
        assert all(event["status"] == "succeeded" and event["port"] == "main" for event in rounds)
        middle = numbers[len(numbers) // 2]
        assert (await console.subscribe(f"/runs/local/{execution}", "s2", after=middle))["type"] == "subscribe_success"
        rest = await console.events("execution.finished")
        assert [event["seq"] for event in rest] == [number for number in numbers if number > middle]
    told = machine.get(f"/executions/{execution}")
    assert told["seq"] == numbers[-2]  # of what its node runs hold; its own end is in its status


@pytest.mark.parametrize("token", ["", "wrong", "é"])
@on_loop
async def test_without_the_token_there_is_no_connection(machine: RunningMachine, token: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with client(machine, token):
            pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"additional_headers": {"X-Other": "1"}, "origin": None}, 101),
    ],
)
@on_loop
async def test_only_its_own_page_may_connect(machine: RunningMachine, options: dict[str, Any], status: int) -> None:
    if status == 101:
        async with client(machine, **options) as console:
            await console.say(type="connection_init")
            assert (await console.hear())["type"] == "connection_ack"
        return
    with pytest.raises(InvalidStatus) as refused:
        async with client(machine, **options):
            pass
    assert refused.value.response.status_code == status


@on_loop
async def test_nothing_of_another_tenant_is_found(machine: RunningMachine, workflow: str) -> None:
    execution = await execute(machine, workflow)
    async with client(machine) as console:
        told = []
        for id, channel in enumerate([f"/runs/other/{execution}", "/runs/other/*", "/runs/local/nobody"]):
            answer = await console.subscribe(channel, f"s{id}")
            assert answer["type"] == "subscribe_error"
            told.append(answer["errors"])
        assert told[0] == told[1] == told[2]
        assert told[0][0]["errorType"] == "NotFound"


@on_loop
async def test_a_subscription_shows_the_token_again(machine: RunningMachine) -> None:
    async with client(machine) as console:
        console.authorization = {"Authorization": "Bearer wrong"}
        answer = await console.subscribe("/runs/local/*")
        assert answer["errors"][0]["errorType"] == "Unauthorized"
        console.authorization = {}
        assert (await console.subscribe("/runs/local/*"))["type"] == "subscribe_error"


NO_MESSAGES = (
    "",
    "nothing",
    "[]",
    "1",
    '{"type":7}',
    '{"type":"publish","id":"a","channel":"/runs/local/x","events":["{}"]}',
    '{"type":"subscribe","id":"a b","channel":"x"}',
    '{"type":"subscribe","id":"a","channel":"x","after":-1}',
    "[" * 5000,
)


@pytest.mark.parametrize("text", NO_MESSAGES)
@on_loop
async def test_what_is_no_message_is_told_so(machine: RunningMachine, text: str) -> None:
    async with client(machine) as console:
        await console.socket.send(text)
        answer = await console.hear()
        assert answer["type"] == "error"
        assert answer["errors"][0]["errorType"] == "InvalidInput"
        await console.say(type="connection_init")
        assert (await console.hear())["type"] == "connection_ack"


@on_loop
async def test_limits_hold(machine: RunningMachine) -> None:
    async with client(machine) as console:
        for number in range(32):
            assert (await console.subscribe("/runs/local/*", f"s{number}"))["type"] == "subscribe_success"
        answer = await console.subscribe("/runs/local/*", "s32")
        assert answer["errors"][0]["errorType"] == "TooManySubscriptions"
        assert (await console.subscribe("/runs/local/*", "s1"))["errors"][0]["errorType"] == "Conflict"
        await console.socket.send("x" * 20_000)
        with pytest.raises(ConnectionClosed):
            await console.hear()


@on_loop
async def test_binary_and_huge_messages_end_the_connection(machine: RunningMachine) -> None:
    for message in (b"\x00\x01", "x" * 200_000):
        async with client(machine) as console:
            await console.socket.send(message)
            with pytest.raises(ConnectionClosed):
                await console.hear()
