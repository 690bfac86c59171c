"""The whole road: client, mutual TLS, front, worker, gate, journal, paper terminal."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.integration.bridge.rig import LOGIN, MONDAY, NIGHT, Rig
from tradeloom.errors import Conflict, InvalidInput, NotEnoughBars, NotFound
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.intents import OutcomeStatus, Side
from tradeloom.trading.risk import AccountState
from tradeloom.trading.timeframes import Timeframe

START = MONDAY + timedelta(hours=100)


def test_the_market_as_the_terminal_shows_it(rig: Rig) -> None:
    broker = rig.broker
    clock = broker.market_clock()
    assert (clock.speed, clock.paper) == (0.0, True)
    assert broker.market_time() >= START
    account, symbol, tick = broker.account(), broker.symbol("EURUSD"), broker.tick("EURUSD")
    assert (account.name, account.login, account.trade_mode, account.margin_mode) == (
        "paper",
        LOGIN,
        "paper",
        "hedging",
    )
    assert rig.client.account("netting").account().margin_mode == "netting"
    assert (symbol.point, symbol.pip, symbol.volume_step) == (Decimal("0.00001"), Decimal("0.0001"), Decimal("0.01"))
    assert tick.ask - tick.bid == pytest.approx(float(symbol.pip))
    assert broker.profit("EURUSD", Side.BUY, Decimal("0.1"), 1.1, 1.101) == pytest.approx(10)
    assert broker.profit("EURUSD", Side.SELL, Decimal("0.1"), 1.1, 1.101) == pytest.approx(-10)
    assert broker.margin("EURUSD", Side.BUY, Decimal("0.1"), 1.1) == pytest.approx(110)


class TestBars:
    def reference(self, **changes: object) -> BarsReference:
        values = {"account": "paper", "symbol": "EURUSD", "timeframe": Timeframe.H1, "to": START, "count": 20}
        return BarsReference.model_validate(values | changes)

    def test_closed_bars_with_their_warm_up(self, rig: Rig) -> None:
        bars = rig.broker.bars(self.reference(warmup=30))
        assert len(bars) == 50
        assert bars.bar(-1).time == START - timedelta(hours=1)
        assert bars.bar(-1).close == pytest.approx(1.1 + 99 * 0.0001 + 0.0001)
        assert np.all(np.diff(bars.time) == 3600)
        assert bars.spread.dtype == np.int32
        assert bars.volume.tolist()[-1] == 199

    def test_the_same_reference_shows_the_same_bars_later(self, rig: Rig) -> None:
        before = rig.broker.bars(self.reference())
        rig.broker.advance(rig.broker.market_time() + timedelta(hours=2))
        after = rig.broker.bars(self.reference())
        assert before.close.tolist() == after.close.tolist()
        assert before.time.tolist() == after.time.tolist()

    def test_no_bar_is_seen_before_it_is_closed(self, rig: Rig) -> None:
        now = rig.broker.market_time()
        for minutes in (0, 1, 59):
            last = rig.broker.bars(self.reference(to=now + timedelta(minutes=minutes))).bar(-1)
            assert last.time + timedelta(hours=1) <= now

    def test_errors_are_typed(self, rig: Rig) -> None:
        with pytest.raises(NotEnoughBars):
            rig.broker.bars(self.reference(count=500))
        with pytest.raises(NotEnoughBars, match="no M30 bars of EURUSD"):
            rig.broker.bars(self.reference(timeframe=Timeframe.M30))
        with pytest.raises(NotFound):
            rig.broker.bars(self.reference(symbol="XAUUSD"))
        with pytest.raises(InvalidInput):
            rig.broker.bars(self.reference(account="netting"))
        with pytest.raises(NotFound):
            rig.client.account("nobody").account()
        assert len(rig.broker.bars(self.reference(count=5, warmup=4000))) > 90


def test_an_order_is_opened_found_again_and_closed(rig: Rig) -> None:
    broker = rig.broker
    tick = broker.tick("EURUSD")
    intent = rig.buy("road", volume=Decimal("0.129"), stop_loss=Decimal("1.05"), take_profit=Decimal("1.30"))
    opened = broker.send(intent)
    assert (opened.status, opened.volume, opened.price) == (OutcomeStatus.DONE, Decimal("0.12"), tick.ask)
    assert broker.send(intent) == opened
    assert broker.outcome(intent.client_order_id) == opened
    (position,) = broker.positions("EURUSD")
    assert (position.ticket, position.magic, position.workflow_id) == (opened.position, intent.magic, "workflow")
    assert (position.stop_loss, position.take_profit, position.comment) == (1.05, 1.30, intent.comment)
    broker.advance(broker.market_time() + timedelta(hours=3))
    assert opened.position is not None
    part = broker.send(rig.close(opened.position, "part", volume=Decimal("0.05")))
    assert (part.status, part.volume) == (OutcomeStatus.DONE, Decimal("0.05"))
    closed = broker.send(rig.close(opened.position, "rest"))
    assert (closed.volume, closed.position) == (Decimal("0.07"), opened.position)
    assert closed.profit == pytest.approx((broker.tick("EURUSD").bid - tick.ask) * 7000, abs=0.01)
    assert broker.positions() == []
    again = broker.send(rig.close(opened.position, "again"))
    assert (again.status, again.reason) == (OutcomeStatus.DONE, "already_closed")
    assert broker.outcome("0" * 32) is None


def test_on_a_netting_account_a_doubled_close_opens_nothing(rig: Rig) -> None:
    broker = rig.client.account("netting")
    first = broker.send(rig.buy("net 1", account="netting"))
    second = broker.send(rig.buy("net 2", account="netting", volume=Decimal("0.2")))
    assert first.position == second.position
    (position,) = broker.positions()
    assert position.volume == Decimal("0.3")
    assert first.position is not None
    closing = rig.close(first.position, "net close", account="netting")
    assert broker.send(closing).volume == Decimal("0.3")
    assert broker.send(closing).volume == Decimal("0.3")
    twice = broker.send(rig.close(first.position, "net close 2", account="netting"))
    assert (twice.reason, broker.positions()) == ("already_closed", [])


def test_an_order_that_turns_a_netting_position_round_names_it_by_its_new_ticket(rig: Rig) -> None:
    """By the old one, under which its deals go on, it would be told "already closed" and stay open."""
    broker = rig.client.account("netting")
    broker.send(rig.buy("turn 1", account="netting"))
    turned = broker.send(rig.buy("turn 2", account="netting", side=Side.SELL, volume=Decimal("0.3")))
    more = broker.send(rig.buy("turn 3", account="netting", side=Side.SELL, volume=Decimal("0.1")))
    (position,) = broker.positions()
    assert (turned.position, more.position) == (position.ticket, position.ticket)
    closed = broker.send(rig.close(position.ticket, "turn close", account="netting"))
    assert (closed.volume, closed.reason, broker.positions()) == (Decimal("0.3"), None, [])
    assert broker.send(rig.close(position.ticket, "turn twice", account="netting")).reason == "already_closed"


def test_the_gate_refuses_with_its_reason(rig: Rig) -> None:
    large = rig.broker.send(rig.buy("large", volume=Decimal(2)))
    assert (large.status, large.reason) == (OutcomeStatus.REJECTED, "risk")
    late = rig.broker.send(rig.buy("late", deadline=START - timedelta(seconds=1)))
    assert (late.status, late.reason) == (OutcomeStatus.REJECTED, "deadline")
    tight = rig.broker.send(rig.buy("tight", stop_loss=Decimal("2")))
    assert (tight.status, tight.reason) == (OutcomeStatus.REJECTED, "invalid")


def test_a_halted_account_still_lets_go_of_its_positions(rig: Rig) -> None:
    broker = rig.broker
    opened = broker.send(rig.buy("before the halt"))
    assert broker.set_state(AccountState.HALTED, reason="too much", by="watcher").state is AccountState.HALTED
    assert broker.send(rig.buy("while halted")).reason == "risk"
    assert opened.position is not None
    assert broker.send(rig.close(opened.position, "let go")).status is OutcomeStatus.DONE
    with pytest.raises(Conflict):
        broker.set_state(AccountState.ACTIVE, reason="it is fine", by="watcher")
    status = broker.set_state(AccountState.ACTIVE, reason="looked at it", by="Ada", clear=True)
    assert (status.state, status.by, status.limits.symbols) == (AccountState.ACTIVE, "Ada", ("EURUSD",))
    assert broker.state() == status


def test_a_closed_market_is_said_to_be_closed(rig: Rig) -> None:
    broker = rig.client.account("netting")
    broker.advance(MONDAY + timedelta(hours=NIGHT.start + 5))
    outcome = broker.send(rig.buy("at night", account="netting"))
    assert (outcome.status, outcome.reason, outcome.retcode) == (OutcomeStatus.REJECTED, "market_closed", 10018)


def test_an_id_belongs_to_one_node_of_one_execution(rig: Rig) -> None:
    first = rig.broker.send(rig.buy("one"))
    assert rig.broker.send(rig.buy("one", volume=Decimal("0.2"))) == first
    with pytest.raises(Conflict):
        rig.broker.send(rig.buy("one", node_id="another"))


def test_the_clock_answers_and_moves(rig: Rig) -> None:
    broker = rig.broker
    following = broker.next_event_time()
    assert following is not None
    assert following > broker.market_time()
    assert broker.advance(following).time == following
    with pytest.raises(InvalidInput):
        broker.advance(following - timedelta(hours=1))
    assert broker.set_speed(3600).speed == 3600
    before = broker.market_time()
    assert broker.market_time() > before
    assert broker.set_speed(0).speed == 0


def test_health_tells_what_runs(rig: Rig) -> None:
    health = rig.client.health()
    assert health["status"] == "ok"
    assert set(health["accounts"]) == {"paper", "netting"}
    account = health["accounts"]["paper"]
    assert (account["status"], account["state"], account["journal"], account["restarts"]) == (
        "ready",
        "active",
        "ok",
        0,
    )
    assert account["unsettled"] == 0
