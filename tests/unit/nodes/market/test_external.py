"""Market data from outside: rows and quotes as an HTTP request brought them."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exam import sized
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import AS_OF, FakeContext
from tests.support.series import eurusd_h1
from tradeloom.errors import MissingInput, NodeConfigError, NotEnoughBars, StalePrice, TradeloomError
from tradeloom.nodes.indicator.rsi import Rsi, RsiConfig
from tradeloom.nodes.market.history import History, HistoryConfig, HistoryOutput
from tradeloom.nodes.market.live_price import LivePrice, LivePriceConfig, LivePriceOutput
from tradeloom.trading.bars import BarsReference
from tradeloom.trading.kept_bars import bar_end, packed, unpacked
from tradeloom.trading.timeframes import Timeframe


def rows(count: int = 300, end: datetime = AS_OF) -> list[dict[str, Any]]:
    """The last real EURUSD hours that had opened by `end`, as a service would send them."""
    columns = eurusd_h1()
    opened = int(np.count_nonzero(columns["time"] <= end.timestamp()))
    made = []
    for row in range(opened - count, opened):
        time = datetime.fromtimestamp(int(columns["time"][row]), tz=UTC).isoformat()
        prices = {name: float(columns[name][row]) for name in ("open", "high", "low", "close", "volume")}
        made.append({"time": time, **prices, "provider": "somebody"})
    return made


def history(data: Any, context: FakeContext | None = None, **config: Any) -> HistoryOutput:
    given = {"symbol": "EURUSD", "count": 200, "source": "input", "data": data, **config}
    return History().run(HistoryConfig.model_validate(given), context or FakeContext(warmup_bars=60))


class TestHistory:
    def test_the_same_bars_as_the_brokers(self) -> None:
        """Fed with the broker's own rows, indicators behind it give the broker's own values."""
        broker = FakeBroker(history={("EURUSD", "H1"): eurusd_h1()})
        context = FakeContext(brokers={"paper": broker}, warmup_bars=60)
        theirs = History().run(HistoryConfig(symbol="EURUSD", count=200), context)
        ours = history(json.loads(json.dumps({"bars": rows(400)})), context)
        assert (ours.last.time, ours.last.close) == (theirs.last.time, theirs.last.close)
        assert ours.gaps == theirs.gaps
        a, b = context.bars(ours.bars), context.bars(theirs.bars)
        assert np.array_equal(a.time, b.time)
        assert np.array_equal(a.close, b.close)
        rsi = [Rsi().run(RsiConfig(bars=bars), context).model_dump() for bars in (ours.bars, theirs.bars)]
        assert rsi[0] == rsi[1]

    def test_no_broker_is_asked(self) -> None:
        context = FakeContext(brokers={"other": FakeBroker()})
        output = history(rows(), context)
        assert output.bars.account == "paper"
        assert (output.bars.source, len(output.bars.content or "")) == ("kept", 64)

    def test_what_was_not_closed_yet_is_left_out(self) -> None:
        at = AS_OF + timedelta(minutes=59)
        seen = rows(300, AS_OF + timedelta(hours=5))
        output = history(seen, FakeContext(as_of=at))
        assert output.last.time == AS_OF - timedelta(hours=1)
        forming = history(seen, FakeContext(as_of=at), closed_only=False)
        assert forming.last.time == AS_OF

    def test_the_reference_stands_for_the_same_bars_after_a_retry(self) -> None:
        context = FakeContext(warmup_bars=60)
        first, again = history(rows(), context), history(rows(), context)
        assert first.bars == again.bars
        told = BarsReference.model_validate_json(first.bars.model_dump_json())
        assert len(context.bars(told)) == 260

    def test_seconds_and_milliseconds(self) -> None:
        data = rows()
        for row in data:
            row["time"] = datetime.fromisoformat(row["time"]).timestamp()
        assert history(data).last.time == AS_OF - timedelta(hours=1)
        for row in data:
            row["time"] *= 1000
        with pytest.raises(NodeConfigError) as raised:
            history(data)
        assert raised.value.field == "config.data.0.time"
        assert "1000" in str(raised.value.hint)

    def test_too_few(self) -> None:
        with pytest.raises(NotEnoughBars, match="200 are needed"):
            history(rows(150))

    @pytest.mark.parametrize(
        ("position", "change", "field"),
        [
            (3, {"high": 1.0}, "config.data.3"),
            (3, {"low": 2.0}, "config.data.3"),
            (0, {"open": None}, "config.data.0.open"),
            (5, {"close": "1.12"}, "config.data.5.close"),
            (5, {"close": True}, "config.data.5.close"),
            (5, {"close": float("nan")}, "config.data.5.close"),
            (5, {"high": float("inf")}, "config.data.5.high"),
            (5, {"open": 0}, "config.data.5.open"),
            (5, {"open": -1.1}, "config.data.5.open"),
            (5, {"open": 10**400}, "config.data.5.open"),
            (5, {"volume": -1}, "config.data.5.volume"),
            (5, {"spread": "wide"}, "config.data.5.spread"),
            (7, {"time": None}, "config.data.7.time"),
            (7, {"time": "yesterday"}, "config.data.7.time"),
            (7, {"time": "2017-06-01T11:00:00"}, "config.data.7.time"),
            (7, {"time": "9999-12-31T23:59:59+00:00"}, "config.data.7.time"),
            (7, {"time": -5}, "config.data.7.time"),
            (7, {"time": []}, "config.data.7.time"),
        ],
    )
    def test_a_row_that_is_none(self, position: int, change: dict[str, Any], field: str) -> None:
        data = rows()
        data[position] |= change
        with pytest.raises(TradeloomError) as raised:
            history(data)
        assert raised.value.field == field

    @pytest.mark.parametrize("data", [None, {}, {"bars": None}, [], "bars", 7, {"bars": {}}, [1], [None], {"a": []}])
    def test_no_rows(self, data: Any) -> None:
        with pytest.raises((MissingInput, NodeConfigError, NotEnoughBars)):
            history(data)

    def test_order_and_distance(self) -> None:
        data = rows()
        with pytest.raises(NodeConfigError, match="oldest first"):
            history(data[::-1])
        with pytest.raises(NodeConfigError, match="oldest first"):
            history([data[0], *data])
        with pytest.raises(NodeConfigError, match="those of H4"):
            history(data, timeframe="H4")

    def test_more_than_anybody_needs(self) -> None:
        with pytest.raises(NodeConfigError, match="are the most"):
            history([{}] * 20_001)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["bars", "time", "open", "high", "low", "close"]), inner)
            ),
        )
    )
    @settings(max_examples=sized(60, 1_000))
    def test_whatever_comes_ends_in_a_typed_error(self, data: Any) -> None:
        with pytest.raises(TradeloomError):
            history(data)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=60),
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(-10, 300),
    st.booleans(),
)
def test_visible_bars_against_a_plain_scan(
    steps: list[int], count: int, warmup: int, minutes: int, closed_only: bool
) -> None:
    """Never a bar from after the end, never one that was still open where only closed ones are asked for."""
    openings = (1_483_308_000 + 3600 * np.cumsum(steps)).tolist()
    to = datetime.fromtimestamp(openings[0] + minutes * 60, tz=UTC)
    reference = BarsReference(
        account="a", symbol="S", timeframe=Timeframe.H1, to=to, count=count, warmup=warmup, closed_only=closed_only
    )
    columns = {name: [1.0] * len(openings) for name in ("open", "high", "low", "close", "volume", "spread")}
    content = json.dumps({"time": openings, **columns}).encode()
    expected = [
        opening
        for opening in openings
        if opening <= to.timestamp() and (not closed_only or opening + 3600 <= to.timestamp())
    ]
    if len(expected) < count:
        with pytest.raises(NotEnoughBars):
            unpacked(content, reference)
        return
    bars = unpacked(content, reference)
    assert bars.time.tolist() == expected[-(count + warmup) :]
    assert unpacked(packed(bars), reference).time.tolist() == bars.time.tolist()


def test_a_month_ends_with_the_month() -> None:
    february = int(datetime(2024, 2, 1, tzinfo=UTC).timestamp())
    assert bar_end(february, Timeframe.MN1) == datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    december = int(datetime(2024, 12, 1, tzinfo=UTC).timestamp())
    assert bar_end(december, Timeframe.MN1) == datetime(2025, 1, 1, tzinfo=UTC).timestamp()


class TestLivePrice:
    QUOTE: ClassVar[dict[str, Any]] = {"time": (AS_OF - timedelta(seconds=2)).isoformat(), "bid": 1.1221, "ask": 1.1223}

    def run(self, quote: Any, **config: Any) -> LivePriceOutput:
        broker = FakeBroker(history={("EURUSD", "H1"): eurusd_h1()}, now=AS_OF)
        given = {"symbol": "EURUSD", "source": "input", "data": quote, **config}
        return LivePrice().run(LivePriceConfig.model_validate(given), FakeContext(brokers={"paper": broker}))

    def test_a_quote(self) -> None:
        output = self.run({**self.QUOTE, "last": 1.1222, "venue": "somewhere"})
        assert (output.bid, output.ask, output.last, output.age_s) == (1.1221, 1.1223, 1.1222, 2.0)
        assert output.spread == pytest.approx(20)
        assert output.bar.time == AS_OF

    def test_too_old_and_too_new(self) -> None:
        with pytest.raises(StalePrice, match=r"300\.0 s old"):
            self.run({**self.QUOTE, "time": (AS_OF - timedelta(minutes=5)).timestamp()})
        with pytest.raises(NodeConfigError, match="market's clock"):
            self.run({**self.QUOTE, "time": (AS_OF + timedelta(seconds=9)).timestamp()})
        assert self.run({**self.QUOTE, "time": (AS_OF + timedelta(seconds=3)).timestamp()}).age_s == 0

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"bid": 1.2}, "config.data.bid"),
            ({"ask": None}, "config.data.ask"),
            ({"bid": float("nan")}, "config.data.bid"),
            ({"bid": 0}, "config.data.bid"),
            ({"last": "x"}, "config.data.last"),
            ({"time": None}, "config.data.time"),
            ({"time": "12:00"}, "config.data.time"),
        ],
    )
    def test_a_quote_that_is_none(self, change: dict[str, Any], field: str) -> None:
        with pytest.raises(TradeloomError) as raised:
            self.run({**copy.deepcopy(self.QUOTE), **change})
        assert raised.value.field == field

    @pytest.mark.parametrize("data", [None, [], "1.12", 7])
    def test_no_quote(self, data: Any) -> None:
        with pytest.raises((MissingInput, NodeConfigError)):
            self.run(data)
