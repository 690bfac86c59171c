"""risk.reward: what a trade may win against what it may lose."""

from typing import Any, Literal

from pydantic import Field

from tradeloom.errors import MissingInput, NodeConfigError, NotANumber
from tradeloom.nodes.base import Emit, Example, Node, NodeConfig, NodeContext, NodeOutput, Port, setting
from tradeloom.nodes.values import number, shown
from tradeloom.trading.exact import exact


class RewardConfig(NodeConfig):
    entry: Any = setting(
        title="Entry price", help="Where the trade is opened.", widget="number", examples=["= nodes.price.ask", 1.1]
    )
    stop_loss: Any = setting(title="Stop loss", help="Its price.", widget="number", examples=["= nodes.size.stop_loss"])
    take_profit: Any = setting(title="Take profit", help="Its price.", widget="number", examples=[1.12])
    side: Literal["auto", "buy", "sell"] = setting(
        "auto", title="Side", help="Read from the prices, or checked against them.", widget="select"
    )
    cost: Any = setting(
        0.0,
        title="Costs",
        help="Spread and commission as a distance in price: added to the risk, taken from the reward.",
        widget="number",
        examples=["= nodes.price.ask - nodes.price.bid"],
    )
    minimum: float = setting(
        1.5,
        title="At least",
        help="The reward for each unit of risk from which the trade passes.",
        widget="number",
        gt=0,
        le=1_000,
    )


class RewardOutput(NodeOutput):
    side: Literal["buy", "sell"] = Field(description="The side the prices belong to.")
    risk: float = Field(description="Distance to the stop loss with costs, in price.")
    reward: float = Field(description="Distance to the take profit less costs, in price; not above 0 if costs eat it.")
    ratio: float = Field(description="Reward for each unit of risk.")
    break_even_win_rate: float = Field(description="Share of trades that must win not to lose over time, in percent.")
    passed: bool = Field(description="Whether the ratio is at least the minimum.")


class Reward(Node):
    type = "risk.reward"
    title = "Risk/reward"
    description = "What a trade may win for each unit it may lose, and whether that is enough."
    help = (
        "A buy has its stop below and its target above the entry, a sell the other way round; the node reads the side "
        "from the three prices and refuses any other arrangement, so that a stop on the wrong side is found here and "
        "not at the broker.\n\n"
        "With costs the ratio is what is left: a target of 10 points with 2 points of costs and a stop of 10 is 8 "
        "against 12. `break_even_win_rate` is 100 / (1 + ratio): with a ratio of 2, a third of the trades must win."
    )
    icon = "scale-3d"
    ports = (Port("pass", "Enough"), Port("fail", "Too little"))
    errors = (MissingInput, NotANumber, NodeConfigError)
    example = Example(
        title="At least twice the risk",
        config={"entry": 1.1, "stop_loss": 1.095, "take_profit": 1.112, "cost": 0.0001, "minimum": 2},
    )
    Config = RewardConfig
    Output = RewardOutput

    def run(self, config: RewardConfig, context: NodeContext) -> Emit:
        entry = _price(config.entry, "entry")
        stop, target = _price(config.stop_loss, "stop_loss"), _price(config.take_profit, "take_profit")
        cost = number(config.cost, "cost")
        if cost < 0:
            raise NodeConfigError(f"costs of {shown(cost)} would be a gain", field="config.cost")
        side = _side(config, entry, stop, target)
        # Exactly: 1.1 to 1.12 against 1.1 to 1.09 is 2, not a bit less.
        risk = abs(exact(entry) - exact(stop)) + exact(cost)
        reward = abs(exact(target) - exact(entry)) - exact(cost)
        ratio = reward / risk
        output = RewardOutput(
            side=side,
            risk=float(risk),
            reward=float(reward),
            ratio=float(ratio),
            break_even_win_rate=float(100 / (1 + ratio)) if ratio > 0 else 100.0,
            passed=ratio >= exact(config.minimum),
        )
        return Emit("pass" if output.passed else "fail", output)


def _price(value: Any, name: str) -> float:
    price = number(value, name)
    if price <= 0:
        raise NodeConfigError(f"{name} is {shown(price)}; a price is above zero", field=f"config.{name}")
    return price


def _side(config: RewardConfig, entry: float, stop: float, target: float) -> Literal["buy", "sell"]:
    """Raises `NodeConfigError` where stop and target are not on opposite sides of the entry, or on the wrong ones."""
    told = f"entry {shown(entry)}, stop loss {shown(stop)}, take profit {shown(target)}"
    if stop == entry:
        raise NodeConfigError(f"the stop loss is the entry itself: {told}", field="config.stop_loss")
    if target == entry or (stop < entry) == (target < entry):
        raise NodeConfigError(
            f"stop loss and take profit must be on opposite sides of the entry: {told}", field="config.take_profit"
        )
    side: Literal["buy", "sell"] = "buy" if stop < entry else "sell"
    if config.side not in ("auto", side):
        raise NodeConfigError(f"these are the prices of a {side}, not of a {config.side}: {told}", field="config.side")
    return side
