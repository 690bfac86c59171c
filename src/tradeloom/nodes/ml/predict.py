"""ml.predict: the price some bars ahead, with the error such forecasts made on bars their model had not seen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from tradeloom.errors import (
    BrokerTimeout,
    BrokerUnavailable,
    Conflict,
    ModelFailed,
    ModelRefused,
    NodeConfigError,
    NotANumber,
    NotEnoughBars,
    NotFound,
    StorageUnavailable,
)
from tradeloom.nodes.base import Effect, Example, Node, NodeConfig, NodeContext, NodeOutput, input_setting, setting
from tradeloom.nodes.indicator._base import EXAMPLE_BARS
from tradeloom.nodes.indicator._memory import worst_case
from tradeloom.nodes.ml._choosing import ONNX, Ready, cut, time_of, trained_model, uploaded_model
from tradeloom.nodes.ml._features import WARMUP
from tradeloom.nodes.ml._scores import Scores, price_after
from tradeloom.trading.bars import MAX_BARS, BarsReference

if TYPE_CHECKING:
    from tradeloom.trading.bars import Bars

FLAT = 0.001
"""A forecast smaller than this part of a usual move has no direction."""

ROWS_A_HORIZON = 20
"""Training bars each bar of the horizon takes: targets overlap, so a long horizon has few independent ones."""


class PredictConfig(NodeConfig):
    bars: BarsReference = input_setting(
        title="Bars",
        help="The bars to learn from and forecast: the `bars` output of a Price history node, closed bars only.",
        examples=["= nodes.history.bars"],
    )
    model: str = setting(
        "ridge",
        title="Model",
        help="`ridge` (linear), `kernel` (linear and smooth curves), or an uploaded one: `onnx:` with its name, which "
        "follows promotions, or with a version's SHA-256, which stays.",
        widget="text",
        static=True,
        pattern=r"^(ridge|kernel|onnx:[A-Za-z0-9][A-Za-z0-9._-]{0,63})$",
        examples=["ridge", "kernel", "onnx:my-model"],
    )
    horizon: int = setting(
        1,
        title="Horizon",
        help="How many bars ahead of the last closed one is forecast.",
        unit="bars",
        widget="number",
        ge=1,
        le=200,
    )
    training_bars: int = setting(
        2000,
        title="Training bars",
        help="Bars a built-in model is trained and tested on, or an uploaded one tested on; at least 20 for each "
        "bar of the horizon.",
        unit="bars",
        widget="number",
        ge=500,
        le=4400,
        advanced=True,
    )
    retrain_every: int = setting(
        24,
        title="Retrain every",
        help="A built-in model is trained anew when this many bar lengths have passed, counted from 1970 so that every "
        "run agrees; in between it is reused.",
        unit="bars",
        widget="number",
        ge=1,
        le=500,
        advanced=True,
    )
    interval: float = setting(
        0.8,
        title="Interval",
        help="How much of the outcomes `low` to `high` is to enclose, as a fraction.",
        widget="slider",
        ge=0.5,
        le=0.98,
    )

    @model_validator(mode="after")
    def _enough_for_the_horizon(self) -> Self:
        least = ROWS_A_HORIZON * self.horizon
        if self.training_bars < least:
            raise ValueError(f"a horizon of {self.horizon} bars takes at least {least} training bars")
        return self


class WalkForward(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    mae: float = Field(description="Mean absolute error of the forecasts, in price.")
    rmse: float = Field(description="Root mean square error of the forecasts, in price.")
    naive_mae: float = Field(description="Mean absolute error of saying that the price stays where it is, in price.")
    skill: float = Field(description="1 - mae / naive_mae: 0 is no better than the naive forecast, 1 is perfect.")
    t_statistic: float = Field(
        description="Diebold-Mariano statistic of the gain over the naive forecast; from 1.645 on it is hardly chance."
    )
    beats_naive: bool = Field(description="Whether the forecasts were better than the naive one beyond chance.")
    directional_accuracy: float = Field(description="Part of the forecasts whose direction was right; 0.5 is a coin.")
    n: int = Field(description="How many forecasts were tested.")
    windows: int = Field(description="How many times the model was trained for the test, each on earlier bars only.")


class PredictOutput(NodeOutput):
    time: AwareDatetime = Field(description="Opening time of the last closed bar, from whose close is forecast.")
    price: float = Field(description="The forecast close, `horizon` bars ahead.")
    low: float = Field(description="Lower end of the interval around it.")
    high: float = Field(description="Upper end of the interval around it.")
    direction: Literal["up", "down", "flat"] = Field(description="Where the forecast lies from the last close.")
    expected_return: float = Field(description="The forecast move as a fraction of the last close: 0.001 is 0.1%.")
    confidence: float = Field(
        ge=0,
        le=1,
        description="How often the direction was right in the test when a forecast was about this strong, 0 to 1; at "
        "most 0.5 where the naive forecast was not beaten.",
    )
    walk_forward: WalkForward = Field(description="How such forecasts did on bars their model had not seen.")
    model_version: str = Field(description="SHA-256 of the model's ONNX file.")
    trained_from: AwareDatetime | None = Field(description="Opening of the first bar it was trained on, where known.")
    trained_to: AwareDatetime | None = Field(description="Close of the last bar it was trained on, where known.")


class Predict(Node):
    type = "ml.predict"
    title = "Price forecast"
    description = "Forecasts the price some bars ahead, and says how good such forecasts were."
    help = (
        "Trains a small model on closed bars before this one, or runs one you uploaded, and forecasts the close "
        "`horizon` bars ahead. Nothing a forecast or its test uses lies after the moment it is made for: each test "
        "window's model was trained on earlier bars only, with `horizon` bars left out between.\n\n"
        "`walk_forward` is the error on those windows, beside that of the naive forecast: that the price stays. "
        "Most markets are close to a random walk, so expect a `skill` near 0. Unless the forecasts were better beyond "
        "chance, `confidence` is at most 0.5, a coin, and a warning is logged: do not trade such a forecast. "
        "Otherwise `confidence` is the rate at which directions of about this strength were right, drawn toward 0.5 "
        "by how few there were.\n\n"
        "`low` and `high` enclose the share of outcomes asked for, from the errors of the test. A model is trained "
        "anew every `retrain_every` bars; in between the same one is used. The same bars and settings always give "
        "the same forecast, unless a version was promoted by hand. The output never says what or how much to trade: "
        "size positions by risk."
    )
    icon = "brain-circuit"
    effects = frozenset({Effect.READS_MARKET, Effect.READS_STATE})
    errors = (
        NotEnoughBars,
        NotANumber,
        NodeConfigError,
        ModelRefused,
        ModelFailed,
        NotFound,
        Conflict,
        StorageUnavailable,
        BrokerUnavailable,
        BrokerTimeout,
    )
    timeout_s = 60
    example = Example(
        title="EURUSD an hour ahead",
        config={"model": "ridge", "horizon": 1, "training_bars": 2000, "interval": 0.8},
        inputs={"market.history": {"bars": {**EXAMPLE_BARS, "warmup": 2300}}},
    )
    Config = PredictConfig
    Output = PredictOutput

    @classmethod
    def memory(cls, config: Mapping[str, Any]) -> int:
        values, known = worst_case(cls.Config, config)
        wanted: int = values["training_bars"] + values["retrain_every"] + WARMUP - 1
        return wanted if known else min(wanted, MAX_BARS)

    def run(self, config: PredictConfig, context: NodeContext) -> PredictOutput:
        if not config.bars.closed_only:
            raise NodeConfigError(
                "a forecast takes closed bars only: the forming one still changes",
                field="config.bars",
                hint="switch on “Closed bars only” in the Price history node",
            )
        bars = context.bars(config.bars)
        if config.model.startswith(ONNX):
            ready = uploaded_model(config, context, bars)
        else:
            ready = trained_model(config, context, bars)
        if not ready.scores.beats_naive:
            context.log(
                f"the model does not beat the naive forecast (skill {ready.scores.skill:.4f} over {ready.scores.n} "
                "tests): its direction is no better than a coin",
                level="warning",
                skill=ready.scores.skill,
                model_version=ready.record.version,
            )
        return self._forecast(config, bars, ready)

    def _forecast(self, config: PredictConfig, bars: "Bars", ready: Ready) -> PredictOutput:
        import numpy as np

        from tradeloom.nodes.ml._uploaded import forecasts

        last = cut(bars, len(bars) - WARMUP, len(bars))
        forecast, move = forecasts(last, ready.record, ready.content)
        strength, close = float(forecast[-1]), float(bars.close[-1])
        below, above = ready.scores.interval(config.interval)
        moves = (strength + np.array([below, 0.0, above])) * move[-1]
        low, price, high = price_after(bars.close[-1:], moves).tolist()
        return PredictOutput(
            time=time_of(int(bars.time[-1])),
            price=price,
            low=low,
            high=high,
            direction="flat" if abs(strength) < FLAT else ("up" if strength > 0 else "down"),
            expected_return=price / close - 1.0,
            confidence=ready.scores.confidence(strength if abs(strength) >= FLAT else 0.0, config.horizon),
            walk_forward=_told(ready.scores),
            model_version=ready.record.version,
            trained_from=ready.record.trained_from,
            trained_to=ready.record.trained_to,
        )


def _told(scores: Scores) -> WalkForward:
    return WalkForward(**{name: getattr(scores, name) for name in WalkForward.model_fields})
