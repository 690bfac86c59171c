from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fidelity.market import open_market
from tests.support.fake_look import look_at
from tests.support.node_context import AS_OF, FakeContext
from tests.support.series import eurusd_h1
from tradeloom.errors import NodeConfigError, NotEnoughBars, NotFound
from tradeloom.nodes.trigger._observing import Observation, closing_of, told
from tradeloom.nodes.trigger.candle_close import CandleClose, CandleCloseConfig
from tradeloom.trading.timeframes import Timeframe

HOUR = timedelta(hours=1)
BROKER = open_market("paper", lambda sent: None)


def config(**changes: Any) -> CandleCloseConfig:
    return CandleCloseConfig.model_validate({"symbol": "EURUSD", **changes})


def observed(at: datetime, before: Observation | None, **changes: Any) -> Observation:
    return CandleClose.observe(config(**changes), before.state if before else None, look_at(BROKER, at), "wf-1")


def times(seen: Observation) -> list[str]:
    return [each.payload["time"] for each in seen.happenings]


def test_nothing_from_before_the_first_look_counts() -> None:
    assert observed(AS_OF, None).happenings == ()


def test_a_bar_is_told_when_its_time_is_over_and_once() -> None:
    seen = observed(AS_OF, None)
    early = observed(AS_OF + HOUR - timedelta(milliseconds=1), seen)
    assert early.happenings == ()
    done = observed(AS_OF + HOUR, early)
    columns = eurusd_h1()
    row = int((columns["time"] == int(AS_OF.timestamp())).nonzero()[0][0])
    assert [each.payload for each in done.happenings] == [
        {
            "symbol": "EURUSD",
            "timeframe": "H1",
            "time": "2017-06-01T12:00:00.000Z",
            "closed_at": "2017-06-01T13:00:00.000Z",
            **{name: float(columns[name][row]) for name in ("open", "high", "low", "close", "volume")},
            "spread": int(columns["spread"][row]),
        }
    ]
    assert observed(AS_OF + HOUR, done).happenings == ()


def test_however_often_one_looks_every_bar_comes_once() -> None:
    often, seldom = observed(AS_OF, None), observed(AS_OF, None)
    found = []
    for step in range(1, 200):
        often = observed(AS_OF + step * HOUR / 2, often)
        found += times(often)
    assert found == times(observed(AS_OF + 199 * HOUR / 2, seldom))
    assert len(found) == len(set(found)) > 50


def test_a_bar_before_a_weekend_closes_with_the_first_tick_after_it() -> None:
    friday = AS_OF + timedelta(days=1, hours=9)
    seen = observed(friday, None)
    saturday = observed(AS_OF + timedelta(days=2), seen)
    assert times(saturday) == []
    columns = eurusd_h1()
    last = int((columns["time"] < friday.timestamp()).sum()) - 1
    opening, following = (datetime.fromtimestamp(int(columns["time"][row]), UTC) for row in (last, last + 1))
    assert following - opening > timedelta(hours=24)
    assert times(observed(following - timedelta(milliseconds=1), saturday)) == []
    closed = observed(following, saturday)
    assert [(each.payload["time"], each.at) for each in closed.happenings] == [(told(opening), following)]


def test_a_delay_puts_it_off() -> None:
    seen = observed(AS_OF, None, delay_s=300)
    assert observed(AS_OF + timedelta(seconds=299), seen, delay_s=300).happenings == ()
    late = observed(AS_OF + timedelta(seconds=300), seen, delay_s=300)
    assert times(late) == ["2017-06-01T11:00:00.000Z"]
    assert late.happenings[0].at == AS_OF + timedelta(seconds=300)


def test_an_unknown_symbol_is_told() -> None:
    with pytest.raises(NotFound):
        observed(AS_OF, None, symbol="NOSUCH")


def test_a_symbol_without_bars_has_its_first_one_told() -> None:
    assert observed(AS_OF, None, timeframe="M1").happenings == ()


def test_a_month_ends_with_the_month() -> None:
    assert closing_of(datetime.fromisoformat("2016-02-01T00:00Z"), Timeframe.MN1).isoformat()[:10] == "2016-03-01"
    assert closing_of(datetime.fromisoformat("2016-12-01T00:00Z"), Timeframe.MN1).isoformat()[:10] == "2017-01-01"


class TestRun:
    def test_by_hand_it_gives_the_last_closed_bar(self) -> None:
        output = CandleClose().run(config(), FakeContext(brokers={"paper": BROKER}))
        assert (output.time, output.closed_at) == (AS_OF - HOUR, AS_OF)

    def test_an_event_becomes_the_output(self) -> None:
        event = observed(AS_OF + HOUR, observed(AS_OF, None)).happenings[0].payload
        output = CandleClose().run(config(), FakeContext(payload=event))
        assert output.model_dump(mode="json")["time"] == "2017-06-01T12:00:00Z"

    def test_what_is_no_event(self) -> None:
        with pytest.raises(NodeConfigError) as caught:
            CandleClose().run(config(), FakeContext(payload={"symbol": "EURUSD"}))
        assert caught.value.field == "payload.timeframe"

    def test_without_bars(self) -> None:
        with pytest.raises(NotEnoughBars):
            CandleClose().run(config(), FakeContext())
