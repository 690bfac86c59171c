"""Orders as the engine keeps them: one suite for every adapter, and the answers that stand on it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores, run
from tests.unit.trading.test_intents import market
from tradeloom.engine.orders import OPEN, News, OrderAnswers, OrderFilter, OrderRecord, OrderState
from tradeloom.engine.questions import Asker
from tradeloom.errors import Conflict, InvalidInput
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def record(order_id: str = "a" * 32, **changes: Any) -> OrderRecord:
    known: dict[str, Any] = {
        "tenant": "acme", "client_order_id": order_id, "magic": 2**52 - 1, "account": "paper", "execution_id": "e1",
        "workflow_id": "w", "version": "v", "node": "n", "iteration": [2, 0], "intent": {"kind": "market"},
        "created_at": NOW, "updated_at": NOW, "check_at": NOW,
    }  # fmt: skip
    return OrderRecord(**known | changes)


def news(state: OrderState, **changes: Any) -> News:
    return News(**{"state": state, "at": LATER, **changes})


@run
async def test_an_order_is_read_as_written(open_orders: OpenStores) -> None:
    written = record(intent={"volume": "0.10", "note": "£ \u0000"}, test_mode=True, resend_of="b" * 32)
    async with open_orders() as orders:
        await orders.intend(written)
        assert await orders.order("acme", "a" * 32) == written
        assert await orders.order("globex", "a" * 32) is None
    async with open_orders() as others:
        assert await others.order("acme", "a" * 32) == written


@run
async def test_what_was_not_sent_takes_the_newer_intent(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        await orders.intend(record())
        assert (await orders.tell("acme", "a" * 32, news("withdrawn", message="down"))).state == "withdrawn"
        await orders.intend(record(intent={"kind": "close"}, created_at=LATER, updated_at=LATER, check_at=LATER))
        known = await orders.order("acme", "a" * 32)
        assert (known.state, known.intent, known.created_at, known.check_at) == (
            "intended",
            {"kind": "close"},
            NOW,
            LATER,
        )


@run
async def test_a_final_order_stays(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        await orders.intend(record())
        told = await orders.tell("acme", "a" * 32, news("done", outcome={"order": 7}, message="filled"))
        assert (told.state, told.outcome, told.check_at) == ("done", {"order": 7}, None)
        await orders.intend(record(intent={"kind": "close"}))
        for state in ("unknown", "withdrawn", "rejected"):
            assert await orders.tell("acme", "a" * 32, news(state)) is None
        assert await orders.order("acme", "a" * 32) == told


@run
async def test_what_was_perhaps_sent_is_not_withdrawn(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        await orders.intend(record())
        await orders.tell("acme", "a" * 32, news("unknown", outcome={"x": 1}))
        assert await orders.tell("acme", "a" * 32, news("withdrawn")) is None
        told = await orders.tell("acme", "a" * 32, news("manual"))
        assert (told.state, told.outcome) == ("manual", {"x": 1})
        assert await orders.tell("acme", "b" * 32, news("done")) is None
        assert await orders.tell("globex", "a" * 32, news("done")) is None


@run
async def test_an_id_is_one_nodes(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        await orders.intend(record())
        for other in ({"node": "m"}, {"execution_id": "e2"}):
            with pytest.raises(Conflict):
                await orders.intend(record(**other))
        await orders.intend(record(tenant="globex", node="m"))


@run
async def test_pages_are_newest_first_and_filtered(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        for number in range(5):
            at = NOW + timedelta(seconds=number)
            await orders.intend(record(f"{number:032x}", created_at=at, account=f"acc{number % 2}", magic=number))
        await orders.tell("acme", f"{3:032x}", news("unknown"))
        found, total = await orders.orders(OrderFilter(tenant="acme", limit=2, offset=1))
        assert [row.magic for row in found] == [3, 2]
        assert total == 5
        unknown, total = await orders.orders(OrderFilter(tenant="acme", states=("unknown", "manual")))
        assert ([row.magic for row in unknown], total) == ([3], 1)
        by_account, _ = await orders.orders(OrderFilter(tenant="acme", account="acc1", execution_id="e1"))
        assert [row.magic for row in by_account] == [3, 1]
        assert await orders.orders(OrderFilter(tenant="acme", workflow_id="other")) == ([], 0)
        assert await orders.orders(OrderFilter(tenant="globex")) == ([], 0)
        assert {row.magic for row in await orders.of_magic("acme", "acc0", [0, 1, 2])} == {0, 2}


@run
async def test_due_are_those_to_be_asked_about(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        for number, due_s in enumerate([10, 0, 30]):
            await orders.intend(record(f"{number:032x}", magic=number, check_at=NOW + timedelta(seconds=due_s)))
        due = await orders.due(NOW + timedelta(seconds=10))
        assert [row.magic for row in due] == [1, 0]
        assert [row.magic for row in await orders.due(NOW + timedelta(days=1), limit=1)] == [1]
        await orders.tell("acme", f"{1:032x}", news("done"))
        assert [row.magic for row in await orders.due(NOW + timedelta(seconds=10))] == [0]


@run
async def test_one_of_many_tellers_settles(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        await orders.intend(record())
        told = await asyncio.gather(*(orders.tell("acme", "a" * 32, news("done", message=str(n))) for n in range(8)))
        assert sum(each is not None for each in told) == 1


# -- what a worker tells --------------------------------------------------------------------------------------------

INTENT = market()
ASKER = Asker(
    tenant="acme",
    workflow_id=INTENT.workflow_id,
    execution_id=INTENT.execution_id,
    version="v9",
    node=INTENT.node_id,
    account="paper",
    test_mode=False,
    manual=False,
    iteration=(4,),
)


def said(status: OutcomeStatus, **more: Any) -> dict[str, Any]:
    outcome = OrderOutcome(client_order_id=INTENT.client_order_id, status=status, **more)
    return {"outcome": outcome.model_dump(mode="json")}


@run
async def test_an_intent_is_written_with_whose_it_is(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        answers = OrderAnswers(orders, lambda: NOW).answers()
        await answers["orders.intended"](ASKER, {"intent": INTENT.model_dump(mode="json")})
        row = await orders.order("acme", INTENT.client_order_id)
        assert (row.version, row.iteration, row.magic, row.state) == ("v9", [4], INTENT.magic, "intended")
        assert row.check_at > NOW
        asked = {"client_order_id": INTENT.client_order_id}
        assert await answers["orders.perhaps_sent"](ASKER, asked) is True
        assert await answers["orders.perhaps_sent"](ASKER, {"client_order_id": "b" * 32}) is False
        await answers["orders.told"](ASKER, said(OutcomeStatus.PLACED, order=3))
        row = await orders.order("acme", INTENT.client_order_id)
        assert row.state == "unknown"  # accepted is not filled
        await answers["orders.told"](ASKER, said(OutcomeStatus.UNKNOWN, reason="manual"))
        assert (await orders.order("acme", INTENT.client_order_id)).state == "manual"
        await answers["orders.told"](ASKER, said(OutcomeStatus.DONE, order=3))
        row = await orders.order("acme", INTENT.client_order_id)
        assert (row.state, row.check_at) == ("done", None)
        assert await answers["orders.perhaps_sent"](ASKER, asked) is False
        assert OrderOutcome.model_validate(row.outcome).order == 3


@run
async def test_nobody_speaks_for_another(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        answers = OrderAnswers(orders, lambda: NOW).answers()
        body = {"intent": INTENT.model_dump(mode="json")}
        for part in ("node", "execution_id", "workflow_id"):
            other: dict[str, Any] = {part: "else"}
            with pytest.raises(InvalidInput):
                await answers["orders.intended"](replace(ASKER, **other), body)
        await answers["orders.intended"](ASKER, body)
        stranger = replace(ASKER, execution_id="else")
        await answers["orders.told"](stranger, said(OutcomeStatus.DONE))
        await answers["orders.withdrawn"](stranger, {"client_order_id": INTENT.client_order_id})
        assert (await orders.order("acme", INTENT.client_order_id)).state == "intended"


@pytest.mark.parametrize("body", [{}, {"intent": 1}, {"intent": {"kind": "?"}}, {"intent": None}])
@run
async def test_what_is_no_intent_is_refused(body: dict[str, Any], open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        answers = OrderAnswers(orders).answers()
        with pytest.raises(InvalidInput, match="intent"):
            await answers["orders.intended"](ASKER, body)
        with pytest.raises(InvalidInput, match="outcome"):
            await answers["orders.told"](ASKER, body)


def test_open_states_are_those_without_an_end() -> None:
    assert {"intended", "withdrawn", "unknown", "manual"} == OPEN


@run
async def test_orders_of_several_executions_at_once(open_orders: OpenStores) -> None:
    async with open_orders() as orders:
        for number, execution in enumerate(["e1", "e2", "e1", "e3"]):
            at = NOW - timedelta(seconds=number)
            await orders.intend(record(f"{number}" * 32, execution_id=execution, created_at=at))
        await orders.intend(record("9" * 32, tenant="globex"))
        found = await orders.of_executions("acme", ["e1", "e2", "unheard of"])
        assert [each.client_order_id[0] for each in found] == ["2", "1", "0"]
        assert await orders.of_executions("acme", []) == []
