"""The risk gate in a real bridge: losses across days and kills, limits and throttles set over the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5_bridge.journal import Journal
from tests.integration.bridge.rig import LIMITS, MONDAY, Rig
from tradeloom.errors import Conflict, NotFound
from tradeloom.trading.intents import OrderOutcome, OutcomeStatus, PendingType, Side
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits

START = MONDAY + timedelta(hours=100)
"""A Friday, four in the morning. Prices rise by a pip an hour: a lot sold loses ten dollars."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    limits = LIMITS | {"max_daily_loss_pct": 1.0, "max_drawdown_pct": 5.0}
    with Rig(tmp_path, account={"limits": limits}) as running:
        yield running


def sell(rig: Rig, node: str, **changes: Any) -> OrderOutcome:
    return rig.broker.send(rig.buy(node, side=Side.SELL, **changes))


def day(rig: Rig) -> dict[str, Any]:
    journal = Journal(rig.directory / "data" / "accounts" / "paper" / "journal.sqlite3")
    try:
        return dict(journal.fact("risk/day"))
    finally:
        journal.close()


def test_a_lost_day_ends_with_the_day_whatever_is_killed(rig: Rig) -> None:
    first = sell(rig, "a", volume=Decimal(1))
    assert first.status is OutcomeStatus.DONE
    rig.broker.advance(START + timedelta(hours=11))
    assert sell(rig, "b").rule == "max_daily_loss_pct"
    rig.bridge.kill()
    rig.restart()
    assert sell(rig, "c").rule == "max_daily_loss_pct"
    assert rig.broker.send(rig.limit("d")).rule == "max_daily_loss_pct"

    midnight = MONDAY + timedelta(days=5)
    rig.broker.advance(midnight)
    equity = rig.broker.account().equity
    assert sell(rig, "e", volume=Decimal("0.01")).status is OutcomeStatus.DONE
    assert Decimal(day(rig)["baseline"]) == Decimal(str(equity))


def test_a_day_nobody_saw_begin_begins_with_what_its_bars_say(rig: Rig) -> None:
    first = sell(rig, "a", volume=Decimal(1))
    midnight = MONDAY + timedelta(days=5)
    rig.broker.advance(midnight + timedelta(hours=6))
    assert sell(rig, "b", volume=Decimal("0.01")).status is OutcomeStatus.DONE
    record = day(rig)
    tick, opened = rig.broker.tick("EURUSD"), first.price
    assert opened is not None
    spread, bid = tick.ask - tick.bid, 1.1 + 120 * 0.0001
    expected = 10_000 + rig.broker.profit("EURUSD", Side.SELL, Decimal(1), opened, bid + spread)
    assert datetime.fromisoformat(record["began"]) == midnight
    assert float(record["baseline"]) == pytest.approx(expected, abs=0.01)


def test_a_drawdown_halts_and_exits_go_on(rig: Rig) -> None:
    first = sell(rig, "a", volume=Decimal(1))
    waiting = rig.broker.send(rig.limit("w"))
    rig.broker.advance(MONDAY + timedelta(hours=160))
    assert sell(rig, "b").rule == "max_drawdown_pct"
    status = rig.broker.state()
    assert (status.state, status.by) == (AccountState.HALTED, "risk gate")
    rig.restart()
    assert sell(rig, "e").rule == "account_state"
    assert rig.broker.send(rig.cancel(waiting.order or 0)).status is OutcomeStatus.DONE
    assert rig.broker.send(rig.close(first.position or 0)).status is OutcomeStatus.DONE
    rig.broker.set_state(AccountState.ACTIVE, reason="looked at it", by="Ada", clear=True)
    rig.broker.advance(MONDAY + timedelta(days=7))
    assert sell(rig, "d").status is OutcomeStatus.DONE


def test_limits_are_set_over_the_wire(rig: Rig) -> None:
    broker: MT5Broker = rig.broker
    now = broker.state().limits
    less = now.model_copy(update={"max_lot": Decimal("0.05"), "max_price_distance_pct": 2.0})
    assert broker.set_limits(less, reason="careful", by="watcher").limits == less
    assert broker.send(rig.buy("a")).rule == "max_lot"
    far = rig.limit("b", type=PendingType.LIMIT, price=Decimal("1.08"), volume=Decimal("0.05"))
    assert broker.send(far).rule == "max_price_distance_pct"
    with pytest.raises(Conflict, match="max_lot"):
        broker.set_limits(now, reason="more", by="watcher")
    rig.bridge.kill()
    rig.restart()
    assert broker.state().limits == less
    assert broker.set_limits(now, reason="looked at it", by="Ada", clear=True).limits == now
    assert broker.send(rig.buy("c")).status is OutcomeStatus.DONE


def test_a_throttled_workflow_is_cleared_over_the_wire(rig: Rig) -> None:
    broker: MT5Broker = rig.broker
    limits: RiskLimits = broker.state().limits.model_copy(update={"max_repeats": 2})
    broker.set_limits(limits, reason="careful", by="watcher")
    for node in "ab":
        assert broker.send(rig.buy(node)).status is OutcomeStatus.DONE
    assert broker.send(rig.buy("c")).rule == "max_repeats"
    rig.bridge.kill()
    rig.restart()
    assert broker.send(rig.buy("d", workflow_id="other")).status is OutcomeStatus.DONE
    assert sell(rig, "e").rule == "throttled"
    (throttle,) = broker.state().throttled
    assert (throttle.workflow_id, throttle.at) == ("workflow", START.astimezone(UTC))
    with pytest.raises(NotFound):
        broker.unthrottle("other", reason="why", by="Ada")
    assert broker.unthrottle("workflow", reason="looked at it", by="Ada").throttled == ()
    assert sell(rig, "f").status is OutcomeStatus.DONE
