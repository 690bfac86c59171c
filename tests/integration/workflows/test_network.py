"""A workflow that asks a web server, computes on what it said, and tells another: on the whole machine, over TCP."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.network.servers import Asked, HttpServer, response
from tests.integration.network.telegram_server import GROUP, TOKEN, TelegramServer
from tests.integration.workflows.drawing import chain, node, run
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database
from tests.support.series import eurusd_h1
from tradeloom.local.market import bundled_data


def bars_service(asked: Asked) -> bytes:
    """Real hours of EURUSD as a data provider would send them, more than anybody asked for."""
    if asked.headers.get("x-api-key") != "key-of-the-bars":
        return response(401, b"who are you?", "Content-Type: text/plain")
    columns = eurusd_h1()
    names = ("open", "high", "low", "close", "volume")
    rows = [
        {"time": int(columns["time"][row])} | {name: float(columns[name][row]) for name in names}
        for row in range(2_000)
    ]
    return response(200, json.dumps({"bars": rows}).encode(), "Content-Type: application/json")


class Places:
    def __init__(self) -> None:
        self.telegram = TelegramServer()
        self.bars, self.desk = HttpServer(bars_service), HttpServer()
        self.api, self.canary = HttpServer(self.telegram), HttpServer()


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    made = Places()
    with made.bars, made.desk, made.api, made.canary:
        yield made


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, places: Places) -> Iterator[Any]:
    allowed = ",".join(f"127.0.0.1:{server.port}" for server in (places.bars, places.desk, places.api))
    with RunningMachine(
        tmp_path_factory.mktemp("online"),
        new_database(postgres_server),
        replace(bundled_data(), start=datetime(2017, 3, 1, 10, tzinfo=UTC)),
        network_allow=allowed,
        network_routes=f"https://api.telegram.org={places.api.url}",
    ) as machine:
        yield machine


def credential(machine: RunningMachine, kind: str, **fields: str) -> str:
    made: str = machine.post("/credentials", {"name": f"{kind} {uuid.uuid4()}", "kind": kind, "fields": fields})["id"]
    return made


def test_from_a_web_server_through_an_indicator_to_another(online: RunningMachine, places: Places) -> None:
    key = credential(online, "http_header", header="X-API-Key", value="key-of-the-bars")
    bot = credential(online, "telegram", bot_token=TOKEN)
    document = chain(
        node("http", "utility.http", url=f"{places.bars.url}/v1/bars", query={"symbol": "EURUSD"}, credential=key),
        node("history", "market.history", symbol="EURUSD", count=100, source="input", data="= nodes.http.body"),
        node("rsi", "indicator.rsi"),
        node("tell", "notify.webhook", url=f"{places.desk.url}/in", body={"rsi": "= nodes.rsi.value"}),
        node(
            "chat",
            "notify.telegram",
            credential=bot,
            chat_id=str(GROUP),
            message="RSI <{{ nodes.rsi.signal }}>",
            parse_mode="html",
        ),
    )
    done = run(online, document)
    assert done["status"] == "succeeded", done
    runs = done["runs"]
    as_of = datetime.fromisoformat(runs["history"]["output"]["bars"]["to"])
    closed = datetime.fromisoformat(runs["history"]["output"]["last"]["time"]) + timedelta(hours=1)
    assert as_of - timedelta(hours=1) < closed <= as_of
    theirs = run(
        online, chain(node("history", "market.history", symbol="EURUSD", count=100), node("rsi", "indicator.rsi"))
    )
    assert runs["rsi"]["output"]["value"] > 0
    assert theirs["runs"]["history"]["output"]["last"]["time"] == runs["history"]["output"]["last"]["time"]
    assert json.loads(places.desk.asked[-1].body) == {"rsi": runs["rsi"]["output"]["value"]}
    assert runs["chat"]["output"]["message_id"] == 1
    assert places.telegram.messages[-1]["text"] == f"RSI &lt;{runs['rsi']['output']['signal']}&gt;"
    assert "key-of-the-bars" not in json.dumps(done)
    assert TOKEN not in json.dumps(done)


def test_a_test_run_only_reads(online: RunningMachine, places: Places) -> None:
    asked = len(places.desk.asked)
    document = chain(
        node("get", "utility.http", url=places.desk.url),
        node("put", "utility.http", url=places.desk.url, method="PUT", body_type="text", body="x"),
        node("tell", "notify.webhook", url=places.desk.url, body="x"),
    )
    done = run(online, document, test_mode=True)
    assert done["status"] == "succeeded", done
    assert done["runs"]["put"]["output"]["status"] == 0
    assert done["runs"]["tell"]["output"]["status"] == "rendered"
    assert [each.method for each in places.desk.asked[asked:]] == ["GET"]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"])
def test_nothing_else_on_this_machine_is_reached(host: str, online: RunningMachine, places: Places) -> None:
    document = chain(
        node("http", "utility.http", url=f"http://{host}:{places.canary.port}/"), node("end", "utility.merge")
    )
    done = run(online, document)
    assert done["status"] == "failed"
    assert done["runs"]["http"]["error"]["name"] == "NetworkRefused"
    assert places.canary.connections == 0


def test_a_server_that_refuses_ends_a_workflow_but_no_chat_does(online: RunningMachine, places: Places) -> None:
    bot = credential(online, "telegram", bot_token="123456789:AAE-" + "z" * 32)
    done = run(online, chain(node("chat", "notify.telegram", credential=bot, chat_id="77", message="x")))
    assert done["status"] == "succeeded"
    assert done["runs"]["chat"]["output"]["error"]["name"] == "MessageRefused"
    refused = run(online, chain(node("http", "utility.http", url=places.bars.url)))
    assert refused["status"] == "failed"
    assert refused["runs"]["http"]["error"]["message"].startswith("127.0.0.1 answered 401: who are you?")
