"""Which layers a node's function carries, and the built layers as CDK sees them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from aws_cdk import Annotations, CfnRule, CfnRuleAssertion, Fn, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from pydantic import BaseModel

from infra.access import Access, access_of
from infra.names import PREFIX
from layers.recipes import (
    ALL,
    BROKER,
    BUILT,
    CODE,
    CORE,
    DATABASE,
    ML,
    NETWORK,
    QUANT,
    SENTIMENT,
    Marker,
    recipe_digest,
)
from tradeloom.errors import InvalidInput
from tradeloom.nodes.base import Effect, Node

PLACEHOLDER = Path(__file__).resolve().parent.parent / "layers" / "placeholder"

BAR_MODELS = {"Bar", "BarsReference", "Timeframe"}
"""Models whose appearance in a configuration or output says that the node handles bars, which are numpy columns."""

TEXT_READERS = {"ml.sentiment"}
"""Nodes that take the general lexicon out of its package, which no declaration of theirs shows."""


class LayerNotBuilt(InvalidInput):
    """A layer is missing, or was built from something else than what stands here now."""


def layers_of(node: type[Node]) -> tuple[str, ...]:
    """The layers of a node's function, in loading order.

    Whoever reaches the bridge speaks rpyc, so carries `broker`; whoever also speaks of bars in its configuration or
    output turns them into numpy columns, so carries `quant`. Whoever reaches models runs them, so carries `ml`.
    Whoever reaches the internet carries `network`, whoever reads texts `sentiment`,
    whoever reads or writes the tenant's tables `database`. Everyone else is light.
    """
    found = [CORE, CODE]
    if Access.BRIDGE in access_of(node):
        found.append(BROKER)
        if speaks_of_bars(node):
            found.append(QUANT)
    if Access.MODELS in access_of(node):
        found.append(ML)
    if Effect.NETWORK in node.effects:
        found.append(NETWORK)
    if node.type in TEXT_READERS:
        found.append(SENTIMENT)
    if Access.DATABASE in access_of(node):
        found.append(DATABASE)
    return tuple(found)


def speaks_of_bars(node: type[Node]) -> bool:
    return any(not BAR_MODELS.isdisjoint(_models(model)) for model in (node.Config, node.Output))


def _models(model: type[BaseModel]) -> Iterable[str]:
    schema = model.model_json_schema(mode="serialization")
    return {schema.get("title", ""), *schema.get("$defs", {})}


class Layers(Construct):
    """The layers as versions a function can carry. `placeholder` puts a folder that says so in their place."""

    def __init__(self, scope: Construct, id: str, *, placeholder: bool = False, built: Path = BUILT) -> None:
        super().__init__(scope, id)
        self._versions: Mapping[str, lambda_.LayerVersion] = {
            layer: self._version(
                layer, lambda_.Code.from_asset(str(PLACEHOLDER if placeholder else zip_of(layer, built)))
            )
            for layer in ALL
        }
        if placeholder:
            self._say_so()

    def carried(self, names: Iterable[str]) -> list[lambda_.ILayerVersion]:
        return [self._versions[name] for name in names]

    def _version(self, layer: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            layer.capitalize(),
            layer_version_name=f"{PREFIX}-{layer}",
            code=code,
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        )

    def _say_so(self) -> None:
        message = "The layers are placeholders: build them with `python -m layers.build` before deploying."
        stack = Stack.of(self)
        stack.add_metadata("tradeloom:layers", message)
        Annotations.of(self).add_info(message)
        # No parameter could make this true: CloudFormation refuses the template.
        never = CfnRuleAssertion(assert_=Fn.condition_equals("placeholder", "built"), assert_description=message)
        CfnRule(stack, "LayersAreBuilt", assertions=[never])


def all_built(built: Path = BUILT) -> bool:
    """Whether every layer is there and made from what stands here now."""
    return all(_fresh(layer, built) for layer in ALL)


def zip_of(layer: str, built: Path) -> Path:
    """The built layer's zip. Raises `LayerNotBuilt` when there is none, or it is older than its recipe."""
    if not _fresh(layer, built):
        state = "was built from other sources than these" if Marker.read(layer, built) else "has not been built"
        hint = "Run `python -m layers.build`, or synthesise with `-c layers=placeholder` to look at templates only."
        raise LayerNotBuilt(f"The layer {layer!r} {state}.", field="layers", hint=hint)
    return Marker.zip(layer, built)


def _fresh(layer: str, built: Path) -> bool:
    marker = Marker.read(layer, built)
    return marker is not None and marker.recipe == recipe_digest(layer)
