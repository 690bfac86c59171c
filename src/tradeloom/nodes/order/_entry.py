"""What the nodes that open positions ask for: symbol, side, volume, stops. Mixed in this order: `TradeConfig` last."""

from typing import Self

from pydantic import model_validator

from tradeloom.nodes.base import NodeConfig, input_setting, setting
from tradeloom.nodes.market._broker import SYMBOL_HELP, SYMBOL_LENGTH
from tradeloom.nodes.order._stops import MEASURE_HELP, MEASURED, OptionalMeasure, Stop
from tradeloom.trading.intents import Side


class TradeConfig(NodeConfig):
    symbol: str = input_setting(
        title="Symbol", help=SYMBOL_HELP, widget="symbol", examples=["EURUSD"], min_length=1, max_length=SYMBOL_LENGTH
    )
    side: Side = input_setting(title="Side", help="Buy or sell.", widget="select", examples=["buy"])
    volume: float = input_setting(
        title="Volume",
        help="How much, in lots. What is finer than the symbol's volume step is cut off, never rounded up.",
        unit="lots",
        widget="number",
        examples=[0.1, "= nodes.size.volume"],
        gt=0,
        le=1_000_000,
    )


class StopsConfig(NodeConfig):
    stop_loss_type: OptionalMeasure = setting(
        "none", title="Stop loss", help=f"{MEASURE_HELP} It is sent with the order.", widget="select"
    )
    stop_loss: float | None = setting(
        None,
        title="Stop loss at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"stop_loss_type": MEASURED},
        examples=[30, "= nodes.size.stop_loss"],
        gt=0,
    )
    take_profit_type: OptionalMeasure = setting(
        "none", title="Take profit", help=f"{MEASURE_HELP} It is sent with the order.", widget="select"
    )
    take_profit: float | None = setting(
        None,
        title="Take profit at",
        help="The price or the distance, as chosen above.",
        widget="number",
        show_if={"take_profit_type": MEASURED},
        examples=[60],
        gt=0,
    )

    @model_validator(mode="after")
    def _stops_are_whole(self) -> Self:
        check_measured("stop loss", self.stop_loss_type, self.stop_loss, off="none")
        check_measured("take profit", self.take_profit_type, self.take_profit, off="none")
        return self

    def stops(self) -> list[Stop]:
        made = []
        if self.stop_loss_type != "none" and self.stop_loss is not None:
            made.append(Stop("stop_loss", self.stop_loss_type, self.stop_loss, loss=True))
        if self.take_profit_type != "none" and self.take_profit is not None:
            made.append(Stop("take_profit", self.take_profit_type, self.take_profit, loss=False))
        return made


def check_measured(name: str, measure: str, value: float | None, *, off: str) -> None:
    """Raises `ValueError` for a measure without its value, or a value while the measure is `off`."""
    if measure != off and value is None:
        raise ValueError(f"the {name} is to be given as {measure} but has no value")
    if measure == off and value is not None:
        raise ValueError(f"a {name} of {value:g} is given, but the {name} is switched off: choose how it is meant")
