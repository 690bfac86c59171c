"""Every Lambda function, in one stack with the layers they share: one per node type, and the API's."""

from aws_cdk import Stack
from constructs import Construct

from infra.api_function import api_spec
from infra.function import NodeFunction, PlatformFunction
from infra.grants import Surroundings
from infra.layers import Layers
from infra.stages import Stage
from tradeloom.nodes.registry import node_types


class FunctionsStack(Stack):
    """Node types come from the registry, which finds them by itself: adding one's file is all it takes."""

    def __init__(
        self, scope: Construct, id: str, *, stage: Stage, around: Surroundings, placeholder_layers: bool
    ) -> None:
        super().__init__(
            scope,
            id,
            description="Tradeloom: one function per node type, and the API's",
            termination_protection=stage.protected,
        )
        layers = Layers(self, "Layers", placeholder=placeholder_layers)
        self.nodes = {
            name: NodeFunction(self, node=node, layers=layers, around=around, stage=stage)
            for name, node in node_types().items()
        }
        spec = api_spec(around.credentials_key)
        self.api = PlatformFunction(self, "api", spec=spec, layers=layers, stage=stage)
