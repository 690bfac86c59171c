from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.exam import sized
from tests.support.fake_broker import FakeBroker
from tests.support.fake_look import look_at
from tests.support.market_data import SERIES, series
from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import NodeConfigError, StalePrice
from tradeloom.nodes.trigger._observing import Observation
from tradeloom.nodes.trigger.price import PriceConfig, PriceTrigger


def config(**changes: Any) -> PriceConfig:
    return PriceConfig.model_validate({"symbol": "EURUSD", "price": 1.1, **changes})


def observed(wanted: PriceConfig, broker: FakeBroker, at: datetime, before: Observation | None) -> Observation:
    return PriceTrigger.observe(wanted, before.state if before else None, look_at(broker, at), "wf-1")


def watch(wanted: PriceConfig, quotes: list[tuple[datetime, float, float]]) -> list[dict[str, Any]]:
    broker, seen, found = FakeBroker(), None, []
    for at, bid, ask in quotes:
        broker.quote("EURUSD", bid, ask, at=at)
        seen = observed(wanted, broker, at, seen)
        found += [each.payload for each in seen.happenings]
    return found


def minutes() -> list[tuple[datetime, float, float]]:
    """GBPUSD's bids and asks at the opening and close of real minutes."""
    bid, ask = series("GBPUSD_M1_bid"), series("GBPUSD_M1_ask")
    assert (bid["time"] == ask["time"]).all()
    found = []
    for row in range(sized(6_000, len(bid["time"]))):
        opening = datetime.fromtimestamp(int(bid["time"][row]), UTC)
        found.append((opening, float(bid["open"][row]), float(ask["open"][row])))
        found.append((opening + timedelta(seconds=59), float(bid["close"][row]), float(ask["close"][row])))
    return found


@pytest.mark.exam
@pytest.mark.skipif("GBPUSD_M1_bid" not in SERIES, reason="the shared market data is not here")
@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("condition", ["crosses_above", "crosses_below", "crosses", "touches"])
def test_real_minutes_fire_as_a_scan_of_them_says(side: str, condition: str) -> None:
    quotes = minutes()
    prices = [bid if side == "bid" else ask for _, bid, ask in quotes]
    level = round(float(np.median(prices)), 5)
    tests = {
        "crosses_above": lambda before, now: before <= level < now,
        "crosses_below": lambda before, now: before >= level > now,
        "crosses": lambda before, now: before <= level < now or before >= level > now,
        "touches": lambda before, now: before != level and min(before, now) <= level <= max(before, now),
    }
    expected = [now for before, now in pairwise(prices) if tests[condition](before, now)]
    assert len(expected) > 10
    found = watch(config(price=level, side=side, condition=condition), quotes)
    assert [each["price"] for each in found] == expected


def test_the_event_tells_what_was_seen_before() -> None:
    start = AS_OF
    quotes = [(start, 1.09, 1.0902), (start + timedelta(seconds=1), 1.12, 1.1202)]
    assert watch(config(), quotes) == [
        {
            "symbol": "EURUSD",
            "price": 1.12,
            "previous": 1.09,
            "level": 1.1,
            "side": "bid",
            "condition": "crosses_above",
            "direction": "up",
            "timestamp": "2017-06-01T12:00:01.000Z",
        }
    ]


def test_a_quote_that_stands_fires_once() -> None:
    assert len(watch(config(condition="above"), [(AS_OF, 1.2, 1.2002)] * 5)) == 1


def test_a_symbol_without_trades_is_not_watched_by_its_last_price() -> None:
    assert watch(config(side="last", condition="above"), [(AS_OF, 1.2, 1.2002)]) == []


def test_after_a_break_the_bars_in_between_are_gone_through() -> None:
    hour = timedelta(hours=1)
    opens = [int((AS_OF + hour * n).timestamp()) for n in range(3)]
    bars = {
        "time": np.array(opens, dtype=np.int64),
        "open": np.array([1.09, 1.09, 1.09]),
        "high": np.array([1.30, 1.11, 1.09]),
        "low": np.array([1.08, 1.08, 1.08]),
        "close": np.array([1.09, 1.09, 1.09]),
        "volume": np.array([1.0, 1.0, 1.0]),
        "spread": np.array([20, 20, 20], dtype=np.int32),
    }
    broker = FakeBroker(history={("EURUSD", "H1"): bars})
    broker.quote("EURUSD", 1.09, 1.0902, at=AS_OF + timedelta(minutes=10))
    before = observed(config(), broker, AS_OF + timedelta(minutes=10), None)
    broker.quote("EURUSD", 1.09, 1.0902, at=AS_OF + 3 * hour)
    after = observed(config(), broker, AS_OF + 3 * hour, before)
    # The first bar's high may lie before the first look; the second one's cannot.
    assert [each.payload["price"] for each in after.happenings] == [1.11]
    assert after.happenings[0].at == AS_OF + 1 * hour + timedelta(minutes=40)
    asks = observed(config(side="ask", price=1.1101), broker, AS_OF + 3 * hour, before)
    assert [each.payload["price"] for each in asks.happenings] == [pytest.approx(1.1102)]
    assert observed(config(), broker, AS_OF + 3 * hour, after).happenings == ()


class TestTicks:
    """A terminal that tells all its quotes."""

    @staticmethod
    def market(*bids: tuple[int, float]) -> FakeBroker:
        broker = FakeBroker(ticked={})
        for after_ms, bid in bids:
            broker.quote("EURUSD", bid, bid + 0.0002, at=AS_OF + timedelta(milliseconds=after_ms))
        return broker

    def test_a_spike_between_two_looks_is_seen(self) -> None:
        broker = self.market((0, 1.09))
        before = observed(config(), broker, AS_OF, None)
        for after_ms, bid in ((100, 1.11), (200, 1.09), (300, 1.12), (400, 1.09)):
            broker.quote("EURUSD", bid, bid + 0.0002, at=AS_OF + timedelta(milliseconds=after_ms))
        after = observed(config(), broker, AS_OF + timedelta(seconds=1), before)
        assert [(each.payload["previous"], each.payload["price"]) for each in after.happenings] == [
            (1.09, 1.11),
            (1.09, 1.12),
        ]
        assert [each.at for each in after.happenings] == [AS_OF + timedelta(milliseconds=n) for n in (100, 300)]
        assert observed(config(), broker, AS_OF + timedelta(seconds=2), after).happenings == ()

    def test_two_crossings_in_a_millisecond_have_names_of_their_own(self) -> None:
        broker = self.market((0, 1.09))
        before = observed(config(), broker, AS_OF, None)
        for bid in (1.11, 1.09, 1.11):
            broker.quote("EURUSD", bid, bid + 0.0002, at=AS_OF + timedelta(milliseconds=7))
        found = observed(config(), broker, AS_OF + timedelta(seconds=1), before).happenings
        assert len({each.key for each in found}) == len(found) == 2

    def test_a_tick_of_a_millisecond_that_was_seen_in_part_still_counts(self) -> None:
        broker = self.market((0, 1.09))
        before = observed(config(), broker, AS_OF, None)
        broker.quote("EURUSD", 1.11, 1.12, at=AS_OF)
        assert len(observed(config(), broker, AS_OF, before).happenings) == 1

    def test_however_the_looks_fall_the_same_is_found(self) -> None:
        quotes = [(250 * n, 1.1 + 0.0004 * ((7 * n) % 11 - 5)) for n in range(200)]
        broker = self.market((0, 1.09), *quotes)
        last = broker.quotes["EURUSD"]
        keys = []
        for every in (1, 3, 17, 200):
            seen, found = None, []
            for n in range(0, 201, every):
                at = AS_OF + timedelta(milliseconds=250 * n)
                standing = [each for each in broker.ticked["EURUSD"] if each.time <= at][-1]  # type: ignore[index]
                broker.quotes["EURUSD"] = standing
                seen = observed(config(), broker, at, seen)
                found += [each.key for each in seen.happenings]
            broker.quotes["EURUSD"] = last
            seen = observed(config(), broker, AS_OF + timedelta(hours=1), seen)
            keys.append(found + [each.key for each in seen.happenings])
        assert len(keys[0]) > 10
        assert all(each == keys[0] for each in keys)

    def test_a_memory_from_before_there_were_ticks_goes_on(self) -> None:
        broker = self.market((0, 1.09))
        before = observed(config(), broker, AS_OF, None)
        old = Observation({name: part for name, part in before.state.items() if name != "mark"})
        broker.quote("EURUSD", 1.11, 1.12, at=AS_OF + timedelta(seconds=1))
        after = observed(config(), broker, AS_OF + timedelta(seconds=1), old)
        assert len(after.happenings) == 1
        assert after.state["mark"] == {"at": "2017-06-01T12:00:01.000Z", "seen": 1}

    def test_a_quote_ahead_of_its_ticks_is_not_waited_for(self) -> None:
        broker = self.market((0, 1.09))
        before = observed(config(), broker, AS_OF, None)
        late = broker.ticked["EURUSD"]  # type: ignore[index]
        broker.ticked = {"EURUSD": list(late)}
        ticked, broker.ticked = broker.ticked, None
        broker.quote("EURUSD", 1.11, 1.12, at=AS_OF + timedelta(milliseconds=5))
        broker.ticked = ticked
        after = observed(config(), broker, AS_OF + timedelta(seconds=1), before)
        assert [each.payload["price"] for each in after.happenings] == [1.11]
        broker.quote("EURUSD", 1.11, 1.12, at=AS_OF + timedelta(milliseconds=5))  # and here is the tick
        assert observed(config(), broker, AS_OF + timedelta(seconds=2), after).happenings == ()

    def test_more_ticks_than_a_page_holds_are_read_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tradeloom.engine.market_look.MAX_TICKS", 3)
        broker = self.market((0, 1.09), *((5 if n < 8 else 9, 1.09 + 0.001 * n) for n in range(20)))
        whole = broker.ticks
        broker.ticks = lambda symbol, since, skip=0, limit=3: whole(symbol, since, skip, 3)  # type: ignore[method-assign]
        found = look_at(broker, AS_OF + timedelta(seconds=1)).ticks("EURUSD", AS_OF + timedelta(milliseconds=5), 0)
        assert found is not None
        assert found.bid.tolist() == [1.09 + 0.001 * n for n in range(20)]


class TestRun:
    def test_by_hand_it_gives_the_quote(self) -> None:
        output = PriceTrigger().run(config(side="ask"), FakeContext())
        assert (output.price, output.previous, output.direction, output.timestamp) == (1.10002, None, None, AS_OF)

    def test_by_hand_without_a_last_price(self) -> None:
        with pytest.raises(StalePrice) as caught:
            PriceTrigger().run(config(side="last"), FakeContext())
        assert caught.value.field == "config.side"

    def test_an_event_becomes_the_output(self) -> None:
        event = watch(config(condition="below", price=1.2), [(AS_OF, 1.09, 1.0902)])[0]
        output = PriceTrigger().run(config(), FakeContext(payload=event))
        assert (output.price, output.condition, output.direction) == (1.09, "below", "down")

    @pytest.mark.parametrize("change", [{"price": "x"}, {"price": 1e999}, {"timestamp": "0001-01-01T00:00:00+14:00"}])
    def test_what_is_no_event(self, change: dict[str, Any]) -> None:
        event = watch(config(condition="below", price=1.2), [(AS_OF, 1.09, 1.0902)])[0]
        with pytest.raises(NodeConfigError) as caught:
            PriceTrigger().run(config(), FakeContext(payload={**event, **change}))
        assert str(caught.value.field).startswith("payload")
