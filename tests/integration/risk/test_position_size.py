"""The money that is really lost when the stop is hit: never more than asked for, and less by under one volume step.

Each symbol is bought on the day it falls and sold on the day it rises, at the volume the node gives, on a paper
terminal behind the real bridge; the broker's own ledger says what was lost.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.risk.market import CURRENCIES, INSTRUMENTS, Instrument, RiskMarket, falls_on
from tests.support.node_context import FakeContext
from tradeloom.nodes.order.market import MarketOrder, MarketOrderConfig
from tradeloom.nodes.risk.position_size import PositionSize, PositionSizeConfig, PositionSizeOutput
from tradeloom.trading.broker import ClosedTrade
from tradeloom.trading.mt5_broker import MT5Broker

RISK_PCT = 0.5
STOP_PCT = Decimal(2)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RiskMarket]:
    with RiskMarket(tmp_path_factory.mktemp("risk")) as running:
        yield running


def context(broker: MT5Broker, execution: str) -> Any:
    return FakeContext(
        execution_id=execution,
        account=broker.account_name,
        brokers={broker.account_name: broker},  # type: ignore[dict-item]
    )


def size(broker: MT5Broker, instrument: Instrument, side: str, commission: Decimal, run: Any) -> PositionSizeOutput:
    config = PositionSizeConfig.model_validate(
        {
            "symbol": instrument.name,
            "side": side,
            "basis": "balance",
            "risk_pct": RISK_PCT,
            "stop_loss_type": "distance",
            "stop_loss": float(Decimal(instrument.price) * STOP_PCT / 100),
            "commission_per_lot": float(commission),
            "max_age_s": 7_200,
        }
    )
    return PositionSize().run(config, run)


def lose(broker: MT5Broker, instrument: Instrument, side: str, day: datetime) -> tuple[PositionSizeOutput, ClosedTrade]:
    """Open at the node's volume as the day begins, and let it run into its stop."""
    broker.advance(day + timedelta(minutes=5))
    run = context(broker, f"{instrument.name}-{side}")
    sized = size(broker, instrument, side, 2 * Decimal(instrument.commission), run)
    order = MarketOrderConfig.model_validate(
        {
            "symbol": instrument.name,
            "side": side,
            "volume": sized.volume,
            "stop_loss_type": "price",
            "stop_loss": sized.stop_loss,
        }
    )
    MarketOrder().run(order, run)
    broker.advance(day + timedelta(hours=23))
    assert broker.positions() == []
    (trade,) = broker.trades(day, day + timedelta(days=1))
    assert trade.reason == "stop_loss"
    return sized, trade


@pytest.mark.timeout(300)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_lost_is_what_was_risked(market: RiskMarket, currency: str) -> None:
    broker = market.broker(currency)
    cent = Decimal(1).scaleb(-CURRENCIES[currency])
    for number, instrument in enumerate(INSTRUMENTS):
        for side, day in (("buy", falls_on(number)), ("sell", falls_on(number) + timedelta(days=1))):
            asked = Decimal(str(broker.account().balance)) * Decimal(str(RISK_PCT)) / 100
            sized, trade = lose(broker, instrument, side, day)
            lost = -Decimal(str(trade.net_profit))
            step = lost / trade.volume * Decimal(instrument.step)
            what = f"{side} {trade.volume} {instrument.name} in {currency}: asked {asked}, lost {lost}"
            assert sized.limited_by == "risk", what
            assert lost <= asked, what
            assert lost + step > asked - cent, what
            assert abs(Decimal(str(sized.risk_amount)) - lost) <= 2 * cent, what


def test_twelve_kinds_and_more_are_covered() -> None:
    assert len(INSTRUMENTS) >= 12
    assert {each.profit for each in INSTRUMENTS} >= {"USD", "JPY", "GBP", "EUR", "CHF", "CAD"}
    assert datetime(2024, 1, 8, tzinfo=UTC).weekday() == 0
