from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import talib
from pydantic import ValidationError

from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.support.series import Columns, aggregated, columns_from, eurusd_h1
from tradeloom.errors import NotANumber, NotEnoughBars
from tradeloom.nodes.indicator.multi_timeframe import MultiTimeframe, MultiTimeframeConfig, MultiTimeframeOutput
from tradeloom.trading.timeframes import Timeframe

AS_OF = datetime(2017, 12, 20, 10, 40, tzinfo=UTC)
FRAMES = (Timeframe.H1, Timeframe.H4, Timeframe.D1)


def market(columns: Columns, as_of: datetime = AS_OF) -> FakeContext:
    history = {("EURUSD", frame.value): aggregated(columns, frame) for frame in FRAMES}
    return FakeContext(as_of=as_of, brokers={"paper": FakeBroker(now=as_of, history=history)})


def read(context: FakeContext, **config: Any) -> MultiTimeframeOutput:
    made = MultiTimeframeConfig(symbol="EURUSD", timeframes=config.pop("timeframes", ["H1", "H4", "D1"]), **config)
    return MultiTimeframe().run(made, context)


def straight(step: float) -> Columns:
    """A steady market of 400 days of hours."""
    return columns_from(2.0 + step * np.arange(9_600.0), start=1_483_228_800)


def closed(frame: Timeframe, as_of: datetime = AS_OF) -> Columns:
    """The bars of a timeframe that were closed then, of the real series."""
    columns = aggregated(eurusd_h1(), frame)
    until = int(np.count_nonzero(columns["time"] + frame.seconds <= as_of.timestamp()))
    return {name: column[:until] for name, column in columns.items()}


def test_every_timeframe_reads_its_last_closed_bar() -> None:
    output = read(market(eurusd_h1()), indicator="rsi")
    for frame in FRAMES:
        bars, reading = closed(frame), output.readings[frame.value]
        expected = talib.RSI(bars["close"], 14)
        assert reading.value == pytest.approx(expected[-1], rel=1e-9)
        assert reading.previous == pytest.approx(expected[-2], rel=1e-9)
        assert reading.time.timestamp() == bars["time"][-1]
        assert reading.time + timedelta(seconds=frame.seconds) <= AS_OF
        assert reading.price == bars["close"][-1]
    assert output.readings["H4"].time == datetime(2017, 12, 20, 4, tzinfo=UTC)
    assert output.readings["D1"].time == datetime(2017, 12, 19, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 119, 120, 240, 1439, 1440])
@pytest.mark.parametrize("indicator", ["price_vs_average", "average_slope", "rsi", "macd", "adx", "supertrend"])
def test_what_comes_after_as_of_changes_nothing(minutes: int, indicator: str) -> None:
    as_of = datetime(2017, 12, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    columns = eurusd_h1()
    changed = {name: column.copy() for name, column in columns.items()}
    later = columns["time"] + 3_600 > as_of.timestamp()
    assert later.any()
    for name in ("open", "high", "low", "close"):
        changed[name][later] += 0.5
    assert read(market(columns, as_of), indicator=indicator) == read(market(changed, as_of), indicator=indicator)


@pytest.mark.parametrize("indicator", ["price_vs_average", "average_slope", "rsi", "macd", "adx", "supertrend"])
@pytest.mark.parametrize(("step", "agreement", "score"), [(1e-4, "all_up", 1.0), (-1e-4, "all_down", -1.0)])
def test_a_steady_market_agrees_with_itself(indicator: str, step: float, agreement: str, score: float) -> None:
    moves = straight(step)
    # MACD of a straight line is level: its histogram needs a move that gathers pace.
    if indicator == "macd":
        moves = columns_from(2.0 + step * np.arange(9_600.0) ** 2 / 9_600, start=1_483_228_800)
    output = read(market(moves), indicator=indicator)
    assert (output.agreement, output.score) == (agreement, score)
    assert (output.up, output.down) == ((3, 0) if step > 0 else (0, 3))


@pytest.mark.parametrize("indicator", ["price_vs_average", "average_slope", "rsi", "macd", "adx"])
def test_a_market_that_stands_still_is_flat(indicator: str) -> None:
    output = read(market(straight(0.0)), indicator=indicator)
    assert (output.agreement, output.flat, output.score) == ("mixed", 3, 0.0)


def test_a_pullback_is_mixed() -> None:
    closes = np.concatenate([2.0 + 1e-4 * np.arange(8_900.0), 2.89 - 1e-4 * np.arange(80.0)])
    last = datetime.fromtimestamp(1_483_228_800 + 3_600 * len(closes), tz=UTC)
    output = read(market(columns_from(closes, start=1_483_228_800), last), indicator="price_vs_average")
    assert {frame: reading.trend for frame, reading in output.readings.items()} == {
        "H1": "down",
        "H4": "down",
        "D1": "up",
    }
    assert (output.agreement, output.up, output.down) == ("mixed", 1, 2)
    assert output.score == pytest.approx(-1 / 3)


def test_levels_make_a_flat_zone() -> None:
    context = market(eurusd_h1())
    plain = read(context, indicator="rsi", timeframes=["H1", "H4"])
    wide = read(context, indicator="rsi", up_from=99, down_from=1, timeframes=["H1", "H4"])
    assert plain.flat == 0
    assert wide.flat == 2
    assert read(context, indicator="adx", threshold=100).flat == 3


def test_periods_and_kinds_are_taken() -> None:
    context = market(eurusd_h1())
    for kind, compute in (("SMA", talib.SMA), ("EMA", talib.EMA), ("WMA", talib.WMA)):
        output = read(context, kind=kind, period=21)
        for frame in FRAMES:
            expected = compute(closed(frame)["close"], 21)[-1]
            assert output.readings[frame.value].value == pytest.approx(expected, rel=1e-12)


def test_short_history_warns_and_too_short_is_a_typed_error() -> None:
    context = market(eurusd_h1())
    read(context, kind="EMA", period=100)
    assert [log["level"] for log in context.logs] == ["warning", "warning"]  # H4 and D1
    assert "EURUSD D1 has" in context.logs[1]["message"]
    with pytest.raises(NotEnoughBars) as raised:
        read(context, kind="EMA", period=500)
    assert raised.value.field == "config.timeframes"
    assert "shorten the period" in (raised.value.hint or "")


def test_a_bad_price_is_a_typed_error() -> None:
    broken = {name: column.copy() for name, column in eurusd_h1().items()}
    broken["close"][-60:] = np.nan
    with pytest.raises(NotANumber):
        read(market(broken, datetime(2030, 1, 1, tzinfo=UTC)), timeframes=["H1", "H4"])


@pytest.mark.parametrize(
    "config",
    [
        {"timeframes": ["H1"]},
        {"timeframes": ["H1", "H1"]},
        {"timeframes": ["H1", "H5"]},
        {"timeframes": ["M1", "M2", "M3", "M4", "M5", "M6", "M10"]},
        {"timeframes": "H1"},
        {"indicator": "cci"},
        {"period": 1},
        {"period": float("nan")},
        {"up_from": 40, "down_from": 60},
        {"multiplier": 0},
        {"symbol": ""},
    ],
)
def test_config_is_bounded(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MultiTimeframeConfig.model_validate({"symbol": "EURUSD", **config})
