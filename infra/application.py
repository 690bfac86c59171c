"""Puts the stacks together for one stage.

    network ─┐
    data ────┼→ functions → api
             └  running

Later stacks have their seams: the bridge's host takes `NetworkStack.bridge_host` and fills its secret; Aurora comes as
`Surroundings.database`; the dispatcher reads the starts queue, the publisher the other one.
"""

from aws_cdk import App, Tags

from infra import checks
from infra.grants import Surroundings
from infra.layers import all_built
from infra.names import PREFIX
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.functions import FunctionsStack
from infra.stacks.network import NetworkStack
from infra.stacks.running import RunningStack
from infra.stages import stage_named
from tradeloom.errors import InvalidInput

DEFAULT_STAGE = "dev"
LAYER_MODES = ("auto", "built", "placeholder")
"""`auto` takes the built layers when all are there and fresh, and placeholders otherwise."""


def build(app: App) -> None:
    """Add every stack. Context: `stage` (dev, staging, prod), `layers` (auto, built, placeholder).

    Raises `InvalidInput` for a stage or mode there is not, and for placeholders in prod; `LayerNotBuilt` where built
    layers are asked for and one is missing or stale.
    """
    stage = stage_named(app.node.try_get_context("stage") or DEFAULT_STAGE)
    placeholder = _placeholder(app.node.try_get_context("layers") or LAYER_MODES[0])
    if placeholder and stage.name == "prod":
        raise InvalidInput("prod takes built layers only.", field="layers", hint="Run `python -m layers.build`.")
    network = NetworkStack(app, f"{PREFIX}-network", stage=stage)
    data = DataStack(app, f"{PREFIX}-data", stage=stage)
    RunningStack(app, f"{PREFIX}-running", stage=stage)
    around = Surroundings(vpc=network.vpc, bridge=network.bridge, credentials_key=data.credentials_key)
    functions = FunctionsStack(app, f"{PREFIX}-functions", stage=stage, around=around, placeholder_layers=placeholder)
    ApiStack(app, f"{PREFIX}-api", stage=stage, function=functions.api.live)
    Tags.of(app).add("project", PREFIX)
    Tags.of(app).add("stage", stage.name)
    checks.attach(app)


def _placeholder(mode: str) -> bool:
    if mode not in LAYER_MODES:
        raise InvalidInput(f"There is no layers={mode!r}.", field="layers", hint=f"One of: {', '.join(LAYER_MODES)}.")
    return mode == "placeholder" or (mode == "auto" and not all_built())
