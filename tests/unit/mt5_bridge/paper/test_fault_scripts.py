"""What scripted faults do to an order, its answer and the records, and that a seed makes the same ones again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mt5_bridge.paper import constants as mt5
from mt5_bridge.paper.errors import TerminalStateError
from mt5_bridge.paper.faults import Fault

MakePaper = Callable[..., Any]
BUY, SELL = mt5.ORDER_TYPE_BUY, mt5.ORDER_TYPE_SELL
FLAT = (1.1, 1.1, 1.1, 1.1)
REQUEST = {
    "action": mt5.TRADE_ACTION_DEAL,
    "symbol": "EURUSD",
    "volume": 0.1,
    "type": BUY,
    "price": 1.1001,
    "magic": 77,
    "comment": "tl a1b2",
}
LIMIT = REQUEST | {"action": mt5.TRADE_ACTION_PENDING, "type": mt5.ORDER_TYPE_BUY_LIMIT, "price": 1.05}
LIMIT |= {"type_filling": mt5.ORDER_FILLING_RETURN}


class Wall:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def paper(make_paper: MakePaper, wall: Wall) -> Any:
    made = make_paper([FLAT, (1.2,) * 4, FLAT])
    made.close()
    return made.open(wall=wall)


def faulty(paper: Any, request: dict[str, Any] = REQUEST, **fault: Any) -> Any:
    paper.terminal.arm_fault(Fault(**fault))
    return paper.trade.order_send(request)


class TestLateFills:
    @pytest.mark.parametrize("kind", ["reply_lost", "timeout"])
    def test_come_after_the_answer(self, paper: Any, wall: Wall, kind: str) -> None:
        result = faulty(paper, kind=kind, executed=True, delay_s=0.5)
        assert (result is None) == (kind == "reply_lost")
        wall.now += 0.49
        assert paper.positions == paper.orders == paper.deals == ()
        wall.now += 0.01
        (position,) = paper.positions
        (deal,) = paper.deals
        assert (position.magic, deal.magic, deal.order) == (77, 77, position.ticket)
        wall.now += 100
        assert len(paper.deals) == 1

    def test_are_at_the_market_of_then_or_not_at_all(self, paper: Any, wall: Wall) -> None:
        faulty(paper, REQUEST | {"deviation": 50_000}, kind="reply_lost", delay_s=1)
        faulty(paper, kind="reply_lost", delay_s=1)  # with no deviation, the price will have run away
        paper.to(1)
        wall.now += 1
        assert [deal.price for deal in paper.deals] == [1.2001]

    def test_happen_though_the_terminal_is_killed(self, paper: Any) -> None:
        faulty(paper, kind="reply_lost", delay_s=60)
        faulty(paper, LIMIT, kind="placed", delay_s=60)
        paper.crash()
        paper.open()
        assert [deal.magic for deal in paper.deals] == [77]
        assert [order.state for order in paper.orders] == [mt5.ORDER_STATE_PLACED]
        paper.reopen()
        assert len(paper.deals) == len(paper.orders) == 1

    def test_of_what_the_disk_refused_come_later(self, paper: Any, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
        faulty(paper, kind="reply_lost", delay_s=1)
        wall.now += 1

        def full(*_: object) -> None:
            raise TerminalStateError("paper.db: database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(paper.terminal.store, "put_balance", full)
            assert paper.trade.positions_get() is None
        assert len(paper.positions) == len(paper.deals) == 1

    def test_land_in_the_account_they_were_sent_from(self, make_paper: MakePaper, tmp_path: Path) -> None:
        paper = make_paper([FLAT])
        file = paper.directory / "paper.json"
        config = json.loads(file.read_text())
        file.write_text(json.dumps(config | {"accounts": [*config["accounts"], {"login": 2}]}))
        paper.reopen()
        faulty(paper, kind="reply_lost", delay_s=0.0001)
        paper.connection.login(2)
        paper.terminal.mishaps.in_flight[:] = [f for f in paper.terminal.mishaps.in_flight if f.login == 1]
        paper.reopen()
        assert len(paper.deals) == 1
        paper.connection.login(2)
        assert paper.deals == ()


class TestAccepted:
    def test_then_filled(self, paper: Any, wall: Wall) -> None:
        result = faulty(paper, kind="placed", delay_s=2)
        assert (result.retcode, result.deal, result.comment) == (mt5.TRADE_RETCODE_PLACED, 0, "Order placed")
        (order,) = paper.orders
        assert (order.ticket, order.state, order.magic) == (result.order, mt5.ORDER_STATE_STARTED, 77)
        assert paper.send(action=mt5.TRADE_ACTION_REMOVE, order=order.ticket).retcode == mt5.TRADE_RETCODE_LOCKED
        wall.now += 2
        (position,) = paper.positions
        assert (position.ticket, paper.orders) == (result.order, ())
        (done,) = paper.trade.history_orders_get(ticket=result.order)
        assert done.state == mt5.ORDER_STATE_FILLED

    def test_then_rejected(self, paper: Any, wall: Wall) -> None:
        result = faulty(paper, kind="placed", executed=False, delay_s=2)
        assert len(paper.orders) == 1
        wall.now += 2
        assert paper.orders == paper.positions == paper.deals == ()
        (done,) = paper.trade.history_orders_get(ticket=result.order)
        assert (done.state, done.magic) == (mt5.ORDER_STATE_REJECTED, 77)

    def test_without_a_delay_it_is_over_at_the_next_look(self, paper: Any) -> None:
        assert faulty(paper, kind="placed").retcode == mt5.TRADE_RETCODE_PLACED
        assert (len(paper.positions), paper.orders) == (1, ())

    def test_waits_untouched_by_the_market(self, paper: Any, wall: Wall) -> None:
        """A market order that is only accepted does not fill by itself, a pending one is not reached."""
        faulty(paper, kind="placed", delay_s=5)
        faulty(paper, LIMIT | {"type": mt5.ORDER_TYPE_BUY_STOP, "price": 1.15}, kind="placed", delay_s=5)
        paper.to(1)
        assert [order.state for order in paper.orders] == [mt5.ORDER_STATE_STARTED] * 2
        wall.now += 5
        assert paper.orders == paper.deals == ()  # by now both are refused: requote, and a stop below the market
        assert [o.state for o in paper.trade.history_orders_get(0, 2**40)] == [mt5.ORDER_STATE_REJECTED] * 2

    def test_a_refusal_stays_one_and_a_change_is_made_at_once(self, paper: Any) -> None:
        assert faulty(paper, REQUEST | {"volume": 1e6}, kind="placed").retcode == mt5.TRADE_RETCODE_INVALID_VOLUME
        ticket = paper.deal(BUY).order
        change = {"action": mt5.TRADE_ACTION_SLTP, "position": ticket, "sl": 1.09}
        assert faulty(paper, change, kind="placed", executed=False).retcode == mt5.TRADE_RETCODE_PLACED
        assert paper.positions[0].sl == 0
        assert faulty(paper, change, kind="placed").retcode == mt5.TRADE_RETCODE_PLACED
        assert paper.positions[0].sl == 1.09


class TestRecords:
    def test_history_may_lag_behind_a_fill(self, paper: Any, wall: Wall) -> None:
        before = paper.deal(BUY)
        result = faulty(paper, kind="answered", history_lag_s=3)
        assert result.retcode == mt5.TRADE_RETCODE_DONE
        calls = (paper.trade.history_deals_get, paper.trade.history_orders_get)
        for _ in range(2):
            for call in calls:
                assert call(ticket=result.order) == call(position=result.order) == ()
                assert len(call(ticket=before.order)) == 1
            assert paper.trade.history_deals_total(0, 2**40) == 2  # with the deposit
            assert len(paper.positions) == 2  # what is open is known
            wall.now += 1.4
        wall.now += 0.3
        for call in calls:
            assert len(call(ticket=result.order)) == 1

    def test_a_lost_reply_and_a_lagging_history_go_together(self, paper: Any, wall: Wall) -> None:
        assert faulty(paper, kind="reply_lost", delay_s=1, history_lag_s=2) is None
        wall.now += 1.5
        assert (len(paper.positions), paper.deals) == (1, ())
        wall.now += 1.5
        assert len(paper.deals) == 1

    @pytest.mark.parametrize("comment", ["", "tl", "#4711 by broker"])
    def test_brokers_rewrite_comments(self, paper: Any, comment: str) -> None:
        result = faulty(paper, kind="answered", comment=comment)
        assert result.retcode == mt5.TRADE_RETCODE_DONE
        assert result.request.comment == "tl a1b2"
        (order,) = paper.trade.history_orders_get(ticket=result.order)
        assert [paper.positions[0].comment, paper.deals[0].comment, order.comment] == [comment] * 3
        assert (order.magic, paper.deals[0].magic) == (77, 77)

    def test_a_lost_reply_may_leave_a_rewritten_comment(self, paper: Any) -> None:
        assert faulty(paper, kind="reply_lost", comment="x") is None
        assert paper.positions[0].comment == "x"


class TestAnswers:
    def test_the_answer_before_comes_again(self, paper: Any) -> None:
        first = paper.deal(BUY, magic=1)
        second = faulty(paper, kind="duplicate_reply")
        assert second == first
        assert [deal.magic for deal in paper.deals] == [1, 77]
        assert paper.deal(BUY).request_id == 3

    def test_the_first_answer_has_none_before_it(self, paper: Any) -> None:
        assert faulty(paper, kind="duplicate_reply").request.magic == 77

    @pytest.mark.parametrize("code", [10007, 10018, 10020, 10021, 10024, 10025, 10028, 10030, 10099])
    def test_any_refusal_can_be_scripted(self, paper: Any, code: int) -> None:
        result = faulty(paper, kind="reject", retcode=code)
        assert (result.retcode, paper.deals) == (code, ())
        assert result.comment


class TestWrongLogin:
    def test_shows_as_another_account_until_it_is_reconnected(self, paper: Any) -> None:
        assert faulty(paper, kind="wrong_login").retcode == mt5.TRADE_RETCODE_DONE
        assert paper.account.login == 2
        paper.terminal.server.reconnect()
        assert paper.account.login == 1
        assert len(paper.positions) == 1

    def test_leads_to_the_other_account_where_there_is_one(self, paper: Any) -> None:
        file = paper.directory / "paper.json"
        config = json.loads(file.read_text())
        file.write_text(json.dumps(config | {"accounts": [*config["accounts"], {"login": 9}]}))
        paper.reopen()
        faulty(paper, kind="wrong_login")
        assert (paper.account.login, paper.positions) == (9, ())
        paper.deal(BUY, 0.5)
        paper.terminal.server.reconnect()
        assert (paper.account.login, [position.volume for position in paper.positions]) == (1, [0.1])
        paper.crash()
        assert paper.open().account.login == 1


class TestRandomFaults:
    FAULTS = (
        {"kind": "reply_lost"},
        {"kind": "timeout"},
        {"kind": "duplicate_reply"},
        {"kind": "requote"},
        {"kind": "answered", "comment": ""},
    )
    LATE = ({"kind": "placed", "executed": False}, {"kind": "placed"})
    """These come to pass at the first look once their time by the wall clock has come, so there the looks do matter."""

    def trace(self, make_paper: MakePaper, seed: int, *, looks: int = 0, rate: float = 0.5, late: bool = False) -> Any:
        paper = make_paper(
            [FLAT] * 5,
            seed=seed,
            slippage_points=5,
            symbol={"requote_probability": 0.2, "liquidity_lots": "0.05"},
            random_faults={"rate": rate, "faults": self.FAULTS + (self.LATE if late else ())},
        )
        answers = []
        for number in range(60):
            result = paper.trade.order_send(REQUEST | {"type_filling": mt5.ORDER_FILLING_IOC, "deviation": 9})
            answers.append((result, paper.session.error))
            for _ in range(looks):
                assert paper.account is not None
                paper.trade.order_check(REQUEST)
            paper.to(number / 20)
        return answers, paper.deals, paper.positions, paper.trade.history_orders_get(0, 2**40), paper.account

    def test_the_same_seed_gives_the_same_trace_however_often_anybody_looks(self, make_paper: MakePaper) -> None:
        first = self.trace(make_paper, 3)
        assert self.trace(make_paper, 3) == self.trace(make_paper, 3, looks=2) == first
        assert self.trace(make_paper, 4)[0] != first[0]
        kinds = {error if result is None else result.retcode for result, error in first[0]}
        assert {10004, 10010, 10012, (-10005, "IPC timeout")} <= kinds

    def test_late_ones_come_again_with_the_seed_too(self, make_paper: MakePaper) -> None:
        first, second = (self.trace(make_paper, 3, late=True) for _ in range(2))
        assert first == second
        assert mt5.ORDER_STATE_REJECTED in {order.state for order in first[3]}

    def test_the_rate_is_the_rate(self, make_paper: MakePaper) -> None:
        none, all_ = self.trace(make_paper, 1, rate=0.0), self.trace(make_paper, 1, rate=1.0)
        assert {result.retcode for result, _ in none[0]} == {10004, 10010}
        assert sum(result is None for result, _ in none[0]) == 0
        assert sum(result is None for result, _ in all_[0]) > 3

    def test_the_script_goes_first(self, make_paper: MakePaper) -> None:
        paper = make_paper([FLAT], random_faults={"rate": 1.0, "faults": [{"kind": "reject"}]})
        assert faulty(paper, kind="requote").retcode == mt5.TRADE_RETCODE_REQUOTE
        assert paper.deal(BUY).retcode == mt5.TRADE_RETCODE_REJECT


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answered", "executed": False},
        {"kind": "wrong_login", "executed": False},
        {"kind": "requote", "delay_s": 1},
        {"kind": "hang", "delay_s": 1},
        {"kind": "timeout", "delay_s": 1},
        {"kind": "timeout", "comment": "x"},
        {"kind": "reject", "history_lag_s": 1},
        {"kind": "reject", "retcode": 10009},
        {"kind": "reject", "retcode": -1},
        {"kind": "timeout", "retcode": 10013},
        {"kind": "answered", "comment": "x" * 30},
        {"kind": "reply_lost", "delay_s": float("nan")},
    ],
)
def test_faults_that_make_no_sense_are_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fault)
