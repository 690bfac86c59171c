"""A node type's example, made ready to run: its expressions resolved as the runtime resolves them."""

from typing import Any

from tests.support.credentials import CREDENTIALS
from tests.support.node_context import AS_OF, FakeContext
from tradeloom.nodes.base import Node, NodeConfig, Source
from tradeloom.runtime.config import prepare


def example_of(node_type: type[Node]) -> tuple[NodeConfig, FakeContext]:
    """The example's configuration with values, and a context in which its inputs are the live sources.

    A source's id is the last part of its type: `indicator.rsi` is `nodes.rsi`.
    """
    outputs = {name.rpartition(".")[2]: output for name, output in node_type.example.inputs.items()}
    names: dict[str, Any] = {"nodes": outputs, "inputs": outputs}
    if len(outputs) == 1:
        names["input"] = next(iter(outputs.values()))
    sources = [Source(node, "main", live=True, output=output) for node, output in outputs.items()]
    config = prepare(node_type, node_type.example.config).resolve(names, AS_OF)
    return config, FakeContext(sources=sources, names=names, credentials=dict(CREDENTIALS))
