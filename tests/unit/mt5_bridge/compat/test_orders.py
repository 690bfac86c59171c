"""Trade requests of scripts: as intents through the one door, and what the script is told of them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5_bridge.compat.objects import Struct
from mt5_bridge.compat.orders import MAX_WORDS, Scene, intent_of
from mt5_bridge.journal import OrderState
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.server_time import ServerZone
from tests.support import exam
from tests.unit.mt5_bridge.compat.conftest import COMMENT, MAGIC, START, Script, Stage
from tradeloom.trading.intents import CloseIntent, magic_number
from tradeloom.trading.risk import AccountState

type MakeStage = Callable[..., Stage]


def at_broker(stage: Stage) -> list[int]:
    return [deal.order for deal in stage.deals]


def test_an_order_is_journalled_sent_and_told_as_the_package_tells_it(stage: Stage, script: Script) -> None:
    result = script.order(sl=1.09, tp=1.2)
    assert (result["retcode"], result["volume"], result["price"]) == (10009, 0.1, 1.1001)
    assert (result["bid"], result["ask"]) == (1.1, 1.1001)
    assert result["comment"] == "Request executed"
    assert result["request"].as_dict() | {"magic": MAGIC, "comment": COMMENT, "sl": 1.09} == result["request"].as_dict()
    assert script.error == (1, "Success")
    (deal,) = stage.deals
    assert (deal.order, deal.ticket) == (result["order"], result["deal"])
    (order_id,) = stage.line.sent
    entry = stage.journal.entry(order_id)
    assert entry is not None
    assert (entry.state, entry.intent.workflow_id) == (OrderState.DONE, "mt5linux")
    assert (entry.intent.node_id, entry.intent.execution_id) == (f"magic {MAGIC}", script.session.name)
    assert deal.magic == magic_number(order_id)


def test_a_script_finds_its_orders_by_its_own_magic_and_comment(stage: Stage, script: Script) -> None:
    result = script.order()
    pending = script.order(action=5, type=2, price=1.05, magic=2**63, comment="")
    (position,) = script.call("positions_get")
    (order,) = script.call("orders_get", ticket=pending["order"])
    deposit, deal = script.call("history_deals_get", 0, 2**40)
    assert [(each["magic"], each["comment"]) for each in (position, deal)] == [(MAGIC, COMMENT)] * 2
    assert (order["magic"], order["comment"]) == (2**63, "")
    assert (deposit["magic"], deposit["comment"]) == (0, "Deposit")
    (ours,) = stage.module.positions_get()
    assert (ours.ticket, ours.magic) == (result["order"], magic_number(stage.line.sent[0]))


def test_orders_of_workflows_keep_their_numbers(stage: Stage, script: Script) -> None:
    stage.module.order_send({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "magic": 42})
    (position,) = script.call("positions_get", symbol="EURUSD")
    assert position["magic"] == 42


class TestTheSameRequestTwice:
    def test_is_two_orders(self, stage: Stage, script: Script) -> None:
        assert script.order()["order"] != script.order()["order"]
        assert len(at_broker(stage)) == 2

    def test_is_one_when_the_first_answer_never_arrived(self, stage: Stage) -> None:
        lost = Script(stage.script().session, hears=False).order()
        script = stage.script()  # it connects anew
        again = script.order(price=1.1002, sl=1.09)  # with the quote and stops of now
        assert again["order"] == lost["order"]
        assert len(at_broker(stage)) == 1
        assert script.order()["order"] != lost["order"]
        assert len(at_broker(stage)) == 2

    def test_is_two_when_it_comes_long_after(self, stage: Stage) -> None:
        Script(stage.script().session, hears=False).order()
        stage.wall += timedelta(minutes=6)
        stage.script().order()
        assert len(at_broker(stage)) == 2

    def test_is_one_while_the_outcome_is_unknown(self, stage: Stage, script: Script, monkeypatch: Any) -> None:
        monkeypatch.setattr("mt5_bridge.compat.desk._SETTLE_S", 0.0)
        stage.line.lose = ["unknown"]
        told = script.order()
        assert (told["retcode"], told["comment"], script.error) == (10012, "lost", (1, "Success"))
        again = script.order()
        assert (again["retcode"], [again["order"]]) == (10009, at_broker(stage))
        assert len(stage.line.sent) == 1
        script.order()
        assert len(at_broker(stage)) == 2

    def test_is_one_though_the_bridge_looked_long_for_it(self, stage: Stage, script: Script) -> None:
        stage.line.lose = ["unknown"]
        assert script.order()["retcode"] == 10009  # it was found while the script waited
        assert len(at_broker(stage)) == 1

    def test_uses_the_first_ones_name_when_nothing_was_sent(self, stage: Stage, script: Script) -> None:
        stage.line.lose = ["never arrives"]
        assert script.order() is None
        assert script.error == (-10004, "the account's worker stopped; nothing was sent")
        assert at_broker(stage) == []
        assert script.order()["retcode"] == 10009
        assert len(set(stage.line.sent)) == len(at_broker(stage)) == 1

    @pytest.mark.parametrize("change", [{"volume": 0.2}, {"type": 1}, {"magic": 8}, {"comment": "other"}])
    def test_is_not_the_same_when_it_asks_for_something_else(self, stage: Stage, change: dict[str, Any]) -> None:
        Script(stage.script().session, hears=False).order()
        stage.script().order(**change)
        assert len(at_broker(stage)) == 2

    def test_of_pending_orders_is_the_same_only_at_the_same_price(self, stage: Stage) -> None:
        grid = {"action": 5, "type": 2}
        lost = Script(stage.script().session, hears=False).order(**grid, price=1.05)
        script = stage.script()
        assert script.order(**grid, price=1.04)["order"] != lost["order"]
        assert script.order(**grid, price=1.05)["order"] == lost["order"]

    @pytest.mark.parametrize(("present", "orders"), [(True, 2), (False, 1)])
    def test_by_two_scripts_at_once(self, stage: Stage, present: bool, orders: int) -> None:
        """Two scripts that are there want an order each; one that left, and came back, wants one."""
        first, second = stage.script(present), stage.script()
        reached, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            assert go_on.wait(60)

        stage.line.hold = hold
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(first.order)
            assert reached.wait(60)
            other = pool.submit(second.order)
            try:
                assert len({other.result(60)["order"]} | set(at_broker(stage))) == orders
            finally:
                go_on.set()
            assert one.result(60)["retcode"] == 10009
        assert len(at_broker(stage)) == orders


class TestTheGate:
    def test_refuses_in_its_own_words(self, stage: Stage, script: Script) -> None:
        refused = script.order(volume=2.0)
        assert refused["retcode"] == 10006
        assert refused["comment"].startswith("2.0 lots exceed")
        assert len(refused["comment"]) <= MAX_WORDS
        assert at_broker(stage) == []

    def test_holds_a_halted_account_and_lets_it_close(self, stage: Stage, script: Script) -> None:
        opened = script.order()
        stage.journal.set_state(AccountState.HALTED, reason="stop", by="Ada", clear=False)
        assert script.order()["retcode"] == 10006
        assert script.order(action=5, type=2, price=1.05)["retcode"] == 10006
        assert script.order(type=1, position=opened["order"])["retcode"] == 10009
        assert script.call("positions_total") == 0

    def test_refuses_what_is_not_on_the_accounts_list(self, stage: Stage, script: Script) -> None:
        assert script.order(symbol="XAUUSD") is None
        assert "no symbol XAUUSD" in script.error[1]


class TestEachAction:
    def test_a_close_is_whole_or_in_part(self, stage: Stage, script: Script) -> None:
        ticket = script.order(volume=0.3)["order"]
        assert script.order(type=1, position=ticket, volume=0.1)["volume"] == 0.1
        assert script.order(type=1, position=ticket, volume=0.2)["volume"] == 0.2
        gone = script.order(type=1, position=ticket, volume=0.2, comment="again")
        assert gone["retcode"] == 10036

    def test_stops_are_set_moved_and_taken_away(self, script: Script) -> None:
        ticket = script.order(sl=1.09)["order"]
        assert script.order(action=6, position=ticket, sl=1.08, tp=1.2)["retcode"] == 10009
        assert script.call("positions_get", ticket=ticket)[0]["sl"] == 1.08
        assert script.order(action=6, position=ticket, sl=1.08, tp=1.2, comment="x")["retcode"] == 10025
        assert script.order(action=6, position=ticket, tp=1.3)["retcode"] == 10009
        (position,) = script.call("positions_get", ticket=ticket)
        assert (position["sl"], position["tp"]) == (0.0, 1.3)
        assert script.order(action=6, position=12345, sl=1.0)["retcode"] == 10013
        assert script.order(action=6, sl=1.0)["retcode"] == 10013

    def test_pending_orders_are_placed_changed_and_removed(self, script: Script) -> None:
        until = int((START + timedelta(hours=9)).timestamp())
        placed = script.order(action=5, type=2, price=1.05, sl=1.04, type_time=2, expiration=until)
        assert (placed["retcode"], placed["deal"], placed["volume"]) == (10009, 0, 0.0)
        (order,) = script.call("orders_get", symbol="EURUSD")
        assert (order["ticket"], order["price_open"], order["time_expiration"]) == (placed["order"], 1.05, until)
        assert script.order(action=7, order=placed["order"], price=1.06, sl=1.05)["retcode"] == 10009
        (order,) = script.call("orders_get", ticket=placed["order"])
        assert (order["price_open"], order["sl"], order["time_expiration"]) == (1.06, 1.05, 0)
        assert script.order(action=8, order=placed["order"])["retcode"] == 10009
        assert script.call("orders_total") == 0
        assert script.order(action=8, order=placed["order"], comment="again")["retcode"] == 10013
        (order,) = script.call("history_orders_get", ticket=placed["order"])
        assert (order["magic"], order["comment"]) == (MAGIC, COMMENT)

    def test_a_stop_limit_has_both_prices(self, script: Script) -> None:
        placed = script.order(action=5, type=6, price=1.12, stoplimit=1.115)
        (order,) = script.call("orders_get", ticket=placed["order"])
        assert (order["price_open"], order["price_stoplimit"]) == (1.12, 1.115)
        assert script.order(action=5, type=6, price=1.12, comment="no limit")["retcode"] == 10013

    @pytest.mark.parametrize(
        ("changes", "retcode"),
        [
            ({"action": 0}, 10013),
            ({"action": 10, "position": 1, "position_by": 2}, 10013),
            ({"action": 99}, 10013),
            ({"type": 2}, 10013),
            ({"action": 5, "type": 0}, 10013),
            ({"action": 5, "type": 8}, 10013),
            ({"action": 5, "type": 2, "price": 0.0}, 10013),
            ({"action": 5, "type": 2, "price": 1.2}, 10013),
            ({"action": 5, "type": 2, "price": 1.05, "type_time": 3}, 10022),
            ({"action": 5, "type": 2, "price": 1.05, "type_time": 2}, 10022),
            ({"action": 5, "type": 2, "price": 1.05, "type_time": 2, "expiration": 2**62}, 10022),
            ({"volume": 0.0}, 10014),
            ({"volume": -0.1}, 10014),
            ({"volume": 0.105}, 10014),
            ({"volume": 1e300}, 10014),
            ({"sl": 1.2}, 10013),
            ({"sl": -1.0}, 10013),
            ({"action": 7, "order": 1, "price": 1.05}, 10013),
            ({"action": 7, "price": 1.05}, 10013),
            ({"action": 8}, 10013),
            ({"position": 12345, "type": 1}, 10013),
            ({"position": 2**63}, 10013),
        ],
    )
    def test_what_cannot_be_is_turned_down_and_not_sent(
        self, stage: Stage, script: Script, changes: dict[str, Any], retcode: int
    ) -> None:
        result = script.order(**changes)
        assert result["retcode"] == retcode
        assert 0 < len(result["comment"]) <= MAX_WORDS
        assert at_broker(stage) == []

    def test_a_close_in_the_direction_of_its_position_is_turned_down(self, stage: Stage, script: Script) -> None:
        ticket = script.order()["order"]
        assert script.order(position=ticket)["retcode"] == 10013
        assert len(at_broker(stage)) == 1

    @pytest.mark.parametrize(
        "changes",
        [{"volume": 1}, {"type": 0.0}, {"magic": -1}, {"comment": "x" * 32}, {"symbol": None}, {"deviation": 1.0}],
    )
    def test_wrong_types_fail_as_in_the_package(self, stage: Stage, script: Script, changes: dict[str, Any]) -> None:
        assert script.order(**changes) is None
        assert script.error[0] == -2
        assert next(iter(changes)) in script.error[1]
        assert at_broker(stage) == []

    def test_a_request_is_one_dict(self, script: Script) -> None:
        several: list[tuple[Any, ...]] = [(), (1,), ("x",), ({}, {})]
        for arguments in several:
            assert script.call("order_send", *arguments) is None
            assert script.error[0] == -2


numbers = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([0, 1, 2, 5, 6, 7, 8, 10])
prices = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 0.1, 1.05, 1.1, 1.1001, 1.2])
fields = {
    **dict.fromkeys(("action", "type", "type_time", "type_filling"), st.sampled_from(range(-1, 12)) | numbers),
    **dict.fromkeys(("magic", "order", "position", "position_by", "deviation", "expiration"), numbers),
    **dict.fromkeys(("volume", "price", "stoplimit", "sl", "tp"), prices),
    **dict.fromkeys(("symbol", "comment"), st.sampled_from(["EURUSD", ""]) | st.text(max_size=35)),
}


SOUND = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "deviation": 20}
changes = st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: fields[name] for name in names})
)


@given(request_=changes.map(lambda changed: SOUND | changed))
@pytest.mark.exam
@settings(
    max_examples=exam.sized(60, 3_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_a_request_holds_it_is_answered_and_acts_once_at_most(stage: Stage, request_: dict[str, Any]) -> None:
    script = stage.script()
    before = len(stage.deals)
    result = script.call("order_send", request_)
    if isinstance(result, Struct):
        assert 10004 <= result["retcode"] <= 10046
        assert len(result["comment"]) <= MAX_WORDS
        result.received()
    else:
        assert result is None
        assert script.error[0] < 0
    assert len(stage.deals) - before in (0, 1)


def test_a_close_takes_no_more_than_was_asked_for_though_the_position_grows_meanwhile() -> None:
    """On a netting account another order may add to it between the script's look and the close."""
    whole = Scene(symbol=None, tick=None, position=Struct("TradePosition", ("type", "volume"), (0, 0.5)))
    request = trade_request(({"action": 1, "symbol": "EURUSD", "type": 1, "position": 7, "volume": 0.5},), {})
    origin = {"client_order_id": "a" * 32, "account": "acc", "execution_id": "e", "workflow_id": "w", "node_id": "n"}
    intent = intent_of(request, whole, ServerZone("UTC"), created_at=START, deadline=START, **origin)
    assert isinstance(intent, CloseIntent)
    assert intent.volume == Decimal("0.5")
