"""A person's word on orders with real money that nobody else can settle."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mt5_bridge.journal import OrderState
from tests.unit.mt5_bridge.fake_terminal import (
    NOW,
    Bench,
    cancel,
    close,
    make_deal,
    make_order,
    make_position,
    market,
    modify,
    pending,
)
from tests.unit.mt5_bridge.test_worker import ask
from tradeloom.errors import BrokerUnavailable, Conflict, InvalidInput, NotFound, TradeloomError
from tradeloom.trading.intents import OrderIntent, OutcomeStatus

MakeBench = Callable[..., Bench]
REQUESTS: dict[str, dict[str, Any]] = {
    "market": {"symbol": "EURUSD", "type": 0, "volume": 0.1, "price": 1.1, "position": 0},
    "close": {"symbol": "EURUSD", "type": 1, "volume": 0.1, "price": 1.1, "position": 9},
    "pending": {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.0991, "expiration": 0},
    "modify": {"symbol": "EURUSD", "position": 9, "sl": 1.05, "tp": 0.0},
    "cancel": {"order": 8},
}


@pytest.fixture
def live(make_bench: MakeBench) -> Bench:
    bench = make_bench(live_trading=True)
    bench.terminal.account.trade_mode = 2
    return bench


def parked(bench: Bench, intent: OrderIntent) -> str:
    """An order in MANUAL, as a worker leaves one that it gave up. Returns its id."""
    order_id = intent.client_order_id
    bench.journal.claim(intent)
    bench.journal.sending(order_id, REQUESTS[intent.kind] | {"magic": intent.magic}, NOW)
    bench.journal.fence(order_id)
    bench.journal.park(order_id)
    return order_id


def settle(bench: Bench, order_id: str, decision: str, ticket: int | None = None, **changes: Any) -> Any:
    said = {"client_order_id": order_id, "decision": decision, "ticket": ticket, "by": "Ann", "reason": "looked"}
    return ask(bench, "settle_manual", **said | changes)


def broker_order(bench: Bench, ticket: int = 700, *, filled: float | None = 0.1, **changes: Any) -> None:
    """An order at the broker that bears no magic number, as one that a person could mean."""
    request = {"magic": changes.pop("magic", 0), "symbol": "EURUSD", "type": 0, "volume": 0.1, "price": 1.1}
    request |= {name: changes.pop(name) for name in ("symbol", "type", "volume") if name in changes}
    position = changes.pop("position", ticket)
    entry = changes.pop("entry", 0)
    bench.terminal.history_orders.append(make_order(ticket, request, changes.pop("state", 4), **changes))
    if filled is not None:
        bench.terminal.deals.append(make_deal(ticket, request, filled, position=position, entry=entry))


def state(bench: Bench, order_id: str) -> OrderState:
    entry = bench.journal.entry(order_id)
    assert entry is not None
    return entry.state


def test_an_unknown_order_says_that_it_waits_for_a_person(live: Bench) -> None:
    order_id = parked(live, market())
    told = ask(live, "outcome", client_order_id=order_id)
    assert (told["status"], told["reason"]) == ("unknown", "manual")


def test_not_sent_is_final_and_never_sent_again(live: Bench) -> None:
    order_id = parked(live, market())
    told = settle(live, order_id, "not_sent")
    assert (told["status"], told["resend_until"]) == ("not_sent", None)
    assert "Ann" in told["message"]
    assert state(live, order_id) is OrderState.NOT_SENT
    assert live.desk.send(market()).status is OutcomeStatus.NOT_SENT
    assert live.terminal.sent == []
    what, detail = live.journal.history(order_id)[-1]
    assert (what, detail["by"], detail["why"]) == ("not_sent", "Ann", "looked")


@pytest.mark.parametrize(("kind", "ticket"), [("order", 700), ("deal", 1700), ("position", 700)])
def test_what_it_became_is_named_by_any_of_its_tickets(live: Bench, kind: str, ticket: int) -> None:
    order_id = parked(live, market())
    broker_order(live)
    told = settle(live, order_id, kind, ticket)
    assert (told["status"], told["order"], told["deal"], told["position"]) == ("done", 700, 1700, 700)
    assert state(live, order_id) is OrderState.DONE


def test_a_part_of_it_was_filled(live: Bench) -> None:
    order_id = parked(live, market())
    broker_order(live, filled=0.04)
    told = settle(live, order_id, "order", 700)
    assert (told["status"], told["volume"], told["remainder"]) == ("partial", "0.04", "0.06")


def test_a_close_is_named_by_the_order_that_closed(live: Bench) -> None:
    order_id = parked(live, close(9))
    broker_order(live, type=1, position=9, entry=1, position_id=9)
    told = settle(live, order_id, "position", 9)
    assert (told["status"], told["position"], told["profit"]) == ("done", 9, 12.5)


def test_a_pending_order_that_rests_and_one_that_was_cancelled(live: Bench) -> None:
    resting, gone = parked(live, pending()), parked(live, pending("q"))
    request = {"magic": 0, "symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.0991}
    live.terminal.orders.append(make_order(800, request, 1))
    broker_order(live, 801, type=2, filled=None, state=2)
    assert settle(live, resting, "order", 800)["status"] == "placed"
    assert settle(live, gone, "order", 801)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("intent", "kind", "ticket", "wrong"),
    [(modify(9, stop_loss="1.05"), "position", 9, "order"), (cancel(8), "order", 8, "position")],
)
def test_a_change_is_named_by_what_it_changed(
    live: Bench, intent: OrderIntent, kind: str, ticket: int, wrong: str
) -> None:
    live.terminal.positions.append(make_position(9))
    request = {"magic": 0, "symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.0991}
    live.terminal.orders.append(make_order(8, request, 1))
    order_id = parked(live, intent)
    for word, number in ((kind, ticket + 1), (wrong, ticket)):
        with pytest.raises(InvalidInput, match="was to be changed"):
            settle(live, order_id, word, number)
    assert settle(live, order_id, kind, ticket)["status"] == "done"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"symbol": "GBPUSD"}, "GBPUSD"),
        ({"type": 1}, "side"),
        ({"volume": 0.2}, "0.2 lots"),
        ({"magic": 77}, "another program"),
        ({"time_setup_msc": int((NOW - timedelta(days=3)).timestamp() * 1000)}, "before this one"),
    ],
)
def test_a_ticket_that_does_not_fit_is_refused(live: Bench, changes: dict[str, Any], why: str) -> None:
    order_id = parked(live, market())
    broker_order(live, **changes)
    with pytest.raises(InvalidInput, match=why) as refused:
        settle(live, order_id, "order", 700)
    assert refused.value.field == "ticket"
    assert state(live, order_id) is OrderState.MANUAL


@pytest.mark.parametrize("kind", ["order", "deal", "position"])
def test_a_ticket_the_broker_does_not_have_is_refused(live: Bench, kind: str) -> None:
    order_id = parked(live, market())
    with pytest.raises(NotFound, match="700"):
        settle(live, order_id, kind, 700)
    assert state(live, order_id) is OrderState.MANUAL


def test_another_orders_ticket_is_refused(live: Bench) -> None:
    other = live.desk.send(market("other"))
    order_id = parked(live, market())
    with pytest.raises(Conflict, match="another order"):
        settle(live, order_id, "order", other.order)
    for record in (*live.terminal.history_orders, *live.terminal.deals):
        record.magic = 0  # a broker that drops magic numbers
    with pytest.raises(Conflict, match="another order"):
        settle(live, order_id, "order", other.order)


def test_one_ticket_settles_one_order(live: Bench) -> None:
    first, second = parked(live, market()), parked(live, market("m"))
    broker_order(live)
    settle(live, first, "order", 700)
    with pytest.raises(Conflict, match="another order"):
        settle(live, second, "deal", 1700)


def test_a_position_that_several_orders_made_needs_one_of_them(live: Bench) -> None:
    order_id = parked(live, market())
    broker_order(live, 700, position=700)
    broker_order(live, 701, position=700)
    with pytest.raises(InvalidInput, match="700, 701"):
        settle(live, order_id, "position", 700)
    assert settle(live, order_id, "order", 701)["order"] == 701


def test_the_brokers_records_go_before_a_persons_word(live: Bench) -> None:
    intent = market()
    order_id = parked(live, intent)
    live.terminal.execute(REQUESTS["market"] | {"magic": intent.magic})
    assert settle(live, order_id, "not_sent")["status"] == "done"


def test_the_same_word_again_is_answered_and_another_is_not(live: Bench) -> None:
    order_id = parked(live, market())
    told = settle(live, order_id, "not_sent")
    assert settle(live, order_id, "not_sent") == told
    broker_order(live)
    with pytest.raises(Conflict, match="not sent"):
        settle(live, order_id, "order", 700)


def test_an_order_that_waits_for_nobody_is_left_alone(live: Bench) -> None:
    done = live.desk.send(market())
    with pytest.raises(Conflict, match="does not wait"):
        settle(live, done.client_order_id, "not_sent")
    with pytest.raises(NotFound):
        settle(live, "f" * 32, "not_sent")


def test_nothing_is_settled_without_a_connection(live: Bench) -> None:
    order_id = parked(live, market())
    live.terminal.state.connected = False
    with pytest.raises(BrokerUnavailable):
        settle(live, order_id, "not_sent")
    assert state(live, order_id) is OrderState.MANUAL


@pytest.mark.parametrize(
    ("decision", "ticket", "changes"),
    [("not_sent", 7, {}), ("order", None, {}), ("order", 0, {}), ("order", 2**63, {}), ("never", 1, {}),
     ("not_sent", None, {"by": ""}), ("not_sent", None, {"reason": "x" * 501})],
)  # fmt: skip
def test_what_is_no_word_is_refused(live: Bench, decision: str, ticket: int | None, changes: dict[str, Any]) -> None:
    order_id = parked(live, market())
    with pytest.raises(TradeloomError):
        settle(live, order_id, decision, ticket, **changes)
    assert state(live, order_id) is OrderState.MANUAL
