"""Training a built-in model because a person asks for it, whatever version is promoted."""

from typing import TYPE_CHECKING

from tradeloom.nodes.ml._choosing import trained_on, training_set

if TYPE_CHECKING:
    from tradeloom.nodes.ml._forecast import Progress
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
    training = training_set(config, bars)
    ready = trained_on(training, progress)
    new = models.shelf(training.shelf).version(ready.record.version) is None
    if new:
        models.keep(training.shelf, ready.record, ready.content)
    return training.shelf, ready.record, new
