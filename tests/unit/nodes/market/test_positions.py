from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.broker_facts import EURUSD, NOW, make_position
from tests.support.fake_broker import FakeBroker
from tests.support.node_context import FakeContext
from tradeloom.errors import NotFound
from tradeloom.nodes.market.positions import Positions, PositionsConfig, PositionsOutput
from tradeloom.trading.intents import Side

OPEN = [
    make_position(3, volume=Decimal("0.30"), profit=-0.7, opened_at=NOW - timedelta(hours=1)),
    make_position(1, volume=Decimal("0.10"), profit=0.1, swap=-0.1, opened_at=NOW - timedelta(hours=2)),
    make_position(2, volume=Decimal("0.20"), profit=0.2, swap=-0.2, side=Side.SELL, workflow_id="wf-2"),
    make_position(4, symbol="USDJPY", volume=Decimal("1.5"), workflow_id=None),
]


def run(**config: Any) -> PositionsOutput:
    broker = FakeBroker(open_positions=list(OPEN), symbols=dict.fromkeys(("EURUSD", "USDJPY", "GBPUSD"), EURUSD))
    return Positions().run(PositionsConfig.model_validate(config), FakeContext(brokers={"paper": broker}))


@pytest.mark.parametrize(
    ("config", "tickets"),
    [
        ({}, [1, 3, 2, 4]),
        ({"symbol": "EURUSD"}, [1, 3, 2]),
        ({"side": "sell"}, [2]),
        ({"symbol": "EURUSD", "side": "buy"}, [1, 3]),
        ({"own_only": True}, [1, 3]),
        ({"symbol": "GBPUSD"}, []),
    ],
)
def test_filters_and_order(config: dict[str, Any], tickets: list[int]) -> None:
    output = run(**config)
    assert [position.ticket for position in output.positions] == tickets
    assert output.count == len(tickets)


def test_sums_are_exact_and_sides_apart() -> None:
    output = run(symbol="EURUSD")
    # 0.1 + 0.2 + 0.3 in doubles is 0.6000000000000001
    assert (output.volume, output.volume_buy, output.volume_sell, output.volume_net) == (0.6, 0.4, 0.2, 0.2)
    assert (output.profit, output.swap) == (-0.4, -0.3)


def test_nothing_open_is_zero() -> None:
    output = run(symbol="GBPUSD")
    assert (output.volume, output.volume_net, output.profit, output.positions) == (0, 0, 0, [])


def test_an_unknown_symbol_is_an_error_not_nothing_open() -> None:
    with pytest.raises(NotFound):
        run(symbol="EURUSDX")


def test_a_position_shows_its_facts_and_whose_it_is() -> None:
    position = run().positions[0].model_dump(mode="json")
    assert position == {
        "ticket": 1,
        "symbol": "EURUSD",
        "side": "buy",
        "volume": 0.1,
        "price_open": 1.1,
        "price_current": 1.1,
        "stop_loss": None,
        "take_profit": None,
        "profit": 0.1,
        "swap": -0.1,
        "opened_at": "2017-06-01T10:00:00Z",
        "own": True,
    }
    assert [each.own for each in run().positions] == [True, True, False, False]


def test_a_side_must_be_one() -> None:
    with pytest.raises(ValidationError):
        PositionsConfig.model_validate({"side": "long"})
