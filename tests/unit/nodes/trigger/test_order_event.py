from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.broker_facts import make_pending, make_position, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.fake_look import look_at
from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import NodeConfigError
from tradeloom.nodes.trigger._observing import told as told_time
from tradeloom.nodes.trigger.order_event import OrderEvent, OrderEventConfig
from tradeloom.trading.broker import EndedOrder

ALL = [
    "placed",
    "partially_filled",
    "filled",
    "cancelled",
    "expired",
    "rejected",
    "stop_loss",
    "take_profit",
    "stop_out",
    "closed",
]
SECOND = timedelta(seconds=1)


def config(**changes: Any) -> OrderEventConfig:
    return OrderEventConfig.model_validate({"events": ALL, **changes})


class Account:
    """An account whose every change is looked at."""

    def __init__(self, **changes: Any) -> None:
        self.broker = FakeBroker()
        self.now = AS_OF
        self.config = config(**changes)
        self.state: Any = None

    def look(self) -> list[dict[str, Any]]:
        seen = OrderEvent.observe(self.config, self.state, look_at(self.broker, self.now), "wf-1")
        self.state, self.now = seen.state, self.now + SECOND
        return [each.payload for each in seen.happenings]

    def close(self, deal: int, **changes: Any) -> None:
        self.broker.closed_trades.append(make_trade(deal, closed_at=self.now, **changes))


def told(events: list[dict[str, Any]]) -> list[tuple[str, int, Any]]:
    return [(each["event"], each["ticket"], each["volume"]) for each in events]


@pytest.fixture
def account() -> Account:
    return Account()


def test_what_is_there_at_the_first_look_is_no_event(account: Account) -> None:
    account.broker.open_positions.append(make_position(7))
    account.broker.pending.append(make_pending(8))
    account.close(9, position=5)
    assert account.look() == []
    assert account.look() == []


def test_a_position_that_opens_is_filled_and_told_once(account: Account) -> None:
    account.look()
    account.broker.open_positions.append(make_position(7, opened_at=account.now))
    assert account.look() == [
        {
            "event": "filled",
            "ticket": 7,
            "deal": None,
            "symbol": "EURUSD",
            "side": "buy",
            "volume": 0.1,
            "price": 1.1,
            "profit": None,
            "workflow_id": "wf-1",
            "at": "2017-06-01T12:00:01.000Z",
        }
    ]
    assert account.look() == []


def test_a_position_that_grows_tells_by_how_much(account: Account) -> None:
    account.broker.open_positions.append(make_position(7))
    account.look()
    account.broker.open_positions[0] = make_position(7, volume=Decimal("0.25"))
    assert told(account.look()) == [("filled", 7, pytest.approx(0.15))]


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        ("stop_loss", "stop_loss"),
        ("take_profit", "take_profit"),
        ("stop_out", "stop_out"),
        ("client", "closed"),
        ("expert", "closed"),
        ("rollover", "closed"),
    ],
)
def test_a_close_tells_how_it_came_and_what_it_brought(account: Account, reason: str, event: str) -> None:
    account.broker.open_positions.append(make_position(7))
    account.look()
    account.broker.open_positions.clear()
    account.close(30, position=7, reason=reason, profit=12.5, commission=-0.5)
    (found,) = account.look()
    assert (found["event"], found["ticket"], found["deal"], found["profit"]) == (event, 7, 30, 12.0)
    assert account.look() == []


def test_a_deal_the_history_shows_late_is_told_once(account: Account) -> None:
    account.broker.open_positions.append(make_position(7))
    account.look()
    closed_at = account.now
    account.now += timedelta(minutes=5)
    assert account.look() == []
    account.broker.closed_trades.append(make_trade(30, position=7, closed_at=closed_at, reason="stop_loss"))
    assert [each["event"] for each in account.look()] == ["stop_loss"]
    assert account.look() == []


def test_what_came_and_went_between_two_looks_is_both(account: Account) -> None:
    account.look()
    account.close(30, position=29, opened_at=account.now - SECOND / 2, reason="take_profit")
    assert [each["event"] for each in account.look()] == ["filled", "take_profit"]
    assert account.look() == []


def test_the_life_of_an_order(account: Account) -> None:
    account.look()
    account.broker.pending.append(make_pending(8, placed_at=account.now))
    assert told(account.look()) == [("placed", 8, 0.1)]
    account.broker.pending[0] = make_pending(8, remaining=Decimal("0.06"))
    account.broker.open_positions.append(make_position(8, volume=Decimal("0.04"), opened_at=account.now))
    assert sorted(told(account.look())) == [("filled", 8, 0.04), ("partially_filled", 8, pytest.approx(0.04))]
    account.broker.pending.clear()
    account.broker.open_positions[0] = make_position(8, volume=Decimal("0.10"))
    assert told(account.look()) == [("filled", 8, pytest.approx(0.06))]
    assert account.look() == []


def test_an_order_filled_into_a_netting_position_is_not_cancelled(account: Account) -> None:
    account.broker.open_positions.append(make_position(3))
    account.broker.pending.append(make_pending(8))
    account.look()
    account.broker.pending.clear()
    account.broker.open_positions[0] = make_position(3, volume=Decimal("0.20"))
    assert told(account.look()) == [("filled", 3, pytest.approx(0.1))]


def test_an_order_that_is_gone_was_cancelled_or_expired(account: Account) -> None:
    account.broker.pending += [make_pending(8), make_pending(9, expires_at=account.now + SECOND)]
    account.look()
    account.broker.pending.clear()
    assert told(account.look()) == [("cancelled", 8, 0.1), ("expired", 9, 0.1)]


def left(account: Account, ticket: int, how: str, **changes: Any) -> None:
    """The order is in the broker's history, as having left half a second ago."""
    values = {
        "ticket": ticket, "symbol": "EURUSD", "side": "buy", "pending": True, "volume": Decimal("0.10"), "price": 1.095,
        "filled": Decimal(0), "placed_at": account.now - SECOND, "ended_at": account.now - SECOND / 2, "magic": 1,
        "comment": "", "workflow_id": "wf-1",
    }  # fmt: skip
    account.broker.left_the_book.append(EndedOrder.model_validate({**values, "how": how, **changes}))


def test_how_and_when_an_order_left_is_the_brokers_word(account: Account) -> None:
    """One that could have expired was cancelled, one without a time was rejected at its price."""
    account.broker.pending += [make_pending(8, expires_at=account.now + SECOND), make_pending(9), make_pending(10)]
    account.look()
    account.broker.pending.clear()
    left(account, 8, "cancelled")
    left(account, 9, "rejected")
    left(account, 10, "filled")
    events = account.look()
    assert told(events) == [("cancelled", 8, 0.1), ("rejected", 9, 0.1)]
    assert {each["at"] for each in events} == {told_time(account.now - 1.5 * SECOND)}
    assert account.look() == []


def test_an_order_that_came_and_went_between_two_looks_is_told(account: Account) -> None:
    account.look()
    left(account, 8, "cancelled", volume=Decimal("0.30"), filled=Decimal("0.10"))
    left(account, 9, "rejected", pending=False)
    left(account, 10, "cancelled", pending=False)  # the rest of an order at market that was filled in part
    left(account, 11, "filled")
    assert told(account.look()) == [("placed", 8, 0.2), ("cancelled", 8, 0.2), ("rejected", 9, 0.1)]
    assert account.look() == []


def test_what_left_before_anybody_watched_is_no_event(account: Account) -> None:
    left(account, 8, "rejected")
    assert account.look() == []
    assert account.look() == []


def test_a_history_that_lags_tells_nothing_twice(account: Account) -> None:
    account.broker.pending.append(make_pending(8))
    account.look()
    account.broker.pending.clear()
    assert told(account.look()) == [("cancelled", 8, 0.1)]
    assert account.look() == []
    left(account, 8, "cancelled")
    assert account.look() == []


def test_a_memory_from_before_ended_orders_were_kept(account: Account) -> None:
    account.look()
    del account.state["ended"]
    left(account, 8, "rejected")
    assert account.look() == []
    left(account, 9, "rejected")
    assert told(account.look()) == [("rejected", 9, 0.1)]


def test_only_what_is_wanted_of_whom_it_is_wanted() -> None:
    account = Account(events=["filled"], symbol="EURUSD")
    account.look()
    account.broker.open_positions += [
        make_position(1, opened_at=account.now),
        make_position(2, workflow_id=None, opened_at=account.now),
        make_position(3, symbol="GBPUSD", opened_at=account.now),
    ]
    account.close(30, position=1)
    assert told(account.look()) == [("filled", 1, 0.1)]


class TestRun:
    def test_by_hand_it_gives_the_latest_position_as_if_just_filled(self) -> None:
        broker = FakeBroker(open_positions=[make_position(1), make_position(2, opened_at=AS_OF + SECOND)])
        output = OrderEvent().run(config(), FakeContext(brokers={"paper": broker}))
        assert (output.event, output.ticket, output.at) == ("filled", 2, AS_OF)

    def test_by_hand_without_a_position_an_order(self) -> None:
        broker = FakeBroker(pending=[make_pending(8)])
        assert OrderEvent().run(config(), FakeContext(brokers={"paper": broker})).event == "placed"

    def test_by_hand_with_neither_a_fill_at_the_market(self) -> None:
        output = OrderEvent().run(config(symbol="EURUSD"), FakeContext())
        assert (output.event, output.ticket, output.price, output.volume) == ("filled", 0, 1.10002, 0.01)

    def test_what_is_no_event(self) -> None:
        with pytest.raises(NodeConfigError) as caught:
            OrderEvent().run(config(), FakeContext(payload={"event": "eaten"}))
        assert caught.value.field == "payload.event"
