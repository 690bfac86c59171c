"""The clock and the faults through the module that a bridge worker uses."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mt5_bridge.paper import control
from mt5_bridge.paper import metatrader5 as mt5
from mt5_bridge.paper.sample import write_sample_terminal
from tradeloom.errors import BrokerUnavailable, InvalidInput, NotFound

SAMPLE = Path(__file__).parents[4] / "src" / "tradeloom" / "data" / "EURUSD_H1_ask.csv"
START = datetime(2017, 1, 3, 10, tzinfo=UTC)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Path]:
    write_sample_terminal(tmp_path, start=START, csv=SAMPLE)
    assert mt5.initialize(str(tmp_path)), mt5.last_error()
    yield tmp_path
    mt5.shutdown()


def test_nothing_works_before_initialize() -> None:
    for call in (control.market_time, control.speed, control.next_event_time, control.faults, control.reconnect):
        with pytest.raises(BrokerUnavailable):
            call()


def test_the_clock_is_driven_from_event_to_event(terminal: Path) -> None:
    assert control.market_time() == START
    quote = mt5.symbol_info_tick("EURUSD")
    upcoming = control.next_event_time()
    assert upcoming == START + timedelta(hours=1) - timedelta(milliseconds=1)
    assert control.advance(upcoming) == upcoming == control.market_time()
    assert mt5.symbol_info_tick("EURUSD") != quote
    assert control.advance(upcoming) == upcoming
    with pytest.raises(InvalidInput):
        control.advance(START)


def test_the_market_is_open_in_the_week_and_closed_at_the_weekend(terminal: Path) -> None:
    assert control.is_open("EURUSD")
    control.advance(datetime(2017, 1, 7, 12, tzinfo=UTC))  # a Saturday
    assert not control.is_open("EURUSD")
    assert control.next_event_time() == datetime(2017, 1, 8, 22, tzinfo=UTC)
    with pytest.raises(NotFound):
        control.is_open("NONE")


def test_speed(terminal: Path) -> None:
    assert control.speed() == 0
    control.set_speed(100_000)
    assert control.speed() == 100_000
    first = control.market_time()
    assert control.market_time() >= first >= START
    control.set_speed(0)
    assert control.market_time() == control.market_time()
    with pytest.raises(InvalidInput):
        control.set_speed(-1)


def test_faults_can_be_armed(terminal: Path) -> None:
    control.arm_fault({"kind": "reject"})
    assert [fault.kind for fault in control.faults()] == ["reject"]
    result = mt5.Buy("EURUSD", 0.1)
    assert result is not None
    assert result.retcode == 10006
    with pytest.raises(InvalidInput) as caught:
        control.arm_fault({"kind": "flood"})
    assert caught.value.field == "kind"


def test_the_helpers_of_the_package(terminal: Path) -> None:
    control.arm_fault({"kind": "requote"})
    bought = mt5.Buy("EURUSD", 0.2, comment="b")
    assert bought is not None
    assert bought.retcode == mt5.TRADE_RETCODE_DONE  # at the second try
    sold = mt5.Sell("EURUSD", 0.1, 1.04006)
    assert sold is not None
    assert sold.retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.Close("EURUSD", ticket=sold.order) is True
    control.arm_fault({"kind": "reject"})
    assert mt5.Close("EURUSD") is False
    assert mt5.Close("EURUSD") is True
    assert mt5.Close("EURUSD") is False
    assert mt5.Buy("NONE", 0.1) is None


def test_calls_from_many_threads_leave_consistent_books(terminal: Path) -> None:
    def trade() -> None:
        for _ in range(10):
            mt5.Buy("EURUSD", 0.01)
            mt5.positions_get()
            control.market_time()

    threads = [threading.Thread(target=trade) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    positions = mt5.positions_get()
    assert positions is not None
    assert len({position.ticket for position in positions}) == 60
    assert mt5.history_deals_total(0, 2**40) == 61
