from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import NOW
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.support.series import eurusd_h1
from tradeloom.errors import NotANumber, NotFound, StalePrice
from tradeloom.nodes.market.spread import SpreadConfig, SpreadNode, SpreadOutput


def judge(bid: float = 1.1, ask: float = 1.1002, broker: FakeBroker | None = None, **config: Any) -> SpreadOutput:
    where = broker or FakeBroker()
    where.quote("EURUSD", bid, ask)
    values = {"symbol": "EURUSD", **config}
    emitted = SpreadNode().run(SpreadConfig.model_validate(values), FakeContext(brokers={"paper": where}))
    assert isinstance(emitted.output, SpreadOutput)
    assert (emitted.port == "ok") is (emitted.output.ratio <= 1)
    return emitted.output


def test_hand_computed() -> None:
    made = judge(maximum=4, unit="pips")
    assert (made.spread, made.spread_pips, made.ratio, made.average) == (20, 2, 0.5, None)
    assert made.spread_pct == pytest.approx(0.0002 / 1.1001 * 100)


@pytest.mark.parametrize(("unit", "maximum"), [("pips", 2), ("points", 20), ("percent", 100 * 0.0002 / 1.1001)])
def test_exactly_the_most_passes(unit: str, maximum: float) -> None:
    assert judge(unit=unit, maximum=maximum).ratio == pytest.approx(1)
    assert judge(unit=unit, maximum=maximum * 0.99).ratio > 1


def test_against_the_average_of_the_bars() -> None:
    bars = eurusd_h1()
    broker = FakeBroker(history={("EURUSD", "H1"): bars})
    made = judge(broker=broker, compare="average", times=2, bars=24)
    assert made.average is not None
    assert made.ratio == pytest.approx(20 / (2 * made.average))


def test_bars_without_spreads_are_no_measure() -> None:
    bars = eurusd_h1()
    broker = FakeBroker(history={("EURUSD", "H1"): {**bars, "spread": bars["spread"] * 0}})
    with pytest.raises(NotANumber, match="no spread"):
        judge(broker=broker, compare="average")


def test_an_old_quote_is_an_error_and_so_is_a_crossed_one() -> None:
    broker = FakeBroker()
    broker.quote("EURUSD", 1.1, 1.1001)
    broker.now = NOW + timedelta(hours=1)
    with pytest.raises(StalePrice):
        SpreadNode().run(SpreadConfig(symbol="EURUSD"), FakeContext(brokers={"paper": broker}))
    with pytest.raises(NotANumber, match="crossed"):
        judge(1.1002, 1.1)


def test_an_unknown_symbol() -> None:
    with pytest.raises(NotFound):
        SpreadNode().run(SpreadConfig(symbol="NOPE"), FakeContext())


@pytest.mark.parametrize(
    "config", [{"maximum": 0}, {"unit": "percent", "maximum": 100}, {"times": 0.5}, {"bars": 0}, {"compare": "median"}]
)
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judge(**config)
