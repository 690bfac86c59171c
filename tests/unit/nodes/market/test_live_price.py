from datetime import timedelta

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tests.support.series import columns_from
from tradeloom.errors import NotEnoughBars, NotFound, StalePrice
from tradeloom.nodes.market.live_price import LivePrice, LivePriceConfig, LivePriceOutput


@pytest.fixture
def broker() -> FakeBroker:
    """At 12:20, five hourly bars; the last opened at 12:00."""
    broker = FakeBroker(now=NOW + timedelta(minutes=20))
    start = int((NOW - timedelta(hours=4)).timestamp())
    broker.history["EURUSD", "H1"] = columns_from([1.1, 1.2, 1.3, 1.4, 1.15], start=start)
    broker.quote("EURUSD", 1.15000, 1.15013, at=broker.now - timedelta(seconds=2))
    return broker


def run(broker: FakeBroker, **config: object) -> LivePriceOutput:
    made = LivePriceConfig.model_validate({"symbol": "EURUSD", **config})
    return LivePrice().run(made, FakeContext(brokers={"paper": broker}))


def test_quote_spread_and_age(broker: FakeBroker) -> None:
    output = run(broker)
    assert (output.bid, output.ask, output.last) == (1.15, 1.15013, None)
    assert output.spread == 13.0  # in doubles the difference of the two is 12.999999999996348 points
    assert output.age_s == 2.0
    assert output.timestamp == broker.now - timedelta(seconds=2)


def test_the_forming_bar_comes_with_it(broker: FakeBroker) -> None:
    output = run(broker)
    assert output.forming
    assert (output.bar.time, output.bar.open, output.bar.close, output.volume) == (NOW, 1.4, 1.15, 1.0)


def test_between_two_bars_the_newest_is_given_and_said_to_be_closed(broker: FakeBroker) -> None:
    broker.now = NOW + timedelta(hours=1, seconds=1)
    broker.quote("EURUSD", 1.15, 1.1501)
    output = run(broker)
    assert not output.forming
    assert output.bar.time == NOW


@pytest.mark.parametrize("age", [60.1, 86_400])
def test_an_old_quote_is_an_error(broker: FakeBroker, age: float) -> None:
    broker.quote("EURUSD", 1.15, 1.1501, at=broker.now - timedelta(seconds=age))
    with pytest.raises(StalePrice, match=rf"the last quote of EURUSD is {age:.1f} s old .*; the limit is 60 s"):
        run(broker)
    assert run(broker, max_age_s=86_401).age_s == age


def test_a_quote_at_the_limit_is_fresh(broker: FakeBroker) -> None:
    broker.quote("EURUSD", 1.15, 1.1501, at=broker.now - timedelta(seconds=60))
    assert run(broker).age_s == 60


def test_a_server_clock_that_runs_ahead_makes_no_negative_age(broker: FakeBroker) -> None:
    broker.quote("EURUSD", 1.15, 1.1501, at=broker.now + timedelta(seconds=3))
    assert run(broker).age_s == 0


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 1.1), (1.1, 0.0), (0.0, 0.0)])
def test_no_quote_yet_is_an_error(broker: FakeBroker, bid: float, ask: float) -> None:
    broker.quote("EURUSD", bid, ask)
    with pytest.raises(StalePrice, match="no quote of EURUSD yet"):
        run(broker)


def test_an_unknown_symbol_is_an_error(broker: FakeBroker) -> None:
    with pytest.raises(NotFound):
        run(broker, symbol="EURUSDX")


def test_no_bars_is_an_error(broker: FakeBroker) -> None:
    broker.history["EURUSD", "H1"] = columns_from([])
    with pytest.raises(NotEnoughBars):
        run(broker)


def test_another_account_is_asked_when_named(broker: FakeBroker) -> None:
    other = FakeBroker("demo", symbols={"EURUSD": EURUSD}, history=broker.history, now=broker.now)
    other.quote("EURUSD", 1.25, 1.2501)
    context = FakeContext(brokers={"paper": broker, "demo": other})
    config = LivePriceConfig(symbol="EURUSD", account="demo")
    assert LivePrice().run(config, context).bid == 1.25


@pytest.mark.parametrize(
    "config", [{}, {"symbol": ""}, {"symbol": "E" * 30}, {"symbol": "EURUSD", "timeframe": "H5"}, {"max_age_s": 0}]
)
def test_config_is_bounded(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LivePriceConfig.model_validate(config)
