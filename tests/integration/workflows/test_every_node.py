"""Every node type's example as a workflow on a whole machine: behind real sources, a real market, real servers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import tradeloom.nodes
from tests.fidelity.cases import START, Drawing
from tests.integration.api.conftest import OVERSOLD
from tests.integration.network.mail_server import Box, mail_server
from tests.integration.network.servers import Answer, Asked, Authority, HttpServer, response
from tests.integration.network.telegram_server import TelegramServer
from tests.integration.workflows.drawing import chain, node, run
from tests.support.credentials import CREDENTIALS
from tests.support.local_machine import RunningMachine
from tests.support.postgres import new_database
from tradeloom.local.market import bundled_data
from tradeloom.nodes.base import Effect, Kind
from tradeloom.nodes.credentials import named_credentials
from tradeloom.nodes.registry import node_types

NODES = node_types()

FIRST: Mapping[str, tuple[str, ...]] = {
    "database.query": ("database.save",),
    "market.orders": ("order.limit",),
    "market.positions": ("order.market",),
    "market.trades": ("order.market", "order.close"),
    "order.break_even": ("order.market",),
    "order.cancel": ("order.limit",),
    "order.close": ("order.market",),
    "order.partial_close": ("order.market",),
    "order.trailing_stop": ("order.market",),
    "utility.loop": ("order.market",),
    "utility.transform": ("order.market",),
}
"""Nodes whose examples run before, in the same workflow: what the example works on would not be there otherwise."""

PAYLOADS: Mapping[str, Mapping[str, Any]] = {
    "trigger.webhook": {"symbol": "EURUSD", "side": "sell"},
}
"""What a trigger is started by hand with, where it says something without."""

SHOWS: Mapping[str, Mapping[str, Any]] = {
    "database.query": {"count": 1, "truncated": False},
    "database.save": {"ok": True, "created": True},
    "market.account": {"currency": "USD", "leverage": 100},
    "market.orders": {"count": 1},
    "market.positions": {"count": 1, "volume_buy": 0.1},
    "market.trades": {"count": 1},
    "notify.discord": {"status": "sent", "message_id": "1120000000000000001"},
    "notify.email": {"status": "sent"},
    "notify.slack": {"status": "sent"},
    "notify.telegram": {"status": "sent"},
    "notify.webhook": {"status": "sent"},
    "order.break_even": {"status": "active", "count": 1},
    "order.cancel": {"status": "cancelled", "count": 1},
    "order.close": {"status": "done", "count": 1, "volume": 0.1},
    "order.limit": {"status": "placed"},
    "order.market": {"status": "done", "volume": 0.1},
    "order.modify": {"status": "done"},
    "order.partial_close": {"status": "active", "count": 1},
    "order.stop": {"status": "placed"},
    "order.trailing_stop": {"status": "active", "count": 1},
    "trigger.error": {"status": "failed", "node_type": "market.live_price"},
    "trigger.indicator": {"signal": "oversold"},
    "trigger.webhook": {"payload": {"symbol": "EURUSD", "side": "sell"}},
    "utility.for_each": {"count": 3, "succeeded": 3, "failed": 0},
    "utility.http": {"status": 200, "body": {"rates": [1.1, 1.2]}},
    "utility.loop": {"count": 1},
    "utility.sub_workflow": {"status": "succeeded", "has_errors": False},
    "utility.variables": {"value": 1, "exists": True},
}
"""What an output says only when what the node works on was really there."""


SEEN = "seen"
"""A node behind a loop: a loop's own run shows its plan, and what it gives is known once its iterations are done."""

EXIT_RULES = chain(
    node("price", "market.live_price", symbol="= trigger.payload.symbol", timeframe="H1"),
    node("close", "order.close", symbol="= trigger.payload.symbol"),
    name="Exit rules",
)


def rates(asked: Asked) -> bytes:
    """A provider that knows its customers."""
    if asked.headers.get("x-api-key") != CREDENTIALS["api-key"].fields["value"]:
        return response(401, b"who are you?", "Content-Type: text/plain")
    return response(200, json.dumps({"rates": [1.1, 1.2]}).encode(), "Content-Type: application/json")


def desk(asked: Asked) -> bytes:
    known = asked.headers.get("authorization") == f"Bearer {CREDENTIALS['api-token'].fields['token']}"
    return response(200 if known else 401, b"ok")


def discord(asked: Asked) -> bytes:
    return response(200, b'{"id": "1120000000000000001"}', "Content-Type: application/json")


ORIGINS: Mapping[str, Answer] = {
    "https://api.example.com": rates,
    "https://hooks.example.com": desk,
    "https://api.telegram.org": TelegramServer(),
    "https://discord.com": discord,
    "https://hooks.slack.com": lambda asked: response(200, b"ok", "Content-Type: text/plain"),
}


@dataclass
class World:
    """A machine, the servers its nodes reach instead of the public ones, and its credentials by the examples' ids."""

    machine: RunningMachine
    servers: Mapping[str, HttpServer]
    mail: Box
    credentials: Mapping[str, str]

    def sent(self) -> int:
        """Requests and mails that have arrived anywhere."""
        return sum(len(server.asked) for server in self.servers.values()) + len(self.mail.came)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[World]:
    authority = Authority.made(tmp_path_factory.mktemp("authority"))
    mail = Box()
    with ExitStack() as stack:
        servers = {origin: stack.enter_context(HttpServer(answer)) for origin, answer in ORIGINS.items()}
        mail_port = stack.enter_context(mail_server(mail, authority, "starttls", "127.0.0.1"))
        ports = [mail_port, *(server.port for server in servers.values())]
        machine = RunningMachine(
            tmp_path_factory.mktemp("machine"),
            new_database(postgres_server),
            replace(bundled_data(), start=OVERSOLD),
            network_allow=",".join(f"127.0.0.1:{port}" for port in ports),
            network_routes=",".join(f"{origin}={server.url}" for origin, server in servers.items()),
            network_ca=str(authority.file),
        )
        stack.enter_context(machine)
        machine.post("/workflows", EXIT_RULES)
        yield World(machine, servers, mail, added_credentials(machine, mail_port))


def added_credentials(machine: RunningMachine, mail_port: int) -> dict[str, str]:
    made = {}
    for each in CREDENTIALS.values():
        here = {"host": "127.0.0.1", "port": str(mail_port)} if each.kind == "smtp" else {}
        wanted = {"name": each.id, "kind": each.kind, "fields": {**each.fields, **here}}
        made[each.id] = machine.post("/credentials", wanted)["id"]
    return made


def drawn(node_type: str, credentials: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The id of the node, and a workflow in which it stands behind its example's sources and what comes first."""
    drawing, after = Drawing(), START
    for earlier in FIRST.get(node_type, ()):
        after = drawing.add(NODES[earlier], NODES[earlier].example.config, after=after)
    node_id = drawing.add(NODES[node_type], NODES[node_type].example.config, after=after)
    for each in drawing.nodes.values():
        named = named_credentials(NODES[each["type"]], each.get("config", {}))
        each["config"] = each.get("config", {}) | {name: credentials[used] for name, used in named.items()}
    document = drawing.document(f"Example of {node_type}")
    if NODES[node_type].kind is Kind.LOOP:
        document["nodes"].append(node(SEEN, "utility.transform", source=f"= nodes.{node_id}"))
        document["connections"].append({"source": node_id, "target": SEEN})
    return node_id, document


@pytest.mark.parametrize("node_type", NODES)
def test_runs_in_a_workflow(node_type: str, world: World) -> None:
    declared, sent = NODES[node_type], world.sent()
    node_id, document = drawn(node_type, world.credentials)
    done = run(world.machine, document, payload=PAYLOADS.get(node_type, {}))
    assert done["status"] == "succeeded", done
    assert {each["state"] for each in done["node_runs"]} == {"succeeded"}, done
    shown = done["runs"][node_id]
    assert shown["type"] == node_type
    assert shown["port"] in {port.name for port in declared.ports}
    output = done["runs"][SEEN]["output"]["object"] if SEEN in done["runs"] else shown["output"]
    schema = declared.Output.model_json_schema(mode="serialization")
    jsonschema_rs.validator_for(schema).validate(output)
    assert set(output) == set(schema["properties"])
    assert {name: output[name] for name in SHOWS.get(node_type, {})} == SHOWS.get(node_type, {})
    # A message that is refused may be reported in the output only: that is no message sent.
    assert world.sent() - sent == (Effect.NETWORK in declared.effects)
    assert output.get("error") is None or node_type == "trigger.error"  # whose output is about an error


def test_there_is_no_other_node_type() -> None:
    """Every file of a category that does not begin with `_` is one of the types run here."""
    files = Path(tradeloom.nodes.__file__).parent.glob("*/[!_]*.py")
    assert sorted(f"{file.parent.name}.{file.stem.rstrip('_')}" for file in files) == list(NODES)
