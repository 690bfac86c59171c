import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.risk.reward import Reward, RewardConfig, RewardOutput


def judge(entry: Any = 1.1, stop: Any = 1.09, target: Any = 1.12, **config: Any) -> RewardOutput:
    values = {"entry": entry, "stop_loss": stop, "take_profit": target, **config}
    emitted = Reward().run(RewardConfig.model_validate(values), FakeContext())
    assert isinstance(emitted.output, RewardOutput)
    assert (emitted.port == "pass") is emitted.output.passed
    return emitted.output


def test_hand_computed() -> None:
    made = judge(minimum=2)
    assert made.model_dump() == {
        "side": "buy",
        "risk": 0.01,
        "reward": 0.02,
        "ratio": 2.0,
        "break_even_win_rate": pytest.approx(100 / 3),
        "passed": True,
    }
    assert judge(1.1, 1.11, 1.08, minimum=2.0001).model_dump(include={"side", "passed"}) == {
        "side": "sell",
        "passed": False,
    }


def test_costs_are_paid_on_both_sides() -> None:
    made = judge(100, 90, 110, cost=2)
    assert (made.risk, made.reward) == (12, 8)
    assert made.ratio == pytest.approx(2 / 3)


def test_costs_that_eat_the_reward() -> None:
    made = judge(100, 90, 101, cost=2)
    assert (made.ratio < 0, made.passed, made.break_even_win_rate) == (True, False, 100)


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ((1.1, 1.09, 1.08), "config.take_profit"),
        ((1.1, 1.12, 1.13), "config.take_profit"),
        ((1.1, 1.1, 1.12), "config.stop_loss"),
        ((1.1, 1.09, 1.1), "config.take_profit"),
        ((0, 1.09, 1.1), "config.entry"),
        ((1.1, -1.09, 1.2), "config.stop_loss"),
    ],
)
def test_prices_that_are_no_trade(prices: tuple[float, ...], field: str) -> None:
    with pytest.raises(NodeConfigError) as caught:
        judge(*prices)
    assert caught.value.field == field


def test_the_wrong_side() -> None:
    with pytest.raises(NodeConfigError, match="prices of a buy, not of a sell"):
        judge(side="sell")


@pytest.mark.parametrize(("value", "error"), [(None, MissingInput), ("1.1", NotANumber), (True, NotANumber)])
@pytest.mark.parametrize("field", ["entry", "stop_loss", "take_profit", "cost"])
def test_what_is_no_price(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        judge(**{"cost": 0, field: value} if field == "cost" else {}, **_prices(field, value))
    assert getattr(caught.value, "field") == f"config.{field}"  # noqa: B009


def _prices(field: str, value: Any) -> dict[str, Any]:
    names = {"entry": "entry", "stop_loss": "stop", "take_profit": "target"}
    return {names[field]: value} if field in names else {}


@pytest.mark.parametrize("config", [{"minimum": 0}, {"minimum": math.nan}, {"side": "long"}])
def test_bad_configurations(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judge(**config)


prices = st.decimals(min_value="0.0001", max_value="99999", places=4).map(float)


@given(entry=prices, stop=prices, target=prices)
def test_a_trade_and_its_mirror_are_equal(entry: float, stop: float, target: float) -> None:
    assume(entry != stop and entry != target and (stop < entry) != (target < entry))
    made = judge(entry, stop, target)
    assert made.ratio == pytest.approx(abs(target - entry) / abs(entry - stop), rel=1e-6)
    assert made.side == ("buy" if stop < entry else "sell")
    assert made.ratio * made.break_even_win_rate == pytest.approx(100 - made.break_even_win_rate)
