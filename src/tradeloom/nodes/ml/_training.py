"""Training a built-in model because a person asks for it, whatever version is promoted."""

from typing import TYPE_CHECKING

from tradeloom.nodes.ml._choosing import cut, shelf_name, trained_on, training_window

if TYPE_CHECKING:
    from tradeloom.nodes.ml._forecast import Progress
    from tradeloom.nodes.ml._network import Kind
    from tradeloom.nodes.ml.predict import PredictConfig
    from tradeloom.nodes.models import ModelRecord, ModelStore
    from tradeloom.trading.bars import Bars


def train_now(
    config: "PredictConfig", models: "ModelStore", bars: "Bars", progress: "Progress"
) -> "tuple[str, ModelRecord, bool]":
    """Train on the bars a node with this configuration would train on now, and keep the version.

    Gives the model's name, the version's record, and whether it is new. Raises `NotEnoughBars`, `NotANumber`, and what
    keeping a model raises.
    """
    from tradeloom.nodes.ml._features import require_prices
    from tradeloom.nodes.ml._forecast import inputs_digest

    window, start = training_window(config, bars)
    require_prices(cut(bars, start, len(bars)))
    kind: Kind = "kernel" if config.model == "kernel" else "ridge"
    inputs = inputs_digest(window, {"kind": kind, "horizon": config.horizon})
    name = shelf_name(config, bars.reference, kind)
    ready = trained_on(window, kind, config.horizon, inputs, progress)
    new = models.shelf(name).version(ready.record.version) is None
    if new:
        models.keep(name, ready.record, ready.content)
    return name, ready.record, new
