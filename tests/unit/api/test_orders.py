"""The order routes, on the local adapter and a store in memory."""

from datetime import timedelta
from typing import Any, cast

import pytest

from tests.contract.storage.test_orders import NOW, news, record
from tests.support.loop import run
from tests.unit.api.conftest import Ask
from tests.unit.trading.test_mt5_client import Script, refused
from tradeloom.api.ports import Ports
from tradeloom.errors import Conflict
from tradeloom.local.orders import LocalOrders
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.trading import protocol
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus
from tradeloom.trading.mt5_client import BridgeClient

ID = "a" * 32
MARKET = {"kind": "market", "side": "buy", "volume": "0.10", "symbol": "EURUSD"}


@pytest.fixture
def store(ports: Ports) -> MemoryOrders:
    store = cast(LocalOrders, ports.orders)._store
    assert isinstance(store, MemoryOrders)
    return store


@pytest.fixture
def parked(store: MemoryOrders) -> str:
    run(store.intend(record(ID, intent=MARKET)))
    run(store.tell("acme", ID, news("manual", message="look there")))
    return ID


def bridge(ports: Ports, *answers: bytes | Exception) -> Script:
    script = Script(*answers)
    client = BridgeClient(transport=script, clock=lambda: script.now, pause=script.pause)
    cast(LocalOrders, ports.orders)._bridge = lambda: client
    return script


def test_orders_are_listed_by_state(ask: Ask, store: MemoryOrders, parked: str) -> None:
    for number in range(3):
        later = NOW + timedelta(seconds=number + 1)
        run(store.intend(record(f"{number:032x}", intent=MARKET, created_at=later)))
    every = ask("GET", "/orders").json
    assert (every["total"], [item["id"][-1] for item in every["items"]]) == (4, ["2", "1", "0", "a"])
    (waiting,) = ask("GET", "/orders", query={"state": "manual"}).json["items"]
    assert (waiting["id"], waiting["what"], waiting["message"]) == (parked, "buy 0.10 EURUSD", "look there")
    assert ask("GET", "/orders", query={"state": "unknown"}).json == {"items": [], "total": 0}
    assert ask("GET", "/orders", query={"execution_id": "e1", "limit": "1"}).json["total"] == 4
    assert ask("GET", "/orders", query={"account": "other"}).json["total"] == 0


def test_an_order_is_read_by_its_id(ask: Ask, parked: str) -> None:
    assert ask("GET", f"/orders/{parked}").json["intent"] == MARKET
    assert ask("GET", f"/orders/{'b' * 32}").status == 404


def test_another_tenants_order_is_not_there(ask: Ask, store: MemoryOrders) -> None:
    run(store.intend(record("c" * 32, tenant="globex", intent=MARKET)))
    assert ask("GET", f"/orders/{'c' * 32}").status == 404
    assert ask("GET", "/orders").json["total"] == 0
    assert ask("POST", f"/orders/{'c' * 32}/settle", {"decision": "not_sent", "reason": "x"}).status == 404


def test_a_persons_word_reaches_the_bridge_and_the_row(ask: Ask, ports: Ports, parked: str) -> None:
    outcome = OrderOutcome(client_order_id=parked, status=OutcomeStatus.DONE, order=7, message="filled")
    script = bridge(ports, protocol.encode_answer(outcome.model_dump(mode="json")))
    answer = ask("POST", f"/orders/{parked}/settle", {"decision": "order", "ticket": 7, "reason": "seen"})
    assert (answer.status, answer.json["state"], answer.json["outcome"]["order"]) == (200, "done", 7)
    assert script.calls == ["settle_manual"]
    assert answer.json["check_at"] is None


def test_what_the_bridge_refuses_is_told_and_changes_nothing(ask: Ask, ports: Ports, parked: str) -> None:
    bridge(ports, refused(Conflict("order 7 is another order's of ours", field="ticket")))
    answer = ask("POST", f"/orders/{parked}/settle", {"decision": "order", "ticket": 7, "reason": "seen"})
    assert (answer.status, answer.error["field"]) == (409, "ticket")
    assert ask("GET", f"/orders/{parked}").json["state"] == "manual"


def test_without_a_bridge_nothing_is_settled(ask: Ask, parked: str) -> None:
    answer = ask("POST", f"/orders/{parked}/settle", {"decision": "not_sent", "reason": "seen"})
    assert (answer.status, answer.error["name"]) == (503, "BrokerUnavailable")


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"decision": "not_sent"},
        {"decision": "perhaps", "reason": "x"},
        {"decision": "order", "ticket": 0, "reason": "x"},
        {"decision": "order", "ticket": 2**63, "reason": "x"},
        {"decision": "order", "reason": "x"},
        {"decision": "not_sent", "ticket": 7, "reason": "x"},
        {"decision": "not_sent", "reason": ""},
        {"decision": "not_sent", "reason": "x", "by": "someone else"},
    ],
)
def test_what_is_no_word_is_refused(ask: Ask, ports: Ports, parked: str, body: Any) -> None:
    script = bridge(ports, AssertionError("never asked"))
    assert ask("POST", f"/orders/{parked}/settle", body).status == 422
    assert script.calls == []


def test_an_unknown_state_is_refused(ask: Ask) -> None:
    assert ask("GET", "/orders", query={"state": "lost"}).status == 422
