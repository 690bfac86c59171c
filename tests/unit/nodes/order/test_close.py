from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import NOW, make_position, make_trade
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import (
    BrokerUnavailable,
    Conflict,
    ExecutionStopped,
    InvalidInput,
    MarketClosed,
    NodeConfigError,
    NotFound,
    OrderRejected,
    OrderUnknown,
    TradeloomError,
)
from tradeloom.nodes.order.close import Close, CloseConfig, CloseOutput
from tradeloom.trading.broker import ClosedTrade, Position
from tradeloom.trading.intents import CloseIntent, OrderIntent, OrderOutcome, OutcomeStatus, Side


def positions() -> list[Position]:
    return [
        make_position(12, volume=Decimal("0.30"), price_open=1.10100, opened_at=NOW - timedelta(hours=1)),
        make_position(11, volume=Decimal("0.10"), price_open=1.09900, opened_at=NOW - timedelta(hours=2)),
        make_position(13, volume=Decimal("0.20"), side=Side.SELL, workflow_id="wf-2"),
        make_position(14, volume=Decimal("0.50"), workflow_id=None),
    ]


def make_context(broker: FakeBroker | None = None, **changes: Any) -> FakeContext:
    return FakeContext(brokers={"paper": broker or FakeBroker(open_positions=positions())}, **changes)


def run(context: FakeContext, **config: Any) -> CloseOutput:
    return Close().run(CloseConfig.model_validate(config), context)


def sent(context: FakeContext) -> list[CloseIntent]:
    return [intent for intent in context.broker().sent if isinstance(intent, CloseIntent)]


def left(context: FakeContext) -> dict[int, Decimal]:
    return {position.ticket: position.volume for position in context.broker().open_positions}


def test_by_ticket_whoever_opened_it() -> None:
    context = make_context()
    output = run(context, by="ticket", ticket=14, ttl_s=30, deviation=7)
    assert (output.status, output.count, output.volume, output.price) == ("done", 1, 0.5, 1.1)
    (intent,) = sent(context)
    assert (intent.position, intent.symbol, intent.volume, intent.deviation) == (14, "EURUSD", None, 7)
    assert intent.deadline == NOW + timedelta(seconds=30)
    assert 14 not in left(context)


@pytest.mark.parametrize(
    ("config", "tickets"),
    [
        ({}, [11, 12]),
        ({"scope": "all"}, [11, 12, 13, 14]),
        ({"scope": "all", "side": "sell"}, [13]),
        ({"side": "sell"}, []),
        ({"side": "buy"}, [11, 12]),
    ],
)
def test_by_symbol_in_scope_and_side_earliest_first(config: dict[str, Any], tickets: list[int]) -> None:
    context = make_context()
    context.broker().open_positions.sort(key=lambda position: (position.opened_at, position.ticket), reverse=True)
    output = run(context, symbol="EURUSD", **config)
    assert [closed.ticket for closed in output.closed] == tickets
    assert [intent.position for intent in sent(context)] == tickets
    assert left(context).keys() == {11, 12, 13, 14} - set(tickets)


def test_price_is_weighted_and_profit_summed_exactly() -> None:
    answers: list[Any] = [
        {"status": "done", "volume": "0.10", "price": 1.10000, "profit": 0.1},
        {"status": "done", "volume": "0.30", "price": 1.10040, "profit": 0.2},
    ]
    output = run(make_context(FakeBroker(open_positions=positions(), answers=answers)), symbol="EURUSD")
    assert output.price == 1.1003
    assert output.profit == 0.3
    assert (output.volume, output.count, output.status) == (0.4, 2, "done")


def test_each_position_has_its_own_id_the_same_whenever_asked() -> None:
    first, second = make_context(), make_context()
    run(first, symbol="EURUSD")
    run(second, symbol="EURUSD")
    ids = [intent.client_order_id for intent in sent(first)]
    assert len(set(ids)) == 2
    assert ids == [intent.client_order_id for intent in sent(second)]
    other = make_context(iteration=(1,))
    run(other, symbol="EURUSD")
    assert not set(ids) & {intent.client_order_id for intent in sent(other)}


def test_a_part_of_each_position() -> None:
    context = make_context()
    output = run(context, symbol="EURUSD", volume=0.2)
    # 11 has only 0.10 lots, which the bridge closes; were it to grow meanwhile, no more than 0.2 of it.
    assert [intent.volume for intent in sent(context)] == [Decimal("0.2"), Decimal("0.2")]
    assert [(each.ticket, each.volume, each.remainder) for each in output.closed] == [(11, 0.1, 0), (12, 0.2, 0)]
    assert left(context)[12] == Decimal("0.10")
    assert output.volume == pytest.approx(0.3)


def test_a_part_of_one_run_again_closes_nothing_more() -> None:
    context = make_context()
    output = run(context, by="ticket", ticket=12, volume=0.1)
    again = run(context, by="ticket", ticket=12, volume=0.1)
    assert again == output
    assert left(context)[12] == Decimal("0.20")
    assert len(sent(context)) == 1


def test_a_ticket_run_again_after_it_closed_gives_its_outcome_even_without_symbol() -> None:
    context = make_context()
    output = run(context, by="ticket", ticket=12)
    assert run(context, by="ticket", ticket=12) == output
    assert output.profit == pytest.approx(-30.0)


def test_already_closed_is_success() -> None:
    answer = {"status": "done", "reason": "already_closed", "price": 1.098, "profit": -20.0, "message": "was closed"}
    context = make_context(FakeBroker(answers=[answer], closed_trades=[make_trade(5, position=99)]))
    output = run(context, by="ticket", ticket=99)
    assert (output.status, output.count, output.volume, output.price) == ("already_closed", 0, 0, 1.098)


def test_not_listed_is_not_closed() -> None:
    """A terminal that has just connected lists no positions yet: nobody may conclude that they are gone."""
    context = make_context(FakeBroker(open_positions=[], closed_trades=[make_trade(5, position=98)]))
    with pytest.raises(NotFound, match="no position 99 is open, and none was closed lately") as caught:
        run(context, by="ticket", ticket=99)
    assert caught.value.field == "config.ticket"
    assert sent(context) == []


def test_its_closing_is_found_among_more_trades_than_are_told_at_once() -> None:
    class Busy(FakeBroker):
        def trades(self, since: datetime, until: datetime, symbol: str | None = None) -> list[ClosedTrade]:
            if until - since > timedelta(days=1):
                raise InvalidInput("more than 5,000 trades")
            return super().trades(since, until, symbol)

    answer = {"status": "done", "reason": "already_closed", "message": "was closed"}
    context = make_context(Busy(answers=[answer], closed_trades=[make_trade(5, position=99)]))
    assert run(context, by="ticket", ticket=99).status == "already_closed"


def test_with_its_symbol_the_bridge_tells_how_it_closed() -> None:
    answer = {"status": "done", "reason": "already_closed", "price": 1.098, "profit": -20.0, "message": "was closed"}
    context = make_context(FakeBroker(answers=[answer]))
    output = run(context, by="ticket", ticket=99, symbol="EURUSD")
    assert (output.status, output.count, output.volume) == ("already_closed", 0, 0)
    assert (output.price, output.profit) == (1.098, -20.0)


def test_a_ticket_that_never_was_is_refused_by_the_bridge() -> None:
    answer = {"status": "rejected", "reason": "invalid", "message": "the account never had a position 99"}
    with pytest.raises(OrderRejected, match="never had a position 99"):
        run(make_context(FakeBroker(answers=[answer])), by="ticket", ticket=99, symbol="EURUSD")


def test_nothing_open_in_the_symbol_is_success_and_an_unknown_symbol_is_not() -> None:
    assert run(make_context(FakeBroker()), symbol="EURUSD").model_dump() == {
        "status": "already_closed",
        "closed": [],
        "count": 0,
        "volume": 0.0,
        "remainder": 0.0,
        "price": None,
        "profit": None,
    }
    with pytest.raises(NotFound):
        run(make_context(), symbol="EURUSDX")


def test_a_position_that_goes_while_we_close_is_success() -> None:
    gone = {"status": "rejected", "reason": "already_closed", "message": "Position closed (10036)"}
    answers: list[Any] = [gone, {"status": "done", "volume": "0.30", "price": 1.1, "profit": 1.0}]
    output = run(make_context(FakeBroker(open_positions=positions(), answers=answers)), symbol="EURUSD")
    assert [closed.status for closed in output.closed] == ["already_closed", "done"]
    assert (output.status, output.count) == ("done", 1)


def test_a_partial_fill_is_explicit() -> None:
    answers: list[Any] = [{"status": "partial", "volume": "0.10", "remainder": "0.20", "price": 1.1, "profit": 1.0}]
    output = run(make_context(FakeBroker(open_positions=positions(), answers=answers)), by="ticket", ticket=12)
    assert (output.status, output.volume, output.remainder) == ("partial", 0.1, 0.2)
    assert output.closed[0].status == "partial"


def test_the_symbol_beside_a_ticket_must_be_its_own() -> None:
    with pytest.raises(NodeConfigError, match="position 12 is in EURUSD, not in GBPUSD"):
        run(make_context(), by="ticket", ticket=12, symbol="GBPUSD")


REFUSED = {"status": "rejected", "reason": "market_closed", "message": "Market closed"}
UNKNOWN = {"status": "unknown", "message": "timed out"}


def unreachable(intent: OrderIntent) -> OrderOutcome:
    raise BrokerUnavailable("no connection")


def conflicting(intent: OrderIntent) -> OrderOutcome:
    raise Conflict("this id was used for a different order")


def failing(*answers: Any) -> FakeContext:
    return make_context(FakeBroker(open_positions=positions(), answers=list(answers)))


def test_if_one_cannot_be_closed_the_others_still_are() -> None:
    context = failing(REFUSED)
    with pytest.raises(MarketClosed) as raised:
        run(context, symbol="EURUSD")
    assert raised.value.message == (
        "1 of 2 positions were closed; position 11: close of position 11 in EURUSD was refused: Market closed"
    )
    assert left(context).keys() == {11, 13, 14}


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ((REFUSED, UNKNOWN), OrderUnknown),
        ((unreachable, UNKNOWN), OrderUnknown),
        ((REFUSED, unreachable), BrokerUnavailable),
        ((conflicting, REFUSED), Conflict),
    ],
)
def test_of_several_failures_the_gravest_is_raised(answers: Any, error: type[TradeloomError]) -> None:
    with pytest.raises(error, match=r"0 of 2 positions were closed; position 11: .*; position 12: ") as raised:
        run(failing(*answers), symbol="EURUSD")
    assert type(raised.value) is error
    assert error in Close.errors


def test_a_single_failure_speaks_for_itself() -> None:
    with pytest.raises(
        OrderUnknown, match=r"^close of position 12 in EURUSD \(order id [0-9a-f]{32}\) was sent and its outcome is"
    ):
        run(failing(UNKNOWN), by="ticket", ticket=12)


def test_stopped_in_the_middle_it_stops() -> None:
    context = make_context()
    allowed = 1

    def stop_after_one() -> None:
        nonlocal allowed
        if not allowed:
            raise ExecutionStopped("the execution was stopped")
        allowed -= 1

    context.before_acting = stop_after_one  # type: ignore[method-assign]
    with pytest.raises(ExecutionStopped):
        run(context, symbol="EURUSD")
    assert left(context).keys() == {12, 13, 14}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"by": "ticket"}, "closing by ticket needs the ticket"),
        ({}, "closing by symbol needs the symbol"),
        ({"symbol": "EURUSD", "ticket": 5}, "ticket 5 is given, but positions are to be closed by symbol"),
        ({"by": "ticket", "ticket": 0}, "greater than 0"),
        ({"by": "ticket", "ticket": 2**63}, "less than"),
        ({"symbol": "EURUSD", "volume": 0}, "greater than 0"),
        ({"symbol": "EURUSD", "scope": "mine"}, "'own' or 'all'"),
    ],
)
def test_config_speaks_in_sentences(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CloseConfig.model_validate(config)


def test_a_ticket_may_come_as_a_json_number() -> None:
    assert CloseConfig.model_validate({"by": "ticket", "ticket": 5001.0}).ticket == 5001


class TestShare:
    def test_half_of_each_position(self) -> None:
        context = make_context()
        output = run(context, symbol="EURUSD", volume_percent=50)
        assert [(intent.percent, intent.volume) for intent in sent(context)] == [(Decimal(50), None)] * 2
        assert (output.volume, left(context)[11], left(context)[12]) == (0.2, Decimal("0.05"), Decimal("0.15"))

    def test_all_of_it_is_a_whole_close(self) -> None:
        context = make_context()
        run(context, by="ticket", ticket=12, volume_percent=100)
        assert (sent(context)[0].volume, sent(context)[0].percent) == (None, None)
        assert 12 not in left(context)

    def test_run_again_it_is_the_half_of_what_was_open_at_first(self) -> None:
        context = make_context()
        first = run(context, by="ticket", ticket=12, volume_percent=50)
        assert run(context, by="ticket", ticket=12, volume_percent=50) == first
        assert left(context)[12] == Decimal("0.15")

    def test_of_a_position_that_is_gone_is_success(self) -> None:
        output = run(make_context(), by="ticket", ticket=99, symbol="EURUSD", volume_percent=50)
        assert output.status == "already_closed"

    @pytest.mark.parametrize(
        "config", [{"volume": 0.1, "volume_percent": 50}, {"volume_percent": 0}, {"volume_percent": 101}]
    )
    def test_is_one_way_of_saying_how_much(self, config: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            run(make_context(), symbol="EURUSD", **config)


def test_a_node_that_comes_back_tells_all_it_closed() -> None:
    """The second close is not known at first; by the time the node runs again both positions are gone."""
    context = failing()
    broker = context.broker()

    def lost(intent: OrderIntent) -> OrderOutcome:
        broker._fill(intent)
        return OrderOutcome(client_order_id=intent.client_order_id, status=OutcomeStatus.UNKNOWN)

    broker.answers = [broker._fill, lost]
    with pytest.raises(OrderUnknown):
        run(context, symbol="EURUSD")
    assert left(context).keys() == {13, 14}
    with pytest.raises(OrderUnknown):
        run(context, symbol="EURUSD")  # not "nothing to close"
    unknown = broker.sent[1].client_order_id
    known = {"status": OutcomeStatus.DONE, "volume": Decimal("0.30"), "price": 1.1}
    broker.outcomes[unknown] = broker.outcomes[unknown].model_copy(update=known)
    output = run(context, symbol="EURUSD")
    assert ([closed.ticket for closed in output.closed], output.count) == ([11, 12], 2)
    assert len(broker.sent) == 2


def test_what_others_closed_is_not_the_nodes_doing() -> None:
    context = make_context()
    context.broker().closed_trades.append(make_trade(5, position=99, closed_at=context.as_of))
    output = run(context, symbol="EURUSD")
    assert 99 not in [closed.ticket for closed in output.closed]
