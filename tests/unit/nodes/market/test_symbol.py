from decimal import Decimal

import pytest

from tests.support.broker_facts import EURUSD
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NotFound, StalePrice
from tradeloom.nodes.market.symbol import SymbolConfig, SymbolNode, SymbolOutput

USDJPY = EURUSD.model_copy(
    update={
        "name": "USDJPY",
        "digits": 3,
        "point": Decimal("0.001"),
        "tick_size": Decimal("0.001"),
        "currency_base": "USD",
        "currency_profit": "JPY",
    }
)


def facts(broker: FakeBroker, symbol: str = "EURUSD") -> SymbolOutput:
    return SymbolNode().run(SymbolConfig(symbol=symbol), FakeContext(brokers={"paper": broker}))


def test_hand_computed() -> None:
    broker = FakeBroker()
    broker.quote("EURUSD", 1.1, 1.1001)
    made = facts(broker)
    assert (made.pip, made.point, made.pip_value, made.contract_size) == (0.0001, 0.00001, 10.0, 100_000)
    assert made.margin_per_lot == pytest.approx(1_100.1)
    assert made.currency == "USD"


def test_a_pip_of_yen_in_dollars() -> None:
    # 0.01 yen on 100,000 dollars are 1,000 yen; at 110 yen a dollar 9.0909 dollars.
    broker = FakeBroker(symbols={"USDJPY": USDJPY}, to_account_currency={"JPY": Decimal(1) / Decimal(110)})
    broker.quote("USDJPY", 110.0, 110.01)
    assert facts(broker, "USDJPY").pip_value == pytest.approx(9.0909, abs=1e-4)


def test_no_symbol_and_no_quote() -> None:
    with pytest.raises(NotFound):
        facts(FakeBroker(), "NOPE")
    broker = FakeBroker()
    broker.quote("EURUSD", 0.0, 0.0)
    with pytest.raises(StalePrice):
        facts(broker)
